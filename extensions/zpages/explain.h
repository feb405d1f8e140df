/* SPDX-License-Identifier: Apache-2.0 */
/* explain.h - /debug/explainz: how the spans of a recent trace were priced. */
#ifndef TOLL_EXTENSIONS_ZPAGES_EXPLAIN_H
#define TOLL_EXTENSIONS_ZPAGES_EXPLAIN_H

#include "net/http_server.h"
#include "pipeline/recent.h"

/* ?trace_id=: {"spans": [...]}, prices/explain.h, newest batch first, at most 1,000; 404 where no
 * span of that trace is kept any more. Read by `spantoll explain --trace`. */
void toll_zpages_explain(struct toll_recent *recent, const struct toll_http_request *q,
                         struct toll_http_response *r);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* unpriced.h - /debug/unpricedz: what goes without a price, how often, and why. */
#ifndef TOLL_EXTENSIONS_ZPAGES_UNPRICED_H
#define TOLL_EXTENSIONS_ZPAGES_UNPRICED_H

#include "net/http_server.h"
#include "pipeline/unpriced.h"

/* The JSON, read by `spantoll unpriced`: {"unpriced": [{"service", "operation", "model", "reason",
 * "error", "spans", "last_ms"}], "others": spans without a row}. ?top=N: rows, 100 unless told. */
void toll_zpages_unpriced(struct toll_unpriced_table *t, const struct toll_http_request *q,
                          struct toll_http_response *r);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* explain_requests.h - OTLP requests in files, through a pipeline's processors, explained. */
#ifndef TOLL_CMD_EXPLAIN_REQUESTS_H
#define TOLL_CMD_EXPLAIN_REQUESTS_H

#include <stdio.h>

#include "cmd/spantoll/one_pipeline.h"

/* Where the spans go (prices/explain.h), separated by commas. */
struct toll_explained {
	FILE *out;
	unsigned spans;
};

/* A file, "-": standard input; at most 64 MiB: one request in protobuf or JSON, or one in JSON per
 * line, as the exporter file writes them. The sentence names the file. */
int toll_explain_file(struct toll_one_pipeline *p, const char *name, struct toll_explained *e,
                      struct toll_error *reterr) TOLL_MUST_CHECK;

#endif

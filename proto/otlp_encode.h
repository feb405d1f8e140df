/* SPDX-License-Identifier: Apache-2.0 */
/* otlp_encode.h - batch -> OTLP protobuf by splicing: copy, apply edits, fix lengths. No unmarshal.
 */
#ifndef TOLL_PROTO_OTLP_ENCODE_H
#define TOLL_PROTO_OTLP_ENCODE_H

#include "proto/batch.h"

/* Spans [first, first + count) of a batch with their resources and scopes. Dropped spans are left
 * out, and so are resources and scopes that keep no span. */
struct toll_selection {
	const struct toll_batch *batch;
	uint32_t first, count;
};

/* As count, first being 0: all spans, and also what is no span's: empty resources, unknown fields.
 */
#define TOLL_WHOLE_BATCH UINT32_MAX

/* Exact size of the encoded ExportTraceServiceRequest. */
size_t toll_otlp_size(const struct toll_selection *sel);
/* Writes exactly that many bytes; returns the end. */
char *toll_otlp_encode(const struct toll_selection *sel, char *out);

/* How many spans from first on fit into max_bytes together with their wrappers (at least 0);
 * *ret_size: what they take. For cutting messages by encoded bytes. */
uint32_t toll_otlp_fit(const struct toll_batch *b, uint32_t first, uint32_t end, size_t max_bytes,
                       size_t *ret_size);

#endif

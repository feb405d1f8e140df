/* SPDX-License-Identifier: Apache-2.0 */
/* cost_record.h - the flat cost record of one span, and the dimensions of attribution it carries.
 * Format: semantics, "Flat Kafka/file record"; the first five fields are the seed's. */
#ifndef TOLL_PROTO_COST_RECORD_H
#define TOLL_PROTO_COST_RECORD_H

#include "proto/batch.h"

/* Absent ones are empty. A span's attribute beats its resource's. */
struct toll_span_dimensions {
	struct toll_slice service, commit, feature, tenant, session, model, environment;
};
void toll_span_dimensions(const struct toll_batch *b, const struct toll_span *s,
                          struct toll_span_dimensions *ret);

/* Epoch milliseconds of the span's end; the time of receipt where that is no plausible date (the
 * seed's schema wants 1e12 < v < 1e13). */
uint64_t toll_span_timestamp_ms(const struct toll_batch *b, const struct toll_span *s);

/* Room that toll_cost_record() may need; cheap, generous. */
size_t toll_cost_record_bound(const struct toll_batch *b, const struct toll_span *s);
/* Writes the JSON object, no newline; returns its end. */
char *toll_cost_record(const struct toll_batch *b, const struct toll_span *s, char *out);

#endif

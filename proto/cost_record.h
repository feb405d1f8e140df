/* SPDX-License-Identifier: Apache-2.0 */
/* cost_record.h - the flat cost record of one span, and the dimensions of attribution it carries.
 * Format: semantics, "Flat Kafka/file record"; the first five fields are the seed's. */
#ifndef TOLL_PROTO_COST_RECORD_H
#define TOLL_PROTO_COST_RECORD_H

#include "proto/batch.h"

/* Of a span in a sealed batch; empty when unknown. Its own attribute beats its resource's. */
struct toll_slice toll_span_dimension(const struct toll_batch *b, const struct toll_span *s,
                                      enum toll_dimension d);

/* What the resources say, once per batch: for toll_batch_seal(). */
void toll_batch_resolve_dimensions(struct toll_batch *b);

/* Epoch milliseconds of the span's end; the time of receipt where that is no plausible date (the
 * seed's schema wants 1e12 < v < 1e13). */
uint64_t toll_span_timestamp_ms(const struct toll_batch *b, const struct toll_span *s);

/* Room that toll_cost_record() may need; cheap, generous. */
size_t toll_cost_record_bound(const struct toll_batch *b, const struct toll_span *s);
/* Writes the JSON object of a span in a sealed batch, no newline; returns its end. */
char *toll_cost_record(const struct toll_batch *b, const struct toll_span *s, char *out);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* unpriced.h - what went without a price since the start: a row per service, operation, model and
 * reason, with how often and when last. Any thread. */
#ifndef TOLL_PIPELINE_UNPRICED_H
#define TOLL_PIPELINE_UNPRICED_H

#include <stdint.h>

#include "proto/batch.h"

#define TOLL_UNPRICED_ROWS 1024u /* further ones are one sum */

struct toll_unpriced_table;

/* Valid for the length of a call. Names are cut to 255 bytes, sentences too. */
struct toll_unpriced_row {
	struct toll_slice service, operation, model; /* model: empty where there is none */
	struct toll_slice sentence;                  /* cost.error of the first such span */
	enum toll_unpriced reason;
	uint64_t spans;
	uint64_t last_ms; /* wall clock, when the last one was received */
};

struct toll_unpriced_table *toll_unpriced_table_new(void); /* NULL: out of memory */
struct toll_unpriced_table *toll_unpriced_table_free(struct toll_unpriced_table *t);

/* Of a sealed batch what has no price. Memory that is not there makes it part of the sum. */
void toll_unpriced_table_add(struct toll_unpriced_table *t, const struct toll_batch *batch);

/* Calls row for the `most` most frequent ones, most first, under the table's lock: must be quick.
 * Returns the spans that no row stands for, those of the rows left out included. */
uint64_t toll_unpriced_table_each(struct toll_unpriced_table *t, uint32_t most,
                                  void (*row)(void *ctx, const struct toll_unpriced_row *r),
                                  void *ctx);

#endif

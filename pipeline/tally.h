/* SPDX-License-Identifier: Apache-2.0 */
/* tally.h - what one pipeline has let through: exact dollars, and unpriced spans by reason.
 *
 * Counted once a batch is admitted: a request that was refused and comes again counts once. */
#ifndef TOLL_PIPELINE_TALLY_H
#define TOLL_PIPELINE_TALLY_H

#include <pthread.h>

#include "cost/money.h"
#include "pipeline/metrics.h"
#include "proto/batch.h"

struct toll_tally {
	unsigned users;
	char *pipeline;       /* its id: the label */
	pthread_mutex_t lock; /* guards the sums */
	toll_i128 pico;       /* of priced spans, adjusted counts included */
	uint64_t priced, free;
	uint64_t unpriced[TOLL_UNPRICED_COUNT];
};

/* One user. Two graphs share it where a reload leaves a pipeline its id. Main thread. */
struct toll_tally *toll_tally_new(const char *pipeline); /* NULL: out of memory */
struct toll_tally *toll_tally_ref(struct toll_tally *t);
struct toll_tally *toll_tally_unref(struct toll_tally *t); /* NULL is accepted; returns NULL */

/* A sealed batch; any thread. True: something in it has no price. */
bool toll_tally_add(struct toll_tally *t, const struct toll_batch *batch);

/* One sample per tally in each family. */
void toll_tally_write(struct toll_metrics_writer *w, struct toll_tally *const *tallies,
                      size_t count);

#endif

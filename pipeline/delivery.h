/* SPDX-License-Identifier: Apache-2.0 */
/* delivery.h - one attempt-able unit: parts of queued batches that go to the exporter together.
 *
 * Private to the runner, whose lock guards all of it. */
#ifndef TOLL_PIPELINE_DELIVERY_H
#define TOLL_PIPELINE_DELIVERY_H

#include "pipeline/lost.h"
#include "pipeline/queue.h"
#include "pipeline/retry.h"

enum toll_delivery_state {
	TOLL_DELIVERY_GIVEN = 0, /* the exporter has it */
	TOLL_DELIVERY_ANSWERED,  /* err is what it said */
	TOLL_DELIVERY_WAITING,   /* for its retry at due_ns */
	TOLL_DELIVERY_ABANDONED, /* given up at shutdown, the exporter still has it */
};

struct toll_flight {
	struct toll_delivery given; /* what the exporter sees */
	struct toll_runner *runner;
	struct toll_flight *next, **link; /* of the runner's flights */
	enum toll_delivery_state state;
	int err;
	/* What the exporter said with its last answer, at most span_count. */
	uint32_t lost_count, done_count;
	uint64_t due_ns; /* monotonic */
	struct toll_backoff backoff;
	struct toll_entry **entries; /* one per part */
	struct toll_part parts[];
};

/* How many parts a delivery of at most max kept spans will have; it stops at the first entry end
 * where it has at least enough. */
uint32_t toll_flight_count_parts(const struct toll_queue *q, uint64_t enough, uint64_t max);

/* Takes those parts from the queue. NULL: out of memory, the queue is as it was. */
struct toll_flight *toll_flight_new(struct toll_queue *q, uint32_t parts, uint64_t max,
                                    uint64_t now_ns);

/* Answers every part with err. Entries that are now wholly answered leave the queue's account and
 * are put in front of *done, for whoever tells their waiters outside the lock. */
void toll_flight_settle(struct toll_flight *f, struct toll_queue *q, int err,
                        struct toll_entry **done);

/* What has not been sent, nor counted as lost by the exporter itself. */
struct toll_lost toll_flight_lost(const struct toll_flight *f);
/* The same at the end of the runner: entries that an heir has, or that stay in a journal, are not
 * lost. *ret_settled: of the others, what the exporter says is sent or lost already. */
struct toll_lost toll_flight_left(const struct toll_flight *f, uint32_t *ret_settled);

#endif

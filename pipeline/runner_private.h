/* SPDX-License-Identifier: Apache-2.0 */
/* runner_private.h - the parts of a runner, for the files runner*.c only. */
#ifndef TOLL_PIPELINE_RUNNER_PRIVATE_H
#define TOLL_PIPELINE_RUNNER_PRIVATE_H

#include <pthread.h>

#include "pipeline/delivery.h"

#define TOLL_NEVER UINT64_MAX

struct toll_runner {
	struct toll_exporter *exporter;
	const struct toll_exporter_settings *set;
	uint32_t max_in_flight;
	bool batches, waits;
	pthread_t thread;
	bool started, stuck;      /* main thread only */
	struct toll_runner *heir; /* NULL: what is left is lost */

	pthread_mutex_t lock; /* guards everything below */
	pthread_cond_t work;  /* for the runner's thread */
	pthread_cond_t idle;  /* for drain: nothing is left */
	struct toll_queue queue;
	struct toll_flight *flights; /* given, answered or waiting */
	uint32_t in_flight;          /* their number */
	bool draining, quit, held;
	uint64_t
		wake_spans; /* a commit that reaches this many wakes the thread; TOLL_NEVER: busy */
	struct {
		uint64_t size, bytes, in_flight, capacity;
	} shown; /* our part of the gauges */
	uint64_t tick_due_ns;
	uint64_t random;
};

/* The runner's thread, until quit. */
void *toll_runner_main(void *arg);

/* All with the lock held, but tell and free. */
void toll_runner_show(struct toll_runner *r); /* the queue's gauges */
void toll_runner_hide(struct toll_runner *r); /* our part of them, at the end; without the lock */
void toll_runner_unlink(struct toll_runner *r, struct toll_flight *f);
/* Counts what a flight carried as sent or as lost; entries wholly answered go to *done. */
void toll_runner_answer(struct toll_runner *r, struct toll_flight *f, int err,
                        struct toll_entry **done);
/* The same, and the flight is gone. */
void toll_runner_land(struct toll_runner *r, struct toll_flight *f, int err,
                      struct toll_entry **done);
/* Tells the waiters and lets go of the batches: both may take time. */
void toll_runner_tell(struct toll_entry *done);
/* Gives what is unanswered to the heir, and marks it. */
void toll_runner_hand_over(struct toll_runner *r);
/* Of one that was answered after it had been given up, or never. */
void toll_flight_free_abandoned(struct toll_flight *f);

#endif

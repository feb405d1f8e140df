/* SPDX-License-Identifier: Apache-2.0 */
/* runner_private.h - the parts of a runner, for the files runner*.c only. */
#ifndef TOLL_PIPELINE_RUNNER_PRIVATE_H
#define TOLL_PIPELINE_RUNNER_PRIVATE_H

#include <pthread.h>

#include "pipeline/delivery.h"
#include "pipeline/lane.h"
#include "pipeline/metrics.h"

#define TOLL_NEVER UINT64_MAX

struct toll_runner {
	struct toll_exporter *exporter;
	const struct toll_exporter_settings *set;
	uint32_t max_in_flight;
	bool batches, waits;
	pthread_t thread;
	bool started, stuck;      /* main thread only */
	struct toll_runner *heir; /* NULL: what is left is lost */
	struct toll_lane **lanes; /* those there are do not change once it has started */
	unsigned lane_count;
	struct toll_metrics_source behind; /* where there are lanes */
	bool is_shown;

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
	unsigned turn;            /* the lane that may read first */
	bool dismissed;           /* nobody waits for what is not in memory */
	uint64_t others_until_ns; /* somebody without a journal was refused: leave them room */
	uint64_t poll_due_ns;
};

/* The runner's thread, until quit. */
void *toll_runner_main(void *arg);

/* ---- lanes: runner_follow.c, runner_read.c, runner_behind.c; with the lock held ---- */

/* They give from now on, if they did not. */
void toll_runner_begin_lanes(struct toll_runner *r, struct toll_lane_wait **told);
/* They move no cursor any more; who waits hears TOLL_ESHUTDOWN. */
void toll_runner_end_lanes(struct toll_runner *r, struct toll_lane_wait **told);
bool toll_runner_has_room(const struct toll_runner *r, const struct toll_lane *l, uint64_t size);
/* Is there more to read than the queue has room for? */
bool toll_runner_lanes_want(const struct toll_runner *r);
/* The runner's thread: one step of reading, or of looking after the lanes; false: none is due. Both
 * let go of the lock meanwhile. */
bool toll_runner_read(struct toll_runner *r, uint64_t now);
bool toll_runner_poll(struct toll_runner *r, uint64_t now);
/* When one of them is due without anybody telling. */
uint64_t toll_runner_lanes_due(const struct toll_runner *r, uint64_t now);
/* The last thing that the runner's thread does; without the lock. */
void toll_runner_close_lanes(struct toll_runner *r);
/* Without the lock: shows how far it is behind; and no more. */
void toll_runner_show_lanes(struct toll_runner *r);
void toll_runner_hide_lanes(struct toll_runner *r);
/* What is not done, in lanes that have not ended. */
struct toll_lost toll_runner_stays(struct toll_runner *r);
/* Who waits goes over to the heir; without the lock of either. */
void toll_runner_hand_waits_over(struct toll_runner *r);

/* ---- the rest: with the lock held, but tell and free ---- */

void toll_runner_show(struct toll_runner *r); /* the queue's gauges */
void toll_runner_hide(struct toll_runner *r); /* our part of them, at the end; without the lock */
void toll_runner_unlink(struct toll_runner *r, struct toll_flight *f);
/* Counts what a flight carried as sent or as lost; entries wholly answered go to *done; the flight
 * is gone. */
void toll_runner_land(struct toll_runner *r, struct toll_flight *f, int err,
                      struct toll_entry **done);
/* Tells the waiters and lets go of the batches: both may take time. */
void toll_runner_tell(struct toll_entry *done);
/* Gives what is unanswered to the heir, and marks it. */
void toll_runner_hand_over(struct toll_runner *r);
/* Of one that was answered after it had been given up, or never. */
void toll_flight_free_abandoned(struct toll_flight *f);

#endif

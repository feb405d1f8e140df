/* SPDX-License-Identifier: Apache-2.0 */
/* queue.h - admission to one exporter: what has been let in, in order, and how much room is left.
 *
 * Room is taken by reserve and given back when everything of a batch has been answered, so that
 * what is in flight counts too. Not locked: the runner's lock guards it. */
#ifndef TOLL_PIPELINE_QUEUE_H
#define TOLL_PIPELINE_QUEUE_H

#include <stdbool.h>
#include <stdint.h>

#include "pipeline/journal.h"
#include "pipeline/runner.h"

struct toll_lane;

/* Which record of which journal an entry is; it stays there until the entry is answered. */
struct toll_lane_place {
	struct toll_lane *lane; /* NULL: of none */
	struct toll_journal_mark begin, end;
	struct toll_entry *next, **link; /* of those the lane has given */
};

/* One admitted batch. */
struct toll_entry {
	struct toll_entry *next;
	struct toll_batch *batch; /* holds a reference */
	struct toll_waiter *waiter;
	uint64_t admitted_ns; /* monotonic */
	uint64_t size;        /* in the sizer's unit */
	uint32_t next_span;   /* first one that is in no delivery yet */
	uint32_t kept_left;   /* spans from there on that are not dropped */
	uint32_t open_parts;  /* in deliveries that are not answered */
	int err;              /* of the first part that failed */
	uint64_t number;      /* of the admission, from 0 */
	bool handed;          /* an heir has it too, and its waiter */
	bool inherited;       /* from the runner before: goes before what was admitted here */
	struct toll_lane_place place;
};

/* At the end of the runner it is not lost. */
static inline bool toll_entry_is_safe(const struct toll_entry *e)
{
	return e->handed || e->place.lane;
}

struct toll_queue {
	enum toll_sizer sizer;
	uint64_t capacity, used; /* in the sizer's unit; reserved room is used */
	uint64_t bytes;          /* of request data */
	bool closed;
	bool refused; /* somebody found it full since this was last reset */
	struct toll_entry *first, **last;
	uint64_t waiting_spans;   /* in entries, in no delivery yet */
	uint64_t admitted;        /* entries so far */
	struct toll_entry *spare; /* one per reservation, so that a commit cannot fail */
};

void toll_queue_init(struct toll_queue *q, enum toll_sizer sizer, uint64_t capacity);
void toll_queue_release(struct toll_queue *q); /* of an empty queue */

/* 0, TOLL_EFULL, TOLL_ESHUTDOWN, TOLL_ENOMEM. A batch larger than the whole queue is let into an
 * empty one: else it never could be. */
int toll_queue_reserve(struct toll_queue *q, const struct toll_batch *batch) TOLL_MUST_CHECK;
void toll_queue_cancel(struct toll_queue *q, const struct toll_batch *batch);
/* Takes over the caller's reference to the batch. */
void toll_queue_commit(struct toll_queue *q, struct toll_batch *take_batch,
                       struct toll_waiter *waiter, uint64_t now_ns);

uint64_t toll_queue_size_of(const struct toll_queue *q, uint64_t spans, uint64_t bytes);
/* Without a reservation: an entry of the caller's, of a journal's record. batch, waiter and place
 * are filled in. What is over the capacity fits nevertheless. */
void toll_queue_put(struct toll_queue *q, struct toll_entry *take_entry, uint64_t now_ns);

/* An entry of another queue, before what was admitted here and in the order of its number; what is
 * over the capacity fits nevertheless. batch, waiter, admitted_ns and number are filled in. */
void toll_queue_inherit(struct toll_queue *q, struct toll_entry *take_entry);

/* Spans [ret->first, ret->first + ret->count) with at most max kept ones, of the first entry, which
 * leaves the queue when nothing is left of it. Returns the kept ones. */
uint32_t toll_queue_take(struct toll_queue *q, uint32_t max, struct toll_part *ret,
                         struct toll_entry **ret_entry);

/* Everything of it was answered: its room is free again, and its lane knows. The entry is the
 * caller's. */
void toll_queue_answered(struct toll_queue *q, struct toll_entry *e);

#endif

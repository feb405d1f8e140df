/* SPDX-License-Identifier: Apache-2.0 */
/* runner_drain.c - the end of a runner: what can still be delivered is, the rest is lost and told.
 * Main thread. */
#include <assert.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/thread.h"
#include "pipeline/runner_private.h"
#include "proto/batch.h"

/* After the deadline: for an exporter to come back from the call it is in. */
#define JOIN_GRACE TOLL_S

void toll_runner_hurry(struct toll_runner *r)
{
	pthread_mutex_lock(&r->lock);
	if (!r->draining) {
		r->draining = true;
		r->held = false;
		for (struct toll_flight *f = r->flights; f; f = f->next)
			if (f->state == TOLL_DELIVERY_WAITING)
				f->due_ns = 0;
		pthread_cond_signal(&r->work);
	}
	pthread_mutex_unlock(&r->lock);
}

static void land_answered(struct toll_runner *r, struct toll_entry **done)
{
	struct toll_flight *next;

	for (struct toll_flight *f = r->flights; f; f = next) {
		next = f->next;
		if (f->state == TOLL_DELIVERY_ANSWERED && !f->err)
			toll_runner_land(r, f, 0, done);
	}
}

static void count_left(struct toll_runner *r, const struct toll_flight *f, struct toll_lost *lost)
{
	struct toll_stats *stats = r->exporter->super.stats;
	uint32_t settled, by_itself;
	const struct toll_lost left = toll_flight_left(f, &settled);

	by_itself = f->lost_count < settled ? f->lost_count : settled;
	toll_stat_add(stats, TOLL_STAT_EXPORTER_SEND_FAILED_SPANS, left.spans + by_itself);
	toll_stat_add(stats, TOLL_STAT_EXPORTER_SENT_SPANS, settled - by_itself);
	toll_lost_join(lost, left);
}

/* Where the exporter may still read the batches, the flight holds references from here on. */
static void give_up_flights(struct toll_runner *r, struct toll_lost *lost, struct toll_entry **done)
{
	struct toll_flight *next;

	for (struct toll_flight *f = r->flights; f; f = next) {
		const bool given = f->state == TOLL_DELIVERY_GIVEN;

		next = f->next;
		if (f->state == TOLL_DELIVERY_ABANDONED)
			continue;
		count_left(r, f, lost);
		for (uint32_t i = 0; given && i < f->given.part_count; i++)
			toll_batch_ref(f->entries[i]->batch);
		toll_flight_settle(f, &r->queue, TOLL_ESHUTDOWN, done);
		f->state = TOLL_DELIVERY_ABANDONED;
		if (given)
			continue;
		toll_runner_unlink(r, f);
		free(f);
	}
}

static void give_up_queue(struct toll_runner *r, struct toll_lost *lost, struct toll_entry **done)
{
	while (r->queue.first) {
		struct toll_entry *e;
		struct toll_part part;
		uint32_t kept;

		kept = toll_queue_take(&r->queue, UINT32_MAX, &part, &e);
		if (!toll_entry_is_safe(e)) {
			toll_stat_add(r->exporter->super.stats,
			              TOLL_STAT_EXPORTER_SEND_FAILED_SPANS, kept);
			toll_lost_add(lost, &part);
		}
		if (!e->err)
			e->err = TOLL_ESHUTDOWN;
		if (--e->open_parts)
			continue; /* the rest is in flight */
		toll_queue_answered(&r->queue, e);
		e->next = *done;
		*done = e;
	}
}

/* Whatever is left is lost: counted, logged, told. But what comes from a journal stays there. */
static void give_up(struct toll_runner *r)
{
	struct toll_lost lost = { 0 }, stays = { 0 };
	struct toll_entry *done = NULL;
	struct toll_lane_wait *told = NULL;
	char dollars[TOLL_LOST_TEXT];

	pthread_mutex_lock(&r->lock);
	land_answered(r, &done);
	if (r->dismissed)
		stays = toll_runner_stays(r);
	toll_runner_end_lanes(r, &told);
	give_up_queue(r, &lost, &done);
	give_up_flights(r, &lost, &done);
	toll_runner_show(r);
	pthread_mutex_unlock(&r->lock);
	toll_runner_tell(done);
	toll_lane_tell(told);
	if (stays.spans)
		TOLL_INFO(r->exporter->super.who,
		          "%llu span%s worth %s: in the journal until the next start",
		          (unsigned long long)stays.spans, TOLL_PLURAL(stays.spans),
		          toll_lost_dollars(&stays, dollars));
	if (!lost.spans)
		return;
	TOLL_FAULT(r->exporter->super.who, "lost %llu span%s worth %s: unanswered at shutdown",
	           (unsigned long long)lost.spans, TOLL_PLURAL(lost.spans),
	           toll_lost_dollars(&lost, dollars));
}

/* Nothing is left, or `until`; nothing new comes. True: the thread was told to end. */
static bool end_when_idle(struct toll_runner *r, uint64_t until, bool even_if_not)
{
	bool told;

	pthread_mutex_lock(&r->lock);
	while (r->queue.used) /* also what is reserved and not committed yet */
		if (toll_cond_wait_until(&r->idle, &r->lock, until))
			break;
	told = r->quit = r->quit || even_if_not || !r->queue.used;
	pthread_cond_signal(&r->work);
	pthread_mutex_unlock(&r->lock);
	return told;
}

static void join(struct toll_runner *r, uint64_t deadline)
{
	uint64_t now = toll_clock_mono_ns(), until = (deadline > now ? deadline : now) + JOIN_GRACE;

	r->stuck = toll_thread_join_until(r->thread, until) < 0;
	if (r->stuck)
		TOLL_FAULT(r->exporter->super.who, "does not come back from a call: left behind");
}

static void close_queue(struct toll_runner *r)
{
	pthread_mutex_lock(&r->lock);
	r->queue.closed = true;
	pthread_mutex_unlock(&r->lock);
}

void toll_runner_drain(struct toll_runner *r, uint64_t deadline_mono_ns)
{
	toll_runner_hurry(r);
	close_queue(r);
	if (r->started) {
		end_when_idle(r, deadline_mono_ns ? deadline_mono_ns : 1, true);
		r->started = false;
		join(r, deadline_mono_ns);
	}
	if (r->heir && !r->stuck)
		toll_runner_hand_over(r);
	r->heir = NULL;
	give_up(r);
	toll_runner_hide(r);
	toll_runner_hide_lanes(r);
}

bool toll_runner_is_over(struct toll_runner *r, uint64_t until_mono_ns)
{
	uint64_t until = until_mono_ns ? until_mono_ns : 1;

	toll_runner_hurry(r);
	close_queue(r);
	if (r->started && end_when_idle(r, until, false) &&
	    toll_thread_join_until(r->thread, until) == 0)
		r->started = false;
	return !r->started;
}

bool toll_runner_stuck(const struct toll_runner *r)
{
	return r->stuck;
}

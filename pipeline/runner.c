/* SPDX-License-Identifier: Apache-2.0 */
/* runner.c - one exporter's runner: its life, admission to it, answers from the exporter. */
#include "pipeline/runner.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/thread.h"
#include "pipeline/runner_private.h"
#include "proto/batch.h"

/* A gauge is the sum over all runners of one id: there are two while a reload retires one. */
static void show(struct toll_stats *stats, enum toll_stat which, uint64_t *shown, uint64_t now)
{
	toll_stat_add(stats, which, now - *shown); /* may be less: modulo 2^64 */
	*shown = now;
}

void toll_runner_show(struct toll_runner *r)
{
	struct toll_stats *stats = r->exporter->super.stats;

	show(stats, TOLL_STAT_EXPORTER_QUEUE_SIZE, &r->shown.size, r->queue.used);
	show(stats, TOLL_STAT_EXPORTER_QUEUE_BYTES, &r->shown.bytes, r->queue.bytes);
	show(stats, TOLL_STAT_EXPORTER_IN_FLIGHT, &r->shown.in_flight, r->in_flight);
}

void toll_runner_hide(struct toll_runner *r)
{
	struct toll_stats *stats = r->exporter->super.stats;

	pthread_mutex_lock(&r->lock);
	show(stats, TOLL_STAT_EXPORTER_QUEUE_SIZE, &r->shown.size, 0);
	show(stats, TOLL_STAT_EXPORTER_QUEUE_BYTES, &r->shown.bytes, 0);
	show(stats, TOLL_STAT_EXPORTER_IN_FLIGHT, &r->shown.in_flight, 0);
	show(stats, TOLL_STAT_EXPORTER_QUEUE_CAPACITY, &r->shown.capacity, 0);
	pthread_mutex_unlock(&r->lock);
}

void toll_runner_unlink(struct toll_runner *r, struct toll_flight *f)
{
	*f->link = f->next;
	if (f->next)
		f->next->link = f->link;
	r->in_flight--;
}

void toll_runner_tell(struct toll_entry *done)
{
	while (done) {
		struct toll_entry *next = done->next;

		if (done->waiter)
			done->waiter->done(done->waiter, done->err);
		toll_batch_unref(done->batch);
		free(done);
		done = next;
	}
}

static uint32_t lost_spans(const struct toll_flight *f, int err)
{
	uint32_t all = f->given.span_count, settled = err ? f->done_count : all;

	return all - settled + (f->lost_count < settled ? f->lost_count : settled);
}

void toll_runner_land(struct toll_runner *r, struct toll_flight *f, int err,
                      struct toll_entry **done)
{
	struct toll_stats *stats = r->exporter->super.stats;
	uint32_t lost = lost_spans(f, err);

	if (!f->entries[0]->handed) { /* else the heir counts it */
		toll_stat_add(stats, TOLL_STAT_EXPORTER_SEND_FAILED_SPANS, lost);
		toll_stat_add(stats, TOLL_STAT_EXPORTER_SENT_SPANS, f->given.span_count - lost);
	}
	toll_flight_settle(f, &r->queue, err, done);
	toll_runner_unlink(r, f);
	free(f);
}

/* ---- admission: any thread ---- */

int toll_runner_reserve(struct toll_runner *r, const struct toll_batch *batch)
{
	int err;

	pthread_mutex_lock(&r->lock);
	err = toll_queue_reserve(&r->queue, batch);
	if (err == TOLL_EFULL && r->lane_count)
		r->others_until_ns = toll_clock_mono_ns() + TOLL_S;
	if (err == TOLL_EFULL && r->batches && r->in_flight < r->max_in_flight)
		pthread_cond_signal(&r->work); /* do not wait for min_size while refusing */
	pthread_mutex_unlock(&r->lock);
	if (err)
		toll_stat_add(r->exporter->super.stats, TOLL_STAT_EXPORTER_ENQUEUE_FAILED_SPANS,
		              batch->kept_count);
	return err;
}

/* A batch that was held until a client's fate was known, and drain has given up meanwhile. */
static void refuse_late(struct toll_runner *r, struct toll_batch *take_batch, struct toll_waiter *w)
{
	toll_queue_cancel(&r->queue, take_batch);
	pthread_mutex_unlock(&r->lock);
	toll_stat_add(r->exporter->super.stats, TOLL_STAT_EXPORTER_SEND_FAILED_SPANS,
	              take_batch->kept_count);
	TOLL_FAULT(r->exporter->super.who, "lost %u span%s: accepted after the end of the drain",
	           take_batch->kept_count, TOLL_PLURAL(take_batch->kept_count));
	if (w)
		w->done(w, TOLL_ESHUTDOWN);
	toll_batch_unref(take_batch);
}

void toll_runner_commit(struct toll_runner *r, struct toll_batch *batch, struct toll_waiter *w)
{
	uint64_t now = r->batches ? toll_clock_mono_ns() : 0;

	toll_batch_ref(batch);
	pthread_mutex_lock(&r->lock);
	assert(batch->kept_count); /* an empty batch is nobody's work */
	if (r->quit) {
		refuse_late(r, batch, w); /* the lock is gone */
		return;
	}
	toll_queue_commit(&r->queue, batch, w, now);
	toll_runner_show(r);
	if (r->queue.waiting_spans >= r->wake_spans)
		pthread_cond_signal(&r->work);
	pthread_mutex_unlock(&r->lock);
}

void toll_runner_cancel(struct toll_runner *r, const struct toll_batch *batch)
{
	pthread_mutex_lock(&r->lock);
	toll_queue_cancel(&r->queue, batch);
	if (!r->queue.used)
		pthread_cond_broadcast(&r->idle);
	pthread_mutex_unlock(&r->lock);
}

bool toll_runner_waits(const struct toll_runner *r)
{
	return r->waits;
}

bool toll_runner_accounts(const struct toll_runner *r)
{
	return r->exporter->accounts;
}

/* ---- answers: any thread ---- */

void toll_flight_free_abandoned(struct toll_flight *f)
{
	for (uint32_t i = 0; i < f->given.part_count; i++) {
		/* The exporter reads; whoever holds the reference may let go of it. */
		union {
			const struct toll_batch *lent;
			struct toll_batch *held;
		} b = { f->parts[i].batch };

		toll_batch_unref(b.held);
	}
	free(f);
}

void toll_delivery_done(struct toll_delivery *d, int err)
{
	struct toll_flight *f = toll_container_of(d, struct toll_flight, given);
	struct toll_runner *r = f->runner;
	bool abandoned;

	pthread_mutex_lock(&r->lock);
	abandoned = f->state == TOLL_DELIVERY_ABANDONED;
	assert(abandoned || f->state == TOLL_DELIVERY_GIVEN); /* exactly once */
	f->state = TOLL_DELIVERY_ANSWERED;
	f->err = err;
	/* The exporter's numbers: they must not make others wrap. */
	f->lost_count = d->lost_count < d->span_count ? d->lost_count : d->span_count;
	f->done_count = d->done_count < d->span_count ? d->done_count : d->span_count;
	if (abandoned)
		toll_runner_unlink(r, f);
	else
		pthread_cond_signal(&r->work);
	pthread_mutex_unlock(&r->lock);
	if (abandoned)
		toll_flight_free_abandoned(f);
}

/* ---- life ---- */

struct toll_runner *toll_runner_new(struct toll_exporter *exporter,
                                    const struct toll_exporter_settings *set)
{
	const struct toll_queue_settings *q = &set->sending_queue;
	int64_t capacity = q->enabled ? q->queue_size : q->num_consumers;
	struct toll_runner *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->exporter = exporter;
	r->set = set;
	r->max_in_flight =
		exporter->max_in_flight ? exporter->max_in_flight : (uint32_t)q->num_consumers;
	r->batches = q->enabled && q->batch.enabled;
	r->waits = !q->enabled || q->wait_for_result;
	r->random = toll_clock_wall_ns() ^ (uintptr_t)r;
	r->tick_due_ns = r->poll_due_ns = TOLL_NEVER;
	r->wake_spans = TOLL_NEVER;
	toll_queue_init(&r->queue, q->enabled ? (enum toll_sizer)q->sizer : TOLL_SIZER_REQUESTS,
	                (uint64_t)capacity);
	pthread_mutex_init(&r->lock, NULL);
	if (toll_cond_init(&r->work) || toll_cond_init(&r->idle)) {
		free(r);
		return NULL;
	}
	show(exporter->super.stats, TOLL_STAT_EXPORTER_QUEUE_CAPACITY, &r->shown.capacity,
	     (uint64_t)capacity);
	return r;
}

int toll_runner_start(struct toll_runner *r)
{
	struct toll_exporter *e = r->exporter;
	struct toll_lane_wait *told = NULL;
	char name[16];
	int err;

	if (e->tick && e->tick_ns)
		r->tick_due_ns = toll_clock_mono_ns() + e->tick_ns;
	if (!r->held)
		toll_runner_begin_lanes(r, &told);
	toll_lane_tell(told);
	toll_runner_show_lanes(r);
	snprintf(name, sizeof(name), "toll-%s", e->super.id.type);
	err = toll_thread_start(&r->thread, name, toll_runner_main, r);
	r->started = !err;
	return err;
}

void toll_runner_hold(struct toll_runner *r)
{
	r->held = true;
}

void toll_runner_release(struct toll_runner *r)
{
	struct toll_lane_wait *told = NULL;

	pthread_mutex_lock(&r->lock);
	r->held = false;
	toll_runner_begin_lanes(r, &told);
	pthread_cond_signal(&r->work);
	pthread_mutex_unlock(&r->lock);
	toll_lane_tell(told);
}

struct toll_runner *toll_runner_free(struct toll_runner *r)
{
	struct toll_flight *next;

	if (!r || r->stuck)
		return NULL;
	assert(!r->started && !r->queue.first); /* drained before its exporter was freed */
	for (struct toll_flight *f = r->flights; f; f = next) {
		next = f->next;
		toll_flight_free_abandoned(f);
	}
	for (unsigned i = 0; i < r->lane_count; i++)
		free(r->lanes[i]);
	free(r->lanes);
	toll_queue_release(&r->queue);
	pthread_cond_destroy(&r->work);
	pthread_cond_destroy(&r->idle);
	pthread_mutex_destroy(&r->lock);
	free(r);
	return NULL;
}

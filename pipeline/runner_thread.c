/* SPDX-License-Identifier: Apache-2.0 */
/* runner_thread.c - what the runner's thread does: forms deliveries, gives them, settles answers,
 * tries again. All of it under the lock, which is let go around calls out. */
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/thread.h"
#include "pipeline/runner_private.h"

/* Shutdown leaves no time for long waits between attempts. */
#define DRAIN_WAIT_MAX (250 * TOLL_MS)
#define RETRY_WAIT_MIN TOLL_MS
/* What a destination asks for beyond this is a mistake. */
#define RETRY_AFTER_MAX (3600 * TOLL_S)

/* [0, 1); splitmix64, good enough to spread retries. */
static double next_random(struct toll_runner *r)
{
	uint64_t z = r->random += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return (double)((z ^ (z >> 31)) >> 11) * 0x1p-53;
}

static void link_flight(struct toll_runner *r, struct toll_flight *f)
{
	f->link = &r->flights;
	f->next = r->flights;
	if (f->next)
		f->next->link = &f->next;
	r->flights = f;
	r->in_flight++;
}

static void log_lost(struct toll_runner *r, const struct toll_lost *lost, int err)
{
	char dollars[TOLL_LOST_TEXT];

	TOLL_FAULT(r->exporter->super.who, "lost %llu span%s worth %s: %s",
	           (unsigned long long)lost->spans, TOLL_PLURAL(lost->spans),
	           toll_lost_dollars(lost, dollars), toll_err_text(err));
}

/* Is it tried again? Then f->due_ns is when. */
static bool schedule_retry(struct toll_runner *r, struct toll_flight *f)
{
	const struct toll_retry_settings *set = &r->set->retry_on_failure;
	uint64_t now = toll_clock_mono_ns(), wait;

	f->backoff.least_ns = f->given.retry_after_ns < RETRY_AFTER_MAX ? f->given.retry_after_ns
	                                                                : RETRY_AFTER_MAX;
	if (!toll_err_retryable(f->err) ||
	    !toll_backoff_next(&f->backoff, set, now, next_random(r), &wait))
		return false;
	if (r->draining && wait > DRAIN_WAIT_MAX)
		wait = DRAIN_WAIT_MAX;
	f->due_ns = now + (wait > RETRY_WAIT_MIN ? wait : RETRY_WAIT_MIN);
	f->state = TOLL_DELIVERY_WAITING;
	f->given.attempt++;
	toll_stat_add(r->exporter->super.stats, TOLL_STAT_EXPORTER_RETRIES, 1);
	TOLL_WARN(r->exporter->super.who, "%s: %u span%s to try again in %llu ms",
	          toll_err_text(f->err), f->given.span_count, TOLL_PLURAL(f->given.span_count),
	          (unsigned long long)((f->due_ns - now) / TOLL_MS));
	return true;
}

/* An answered flight is retried, or leaves with what it carried. */
static void settle(struct toll_runner *r, struct toll_flight *f)
{
	struct toll_entry *done = NULL;
	struct toll_lost lost = { 0 };
	int err = f->err;

	if (err && schedule_retry(r, f))
		return;
	if (err)
		lost = toll_flight_lost(f);
	toll_runner_land(r, f, err, &done);
	toll_runner_show(r);
	pthread_mutex_unlock(&r->lock);
	if (lost.spans)
		log_lost(r, &lost, err);
	toll_runner_tell(done);
	pthread_mutex_lock(&r->lock);
}

static void give(struct toll_runner *r, struct toll_flight *f)
{
	int err;

	f->state = TOLL_DELIVERY_GIVEN;
	f->given.retry_after_ns = 0;
	toll_runner_show(r);
	pthread_mutex_unlock(&r->lock);
	err = r->exporter->export_parts(r->exporter, &f->given);
	if (err < 0)
		toll_delivery_done(&f->given, err);
	pthread_mutex_lock(&r->lock);
}

static bool is_ripe(const struct toll_runner *r, uint64_t now)
{
	const struct toll_batch_settings *b = &r->set->sending_queue.batch;
	const struct toll_queue *q = &r->queue;

	if (!q->first)
		return false;
	return !r->batches || r->draining || q->refused ||
	       q->waiting_spans >= (uint64_t)b->min_size ||
	       now - q->first->admitted_ns >= b->flush_timeout || toll_runner_lanes_want(r);
}

/* The next delivery, if one is due and may fly. */
static struct toll_flight *form(struct toll_runner *r, uint64_t now)
{
	const struct toll_batch_settings *b = &r->set->sending_queue.batch;
	uint64_t enough = 0, max = TOLL_NEVER;
	struct toll_flight *f;

	if (r->held || r->in_flight >= r->max_in_flight || !is_ripe(r, now))
		return NULL;
	if (r->batches && b->max_size)
		enough = max = (uint64_t)b->max_size;
	else if (r->batches)
		enough = (uint64_t)b->min_size;
	f = toll_flight_new(&r->queue, toll_flight_count_parts(&r->queue, enough, max), max, now);
	if (!f)
		return NULL; /* out of memory: the next wake-up tries again */
	r->queue.refused = false;
	f->runner = r;
	link_flight(r, f);
	return f;
}

/* An answered flight, else one whose retry is due. */
static struct toll_flight *next_flight(const struct toll_runner *r, uint64_t now)
{
	struct toll_flight *due = NULL;

	for (struct toll_flight *f = r->flights; f; f = f->next) {
		if (f->state == TOLL_DELIVERY_ANSWERED)
			return f;
		if (f->state == TOLL_DELIVERY_WAITING && f->due_ns <= now &&
		    (!due || f->due_ns < due->due_ns))
			due = f;
	}
	return due;
}

static void tick(struct toll_runner *r)
{
	struct toll_exporter *e = r->exporter;

	pthread_mutex_unlock(&r->lock);
	e->tick(e);
	pthread_mutex_lock(&r->lock);
	/* From its end: a slow tick does not starve the deliveries. */
	r->tick_due_ns = toll_clock_mono_ns() + e->tick_ns;
}

/* One step of work; false: there is none now. */
static bool step(struct toll_runner *r, uint64_t now)
{
	struct toll_flight *f;

	if (now >= r->tick_due_ns) {
		tick(r);
		return true;
	}
	if (toll_runner_poll(r, now))
		return true;
	f = next_flight(r, now);
	if (f && f->state == TOLL_DELIVERY_ANSWERED) {
		settle(r, f);
		return true;
	}
	if (!f)
		f = form(r, now);
	if (!f)
		return toll_runner_read(r, now);
	give(r, f);
	return true;
}

static uint64_t sooner(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* When something becomes due without anybody telling; sets how many spans are worth waking for. */
static uint64_t next_event(struct toll_runner *r, uint64_t now)
{
	const struct toll_batch_settings *b = &r->set->sending_queue.batch;
	uint64_t at = sooner(r->tick_due_ns, toll_runner_lanes_due(r, now));

	for (const struct toll_flight *f = r->flights; f; f = f->next)
		if (f->state == TOLL_DELIVERY_WAITING)
			at = sooner(at, f->due_ns);
	r->wake_spans = TOLL_NEVER;
	if (r->held || r->in_flight >= r->max_in_flight)
		return at;
	r->wake_spans = 1;
	if (!r->queue.first)
		return at;
	if (is_ripe(r, now)) /* no memory for a delivery */
		return sooner(at, now + 10 * TOLL_MS);
	r->wake_spans = (uint64_t)b->min_size;
	return sooner(at, r->queue.first->admitted_ns + b->flush_timeout);
}

void *toll_runner_main(void *arg)
{
	struct toll_runner *r = arg;

	pthread_mutex_lock(&r->lock);
	while (!r->quit) {
		uint64_t now = toll_clock_mono_ns(), at;

		if (step(r, now))
			continue;
		if (!r->queue.used)
			pthread_cond_broadcast(&r->idle);
		at = next_event(r, now);
		toll_cond_wait_until(&r->work, &r->lock, at == TOLL_NEVER ? 0 : at);
		r->wake_spans = TOLL_NEVER;
	}
	pthread_mutex_unlock(&r->lock);
	toll_runner_close_lanes(r);
	return NULL;
}

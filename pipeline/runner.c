/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/runner.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/thread.h"
#include "pipeline/delivery.h"
#include "proto/batch.h"

/* Shutdown leaves no time for long waits between attempts. */
#define DRAIN_WAIT_MAX (250 * TOLL_MS)
/* After the deadline: for an exporter to come back from the call it is in. */
#define JOIN_GRACE     TOLL_S
#define RETRY_WAIT_MIN TOLL_MS
#define NEVER          UINT64_MAX

struct toll_runner {
	struct toll_exporter *exporter;
	const struct toll_exporter_settings *set;
	uint32_t max_in_flight;
	bool batches, waits;
	pthread_t thread;
	bool started, stuck; /* main thread only */

	pthread_mutex_t lock; /* guards everything below */
	pthread_cond_t work;  /* for the runner's thread */
	pthread_cond_t idle;  /* for drain: nothing is left */
	struct toll_queue queue;
	struct toll_flight *flights; /* given, answered or waiting */
	uint32_t in_flight;          /* their number */
	bool draining, quit;
	uint64_t wake_spans; /* a commit that reaches this many wakes the thread; NEVER: busy */
	uint64_t tick_due_ns;
	uint64_t random;
};

/* ---- small helpers, under the lock ------------------------------------------------------------
 */

static void show_queue(struct toll_runner *r)
{
	struct toll_stats *stats = r->exporter->super.stats;

	toll_stat_set(stats, TOLL_STAT_EXPORTER_QUEUE_SIZE, r->queue.used);
	toll_stat_set(stats, TOLL_STAT_EXPORTER_QUEUE_BYTES, r->queue.bytes);
	toll_stat_set(stats, TOLL_STAT_EXPORTER_IN_FLIGHT, r->in_flight);
}

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

static void unlink_flight(struct toll_runner *r, struct toll_flight *f)
{
	*f->link = f->next;
	if (f->next)
		f->next->link = f->link;
	r->in_flight--;
}

/* Tells the waiters and lets go of the batches; without the lock, since both may take time. */
static void tell(struct toll_entry *done)
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

/* ---- admission: any thread --------------------------------------------------------------------
 */

int toll_runner_reserve(struct toll_runner *r, const struct toll_batch *batch)
{
	int err;

	pthread_mutex_lock(&r->lock);
	err = toll_queue_reserve(&r->queue, batch);
	if (err == TOLL_EFULL && r->batches && r->in_flight < r->max_in_flight)
		pthread_cond_signal(&r->work); /* do not wait for min_size while refusing */
	pthread_mutex_unlock(&r->lock);
	if (err)
		toll_stat_add(r->exporter->super.stats, TOLL_STAT_EXPORTER_ENQUEUE_FAILED_SPANS,
		              batch->kept_count);
	return err;
}

void toll_runner_commit(struct toll_runner *r, struct toll_batch *batch, struct toll_waiter *w)
{
	uint64_t now = r->batches ? toll_clock_mono_ns() : 0;

	toll_batch_ref(batch);
	pthread_mutex_lock(&r->lock);
	assert(batch->kept_count); /* an empty batch is nobody's work */
	toll_queue_commit(&r->queue, batch, w, now);
	show_queue(r);
	if (r->queue.waiting_spans >= r->wake_spans)
		pthread_cond_signal(&r->work);
	pthread_mutex_unlock(&r->lock);
}

void toll_runner_cancel(struct toll_runner *r, const struct toll_batch *batch)
{
	pthread_mutex_lock(&r->lock);
	toll_queue_cancel(&r->queue, batch);
	pthread_mutex_unlock(&r->lock);
}

bool toll_runner_waits(const struct toll_runner *r)
{
	return r->waits;
}

/* ---- answers: any thread ----------------------------------------------------------------------
 */

static void free_abandoned(struct toll_flight *f)
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
	if (abandoned)
		unlink_flight(r, f);
	else
		pthread_cond_signal(&r->work);
	pthread_mutex_unlock(&r->lock);
	if (abandoned)
		free_abandoned(f);
}

static void log_lost(struct toll_runner *r, const struct toll_lost *lost, int err)
{
	char dollars[TOLL_LOST_TEXT];

	TOLL_FAULT(r->exporter->super.who, "lost %llu spans worth %s: %s",
	           (unsigned long long)lost->spans, toll_lost_dollars(lost, dollars),
	           toll_err_text(err));
}

/* ---- the runner's thread; all but give() and lose() under the lock ------------------------------
 */

/* Is it tried again? Then f->due_ns is when. */
static bool schedule_retry(struct toll_runner *r, struct toll_flight *f)
{
	const struct toll_retry_settings *set = &r->set->retry_on_failure;
	uint64_t now = toll_clock_mono_ns(), wait;

	if (!toll_err_retryable(f->err) ||
	    !toll_backoff_next(&f->backoff, set, now, next_random(r), &wait))
		return false;
	if (r->draining && wait > DRAIN_WAIT_MAX)
		wait = DRAIN_WAIT_MAX;
	f->due_ns = now + (wait > RETRY_WAIT_MIN ? wait : RETRY_WAIT_MIN);
	f->state = TOLL_DELIVERY_WAITING;
	f->given.attempt++;
	toll_stat_add(r->exporter->super.stats, TOLL_STAT_EXPORTER_RETRIES, 1);
	TOLL_WARN(r->exporter->super.who, "%s: %u spans are tried again in %llu ms",
	          toll_err_text(f->err), f->given.span_count,
	          (unsigned long long)((f->due_ns - now) / TOLL_MS));
	return true;
}

/* Counts what a flight carried as sent or as lost. */
static void answer(struct toll_runner *r, struct toll_flight *f, int err, struct toll_entry **done)
{
	struct toll_stats *stats = r->exporter->super.stats;
	uint32_t lost = err ? f->given.span_count : f->given.lost_count;

	toll_stat_add(stats, TOLL_STAT_EXPORTER_SEND_FAILED_SPANS, lost);
	toll_stat_add(stats, TOLL_STAT_EXPORTER_SENT_SPANS, f->given.span_count - lost);
	toll_flight_settle(f, &r->queue, err, done);
}

static void land(struct toll_runner *r, struct toll_flight *f, int err, struct toll_entry **done)
{
	answer(r, f, err, done);
	unlink_flight(r, f);
	free(f);
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
	land(r, f, err, &done);
	show_queue(r);
	pthread_mutex_unlock(&r->lock);
	if (err)
		log_lost(r, &lost, err);
	tell(done);
	pthread_mutex_lock(&r->lock);
}

static void give(struct toll_runner *r, struct toll_flight *f)
{
	int err;

	f->state = TOLL_DELIVERY_GIVEN;
	show_queue(r);
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
	       now - q->first->admitted_ns >= b->flush_timeout;
}

/* The next delivery, if one is due and may fly. */
static struct toll_flight *form(struct toll_runner *r, uint64_t now)
{
	const struct toll_batch_settings *b = &r->set->sending_queue.batch;
	uint64_t enough = 0, max = NEVER;
	struct toll_flight *f;

	if (r->in_flight >= r->max_in_flight || !is_ripe(r, now))
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
	f = next_flight(r, now);
	if (f && f->state == TOLL_DELIVERY_ANSWERED) {
		settle(r, f);
		return true;
	}
	if (!f)
		f = form(r, now);
	if (!f)
		return false;
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
	uint64_t at = r->tick_due_ns;

	for (const struct toll_flight *f = r->flights; f; f = f->next)
		if (f->state == TOLL_DELIVERY_WAITING)
			at = sooner(at, f->due_ns);
	r->wake_spans = NEVER;
	if (r->in_flight >= r->max_in_flight)
		return at;
	r->wake_spans = 1;
	if (!r->queue.first)
		return at;
	if (is_ripe(r, now)) /* no memory for a delivery */
		return sooner(at, now + 10 * TOLL_MS);
	r->wake_spans = (uint64_t)b->min_size;
	return sooner(at, r->queue.first->admitted_ns + b->flush_timeout);
}

static void *run(void *arg)
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
		toll_cond_wait_until(&r->work, &r->lock, at == NEVER ? 0 : at);
		r->wake_spans = NEVER;
	}
	pthread_mutex_unlock(&r->lock);
	return NULL;
}

/* ---- shutdown: main thread ---------------------------------------------------------------------
 */

void toll_runner_hurry(struct toll_runner *r)
{
	pthread_mutex_lock(&r->lock);
	if (!r->draining) {
		r->draining = true;
		for (struct toll_flight *f = r->flights; f; f = f->next)
			if (f->state == TOLL_DELIVERY_WAITING)
				f->due_ns = 0;
		pthread_cond_signal(&r->work);
	}
	pthread_mutex_unlock(&r->lock);
}

/* The exporter may still read the batches: the flight holds its own references from here on. */
static void abandon(struct toll_runner *r, struct toll_flight *f, struct toll_entry **done)
{
	for (uint32_t i = 0; i < f->given.part_count; i++)
		toll_batch_ref(f->entries[i]->batch);
	answer(r, f, TOLL_ESHUTDOWN, done);
	f->state = TOLL_DELIVERY_ABANDONED;
}

static void give_up_flights(struct toll_runner *r, struct toll_lost *lost, struct toll_entry **done)
{
	struct toll_flight *next;

	for (struct toll_flight *f = r->flights; f; f = next) {
		next = f->next;
		if (f->state == TOLL_DELIVERY_ABANDONED)
			continue;
		if (f->state == TOLL_DELIVERY_ANSWERED && !f->err) {
			land(r, f, 0, done);
			continue;
		}
		for (uint32_t i = 0; i < f->given.part_count; i++)
			toll_lost_add(lost, &f->parts[i]);
		if (f->state == TOLL_DELIVERY_GIVEN)
			abandon(r, f, done);
		else
			land(r, f, TOLL_ESHUTDOWN, done);
	}
}

static void give_up_queue(struct toll_runner *r, struct toll_lost *lost, struct toll_entry **done)
{
	while (r->queue.first) {
		struct toll_entry *e;
		struct toll_part part;
		uint32_t kept;

		kept = toll_queue_take(&r->queue, UINT32_MAX, &part, &e);
		toll_stat_add(r->exporter->super.stats, TOLL_STAT_EXPORTER_SEND_FAILED_SPANS, kept);
		toll_lost_add(lost, &part);
		if (!e->err)
			e->err = TOLL_ESHUTDOWN;
		if (--e->open_parts)
			continue; /* the rest is in flight */
		toll_queue_answered(&r->queue, e);
		e->next = *done;
		*done = e;
	}
}

/* Whatever is left is lost: counted, logged, told. */
static void give_up(struct toll_runner *r)
{
	struct toll_lost lost = { 0 };
	struct toll_entry *done = NULL;
	char dollars[TOLL_LOST_TEXT];

	pthread_mutex_lock(&r->lock);
	give_up_queue(r, &lost, &done);
	give_up_flights(r, &lost, &done);
	show_queue(r);
	pthread_mutex_unlock(&r->lock);
	tell(done);
	if (!lost.spans)
		return;
	TOLL_FAULT(r->exporter->super.who, "lost %llu spans worth %s: unanswered at shutdown",
	           (unsigned long long)lost.spans, toll_lost_dollars(&lost, dollars));
}

static void wait_until_idle(struct toll_runner *r, uint64_t deadline)
{
	pthread_mutex_lock(&r->lock);
	while (r->queue.used) /* also what is reserved and not committed yet */
		if (toll_cond_wait_until(&r->idle, &r->lock, deadline))
			break;
	r->quit = true;
	pthread_cond_signal(&r->work);
	pthread_mutex_unlock(&r->lock);
}

static void join(struct toll_runner *r, uint64_t deadline)
{
	uint64_t now = toll_clock_mono_ns(), until = (deadline > now ? deadline : now) + JOIN_GRACE;
	struct timespec t = { (time_t)(until / TOLL_S), (long)(until % TOLL_S) };

	r->stuck = pthread_clockjoin_np(r->thread, NULL, CLOCK_MONOTONIC, &t) != 0;
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
		wait_until_idle(r, deadline_mono_ns ? deadline_mono_ns : 1);
		r->started = false;
		join(r, deadline_mono_ns);
	}
	give_up(r);
}

bool toll_runner_stuck(const struct toll_runner *r)
{
	return r->stuck;
}

/* ---- life ---------------------------------------------------------------------------------------
 */

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
	r->tick_due_ns = NEVER;
	r->wake_spans = NEVER;
	toll_queue_init(&r->queue, q->enabled ? (enum toll_sizer)q->sizer : TOLL_SIZER_REQUESTS,
	                (uint64_t)capacity);
	pthread_mutex_init(&r->lock, NULL);
	if (toll_cond_init(&r->work) || toll_cond_init(&r->idle)) {
		free(r);
		return NULL;
	}
	toll_stat_set(exporter->super.stats, TOLL_STAT_EXPORTER_QUEUE_CAPACITY, (uint64_t)capacity);
	return r;
}

int toll_runner_start(struct toll_runner *r)
{
	struct toll_exporter *e = r->exporter;
	char name[16];
	int err;

	if (e->tick && e->tick_ns)
		r->tick_due_ns = toll_clock_mono_ns() + e->tick_ns;
	snprintf(name, sizeof(name), "toll-%s", e->super.id.type);
	err = toll_thread_start(&r->thread, name, run, r);
	r->started = !err;
	return err;
}

struct toll_runner *toll_runner_free(struct toll_runner *r)
{
	struct toll_flight *next;

	if (!r || r->stuck)
		return NULL;
	assert(!r->started && !r->queue.first); /* drained before its exporter was freed */
	for (struct toll_flight *f = r->flights; f; f = next) {
		next = f->next;
		free_abandoned(f);
	}
	toll_queue_release(&r->queue);
	pthread_cond_destroy(&r->work);
	pthread_cond_destroy(&r->idle);
	pthread_mutex_destroy(&r->lock);
	free(r);
	return NULL;
}

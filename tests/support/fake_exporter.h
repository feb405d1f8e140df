/* SPDX-License-Identifier: Apache-2.0 */
/* fake_exporter.h - remembers what it was given; answers at once, or when the test says. */
#ifndef TOLL_TESTS_FAKE_EXPORTER_H
#define TOLL_TESTS_FAKE_EXPORTER_H

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/thread.h"
#include "pipeline/runner.h"

#define FAKE_SEEN_MAX 4096

struct fake_exporter {
	struct toll_exporter super;
	struct toll_stats stats;
	struct toll_exporter_settings set;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	/* What the next attempts hear; after fail_count of them, 0. */
	int err;
	unsigned fail_count;
	bool hold;      /* keep deliveries until fake_answer() */
	bool refuse;    /* return err instead of calling done */
	uint32_t loses; /* spans it says it lost, of every delivery */
	uint32_t does;  /* spans it says are done, of deliveries that fail */
	uint64_t retry_after_ns;
	bool block;       /* do not come back from the call while this is set */
	pthread_t caller; /* the last one */
	struct toll_delivery *held[FAKE_SEEN_MAX];
	unsigned held_count, most_held;
	/* Per call: number of the first span, spans, parts, attempt. */
	struct {
		uint64_t first;
		uint32_t spans, parts, attempt;
	} seen[FAKE_SEEN_MAX];
	unsigned seen_count;
	uint64_t spans;
	unsigned ticks;
};

static inline TOLL_UNUSED int fake_export(struct toll_exporter *e, struct toll_delivery *d)
{
	struct fake_exporter *f = toll_container_of(e, struct fake_exporter, super);
	const struct toll_part *p = d->parts;
	int err = 0;
	bool hold, refuse;

	pthread_mutex_lock(&f->lock);
	f->caller = pthread_self();
	if (f->seen_count < FAKE_SEEN_MAX) {
		f->seen[f->seen_count].first = p->batch->spans[p->first].start_unix_nano;
		f->seen[f->seen_count].spans = d->span_count;
		f->seen[f->seen_count].parts = d->part_count;
		f->seen[f->seen_count].attempt = d->attempt;
		f->seen_count++;
	}
	if (f->fail_count) {
		f->fail_count--;
		err = f->err;
	}
	d->lost_count = f->loses;
	d->done_count = f->does;
	d->retry_after_ns = f->retry_after_ns;
	hold = f->hold;
	refuse = f->refuse && err;
	if (hold)
		f->held[f->held_count++] = d;
	if (f->held_count > f->most_held)
		f->most_held = f->held_count;
	if (!err)
		f->spans += d->span_count;
	pthread_cond_broadcast(&f->changed);
	while (f->block)
		pthread_cond_wait(&f->changed, &f->lock);
	pthread_mutex_unlock(&f->lock);
	if (refuse)
		return err;
	if (!hold)
		toll_delivery_done(d, err);
	return 0;
}

static inline TOLL_UNUSED void fake_tick(struct toll_exporter *e)
{
	struct fake_exporter *f = toll_container_of(e, struct fake_exporter, super);

	pthread_mutex_lock(&f->lock);
	f->ticks++;
	pthread_cond_broadcast(&f->changed);
	pthread_mutex_unlock(&f->lock);
}

static inline TOLL_UNUSED struct fake_exporter *fake_exporter_new(void)
{
	struct fake_exporter *f = calloc(1, sizeof(*f));

	if (!f || toll_cond_init(&f->changed))
		abort();
	pthread_mutex_init(&f->lock, NULL);
	f->super.super.id = (struct toll_id){ "fake", "", "fake" };
	f->super.super.who = "exporter/fake";
	f->super.super.stats = &f->stats;
	f->super.export_parts = fake_export;
	f->set.required = true;
	f->set.sending_queue = (struct toll_queue_settings){
		.enabled = true,
		.num_consumers = 1,
		.queue_size = 1000,
		.batch = { .flush_timeout = 600 * TOLL_S, .min_size = 10 },
	};
	f->set.retry_on_failure = (struct toll_retry_settings){
		.enabled = true,
		.initial_interval = TOLL_MS,
		.max_interval = 5 * TOLL_MS,
		.max_elapsed_time = 600 * TOLL_S,
		.multiplier = 1.5,
	};
	return f;
}

static inline TOLL_UNUSED void fake_exporter_free(struct fake_exporter *f)
{
	pthread_cond_destroy(&f->changed);
	pthread_mutex_destroy(&f->lock);
	free(f);
}

/* Answers the oldest delivery held. */
static inline TOLL_UNUSED void fake_answer(struct fake_exporter *f, int err)
{
	struct toll_delivery *d;

	pthread_mutex_lock(&f->lock);
	while (!f->held_count)
		pthread_cond_wait(&f->changed, &f->lock);
	d = f->held[0];
	f->held_count--;
	memmove(f->held, f->held + 1, f->held_count * sizeof(f->held[0]));
	pthread_mutex_unlock(&f->lock);
	toll_delivery_done(d, err);
}

/* Waits until the expression holds, under the lock; at most a minute, as in unit.h. */
#define FAKE_WAIT(f, expression)                                                       \
	do {                                                                           \
		uint64_t until_ = toll_clock_mono_ns() + 60 * TOLL_S;                  \
		pthread_mutex_lock(&(f)->lock);                                        \
		while (!(expression))                                                  \
			if (toll_cond_wait_until(&(f)->changed, &(f)->lock, until_) && \
			    !(expression)) {                                           \
				fprintf(stderr, "never happened: %s\n", #expression);  \
				abort();                                               \
			}                                                              \
		pthread_mutex_unlock(&(f)->lock);                                      \
	} while (0)

/* What waits for the fate of one batch or several. */
struct fake_waiter {
	struct toll_waiter super;
	atomic_uint calls;
	atomic_int err;
};

static inline TOLL_UNUSED void fake_waiter_done(struct toll_waiter *w, int err)
{
	struct fake_waiter *f = toll_container_of(w, struct fake_waiter, super);

	if (err)
		atomic_store(&f->err, err);
	atomic_fetch_add(&f->calls, 1);
}

#endif

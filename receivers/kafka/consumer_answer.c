/* SPDX-License-Identifier: Apache-2.0 */
/* consumer_answer.c - batches to the pipelines, and what they answer. */
#include <assert.h>
#include <inttypes.h>

#include "base/clock.h"
#include "base/log.h"
#include "receivers/kafka/consumer.h"

#define BACKOFF_FIRST (100 * TOLL_MS)
#define BACKOFF_MAX   TOLL_S

static struct toll_stats *stats_of(const struct toll_kafkain *k)
{
	return k->super.super.stats;
}

/* Any thread; perhaps ours, before consume() returns. */
static void on_ack(struct toll_ack *ack, int err)
{
	struct toll_kafkain_flight *f = toll_container_of(ack, struct toll_kafkain_flight, ack);
	struct toll_kafkain *k = f->owner;

	pthread_mutex_lock(&k->lock);
	f->err = err;
	f->answered = k->answers;
	k->answers = f;
	k->in_the_air--;
	if (k->waker && !k->sending)
		rd_kafka_queue_yield(k->waker);
	pthread_cond_broadcast(&k->wake);
	pthread_mutex_unlock(&k->lock);
}

void toll_kafkain_send(struct toll_kafkain *k, struct toll_kafkain_flight *f, struct toll_batch *b)
{
	f->ack = (struct toll_ack){ .done = on_ack, .level = TOLL_ACK_EXPORTED };
	f->spans = b->kept_count;
	f->rejected = b->dropped_count;
	f->state = TOLL_FLIGHT_SENT;
	pthread_mutex_lock(&k->lock);
	k->in_the_air++;
	k->sending = true;
	pthread_mutex_unlock(&k->lock);
	k->super.next->consume(k->super.next, b, &f->ack);
}

/* ---- answers ---- */

/* Everything before p->done has been exported, or counted as what cannot be. */
static void move_on(struct toll_kafkain *k, struct toll_kafkain_partition *p)
{
	while (p->head && p->head->state == TOLL_FLIGHT_DONE) {
		struct toll_kafkain_flight *f = p->head;

		p->head = f->next;
		if (!p->head)
			p->tail = NULL;
		p->done = f->end;
		toll_kafkain_recycle(k, f);
	}
}

void toll_kafkain_finish(struct toll_kafkain *k, struct toll_kafkain_flight *f)
{
	f->state = TOLL_FLIGHT_DONE;
	k->held -= f->bytes;
	f->bytes = 0;
	move_on(k, f->partition);
}

void toll_kafkain_refused(struct toll_kafkain *k, struct toll_kafkain_flight *f, int err)
{
	f->state = TOLL_FLIGHT_READY;
	f->backoff = f->backoff ? 2 * f->backoff : BACKOFF_FIRST;
	if (f->backoff > BACKOFF_MAX)
		f->backoff = BACKOFF_MAX;
	f->not_before = toll_clock_mono_ns() + f->backoff;
	f->partition->waits = true;
	toll_stat_add(stats_of(k), TOLL_STAT_RECEIVER_REFUSED_SPANS, f->spans);
	TOLL_DEBUG(k->who, "refused, tried again: %s partition=%" PRId32 " offset=%" PRId64,
	           toll_err_text(err), f->partition->id, f->first);
}

static void failed(struct toll_kafkain *k, struct toll_kafkain_flight *f, int err)
{
	toll_stat_add(stats_of(k), TOLL_STAT_RECEIVER_FAILED_SPANS, f->spans);
	TOLL_FAULT(k->who,
	           "%" PRIu32 " spans were refused for good and are passed over: %s topic=%s "
	           "partition=%" PRId32 " offsets=%" PRId64 "..%" PRId64,
	           f->spans, toll_err_text(err), k->topic, f->partition->id, f->first, f->end - 1);
	toll_kafkain_finish(k, f);
}

static void succeeded(struct toll_kafkain *k, struct toll_kafkain_flight *f)
{
	toll_stat_add(stats_of(k), TOLL_STAT_RECEIVER_ACCEPTED_SPANS, f->spans);
	if (f->rejected)
		toll_stat_add(stats_of(k), TOLL_STAT_RECEIVER_REJECTED_SPANS, f->rejected);
	toll_kafkain_finish(k, f);
}

static void take_answer(struct toll_kafkain *k, struct toll_kafkain_flight *f)
{
	struct toll_kafkain_partition *p = f->partition;

	assert(f->state == TOLL_FLIGHT_SENT);
	if (!f->err)
		succeeded(k, f);
	else if (p->gone) /* others have it: they read it again */
		toll_kafkain_finish(k, f);
	else if (toll_err_retryable(f->err))
		toll_kafkain_refused(k, f, f->err);
	else
		failed(k, f, f->err);
	toll_kafkain_bury(k, p);
}

void toll_kafkain_take_answers(struct toll_kafkain *k)
{
	struct toll_kafkain_flight *f;

	pthread_mutex_lock(&k->lock);
	f = k->answers;
	k->answers = NULL;
	k->sending = false;
	pthread_mutex_unlock(&k->lock);
	while (f) {
		struct toll_kafkain_flight *next = f->answered;

		take_answer(k, f);
		f = next;
	}
}

void toll_kafkain_skip(struct toll_kafkain *k, const struct toll_kafkain_partition *p,
                       int64_t offset, enum toll_skip reason, const char *why)
{
	atomic_fetch_add_explicit(&k->counters->skipped[reason], 1, memory_order_relaxed);
	TOLL_WARN(k->who,
	          "a message is passed over: %s topic=%s partition=%" PRId32 " offset=%" PRId64,
	          why, k->topic, p->id, offset);
}

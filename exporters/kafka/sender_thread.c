/* SPDX-License-Identifier: Apache-2.0 */
/* sender_thread.c - the sender's thread: what comes in, one turn, and the drain at the end. */
#include <stdlib.h>

#include "base/clock.h"
#include "base/thread.h"
#include "exporters/kafka/sender_private.h"

#define POLL_MS 100

/* ---- what comes in, and its answers ---- */

static void flight_append(struct toll_kafka_sender *s, struct toll_kafka_flight *f)
{
	f->prev = s->flights.prev;
	f->next = &s->flights;
	f->prev->next = f->next->prev = f;
	if (s->to_encode == &s->flights)
		s->to_encode = f;
}

bool toll_kafka_busy(const struct toll_kafka_sender *s)
{
	return s->flights.next != &s->flights;
}

void toll_kafka_flight_finish(struct toll_kafka_sender *s, struct toll_kafka_flight *f, int err)
{
	if (s->to_encode == f)
		s->to_encode = f->next;
	f->prev->next = f->next;
	f->next->prev = f->prev;
	s->done(f->delivery, err);
	free(f);
}

void toll_kafka_record_finish(struct toll_kafka_sender *s, struct toll_kafka_record *r)
{
	struct toll_kafka_flight *f = r->flight;

	if (toll_kafka_store_finish(&s->store, r))
		toll_kafka_flight_finish(s, f, 0);
}

static void take_inbox(struct toll_kafka_sender *s)
{
	struct toll_kafka_flight *f;

	pthread_mutex_lock(&s->lock);
	f = s->inbox;
	s->inbox = s->inbox_last = NULL;
	pthread_mutex_unlock(&s->lock);
	if (f && !toll_kafka_busy(s))
		s->waiting_since = toll_clock_mono_ns();
	while (f) {
		struct toll_kafka_flight *next = f->next;

		flight_append(s, f);
		f = next;
	}
}

void toll_kafka_go_away(struct toll_kafka_sender *s)
{
	pthread_mutex_lock(&s->lock);
	s->away = true;
	pthread_mutex_unlock(&s->lock);
}

void toll_kafka_come_back(struct toll_kafka_sender *s)
{
	bool abandoned;

	pthread_mutex_lock(&s->lock);
	s->away = false;
	abandoned = s->abandoned;
	pthread_mutex_unlock(&s->lock);
	if (abandoned)
		pthread_exit(NULL);
}

static uint64_t stop_deadline(struct toll_kafka_sender *s)
{
	uint64_t deadline;

	pthread_mutex_lock(&s->lock);
	deadline = s->deadline;
	pthread_mutex_unlock(&s->lock);
	return deadline;
}

int toll_kafka_answer_ms(struct toll_kafka_sender *s)
{
	uint64_t deadline = stop_deadline(s), now = toll_clock_mono_ns();

	if (!deadline || deadline > now + (uint64_t)s->answer_ms * TOLL_MS)
		return s->answer_ms;
	return deadline > now ? (int)((deadline - now) / TOLL_MS) + 1 : 1;
}

/* ---- the thread ---- */

static int wait_ms(const struct toll_kafka_sender *s)
{
	uint64_t now = toll_clock_mono_ns();

	/* Messages that wait for room in librdkafka get another chance soon. */
	if (now < s->hold_until && s->hold_until - now < POLL_MS * TOLL_MS)
		return (int)((s->hold_until - now) / TOLL_MS) + 1;
	return s->ready.head && now >= s->hold_until ? 5 : POLL_MS;
}

static void wait_closed(struct toll_kafka_sender *s)
{
	uint64_t until = toll_clock_mono_ns() + (uint64_t)wait_ms(s) * TOLL_MS;

	pthread_mutex_lock(&s->lock);
	if (!s->inbox && !s->deadline)
		(void)toll_cond_wait_until(&s->wake, &s->lock, until);
	pthread_mutex_unlock(&s->lock);
}

enum phase {
	CLOSED = 0,    /* no producer */
	RETIRING,      /* it broke, or must be replaced by one with smaller batches */
	MAKING_TOPICS, /* create_topic: nothing is produced before they are there */
	PRODUCING,
};

static enum phase phase(const struct toll_kafka_sender *s)
{
	if (!s->client.rk)
		return CLOSED;
	if (s->broken || s->oversized.head)
		return RETIRING;
	return s->topics_made ? PRODUCING : MAKING_TOPICS;
}

static void turn(struct toll_kafka_sender *s)
{
	take_inbox(s);
	if (phase(s) == CLOSED)
		toll_kafka_open_client(s);
	if (phase(s) == CLOSED) {
		wait_closed(s);
		return;
	}
	if (phase(s) == RETIRING)
		toll_kafka_retire_client(s);
	else if (phase(s) == MAKING_TOPICS)
		toll_kafka_make_topics(s);
	if (phase(s) == PRODUCING)
		toll_kafka_send_some(s);
	if (phase(s) == CLOSED)
		return;
	toll_kafka_client_poll(&s->client, wait_ms(s));
	toll_kafka_notice_brokers_down(s);
}

void toll_kafka_answer_rest(struct toll_kafka_sender *s)
{
	take_inbox(s);
	for (struct toll_kafka_flight *next, *f = s->flights.next; f != &s->flights; f = next) {
		next = f->next;
		toll_kafka_flight_finish(s, f, TOLL_ESHUTDOWN);
	}
}

/* Nothing new comes: send what is there without lingering. */
static void drain(struct toll_kafka_sender *s, uint64_t deadline)
{
	take_inbox(s);
	while (toll_kafka_busy(s) && toll_clock_mono_ns() < deadline) {
		turn(s);
		if (s->client.rk && s->to_encode == &s->flights)
			(void)rd_kafka_flush(s->client.rk, 20);
	}
	toll_kafka_answer_rest(s); /* closing may last */
	toll_kafka_close_client(s);
}

void *toll_kafka_run(void *arg)
{
	struct toll_kafka_sender *s = arg;
	uint64_t deadline;

	while (!(deadline = stop_deadline(s)))
		turn(s);
	drain(s, deadline);
	return NULL;
}

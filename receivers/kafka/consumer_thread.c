/* SPDX-License-Identifier: Apache-2.0 */
/* consumer_thread.c - the receiver's thread: turns, and the end. */
#include "base/clock.h"
#include "base/thread.h"
#include "receivers/kafka/consumer.h"

#define IDLE_NS    TOLL_S
#define SHOW_NS    TOLL_S
#define TURN_MAX   1000            /* messages between two looks at everything else */
#define LEAVING_NS (500 * TOLL_MS) /* of the time to shut down: for leaving the group */

void toll_kafkain_go_away(struct toll_kafkain *k)
{
	pthread_mutex_lock(&k->lock);
	k->away = true;
	pthread_mutex_unlock(&k->lock);
}

void toll_kafkain_come_back(struct toll_kafkain *k)
{
	bool abandoned;

	pthread_mutex_lock(&k->lock);
	k->away = false;
	abandoned = k->abandoned;
	pthread_mutex_unlock(&k->lock);
	if (abandoned)
		pthread_exit(NULL);
}

uint64_t toll_kafkain_deadline(struct toll_kafkain *k)
{
	uint64_t deadline;

	pthread_mutex_lock(&k->lock);
	deadline = k->deadline;
	pthread_mutex_unlock(&k->lock);
	return deadline;
}

/* ---- one turn ---- */

static uint64_t sooner(uint64_t a, uint64_t b)
{
	return b && b < a ? b : a;
}

static int wait_ms(const struct toll_kafkain *k, uint64_t now)
{
	uint64_t until = sooner(now + IDLE_NS, toll_kafkain_due(k));

	if (k->trouble)
		until = sooner(until, k->probe_at);
	return until > now ? (int)((until - now + TOLL_MS - 1) / TOLL_MS) : 0;
}

static void receive(struct toll_kafkain *k, rd_kafka_message_t *m, uint64_t now)
{
	if (m->err) {
		toll_kafkain_hear(k, m->err, rd_kafka_message_errstr(m));
		return;
	}
	if (toll_unlikely(k->trouble != NULL))
		toll_kafkain_all_well(k);
	toll_kafkain_take(k, m, now);
}

static void poll(struct toll_kafkain *k, int timeout_ms)
{
	uint64_t now = 0;

	for (int i = 0; i < TURN_MAX && !k->broken; i++) {
		rd_kafka_message_t *m = rd_kafka_consumer_poll(k->rk, i ? 0 : timeout_ms);

		if (!m)
			return;
		if (!now)
			now = toll_clock_mono_ns();
		receive(k, m, now);
		rd_kafka_message_destroy(m);
	}
}

static void wait_closed(struct toll_kafkain *k)
{
	pthread_mutex_lock(&k->lock);
	if (!k->deadline && !k->answers)
		(void)toll_cond_wait_until(&k->wake, &k->lock, k->hold_until);
	pthread_mutex_unlock(&k->lock);
}

static void work(struct toll_kafkain *k)
{
	uint64_t now = toll_clock_mono_ns();

	for (struct toll_kafkain_partition *p = k->partitions; p; p = p->next)
		toll_kafkain_push(k, p, now);
	toll_kafkain_throttle(k);
	toll_kafkain_store(k);
	if (now >= k->show_at) {
		toll_kafkain_show(k);
		k->show_at = now + SHOW_NS;
	}
	toll_kafkain_probe(k, now);
	poll(k, wait_ms(k, now));
}

static void turn(struct toll_kafkain *k)
{
	toll_kafkain_take_answers(k);
	if (k->rk && k->broken)
		toll_kafkain_close(k, toll_clock_mono_ns() + LEAVING_NS);
	if (!k->rk)
		toll_kafkain_open(k);
	if (k->rk)
		work(k);
	else
		wait_closed(k);
}

/* ---- the end ---- */

static bool is_in_the_air(struct toll_kafkain *k)
{
	bool some;

	pthread_mutex_lock(&k->lock);
	some = k->in_the_air > 0 || k->answers;
	pthread_mutex_unlock(&k->lock);
	return some;
}

/* What the pipelines have is answered, as far as there is time; what they do not have is left to
 * whoever reads the partitions next. */
static void drain(struct toll_kafkain *k, uint64_t until)
{
	while (is_in_the_air(k) && toll_clock_mono_ns() < until) {
		pthread_mutex_lock(&k->lock);
		if (!k->answers)
			(void)toll_cond_wait_until(&k->wake, &k->lock, until);
		pthread_mutex_unlock(&k->lock);
		toll_kafkain_take_answers(k);
	}
}

void *toll_kafkain_run(void *receiver)
{
	struct toll_kafkain *k = receiver;
	uint64_t deadline, now;

	while (!(deadline = toll_kafkain_deadline(k)))
		turn(k);
	now = toll_clock_mono_ns();
	if (k->rk) {
		uint64_t left = deadline > now ? deadline - now : 0;

		drain(k, deadline - (left < 4 * LEAVING_NS ? left / 4 : LEAVING_NS));
		toll_kafkain_commit_until(k, NULL, deadline);
		toll_kafkain_close(k, deadline);
	}
	toll_kafkain_forget_all(k);
	return NULL;
}

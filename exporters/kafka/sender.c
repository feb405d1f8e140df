/* SPDX-License-Identifier: Apache-2.0 */
/* sender.c - life of the sender: new, start, send, stop, free. */
#include "exporters/kafka/sender.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/thread.h"
#include "exporters/kafka/sender_private.h"

/* Beyond the deadline of stop, for a call into librdkafka to come back. */
#define JOIN_GRACE (500 * TOLL_MS)
#define ANSWER_MS  2000

static int check_settings(const struct toll_kafka_config *c, struct toll_error *reterr)
{
	rd_kafka_conf_t *conf;
	int err = toll_kafka_conf(c, c->producer.max_message_bytes, &conf, reterr);

	if (!err)
		rd_kafka_conf_destroy(conf);
	return err;
}

static void name_things(struct toll_kafka_sender *s, const char *epoch)
{
	struct toll_slice topic = toll_kafka_topic(s->config);
	struct toll_slice letters = s->config->dead_letter_topic;

	snprintf(s->topic, sizeof(s->topic), "%.*s", TOLL_FMT(topic));
	if (letters.len)
		snprintf(s->dead_letter_topic, sizeof(s->dead_letter_topic), "%.*s",
		         TOLL_FMT(letters));
	else
		snprintf(s->dead_letter_topic, sizeof(s->dead_letter_topic), "%.*s-dlq",
		         TOLL_FMT(topic));
	if (gethostname(s->node, sizeof(s->node) - 1) != 0)
		snprintf(s->node, sizeof(s->node), "unknown");
	snprintf(s->epoch, sizeof(s->epoch), "%s", epoch);
}

/* Lengths, names and values of the three headers and their varints. */
static size_t header_bytes(const struct toll_kafka_sender *s)
{
	size_t epoch = strlen(s->epoch), journal = sizeof(((struct toll_origin *)0)->epoch) - 1;

	epoch = epoch > journal ? epoch : journal;
	return s->config->headers ? strlen(s->node) + epoch + 20 + 12 + 24 : 0;
}

int toll_kafka_sender_new(const struct toll_kafka_sender_settings *set,
                          struct toll_kafka_sender **ret, struct toll_error *reterr)
{
	struct toll_kafka_sender *s;
	int err = check_settings(set->config, reterr);

	if (err)
		return err;
	s = calloc(1, sizeof(*s));
	if (!s)
		return toll_fail(reterr, TOLL_ENOMEM, "out of memory");
	s->config = set->config;
	s->component = set->component;
	s->done = set->done;
	s->answer_ms = ANSWER_MS;
	snprintf(s->who, sizeof(s->who), "%s", set->component->who);
	name_things(s, set->epoch);
	pthread_mutex_init(&s->lock, NULL);
	if (toll_cond_init(&s->wake) != 0) {
		pthread_mutex_destroy(&s->lock);
		free(s);
		return toll_fail(reterr, TOLL_ENOMEM, "out of memory");
	}
	s->flights.prev = s->flights.next = s->to_encode = &s->flights;
	toll_kafka_store_init(&s->store);
	s->client = (struct toll_kafka_client){ .ops = &toll_kafka_sender_client_ops,
		                                .ctx = s,
		                                .who = s->who };
	s->encoder = (struct toll_kafka_encoder){
		.encoding = toll_kafka_encoding(s->config),
		.topic = toll_slice_str(s->topic),
		.max_message_bytes = s->config->producer.max_message_bytes,
		.header_bytes = header_bytes(s),
		.store = &s->store,
	};
	s->batch_bytes = s->config->producer.max_message_bytes;
	s->topics_made = !s->config->create_topic;
	*ret = s;
	return 0;
}

int toll_kafka_sender_start(struct toll_kafka_sender *s)
{
	int err = toll_thread_start(&s->thread, "toll-kafka", toll_kafka_run, s);

	s->running = err == 0;
	return err;
}

int toll_kafka_sender_send(struct toll_kafka_sender *s, struct toll_delivery *d)
{
	struct toll_kafka_flight *f = calloc(1, sizeof(*f));
	bool first;

	if (!f)
		return TOLL_ENOMEM;
	f->delivery = d;
	pthread_mutex_lock(&s->lock);
	if (s->deadline) {
		pthread_mutex_unlock(&s->lock);
		free(f);
		return TOLL_ESHUTDOWN;
	}
	first = !s->inbox;
	if (first)
		s->inbox = f;
	else
		s->inbox_last->next = f;
	s->inbox_last = f;
	if (first && s->waker)
		rd_kafka_queue_yield(s->waker);
	else if (first)
		pthread_cond_signal(&s->wake);
	pthread_mutex_unlock(&s->lock);
	return 0;
}

/* A thread that is away may stay there. */
static bool give_up_if_away(struct toll_kafka_sender *s)
{
	bool away;

	pthread_mutex_lock(&s->lock);
	away = s->abandoned = s->away;
	pthread_mutex_unlock(&s->lock);
	return away;
}

/* While the thread is not away it ends by itself: it looks at the deadline. */
static void join(struct toll_kafka_sender *s, uint64_t deadline)
{
	uint64_t now = toll_clock_mono_ns(), until = (deadline > now ? deadline : now) + JOIN_GRACE;

	while (toll_thread_join_until(s->thread, until) < 0) {
		if (!give_up_if_away(s)) {
			until = toll_clock_mono_ns() + TOLL_S / 10;
			continue;
		}
		pthread_detach(s->thread);
		TOLL_WARN(s->who,
		          "librdkafka does not come back from a call: its producer is left behind");
		toll_kafka_answer_rest(s);
		return;
	}
}

void toll_kafka_sender_stop(struct toll_kafka_sender *s, uint64_t deadline_mono_ns)
{
	pthread_mutex_lock(&s->lock);
	s->deadline = deadline_mono_ns ? deadline_mono_ns : 1;
	if (s->waker)
		rd_kafka_queue_yield(s->waker);
	pthread_cond_broadcast(&s->wake);
	pthread_mutex_unlock(&s->lock);
	if (s->running)
		join(s, deadline_mono_ns);
	s->running = false;
}

struct toll_kafka_sender *toll_kafka_sender_free(struct toll_kafka_sender *s)
{
	if (!s)
		return NULL;
	toll_kafka_sender_stop(s, 1);
	if (s->abandoned)
		return NULL; /* librdkafka still reads from it; the process is ending */
	toll_kafka_encoder_release(&s->encoder);
	toll_kafka_store_release(&s->store);
	pthread_cond_destroy(&s->wake);
	pthread_mutex_destroy(&s->lock);
	free(s);
	return NULL;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* sender_client.c - producers come and go; topics are made. */
#include "base/clock.h"
#include "base/log.h"
#include "exporters/kafka/sender_private.h"
#include "exporters/kafka/topic.h"

/* A broken producer's messages in flight get this long for their reports. */
#define RETIRE_NS (10 * TOLL_S)
/* Below this a topic is unusable: what does not fit is a dead letter. */
#define LIMIT_MIN ((size_t)1000)

static void set_waker(struct toll_kafka_sender *s, rd_kafka_queue_t *queue)
{
	pthread_mutex_lock(&s->lock);
	s->waker = queue;
	pthread_mutex_unlock(&s->lock);
}

void toll_kafka_open_client(struct toll_kafka_sender *s)
{
	struct toll_error why = { 0 };
	int err;

	if (toll_kafka_held(s))
		return;
	err = toll_kafka_client_open(&s->client, s->config, s->dead_letter_topic, s->batch_bytes,
	                             &why);
	if (err) {
		toll_kafka_trouble(s, "no producer can be made", why.text);
		toll_kafka_hold(s);
		return;
	}
	s->broken = false;
	s->sent = s->letters_sent = 0;
	s->letter_alone = false;
	if (!s->trouble)
		toll_kafka_set_health(s, TOLL_HEALTH_OK, "");
	set_waker(s, s->client.queue);
}

void toll_kafka_close_client(struct toll_kafka_sender *s)
{
	set_waker(s, NULL);
	toll_kafka_go_away(s);
	toll_kafka_client_close(&s->client);
	toll_kafka_come_back(s);
	toll_kafka_store_recall(&s->store, &s->ready);
	s->sent = s->letters_sent = 0;
	s->letter_alone = false;
	s->retire_at = 0;
}

/* What the broker refuses is a batch. A message larger than our batches went alone: that it is too
 * large by itself is only then sure. */
static bool refused_alone(const struct toll_kafka_sender *s)
{
	for (const struct toll_kafka_record *r = s->oversized.head; r; r = r->next)
		if (r->size > s->batch_bytes)
			return true;
	return false;
}

/* The broker does not tell what it takes: smaller batches first, since a message that is cut in
 * two, or becomes a dead letter, does so for good. */
static void guess_limit(struct toll_kafka_sender *s)
{
	if (s->batch_bytes / 2 < LIMIT_MIN || refused_alone(s))
		s->encoder.max_message_bytes /= 2;
	if (s->batch_bytes / 2 >= LIMIT_MIN)
		s->batch_bytes /= 2;
}

/* The topic takes less than we thought. */
static void lower_limit(struct toll_kafka_sender *s)
{
	size_t limit, was = s->encoder.max_message_bytes;
	int wait = toll_kafka_answer_ms(s);

	toll_kafka_go_away(s);
	limit = toll_kafka_topic_limit(s->client.rk, s->topic, wait);
	toll_kafka_come_back(s);
	if (limit == 0 || limit >= was)
		guess_limit(s);
	else
		s->encoder.max_message_bytes = s->batch_bytes = limit;
	if (s->encoder.max_message_bytes < LIMIT_MIN)
		s->encoder.max_message_bytes = LIMIT_MIN;
	TOLL_WARN(s->who,
	          "the broker refuses messages for their size, they are made smaller: raise the "
	          "topic's max.message.bytes or lower producer::max_message_bytes topic=%s "
	          "was=%zu now=%zu batches=%zu",
	          s->topic, was, s->encoder.max_message_bytes, s->batch_bytes);
}

/* Refused at the lowest limit: there is nothing smaller to try. */
static void shrink_oversized(struct toll_kafka_sender *s, bool hopeless)
{
	const struct toll_slice why = TOLL_SLICE("the broker refuses a message of this size");
	int err = 0;

	for (struct toll_kafka_record *r; !err && (r = toll_kafka_list_pop(&s->oversized));) {
		err = hopeless ? toll_kafka_encode_dead_letter(&s->encoder, r, why, &s->ready)
		               : toll_kafka_encode_smaller(&s->encoder, r, &s->ready);
		if (err)
			toll_kafka_list_push_front(&s->oversized, r);
	}
}

void toll_kafka_retire_client(struct toll_kafka_sender *s)
{
	uint64_t now = toll_clock_mono_ns();
	bool hopeless = s->encoder.max_message_bytes <= LIMIT_MIN;
	bool broken = s->broken;

	if (!s->retire_at)
		s->retire_at = now + RETIRE_NS;
	if (s->sent && now < s->retire_at)
		return;
	if (s->oversized.head && !broken && !hopeless)
		lower_limit(s);
	toll_kafka_client_poll(&s->client, 0);
	toll_kafka_close_client(s);
	shrink_oversized(s, hopeless);
	if (broken) /* one that breaks at once must not spin */
		toll_kafka_hold(s);
}

/* ---- topics at start ---- */

static bool make_topic(struct toll_kafka_sender *s, const char *name)
{
	struct toll_kafka_new_topic topic = { name, (int)s->config->topic_partitions,
		                              (int)s->config->topic_replication_factor };
	struct toll_error why = { 0 };
	int err, wait = toll_kafka_answer_ms(s);

	toll_kafka_go_away(s);
	err = toll_kafka_topic_create(s->client.rk, &topic, wait, &why);
	toll_kafka_come_back(s);
	if (err == TOLL_EDOWN) {
		toll_kafka_trouble(s, "the topic cannot be created yet", why.text);
		toll_kafka_hold(s);
		return false;
	}
	if (err)
		TOLL_WARN(s->who, "the topic cannot be created topic=%s: %s", name, why.text);
	return true;
}

void toll_kafka_make_topics(struct toll_kafka_sender *s)
{
	if (toll_kafka_held(s))
		return;
	s->topics_made = make_topic(s, s->topic) && make_topic(s, s->dead_letter_topic);
}

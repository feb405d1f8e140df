/* SPDX-License-Identifier: Apache-2.0 */
/* sender_produce.c - records into librdkafka: again, new, and as dead letters. */
#include "base/clock.h"
#include "base/log.h"
#include "exporters/kafka/sender_private.h"
#include "exporters/kafka/topic.h"

static rd_kafka_headers_t *headers(const struct toll_kafka_sender *s,
                                   const struct toll_kafka_record *r)
{
	rd_kafka_headers_t *h = rd_kafka_headers_new(3);
	const char *journal = toll_kafka_record_epoch(r);
	char text[20], *at = text + sizeof(text);
	uint64_t seq = r->seq;

	do {
		*--at = (char)('0' + seq % 10);
		seq /= 10;
	} while (seq);
	rd_kafka_header_add(h, "node", 4, s->node, -1);
	rd_kafka_header_add(h, "epoch", 5, journal ? journal : s->epoch, -1);
	rd_kafka_header_add(h, "seq", 3, at, text + sizeof(text) - at);
	return h;
}

/* Readers know by it when the spans came in, and can look offsets up by that. */
static int64_t received_ms(const struct toll_kafka_record *r)
{
	const struct toll_batch *b = r->flight->delivery->parts[r->part].batch;

	return (int64_t)toll_resource_received_ms(b, b->spans[r->first].resource);
}

static rd_kafka_resp_err_t produce(struct toll_kafka_sender *s, struct toll_kafka_record *r)
{
	char room[TOLL_KAFKA_KEY_ROOM];
	struct toll_slice key = toll_kafka_record_key(r, room);
	rd_kafka_headers_t *h = s->config->headers ? headers(s, r) : NULL;
	rd_kafka_topic_t *topic = r->dead_letter ? s->client.dead_letters : s->client.topic;
	union {
		const char *is;
		void *as_said; /* librdkafka copies it */
	} key_bytes = { key.ptr };
	const rd_kafka_vu_t what[] = {
		{ .vtype = RD_KAFKA_VTYPE_RKT, .u.rkt = topic },
		{ .vtype = RD_KAFKA_VTYPE_VALUE, .u.mem = { r->payload, r->size } },
		{ .vtype = RD_KAFKA_VTYPE_KEY, .u.mem = { key_bytes.as_said, key.len } },
		{ .vtype = RD_KAFKA_VTYPE_OPAQUE, .u.ptr = r },
		{ .vtype = RD_KAFKA_VTYPE_TIMESTAMP, .u.i64 = received_ms(r) },
		{ .vtype = RD_KAFKA_VTYPE_HEADERS, .u.headers = h },
	};
	rd_kafka_error_t *error =
		rd_kafka_produceva(s->client.rk, what, TOLL_COUNT(what) - (h == NULL));
	rd_kafka_resp_err_t err = RD_KAFKA_RESP_ERR_NO_ERROR;

	if (toll_likely(!error)) {
		r->state = TOLL_KAFKA_SENT;
		s->sent++;
		s->letters_sent += r->dead_letter;
		return err;
	}
	err = rd_kafka_error_code(error);
	rd_kafka_error_destroy(error);
	if (h)
		rd_kafka_headers_destroy(h);
	return err;
}

/* False: no more for now; r waits in the list it belongs to. */
static bool send_now(struct toll_kafka_sender *s, struct toll_kafka_record *r)
{
	rd_kafka_resp_err_t err = produce(s, r);

	switch (err) {
	case RD_KAFKA_RESP_ERR_NO_ERROR:
		return true;
	case RD_KAFKA_RESP_ERR__QUEUE_FULL:
		toll_kafka_list_push_front(&s->ready, r);
		return false;
	case RD_KAFKA_RESP_ERR__FATAL:
		s->broken = true;
		toll_kafka_list_push_front(&s->ready, r);
		return false;
	default:
		toll_kafka_failed(s, r, err);
		return !s->ready.head;
	}
}

void toll_kafka_send_alone(struct toll_kafka_sender *s, struct toll_kafka_record *r)
{
	r->alone = true;
	toll_kafka_list_push(&s->letters, r);
}

static bool send_record(struct toll_kafka_sender *s, struct toll_kafka_record *r)
{
	if (toll_likely(!r->dead_letter) || !(r->alone || s->letters.head || s->letter_alone))
		return send_now(s, r);
	toll_kafka_send_alone(s, r);
	return true;
}

/* The next of those that go one by one, once nothing is left that it could share a batch with. */
static void send_letter(struct toll_kafka_sender *s)
{
	struct toll_kafka_record *r;

	if (s->letters_sent || !(r = toll_kafka_list_pop(&s->letters)))
		return;
	s->letter_alone = true;
	if (!send_now(s, r) || s->letters_sent == 0)
		s->letter_alone = false;
}

static void send_ready(struct toll_kafka_sender *s)
{
	size_t turns = 0;

	for (struct toll_kafka_record *r; (r = toll_kafka_list_pop(&s->ready));)
		if (!send_record(s, r) || ++turns == 10000)
			return;
}

/* Encodes and produces until the buffer is full or nothing is left. */
static void send_new(struct toll_kafka_sender *s)
{
	while (s->to_encode != &s->flights &&
	       s->store.held < s->config->producer.max_buffered_bytes) {
		struct toll_kafka_flight *f = s->to_encode;
		struct toll_kafka_record *r;

		if (toll_kafka_encode_next(&s->encoder, f, &r) != 0) {
			TOLL_WARN(s->who, "out of memory: encoding waits");
			toll_kafka_hold(s);
			return;
		}
		if (r) {
			if (!send_record(s, r))
				return;
			continue;
		}
		s->to_encode = f->next;
		if (f->open == 0)
			toll_kafka_flight_finish(s, f, 0);
	}
}

/* What the broker will never take, as dead letters. */
static void bury_rejected(struct toll_kafka_sender *s)
{
	struct toll_slice why = toll_slice_str(rd_kafka_err2str(s->rejection));

	for (struct toll_kafka_record *r; (r = toll_kafka_list_pop(&s->rejected));) {
		if (toll_kafka_encode_dead_letter(&s->encoder, r, why, &s->ready) != 0) {
			toll_kafka_list_push_front(&s->rejected, r);
			return;
		}
	}
}

void toll_kafka_send_some(struct toll_kafka_sender *s)
{
	int wait;

	if (toll_kafka_held(s))
		return;
	if (s->topic_missing) {
		s->topic_missing = false;
		wait = toll_kafka_answer_ms(s);
		toll_kafka_go_away(s);
		toll_kafka_topic_look_up(s->client.rk, s->client.topic, wait);
		toll_kafka_come_back(s);
	}
	if (s->rejected.head)
		bury_rejected(s);
	send_ready(s);
	send_letter(s);
	if (!s->ready.head)
		send_new(s);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "exporters/kafka/sender.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/thread.h"
#include "exporters/kafka/client.h"
#include "exporters/kafka/encode.h"
#include "exporters/kafka/topic.h"
#include "pipeline/host.h"
#include "pipeline/lost.h"

#define POLL_MS       100
#define ANSWER_MS     2000 /* wait for one answer of the cluster about a topic */
#define BACKOFF_FIRST (100 * TOLL_MS)
#define BACKOFF_MAX   (5 * TOLL_S)
/* A broken producer's messages in flight get this long for their reports. */
#define RETIRE_NS (10 * TOLL_S)
/* Spans that wait this long while all connections are closed: the brokers are out of reach. Idle
 * connections are closed as well, and opened again when something comes. */
#define DOWN_GRACE (3 * TOLL_S)
/* Beyond the deadline of stop, for a call into librdkafka to come back. */
#define JOIN_GRACE (500 * TOLL_MS)
/* Below this a topic is unusable: what does not fit is a dead letter. */
#define LIMIT_MIN ((size_t)1000)

struct toll_kafka_sender {
	const struct toll_kafka_config *config;
	const struct toll_component *component;
	void (*done)(struct toll_delivery *d, int err);
	char who[128]; /* librdkafka's threads may outlive the component */
	char topic[256], dead_letter_topic[256], node[256], epoch[64];
	pthread_t thread;
	bool running;

	pthread_mutex_t lock; /* guards the next block */
	pthread_cond_t wake;
	struct toll_kafka_flight *inbox, *inbox_last;
	rd_kafka_queue_t *waker; /* of the open client */
	uint64_t deadline;       /* of stop; 0: not stopping */
	bool away; /* the thread is in a call that may last; it touches nothing here */
	bool ended, abandoned;

	/* The rest belongs to the thread. */
	struct toll_kafka_client client;
	struct toll_kafka_encoder encoder;
	struct toll_kafka_store store;
	struct toll_kafka_flight flights;    /* head of a ring, in order of arrival */
	struct toll_kafka_flight *to_encode; /* the first one not fully encoded, or &flights */
	struct toll_kafka_list ready;        /* to be produced, before anything new */
	struct toll_kafka_list oversized;    /* refused for their size */
	struct toll_kafka_list rejected;     /* refused for good */
	struct toll_kafka_list letters;      /* dead letters that go one by one */
	size_t letters_sent;                 /* dead letters the client has */
	bool letter_alone;                   /* one of those that go one by one */
	rd_kafka_resp_err_t rejection;       /* why */
	size_t sent;                         /* messages the client has */
	bool broken, topic_missing, topics_made;
	uint64_t retire_at; /* while the client is being emptied: when to give up waiting; else 0 */
	uint64_t hold_until, backoff; /* nothing is produced before */
	uint64_t waiting_since;       /* since when something is unanswered */
	bool brokers_down;
	const char *trouble; /* what health says; NULL: fine */
};

/* ---- state that operators see ---- */

static const char *who(const struct toll_kafka_sender *s)
{
	return s->who;
}

static void set_health(const struct toll_kafka_sender *s, enum toll_health health, const char *why)
{
	if (s->component->host)
		toll_host_set_health(s->component->host, s->component, health, why);
}

/* what: a literal. Said once, until it changes. */
static void trouble(struct toll_kafka_sender *s, const char *what, const char *why)
{
	if (s->trouble && strcmp(s->trouble, what) == 0)
		return;
	s->trouble = what;
	set_health(s, TOLL_HEALTH_DEGRADED, what);
	TOLL_WARN(who(s), "%s: %s; spans wait", what, why);
}

static void all_well(struct toll_kafka_sender *s)
{
	s->backoff = 0;
	s->topic_missing = s->brokers_down = false;
	if (!s->trouble)
		return;
	s->trouble = NULL;
	set_health(s, TOLL_HEALTH_OK, "");
	TOLL_INFO(who(s), "messages are acknowledged again topic=%s", s->topic);
}

static void hold(struct toll_kafka_sender *s)
{
	uint64_t now = toll_clock_mono_ns();

	if (now < s->hold_until)
		return;
	s->backoff = s->backoff ? 2 * s->backoff : BACKOFF_FIRST;
	if (s->backoff > BACKOFF_MAX)
		s->backoff = BACKOFF_MAX;
	s->hold_until = now + s->backoff;
}

/* ---- flights ---- */

static void flight_append(struct toll_kafka_sender *s, struct toll_kafka_flight *f)
{
	f->prev = s->flights.prev;
	f->next = &s->flights;
	f->prev->next = f->next->prev = f;
	if (s->to_encode == &s->flights)
		s->to_encode = f;
}

static bool busy(const struct toll_kafka_sender *s)
{
	return s->flights.next != &s->flights;
}

/* The delivery's answer; f is gone. */
static void flight_finish(struct toll_kafka_sender *s, struct toll_kafka_flight *f, int err)
{
	if (s->to_encode == f)
		s->to_encode = f->next;
	f->prev->next = f->next;
	f->next->prev = f->prev;
	s->done(f->delivery, err);
	free(f);
}

static void record_finish(struct toll_kafka_sender *s, struct toll_kafka_record *r)
{
	struct toll_kafka_flight *f = r->flight;

	if (toll_kafka_store_finish(&s->store, r))
		flight_finish(s, f, 0);
}

static void take_inbox(struct toll_kafka_sender *s)
{
	struct toll_kafka_flight *f;

	pthread_mutex_lock(&s->lock);
	f = s->inbox;
	s->inbox = s->inbox_last = NULL;
	pthread_mutex_unlock(&s->lock);
	if (f && !busy(s))
		s->waiting_since = toll_clock_mono_ns();
	while (f) {
		struct toll_kafka_flight *next = f->next;

		flight_append(s, f);
		f = next;
	}
}

/* Around calls into librdkafka that may last: stop may then leave the thread behind. */
static void go_away(struct toll_kafka_sender *s)
{
	pthread_mutex_lock(&s->lock);
	s->away = true;
	pthread_cond_broadcast(&s->wake);
	pthread_mutex_unlock(&s->lock);
}

/* Does not return once it was left behind: what it works on is not its own any more. */
static void come_back(struct toll_kafka_sender *s)
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

/* How long to wait for an answer of the cluster. */
static int answer_ms(struct toll_kafka_sender *s)
{
	uint64_t deadline = stop_deadline(s), now = toll_clock_mono_ns();

	if (!deadline || deadline > now + ANSWER_MS * TOLL_MS)
		return ANSWER_MS;
	return deadline > now ? (int)((deadline - now) / TOLL_MS) + 1 : 1;
}

/* ---- reports ---- */

static void lose(struct toll_kafka_sender *s, struct toll_kafka_record *r, const char *why)
{
	struct toll_delivery *d = r->flight->delivery;
	const struct toll_part part = { d->parts[r->part].batch, r->first, r->count };
	uint32_t kept = toll_kafka_record_kept(r);
	struct toll_lost lost = { 0 };
	char dollars[TOLL_LOST_TEXT];

	toll_lost_add(&lost, &part);
	TOLL_FAULT(who(s),
	           "lost %u spans worth %s: the dead-letter topic refuses them topic=%s why=%s",
	           kept, toll_lost_dollars(&lost, dollars), s->dead_letter_topic, why);
	d->lost_count += kept;
	record_finish(s, r);
}

/* The broker took it, or has it already. */
static void acknowledged(struct toll_kafka_sender *s, struct toll_kafka_record *r)
{
	if (r->dead_letter)
		toll_stat_add(s->component->stats, TOLL_STAT_EXPORTER_DEAD_LETTER_SPANS,
		              toll_kafka_record_kept(r));
	if (s->trouble || s->backoff || s->brokers_down)
		all_well(s);
	record_finish(s, r);
}

static void wait_for_topic(struct toll_kafka_sender *s, const char *why)
{
	s->topic_missing = true;
	trouble(s,
	        "the topic does not exist: create it, set create_topic: true, or let the broker "
	        "create it",
	        why);
	hold(s);
}

/* A dead letter that cannot be written now will hardly be written later: the topic is missing,
 * closed to us, or takes less than a dead letter. It must not hold up the rest. */
static bool refuses_dead_letters(rd_kafka_resp_err_t err)
{
	switch (err) {
	case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
	case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
	case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
	case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
	case RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION:
	case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE:
	case RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE:
	case RD_KAFKA_RESP_ERR_INVALID_RECORD:
	case RD_KAFKA_RESP_ERR_INVALID_TIMESTAMP:
		return true;
	default:
		return false;
	}
}

static bool for_its_size(rd_kafka_resp_err_t err)
{
	return err == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE ||
	       err == RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE;
}

/* The dead-letter topic may take less than a batch of them: then one at a time, before any is
 * lost. */
static void send_alone(struct toll_kafka_sender *s, struct toll_kafka_record *r)
{
	r->alone = true;
	toll_kafka_list_push(&s->letters, r);
}

/* Not delivered. Everything is tried again, but for what the broker says it will never take. */
static void failed(struct toll_kafka_sender *s, struct toll_kafka_record *r,
                   rd_kafka_resp_err_t err)
{
	const char *why = rd_kafka_err2str(err);

	r->state = TOLL_KAFKA_READY;
	if (r->dead_letter && !r->alone && for_its_size(err)) {
		send_alone(s, r);
		return;
	}
	if (r->dead_letter && refuses_dead_letters(err)) {
		lose(s, r, why);
		return;
	}
	switch (err) {
	case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE:
	case RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE:
		toll_kafka_list_push(&s->oversized, r);
		return;
	case RD_KAFKA_RESP_ERR_INVALID_RECORD:
	case RD_KAFKA_RESP_ERR_INVALID_TIMESTAMP:
		s->rejection = err;
		toll_kafka_list_push(&s->rejected, r);
		return;
	case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
	case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
	case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
		wait_for_topic(s, why);
		break;
	case RD_KAFKA_RESP_ERR__FATAL:
	case RD_KAFKA_RESP_ERR__PURGE_QUEUE:
	case RD_KAFKA_RESP_ERR__PURGE_INFLIGHT:
		break; /* the producer broke: on_error() */
	default:
		trouble(s, "the broker refuses messages", why);
		hold(s);
	}
	toll_kafka_list_push(&s->ready, r);
}

static void on_report(void *ctx, const rd_kafka_message_t *message)
{
	struct toll_kafka_sender *s = ctx;
	struct toll_kafka_record *r = message->_private;

	s->sent--;
	s->letters_sent -= r->dead_letter;
	if (r->alone)
		s->letter_alone = false;
	if (toll_likely(!message->err) ||
	    rd_kafka_message_status(message) == RD_KAFKA_MSG_STATUS_PERSISTED)
		acknowledged(s, r);
	else
		failed(s, r, message->err);
}

static const char brokers_down[] = "no broker can be reached";

/* librdkafka says so once, perhaps while nothing was to be sent. */
static void notice_brokers_down(struct toll_kafka_sender *s)
{
	if (s->brokers_down && busy(s) && !s->trouble &&
	    toll_clock_mono_ns() - s->waiting_since > DOWN_GRACE)
		trouble(s, brokers_down, "messages are unanswered");
}

static void on_error(void *ctx, rd_kafka_resp_err_t err, const char *why, bool fatal)
{
	struct toll_kafka_sender *s = ctx;

	if (fatal) {
		s->broken = true;
		trouble(s, "the producer broke; a new one takes over", why);
	} else if (err == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN) {
		s->brokers_down = true;
		if (busy(s))
			trouble(s, brokers_down, why);
	} else if (err == RD_KAFKA_RESP_ERR__AUTHENTICATION || err == RD_KAFKA_RESP_ERR__SSL) {
		trouble(s, "the brokers do not let us in", why);
	} else {
		TOLL_DEBUG(who(s), "%s: %s", rd_kafka_err2name(err), why);
	}
}

static const struct toll_kafka_client_ops client_ops = { on_report, on_error };

/* ---- producing ---- */

static rd_kafka_headers_t *headers(const struct toll_kafka_sender *s, uint64_t seq)
{
	rd_kafka_headers_t *h = rd_kafka_headers_new(3);
	char text[20], *at = text + sizeof(text);

	do {
		*--at = (char)('0' + seq % 10);
		seq /= 10;
	} while (seq);
	rd_kafka_header_add(h, "node", 4, s->node, -1);
	rd_kafka_header_add(h, "epoch", 5, s->epoch, -1);
	rd_kafka_header_add(h, "seq", 3, at, text + sizeof(text) - at);
	return h;
}

static rd_kafka_resp_err_t produce(struct toll_kafka_sender *s, struct toll_kafka_record *r)
{
	char room[TOLL_KAFKA_KEY_ROOM];
	struct toll_slice key = toll_kafka_record_key(r, room);
	rd_kafka_headers_t *h = s->config->headers ? headers(s, r->seq) : NULL;
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
		failed(s, r, err);
		return !s->ready.head;
	}
}

static bool send_record(struct toll_kafka_sender *s, struct toll_kafka_record *r)
{
	if (toll_likely(!r->dead_letter) || !(r->alone || s->letters.head || s->letter_alone))
		return send_now(s, r);
	send_alone(s, r);
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

static bool may_produce(const struct toll_kafka_sender *s)
{
	return s->client.rk && !s->broken && !s->retire_at && s->topics_made &&
	       toll_clock_mono_ns() >= s->hold_until;
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
			TOLL_WARN(who(s), "out of memory: encoding waits");
			hold(s);
			return;
		}
		if (r) {
			if (!send_record(s, r))
				return;
			continue;
		}
		s->to_encode = f->next;
		if (f->open == 0)
			flight_finish(s, f, 0);
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

static void send_some(struct toll_kafka_sender *s)
{
	int wait;

	if (!may_produce(s))
		return;
	if (s->topic_missing) {
		s->topic_missing = false;
		wait = answer_ms(s);
		go_away(s);
		toll_kafka_topic_look_up(s->client.rk, s->client.topic, wait);
		come_back(s);
	}
	if (s->rejected.head)
		bury_rejected(s);
	send_ready(s);
	send_letter(s);
	if (!s->ready.head)
		send_new(s);
}

/* ---- producers come and go ---- */

static void set_waker(struct toll_kafka_sender *s, rd_kafka_queue_t *queue)
{
	pthread_mutex_lock(&s->lock);
	s->waker = queue;
	pthread_mutex_unlock(&s->lock);
}

static void open_client(struct toll_kafka_sender *s)
{
	struct toll_error why = { 0 };
	int err;

	if (toll_clock_mono_ns() < s->hold_until)
		return;
	err = toll_kafka_client_open(&s->client, s->config, s->dead_letter_topic,
	                             s->encoder.max_message_bytes, &why);
	if (err) {
		trouble(s, "no producer can be made", why.text);
		hold(s);
		return;
	}
	s->broken = false;
	s->sent = s->letters_sent = 0;
	s->letter_alone = false;
	if (!s->trouble)
		set_health(s, TOLL_HEALTH_OK, "");
	set_waker(s, s->client.queue);
}

/* Everything unanswered is produced again by the next one. */
static void close_client(struct toll_kafka_sender *s)
{
	set_waker(s, NULL);
	go_away(s);
	toll_kafka_client_close(&s->client);
	come_back(s);
	toll_kafka_store_recall(&s->store, &s->ready);
	s->sent = s->letters_sent = 0;
	s->letter_alone = false;
	s->retire_at = 0;
}

/* The topic takes less than we thought: ask how much, or try half. */
static void lower_limit(struct toll_kafka_sender *s)
{
	size_t limit, now = s->encoder.max_message_bytes;
	int wait = answer_ms(s);

	go_away(s);
	limit = toll_kafka_topic_limit(s->client.rk, s->topic, wait);
	come_back(s);
	if (limit == 0 || limit >= now)
		limit = now / 2;
	if (limit < LIMIT_MIN)
		limit = LIMIT_MIN;
	TOLL_WARN(who(s),
	          "the broker refuses messages for their size, they are made smaller: raise the "
	          "topic's max.message.bytes or lower producer::max_message_bytes topic=%s "
	          "was=%zu now=%zu",
	          s->topic, now, limit);
	s->encoder.max_message_bytes = limit;
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

/* Lets the client answer what it has, then closes it. */
static void retire_client(struct toll_kafka_sender *s)
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
	close_client(s);
	shrink_oversized(s, hopeless);
	if (broken) /* one that breaks at once must not spin */
		hold(s);
}

/* ---- topics at start ---- */

static bool make_topic(struct toll_kafka_sender *s, const char *name)
{
	struct toll_kafka_new_topic topic = { name, (int)s->config->topic_partitions,
		                              (int)s->config->topic_replication_factor };
	struct toll_error why = { 0 };
	int err, wait = answer_ms(s);

	go_away(s);
	err = toll_kafka_topic_create(s->client.rk, &topic, wait, &why);
	come_back(s);
	if (err == TOLL_EDOWN) {
		trouble(s, "the topic cannot be created yet", why.text);
		hold(s);
		return false;
	}
	if (err)
		TOLL_WARN(who(s), "the topic cannot be created topic=%s: %s", name, why.text);
	return true;
}

static void make_topics(struct toll_kafka_sender *s)
{
	if (toll_clock_mono_ns() < s->hold_until)
		return;
	s->topics_made = make_topic(s, s->topic) && make_topic(s, s->dead_letter_topic);
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

static void turn(struct toll_kafka_sender *s)
{
	take_inbox(s);
	if (!s->client.rk)
		open_client(s);
	if (!s->client.rk) {
		wait_closed(s);
		return;
	}
	if (s->broken || s->oversized.head)
		retire_client(s);
	else if (!s->topics_made)
		make_topics(s);
	if (!s->client.rk)
		return;
	send_some(s);
	toll_kafka_client_poll(&s->client, wait_ms(s));
	notice_brokers_down(s);
}

static void answer_rest(struct toll_kafka_sender *s)
{
	take_inbox(s);
	for (struct toll_kafka_flight *next, *f = s->flights.next; f != &s->flights; f = next) {
		next = f->next;
		flight_finish(s, f, TOLL_ESHUTDOWN);
	}
}

/* Nothing new comes: send what is there without lingering. */
static void drain(struct toll_kafka_sender *s, uint64_t deadline)
{
	take_inbox(s);
	while (busy(s) && toll_clock_mono_ns() < deadline) {
		turn(s);
		if (s->client.rk && s->to_encode == &s->flights)
			(void)rd_kafka_flush(s->client.rk, 20);
	}
	answer_rest(s); /* closing may last */
	close_client(s);
}

static void *run(void *arg)
{
	struct toll_kafka_sender *s = arg;
	uint64_t deadline;

	while (!(deadline = stop_deadline(s)))
		turn(s);
	drain(s, deadline);
	pthread_mutex_lock(&s->lock);
	s->ended = true;
	pthread_cond_broadcast(&s->wake);
	pthread_mutex_unlock(&s->lock);
	return NULL;
}

/* ---- life ---- */

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
	return s->config->headers ? strlen(s->node) + strlen(s->epoch) + 20 + 12 + 24 : 0;
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
	s->client = (struct toll_kafka_client){ .ops = &client_ops, .ctx = s, .who = who(s) };
	s->encoder = (struct toll_kafka_encoder){
		.encoding = toll_kafka_encoding(s->config),
		.topic = toll_slice_str(s->topic),
		.max_message_bytes = s->config->producer.max_message_bytes,
		.header_bytes = header_bytes(s),
		.store = &s->store,
	};
	s->topics_made = !s->config->create_topic;
	*ret = s;
	return 0;
}

int toll_kafka_sender_start(struct toll_kafka_sender *s)
{
	int err = toll_thread_start(&s->thread, "toll-kafka", run, s);

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

/* While the thread is not away it ends by itself: it looks at the deadline. */
static bool wait_end(struct toll_kafka_sender *s, uint64_t until)
{
	while (!s->ended) {
		bool late = toll_clock_mono_ns() >= until;

		if (late && s->away)
			return false;
		(void)toll_cond_wait_until(&s->wake, &s->lock,
		                           late ? toll_clock_mono_ns() + TOLL_S : until);
	}
	return true;
}

static void join(struct toll_kafka_sender *s, uint64_t deadline)
{
	uint64_t now = toll_clock_mono_ns();

	pthread_mutex_lock(&s->lock);
	s->abandoned = !wait_end(s, (deadline > now ? deadline : now) + JOIN_GRACE);
	pthread_mutex_unlock(&s->lock);
	if (!s->abandoned) {
		pthread_join(s->thread, NULL);
		return;
	}
	pthread_detach(s->thread);
	TOLL_WARN(who(s), "librdkafka does not come back from a call: its producer is left behind");
	answer_rest(s);
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

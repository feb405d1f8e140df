/* SPDX-License-Identifier: Apache-2.0 */
/* sender_private.h - what the sender's files share: one struct, owned by one thread.
 *
 * sender.c            life: new, start, send, stop, free
 * sender_thread.c     the thread: what comes in, one turn, the drain at the end
 * sender_client.c     producers come and go, topics are made
 * sender_produce.c    records into librdkafka
 * sender_reports.c    what librdkafka answers
 * sender_health.c     what operators see, and the back-off
 *
 * Functions are for the sender's thread only, unless they say otherwise. */
#ifndef TOLL_EXPORTERS_KAFKA_SENDER_PRIVATE_H
#define TOLL_EXPORTERS_KAFKA_SENDER_PRIVATE_H

#include <pthread.h>

#include "exporters/kafka/client.h"
#include "exporters/kafka/encode.h"
#include "exporters/kafka/sender.h"
#include "pipeline/host.h"

struct toll_kafka_sender {
	const struct toll_kafka_config *config;
	const struct toll_component *component;
	void (*done)(struct toll_delivery *d, int err);
	char who[128]; /* librdkafka's threads may outlive the component */
	char topic[256], dead_letter_topic[256], node[256], epoch[64];
	int answer_ms; /* how long to wait for an answer of the cluster about a topic */
	pthread_t thread;
	bool running;

	pthread_mutex_t lock; /* guards the next block */
	pthread_cond_t wake;
	struct toll_kafka_flight *inbox, *inbox_last;
	rd_kafka_queue_t *waker; /* of the open client */
	uint64_t deadline;       /* of stop; 0: not stopping */
	bool away; /* the thread is in a call that may last; it touches nothing here */
	bool abandoned;

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
	size_t batch_bytes;                  /* most that goes to the broker at once */
	bool broken, topic_missing, topics_made;
	uint64_t retire_at; /* while the client is being emptied: when to give up waiting; else 0 */
	uint64_t hold_until, backoff; /* nothing is produced before */
	uint64_t waiting_since;       /* since when something is unanswered */
	bool brokers_down;
	const char *trouble; /* what health says; NULL: fine */
};

/* ---- sender_health.c ---- */

void toll_kafka_set_health(const struct toll_kafka_sender *s, enum toll_health health,
                           const char *why);
/* what: a literal. Said once, until it changes. */
void toll_kafka_trouble(struct toll_kafka_sender *s, const char *what, const char *why);
/* A message was acknowledged. */
void toll_kafka_all_well(struct toll_kafka_sender *s);
/* Nothing is produced for a while, twice as long each time. */
void toll_kafka_hold(struct toll_kafka_sender *s);
bool toll_kafka_held(const struct toll_kafka_sender *s);

/* ---- sender_thread.c ---- */

void *toll_kafka_run(void *sender);
/* Something is unanswered. */
bool toll_kafka_busy(const struct toll_kafka_sender *s);
/* The delivery's answer; f is gone. */
void toll_kafka_flight_finish(struct toll_kafka_sender *s, struct toll_kafka_flight *f, int err);
void toll_kafka_record_finish(struct toll_kafka_sender *s, struct toll_kafka_record *r);
/* Everything that came in and was not answered: TOLL_ESHUTDOWN. Also the thread that stops the
 * sender, when this one was left behind. */
void toll_kafka_answer_rest(struct toll_kafka_sender *s);
/* Around calls into librdkafka that may last: stop may then leave the thread behind. Coming back
 * does not return once it was: what it works on is not its own any more. */
void toll_kafka_go_away(struct toll_kafka_sender *s);
void toll_kafka_come_back(struct toll_kafka_sender *s);
/* How long there is for such an answer: answer_ms, or less when stop does not leave so much. */
int toll_kafka_answer_ms(struct toll_kafka_sender *s);

/* ---- sender_client.c ---- */

void toll_kafka_open_client(struct toll_kafka_sender *s);
/* Everything unanswered is produced again by the next one. */
void toll_kafka_close_client(struct toll_kafka_sender *s);
/* Lets the client answer what it has, then closes it. */
void toll_kafka_retire_client(struct toll_kafka_sender *s);
void toll_kafka_make_topics(struct toll_kafka_sender *s);

/* ---- sender_produce.c ---- */

/* What is ready and as much of what is new as there is room for. */
void toll_kafka_send_some(struct toll_kafka_sender *s);
/* The dead-letter topic may take less than a batch of them: then one at a time, before any is
 * lost. */
void toll_kafka_send_alone(struct toll_kafka_sender *s, struct toll_kafka_record *r);

/* ---- sender_reports.c ---- */

extern const struct toll_kafka_client_ops toll_kafka_sender_client_ops;
/* Not delivered. Everything is tried again, but for what the broker says it will never take. */
void toll_kafka_failed(struct toll_kafka_sender *s, struct toll_kafka_record *r,
                       rd_kafka_resp_err_t err);
void toll_kafka_notice_brokers_down(struct toll_kafka_sender *s);

#endif

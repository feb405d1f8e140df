/* SPDX-License-Identifier: Apache-2.0 */
/* consumer.h - the receiver, as its files share it: one struct, owned by one thread.
 *
 * kafka.c               factory and life
 * consumer_thread.c     the thread: one turn, what comes in, the end
 * consumer_client.c     librdkafka's consumer: open, errors, close
 * consumer_group.c      partitions come and go
 * consumer_flight.c     messages into batches, batches into the pipelines
 * consumer_answer.c     what the pipelines answer
 * consumer_commit.c     offsets of what is done
 * consumer_health.c     what operators see
 * metrics.c             counters
 *
 * A flight is one batch of one partition, from the first message put into it until everything
 * before it is done as well. Its messages' offsets are committed then, and not before: a crash
 * repeats what was on its way, and loses nothing. Its bytes are kept until then, so that a batch
 * that is refused can be made again. Functions are for the thread only, unless they say otherwise.
 */
#ifndef TOLL_RECEIVERS_KAFKA_CONSUMER_H
#define TOLL_RECEIVERS_KAFKA_CONSUMER_H

#include <pthread.h>
#include <stdatomic.h>

#include "pipeline/component.h"
#include "pipeline/host.h"
#include "pipeline/metrics.h"
#include "receivers/kafka/gather.h"
#include "receivers/kafka/settings.h"

struct toll_kafkain;
struct toll_kafkain_partition;

enum toll_flight_state {
	TOLL_FLIGHT_READY = 0, /* to be given to the pipelines, perhaps again */
	TOLL_FLIGHT_SENT,      /* they have it */
	TOLL_FLIGHT_DONE,
};

struct toll_kafkain_flight {
	struct toll_ack ack;
	struct toll_kafkain *owner;
	struct toll_kafkain_partition *partition;
	struct toll_kafkain_flight *next;     /* of the partition, by offset; or spare */
	struct toll_kafkain_flight *answered; /* in owner's list */
	struct toll_gather gather;
	int64_t first, end; /* offsets [first, end) */
	size_t bytes;       /* what it holds while it is not done */
	uint32_t spans, rejected;
	int err;                      /* the pipelines' answer */
	uint64_t not_before, backoff; /* READY again after a refusal */
	uint8_t state;                /* enum toll_flight_state */
};

struct toll_kafkain_partition {
	struct toll_kafkain_partition *next; /* guarded by lock where others look */
	struct toll_kafkain_flight *head, *tail;
	struct toll_kafkain_flight *open; /* gathers messages; not in the list yet */
	uint64_t open_since;
	int32_t id;
	bool gone; /* given away; stays until what is in the air is answered */
	bool paused;
	bool waits;     /* something is READY: nothing new until it is taken */
	int64_t done;   /* everything before is; -1: nothing so far */
	int64_t stored; /* the last one that librdkafka was told; -1: none */
	_Atomic int64_t shown_offset, shown_lag;
};

enum toll_skip { TOLL_SKIP_EMPTY = 0, TOLL_SKIP_MALFORMED, TOLL_SKIP_COUNT };

/* Kept for the receiver's id: a reload goes on counting. */
struct toll_kafkain_counters {
	_Atomic uint64_t messages, bytes, skipped[TOLL_SKIP_COUNT], opened, closed, commits,
		commit_failures;
};

struct toll_kafkain {
	struct toll_receiver super;
	const struct toll_kafkain_config *config;
	struct toll_metrics_source metrics;
	struct toll_kafkain_counters *counters;
	bool listed;   /* metrics */
	char who[128]; /* librdkafka's threads may outlive the component */
	char topic[256];
	pthread_t thread;
	bool running;

	pthread_mutex_t lock; /* guards the next block, and which partitions there are */
	pthread_cond_t wake;
	struct toll_kafkain_flight *answers;
	rd_kafka_queue_t *waker; /* of the open client */
	uint64_t deadline;       /* of shutdown; 0: not stopping */
	uint32_t in_the_air;     /* flights that are SENT and unanswered */
	bool sending;            /* the thread gives to the pipelines, and looks at answers next */
	bool away;               /* the thread is in a call that may last; touches nothing here */
	bool abandoned;

	/* The rest belongs to the thread. */
	rd_kafka_t *rk; /* NULL: closed */
	rd_kafka_queue_t *queue;
	rd_kafka_topic_t *rkt;
	struct toll_kafkain_partition *partitions;
	struct toll_kafkain_partition *latest; /* of the last message; may be NULL */
	struct toll_kafkain_flight *spare;
	uint32_t spare_count;
	int64_t *past; /* of partitions that were ours: everything before is done; -1: not known */
	int32_t past_count;
	size_t held; /* bytes of flights that are not done */
	bool stalled, broken;
	uint64_t show_at, probe_at, hold_until, backoff;
	const char *trouble; /* what health says; NULL: fine */
};

/* ---- consumer_thread.c ---- */

void *toll_kafkain_run(void *receiver);
/* Around calls into librdkafka that may last: shutdown may then leave the thread behind. Coming
 * back does not return once it was. */
void toll_kafkain_go_away(struct toll_kafkain *k);
void toll_kafkain_come_back(struct toll_kafkain *k);
/* 0: not stopping. Any thread. */
uint64_t toll_kafkain_deadline(struct toll_kafkain *k);

/* ---- consumer_client.c ---- */

void toll_kafkain_open(struct toll_kafkain *k);
/* An error that came in place of a message. */
void toll_kafkain_hear(struct toll_kafkain *k, rd_kafka_resp_err_t err, const char *why);
/* While there is trouble: asks the cluster now and then whether it is over. */
void toll_kafkain_probe(struct toll_kafkain *k, uint64_t now);
/* Leaves the group, as far as there is time. */
void toll_kafkain_close(struct toll_kafkain *k, uint64_t deadline);

/* ---- consumer_group.c ---- */

void toll_kafkain_rebalance(rd_kafka_t *rk, rd_kafka_resp_err_t err,
                            rd_kafka_topic_partition_list_t *list, void *receiver);
/* NULL: not ours. */
struct toll_kafkain_partition *toll_kafkain_partition(struct toll_kafkain *k, int32_t id);
/* Pauses those whose batches wait, or all while too much is on its way; resumes the others. */
void toll_kafkain_throttle(struct toll_kafkain *k);
/* What is not in the air is forgotten, all of it at the end; the rest when it is answered. */
void toll_kafkain_forget(struct toll_kafkain *k, struct toll_kafkain_partition *p);
void toll_kafkain_forget_all(struct toll_kafkain *k);
/* The group gave away a partition whose last flight was answered: it goes. */
void toll_kafkain_bury(struct toll_kafkain *k, struct toll_kafkain_partition *p);

/* ---- consumer_flight.c ---- */

void toll_kafkain_take(struct toll_kafkain *k, rd_kafka_message_t *m, uint64_t now);
/* Batches that are whole or have waited long enough, and those that were refused. */
void toll_kafkain_push(struct toll_kafkain *k, struct toll_kafkain_partition *p, uint64_t now);
void toll_kafkain_recycle(struct toll_kafkain *k, struct toll_kafkain_flight *f);
void toll_kafkain_drop_spare(struct toll_kafkain *k);
/* When there is something to do for what is held; 0: never. */
uint64_t toll_kafkain_due(const struct toll_kafkain *k);

/* ---- consumer_answer.c ---- */

void toll_kafkain_send(struct toll_kafkain *k, struct toll_kafkain_flight *f, struct toll_batch *b);
/* Answers that came: what is done moves its partition on, what was refused is READY again. */
void toll_kafkain_take_answers(struct toll_kafkain *k);
/* Nothing of it will be tried again. */
void toll_kafkain_finish(struct toll_kafkain *k, struct toll_kafkain_flight *f);
void toll_kafkain_refused(struct toll_kafkain *k, struct toll_kafkain_flight *f, int err);
void toll_kafkain_skip(struct toll_kafkain *k, const struct toll_kafkain_partition *p,
                       int64_t offset, enum toll_skip reason, const char *why);

/* ---- consumer_commit.c ---- */

/* Tells librdkafka of offsets that moved. */
void toll_kafkain_store(struct toll_kafkain *k);
/* Of those partitions (NULL: all), and waits for the answer. */
void toll_kafkain_commit_until(struct toll_kafkain *k, const rd_kafka_topic_partition_list_t *of,
                               uint64_t deadline);
void toll_kafkain_committed(rd_kafka_t *rk, rd_kafka_resp_err_t err,
                            rd_kafka_topic_partition_list_t *list, void *receiver);

/* ---- consumer_health.c ---- */

void toll_kafkain_set_health(const struct toll_kafkain *k, enum toll_health health,
                             const char *why);
/* what: a literal. Said once, until it changes. */
void toll_kafkain_trouble(struct toll_kafkain *k, const char *what, const char *why);
void toll_kafkain_all_well(struct toll_kafkain *k);

/* ---- metrics.c ---- */

void toll_kafkain_collect(struct toll_metrics_source *source, struct toll_metrics_writer *w);
/* What the gauges show, of positions and of what the brokers told. */
void toll_kafkain_show(struct toll_kafkain *k);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* redis_inside.h - what the files of the store's thread share.
 *
 * redis_store.c  its life: settings, the thread, whose turn it is
 * redis_work.c   what it does when: connections, flushes, decisions, what people ask
 * redis_last.c   what is still to be published when it ends */
#ifndef TOLL_ENFORCER_REDIS_INSIDE_H
#define TOLL_ENFORCER_REDIS_INSIDE_H

#include <pthread.h>

#include "exporters/enforcer/alert.h"
#include "exporters/enforcer/checkpoint/kept_save.h"
#include "exporters/enforcer/store_redis/between.h"
#include "exporters/enforcer/store_redis/decide.h"
#include "exporters/enforcer/store_redis/owner.h"
#include "exporters/enforcer/store_redis/redis_health.h"
#include "exporters/enforcer/store_redis/redis_store.h"

struct toll_redis_store {
	struct toll_publisher publisher;
	struct toll_decider decider;
	const struct toll_enforcer_config *config;
	const struct toll_component *owner;
	struct toll_kept *kept; /* NULL: nobody else can have the turn */
	const struct toll_rules *wanted;
	pthread_t thread;
	bool started, ended, joined; /* ended: the thread; joined: the follower as well */
	pthread_mutex_t lock;        /* guards stop, deadline_mono_ns, asked, wishes */
	pthread_cond_t wake;         /* one of them was set */
	bool stop, asked;
	unsigned wishes; /* of the follower */
	uint64_t deadline_mono_ns;
	/* The thread's own. */
	struct toll_redis_health health;
	struct toll_tls_client *tls; /* NULL: plain */
	uint64_t tls_loaded_at;
	uint64_t retry_at; /* mono ns */
	uint64_t flush_at, decide_at, heartbeat_at;
	struct toll_between between;
	struct toll_runtime runtime;
	struct toll_follower *follower; /* NULL: nobody in this process asks for flags */
	struct toll_alert alert;
	struct toll_claim claim;
	uint64_t decided_ms; /* clock when the last round of decisions began */
	uint64_t daemons, interval_ns, spread_ms;
};

/* Thread's own: connects; the state of health follows. */
int toll_redis_store_connect(struct toll_redis_store *s) TOLL_MUST_CHECK;
/* Whatever is due now, and when (mono ns) there is something to do again. */
void toll_redis_store_work(struct toll_redis_store *s);
uint64_t toll_redis_store_next(const struct toll_redis_store *s);

/* Everything that changed, where the sums are ours to publish. *ret_published: how many keys.
 * TOLL_EDOWN: the connection broke. */
int toll_redis_store_publish(struct toll_redis_store *s, uint32_t *ret_published) TOLL_MUST_CHECK;

/* What is kept survives a crash, where there are checkpoints. */
void toll_redis_store_save(struct toll_redis_store *s);
/* In force: as configured, under what was set at run time. */
const struct toll_rules *toll_redis_store_rules(const struct toll_redis_store *s);

/* Publishes what waits, until the deadline; what is left is told in USD. */
void toll_redis_store_last(struct toll_redis_store *s, uint64_t deadline_mono_ns);

#endif

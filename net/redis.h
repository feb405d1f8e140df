/* SPDX-License-Identifier: Apache-2.0 */
/* redis.h - blocking commands to Redis with time-outs: pipelining, and the caller's scripts; one
 * server, whichever is the primary according to Sentinel, or a cluster.
 *
 * One thread. Every call is over within the time-out (a pipeline: per answer), but for looking
 * names up. After TOLL_EDOWN nothing is connected and whatever was sent may or may not have been
 * done. In a cluster a node that is away costs its own commands only: they are answered with an
 * error that begins with AWAY, until it, or who replaces it, is found again. */
#ifndef TOLL_NET_REDIS_H
#define TOLL_NET_REDIS_H

#include <hiredis/hiredis.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/slice.h"
#include "net/endpoint.h"
#include "net/tls_client.h"

#define TOLL_REDIS_SCRIPTS_MAX 16
#define TOLL_SHA_TEXT          48

enum toll_redis_mode { TOLL_REDIS_STANDALONE = 0, TOLL_REDIS_SENTINEL, TOLL_REDIS_CLUSTER };

/* Everything is borrowed until the last use; texts are NUL-terminated, "": none. */
struct toll_redis_settings {
	enum toll_redis_mode mode;
	const struct toll_slice *endpoints; /* host:port, checked by whoever configures; the
	                                     * server, the Sentinels, some nodes of the cluster */
	size_t endpoint_count;
	struct toll_slice master_name; /* as the Sentinels call it */
	struct toll_slice username, password;
	struct toll_slice sentinel_username, sentinel_password;
	int db;                            /* not in a cluster */
	const struct toll_tls_client *tls; /* of all servers; NULL: plain */
	uint64_t timeout_ns;
	const char *const *scripts; /* Lua; their index is their name here */
	unsigned script_count;
};

/* What happened since toll_redis_init(). */
struct toll_redis_stats {
	uint32_t nodes, nodes_away; /* that serve slots; one at most but in a cluster */
	uint64_t nodes_lost;        /* connections to nodes of a cluster that failed or broke */
	uint64_t redirects;         /* MOVED, ASK, TRYAGAIN that were followed */
	/* Moves whenever what is stored may be older than what was acknowledged: another server
	 * than before, or the same after a break. */
	uint64_t epoch;
};

struct toll_redis_core;

struct toll_redis {
	struct toll_redis_settings set;
	struct toll_endpoint endpoint; /* of the last connection, or of the attempt at one */
	uint64_t timeout_ns;
	unsigned first; /* of the endpoints: the next attempt begins there */
	char sha[TOLL_REDIS_SCRIPTS_MAX][TOLL_SHA_TEXT];
	struct toll_redis_stats stats;
	char warning[240];            /* set by connecting when memory may be evicted; "" else */
	char why[240];                /* the last failure, for people */
	struct toll_redis_core *core; /* NULL: not connected */
};

void toll_redis_init(struct toll_redis *r, const struct toll_redis_settings *set);
void toll_redis_close(struct toll_redis *r); /* accepts a closed one, or all zeros */

/* Finds the primary or the slots, authenticates, selects, loads the scripts. TOLL_EDOWN with
 * r->why. */
int toll_redis_connect(struct toll_redis *r) TOLL_MUST_CHECK;
bool toll_redis_is_connected(const struct toll_redis *r);

/* min(n x 100 ms, 3 s): the wait before another attempt after n failed ones. */
uint64_t toll_redis_backoff_ns(uint32_t failures);

/* Where we are connected, or try to be; returns buf. */
const char *toll_redis_where(const struct toll_redis *r, char buf[TOLL_ENDPOINT_MAX]);

/* No call takes longer from now on, connecting included. */
void toll_redis_limit(struct toll_redis *r, uint64_t timeout_ns);

/* A command being put together; no copies are made until it is sent. */
#define TOLL_COMMAND_ARGS 2048
struct toll_command {
	int count;
	const char *args[TOLL_COMMAND_ARGS];
	size_t lens[TOLL_COMMAND_ARGS];
};

void toll_command_add(struct toll_command *c, struct toll_slice arg);
/* EVALSHA of a script; its keys and arguments are added next. */
void toll_command_script(struct toll_command *c, const struct toll_redis *r, unsigned script,
                         const char *key_count);

/* For commands that no key belongs to: any node will do. */
#define TOLL_NO_KEY ((struct toll_slice){ NULL, 0 })

/* Queues a command; answers come in the same order by toll_redis_receive(). key: the one that
 * decides which node of a cluster the command goes to; all keys of it are on that node. Commands to
 * different nodes may be done in any order, those that were redirected as well. */
int toll_redis_send(struct toll_redis *r, struct toll_slice key,
                    struct toll_command *c) TOLL_MUST_CHECK;
/* Free the answer with freeReplyObject(). An answer that is an error is an answer. */
int toll_redis_receive(struct toll_redis *r, redisReply **ret) TOLL_MUST_CHECK;
/* send + receive of a command given as words; the last one is NULL. */
int toll_redis_words(struct toll_redis *r, struct toll_slice key, redisReply **ret,
                     const char *const words[]) TOLL_MUST_CHECK;
#define toll_redis_call(r, key, ret, ...) \
	toll_redis_words((r), (key), (ret), (const char *const[]){ __VA_ARGS__, NULL })

/* True: the answer is an error; r->why tells it. */
bool toll_redis_is_error(struct toll_redis *r, const redisReply *reply);
/* An element of an array answer as text, {NULL, 0} when it is not there or not text. */
struct toll_slice toll_reply_text(const redisReply *reply, size_t index);

#endif

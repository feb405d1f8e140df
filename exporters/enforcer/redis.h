/* SPDX-License-Identifier: Apache-2.0 */
/* redis.h - one blocking connection to Redis with time-outs: pipelining, and our scripts.
 *
 * One thread. Every call is over within the time-out (a pipeline: per answer). After TOLL_EDOWN the
 * connection is closed and whatever was sent may or may not have been done. */
#ifndef TOLL_ENFORCER_REDIS_H
#define TOLL_ENFORCER_REDIS_H

#include <hiredis/hiredis.h>
#include <stdbool.h>
#include <stdint.h>

#include "exporters/enforcer/config.h"
#include "net/endpoint.h"

enum toll_script { TOLL_SCRIPT_PUBLISH = 0, TOLL_SCRIPT_COMMIT, TOLL_SCRIPT_COUNT };

#define TOLL_SHA_TEXT 48

struct toll_redis {
	const struct toll_redis_config *config;
	struct toll_endpoint endpoint;
	uint64_t timeout_ns;
	redisContext *context; /* NULL: not connected */
	char sha[TOLL_SCRIPT_COUNT][TOLL_SHA_TEXT];
	bool scripts_gone; /* NOSCRIPT was answered: load them again */
	char warning[160]; /* set by connect when memory may be evicted; "" else */
	char why[200];     /* the last failure, for people */
};

void toll_redis_init(struct toll_redis *r, const struct toll_redis_config *config);
void toll_redis_close(struct toll_redis *r); /* accepts a closed one */

/* Connects, authenticates, selects, loads the scripts. TOLL_EDOWN with r->why. */
int toll_redis_connect(struct toll_redis *r) TOLL_MUST_CHECK;
int toll_redis_load_scripts(struct toll_redis *r) TOLL_MUST_CHECK;

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
void toll_command_script(struct toll_command *c, const struct toll_redis *r,
                         enum toll_script script, const char *key_count);

/* Queues a command; answers come in the same order by toll_redis_receive(). */
int toll_redis_send(struct toll_redis *r, struct toll_command *c) TOLL_MUST_CHECK;
/* Free the answer with freeReplyObject(). An answer that is an error is an answer. */
int toll_redis_receive(struct toll_redis *r, redisReply **ret) TOLL_MUST_CHECK;
/* send + receive of a command given as words; the last one is NULL. */
int toll_redis_words(struct toll_redis *r, redisReply **ret,
                     const char *const words[]) TOLL_MUST_CHECK;
#define toll_redis_call(r, ret, ...) \
	toll_redis_words((r), (ret), (const char *const[]){ __VA_ARGS__, NULL })

/* Notes NOSCRIPT, so that scripts are loaded again. True: the answer is an error; r->why tells it.
 */
bool toll_redis_is_error(struct toll_redis *r, const redisReply *reply);
/* An element of an array answer as text, {NULL, 0} when it is not there or not text. */
struct toll_slice toll_reply_text(const redisReply *reply, size_t index);

#endif

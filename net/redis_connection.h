/* SPDX-License-Identifier: Apache-2.0 */
/* redis_connection.h - RESP over one connection: bytes of commands out, answers in. Never blocks,
 * but in the calls that take a deadline. One thread. */
#ifndef TOLL_NET_REDIS_CONNECTION_H
#define TOLL_NET_REDIS_CONNECTION_H

#include <stdint.h>

#include "base/slice.h"
#include "net/redis_reader.h"
#include "net/tcp_client.h"

struct toll_redis_connection {
	struct toll_tcp_client tcp;
	struct toll_redis_reader *reader;
	char *out; /* commands not yet written: out_sent..out_len */
	size_t out_len, out_size, out_sent;
	bool more; /* bytes may be waiting where poll() does not see them */
	char why[200];
};

void toll_redis_connection_init(struct toll_redis_connection *c);
/* Begins; what is put meanwhile is written as soon as it stands. */
int toll_redis_connection_open(struct toll_redis_connection *c, const struct toll_endpoint *to,
                               const struct toll_tls_client *tls) TOLL_MUST_CHECK;
void toll_redis_connection_close(struct toll_redis_connection *c);        /* legal twice */
bool toll_redis_connection_stands(const struct toll_redis_connection *c); /* open or opening */

int toll_redis_connection_put(struct toll_redis_connection *c, const char *bytes,
                              size_t len) TOLL_MUST_CHECK;
short toll_redis_connection_events(const struct toll_redis_connection *c);
/* Whatever can be done without waiting. TOLL_EDOWN with why; what has come before can be taken. */
int toll_redis_connection_step(struct toll_redis_connection *c) TOLL_MUST_CHECK;
/* 1: an answer, the caller's; 0: none yet; TOLL_EDOWN with why. */
int toll_redis_connection_take(struct toll_redis_connection *c, redisReply **ret) TOLL_MUST_CHECK;

/* For who has one connection only. TOLL_ETIMEOUT: nothing has come until then. */
int toll_redis_connection_wait(struct toll_redis_connection *c, uint64_t deadline_mono_ns,
                               redisReply **ret) TOLL_MUST_CHECK;
/* Sends words, the last one NULL, and waits. TOLL_EDOWN with why, also for a time-out. */
int toll_redis_connection_ask(struct toll_redis_connection *c, uint64_t deadline_mono_ns,
                              redisReply **ret, const char *const words[]) TOLL_MUST_CHECK;
/* Nothing where there is no password. An error answer is TOLL_EDOWN. */
int toll_redis_connection_sign_in(struct toll_redis_connection *c, struct toll_slice username,
                                  struct toll_slice password,
                                  uint64_t deadline_mono_ns) TOLL_MUST_CHECK;

#endif

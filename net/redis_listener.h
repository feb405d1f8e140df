/* SPDX-License-Identifier: Apache-2.0 */
/* redis_listener.h - a connection that only listens: the messages of one channel.
 *
 * One thread, any one. Redis forgets who does not listen at the moment: after a break whatever was
 * published meanwhile is lost, so callers read the state itself then. */
#ifndef TOLL_NET_REDIS_LISTENER_H
#define TOLL_NET_REDIS_LISTENER_H

#include "net/redis.h"

struct toll_redis_listener;

/* settings as for toll_redis; everything is borrowed. In a cluster any node will do. NULL: out of
 * memory. */
struct toll_redis_listener *toll_redis_listener_new(const struct toll_redis_settings *set,
                                                    const char *channel);
struct toll_redis_listener *toll_redis_listener_free(struct toll_redis_listener *l);

/* Connects, if need be, and subscribes. TOLL_EDOWN with why; the back-off is the caller's. */
int toll_redis_listen(struct toll_redis_listener *l) TOLL_MUST_CHECK;
bool toll_redis_listener_is_connected(const struct toll_redis_listener *l);

/* 1: *message, until the next call; 0: none came in time; TOLL_EDOWN with why: not connected, or no
 * more. Asks a silent server for a sign of life (PING) once a second, or as often as the time-out
 * of the settings demands, while somebody waits here. */
int toll_redis_listener_next(struct toll_redis_listener *l, uint64_t timeout_ns,
                             struct toll_slice *message) TOLL_MUST_CHECK;

/* When the server was last heard, on the monotonic clock; 0: never. */
uint64_t toll_redis_listener_heard_mono_ns(const struct toll_redis_listener *l);
const char *toll_redis_listener_why(const struct toll_redis_listener *l);

#endif

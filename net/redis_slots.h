/* SPDX-License-Identifier: Apache-2.0 */
/* redis_slots.h - what Redis Cluster says about where keys live: slots of keys, redirections, the
 * map. Pure. Sources: redis.io "Redis cluster specification", "CLUSTER SLOTS". */
#ifndef TOLL_NET_REDIS_SLOTS_H
#define TOLL_NET_REDIS_SLOTS_H

#include <hiredis/hiredis.h>
#include <stdint.h>

#include "base/slice.h"
#include "net/endpoint.h"

#define TOLL_REDIS_SLOTS 16384

/* CRC-16/XMODEM of the key, or of what stands between its first '{' and the next '}', if anything
 * does. */
unsigned toll_redis_slot(struct toll_slice key);

enum toll_redis_redirect {
	TOLL_REDIRECT_NONE = 0,
	TOLL_REDIRECT_MOVED, /* for good */
	TOLL_REDIRECT_ASK,   /* for this command, behind ASKING */
};

/* "MOVED 3999 10.0.0.1:6381", "ASK 3999 :6381" (the host of who answers), IPv6 without brackets. */
enum toll_redis_redirect toll_redis_redirect_parse(const char *text,
                                                   const struct toll_endpoint *who,
                                                   unsigned *ret_slot, struct toll_endpoint *ret);

/* Each range of CLUSTER SLOTS with the node that serves it, in the order of the answer; those that
 * make no sense are left out. The number of ranges, or TOLL_EINVALID: no such answer. */
int toll_redis_slots_read(const redisReply *reply, const struct toll_endpoint *who,
                          void (*range)(void *ctx, unsigned first, unsigned last,
                                        const struct toll_endpoint *node),
                          void *ctx);

/* host and port of an array's elements, as Sentinel and Cluster give them. */
bool toll_redis_endpoint_read(const redisReply *host, const redisReply *port,
                              const struct toll_endpoint *who, struct toll_endpoint *ret);

#endif

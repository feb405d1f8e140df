/* SPDX-License-Identifier: Apache-2.0 */
/* redis_reader.h - hiredis' reader with bounds: a server that is not what it claims to be costs us
 * a connection and not our memory. */
#ifndef TOLL_NET_REDIS_READER_H
#define TOLL_NET_REDIS_READER_H

#include <hiredis/hiredis.h>

#include "base/error.h"

#define TOLL_REDIS_REPLY_BYTES    ((size_t)64 << 20) /* of one answer */
#define TOLL_REDIS_REPLY_ELEMENTS ((size_t)1 << 20)  /* of all its arrays together */

struct toll_redis_reader;

struct toll_redis_reader *toll_redis_reader_new(void); /* NULL: out of memory */
struct toll_redis_reader *toll_redis_reader_free(struct toll_redis_reader *r); /* returns NULL */

/* 0; TOLL_ETOOBIG, TOLL_ENOMEM: the connection is of no more use. */
int toll_redis_reader_feed(struct toll_redis_reader *r, const char *bytes,
                           size_t len) TOLL_MUST_CHECK;
/* 1: an answer, the caller's; 0: it is not whole yet; TOLL_EINVALID with why: no RESP. */
int toll_redis_reader_take(struct toll_redis_reader *r, redisReply **ret) TOLL_MUST_CHECK;
const char *toll_redis_reader_why(const struct toll_redis_reader *r);

/* An answer of ours: an error with this text, cut where a line would end. NULL: out of memory. */
redisReply *toll_redis_error_reply(const char *text);

#endif

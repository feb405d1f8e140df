/* SPDX-License-Identifier: Apache-2.0 */
#include "net/redis_reader.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The one signature that differs between hiredis 0.14 and 1.x. */
#if HIREDIS_MAJOR >= 1
typedef size_t reply_count;
#else
typedef int reply_count;
#endif

struct toll_redis_reader {
	redisReader *reader;
	redisReplyObjectFunctions bounded, *original;
	size_t bytes, elements; /* of the answer that is coming in */
	bool too_big;
};

static void *create_array(const redisReadTask *task, reply_count count)
{
	struct toll_redis_reader *r = task->privdata;

	if ((size_t)count > TOLL_REDIS_REPLY_ELEMENTS - r->elements) {
		r->too_big = true;
		return NULL;
	}
	r->elements += (size_t)count;
	return r->original->createArray(task, count);
}

struct toll_redis_reader *toll_redis_reader_new(void)
{
	struct toll_redis_reader *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->reader = redisReaderCreate();
	if (!r->reader)
		return toll_redis_reader_free(r);
	r->original = r->reader->fn;
	r->bounded = *r->original;
	r->bounded.createArray = create_array;
	r->reader->fn = &r->bounded;
	r->reader->privdata = r;
	return r;
}

struct toll_redis_reader *toll_redis_reader_free(struct toll_redis_reader *r)
{
	if (!r)
		return NULL;
	if (r->reader)
		redisReaderFree(r->reader);
	free(r);
	return NULL;
}

int toll_redis_reader_feed(struct toll_redis_reader *r, const char *bytes, size_t len)
{
	if (len > TOLL_REDIS_REPLY_BYTES - r->bytes) {
		r->too_big = true;
		return TOLL_ETOOBIG;
	}
	r->bytes += len;
	return redisReaderFeed(r->reader, bytes, len) == REDIS_OK ? 0 : TOLL_ENOMEM;
}

int toll_redis_reader_take(struct toll_redis_reader *r, redisReply **ret)
{
	void *reply = NULL;

	if (redisReaderGetReply(r->reader, &reply) != REDIS_OK)
		return TOLL_EINVALID;
	if (!reply)
		return 0;
	r->bytes = r->reader->len - r->reader->pos;
	r->elements = 0;
	*ret = reply;
	return 1;
}

const char *toll_redis_reader_why(const struct toll_redis_reader *r)
{
	return r->too_big ? "the answer is larger than any we ask for" : r->reader->errstr;
}

redisReply *toll_redis_error_reply(const char *text)
{
	redisReader *reader = redisReaderCreate();
	void *reply = NULL;

	if (!reader)
		return NULL;
	if (redisReaderFeed(reader, "-", 1) == REDIS_OK &&
	    redisReaderFeed(reader, text, strcspn(text, "\r\n")) == REDIS_OK &&
	    redisReaderFeed(reader, "\r\n", 2) == REDIS_OK)
		redisReaderGetReply(reader, &reply);
	redisReaderFree(reader);
	return reply;
}

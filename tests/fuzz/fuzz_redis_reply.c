/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as answers of Redis: bounded, and read as whatever they may be an answer to. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "net/redis_reader.h"
#include "net/redis_slots.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct toll_endpoint who = { "10.0.0.9", 7000 };

static void check_node(const struct toll_endpoint *node)
{
	if (!node->port || !node->host[0] || strlen(node->host) > TOLL_HOST_MAX)
		abort();
}

static void check_range(void *ctx, unsigned first, unsigned last, const struct toll_endpoint *node)
{
	int *ranges = ctx;

	if (first > last || last >= TOLL_REDIS_SLOTS)
		abort();
	check_node(node);
	++*ranges;
}

static void read_redirect(const redisReply *reply)
{
	struct toll_endpoint node;
	unsigned slot;

	if (!toll_redis_redirect_parse(reply->str, &who, &slot, &node))
		return;
	if (slot >= TOLL_REDIS_SLOTS)
		abort();
	check_node(&node);
}

static void read_reply(const redisReply *reply)
{
	struct toll_endpoint node;
	int ranges = 0, n = toll_redis_slots_read(reply, &who, check_range, &ranges);

	if (n >= 0 && n != ranges)
		abort();
	if (reply->type == REDIS_REPLY_ERROR || reply->type == REDIS_REPLY_STRING)
		read_redirect(reply);
	if (reply->type == REDIS_REPLY_STRING)
		toll_redis_slot(toll_slice(reply->str, reply->len));
	if (reply->type == REDIS_REPLY_ARRAY && reply->elements == 2 &&
	    toll_redis_endpoint_read(reply->element[0], reply->element[1], &who, &node))
		check_node(&node);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct toll_redis_reader *r = toll_redis_reader_new();
	redisReply *reply;

	if (!r)
		return 0;
	if (toll_redis_reader_feed(r, (const char *)data, size) == 0)
		while (toll_redis_reader_take(r, &reply) > 0) {
			read_reply(reply);
			freeReplyObject(reply);
		}
	toll_redis_reader_free(r);
	return 0;
}

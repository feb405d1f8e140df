/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "net/redis.h"

void toll_command_add(struct toll_command *c, struct toll_slice arg)
{
	if (c->count == TOLL_COMMAND_ARGS)
		return; /* callers stay far below; Redis would refuse the odd command */
	c->args[c->count] = arg.ptr;
	c->lens[c->count++] = arg.len;
}

void toll_command_script(struct toll_command *c, const struct toll_redis *r, unsigned script,
                         const char *key_count)
{
	c->count = 0;
	toll_command_add(c, TOLL_SLICE("EVALSHA"));
	toll_command_add(c, toll_slice_str(r->sha[script]));
	toll_command_add(c, toll_slice_str(key_count));
}

int toll_redis_words(struct toll_redis *r, struct toll_slice key, redisReply **ret,
                     const char *const words[])
{
	struct toll_command c = { 0 };
	int err;

	for (; *words; words++)
		toll_command_add(&c, toll_slice_str(*words));
	err = toll_redis_send(r, key, &c);
	return err ? err : toll_redis_receive(r, ret);
}

bool toll_redis_is_error(struct toll_redis *r, const redisReply *reply)
{
	if (reply->type != REDIS_REPLY_ERROR)
		return false;
	snprintf(r->why, sizeof(r->why), "%s", reply->str);
	return true;
}

struct toll_slice toll_reply_text(const redisReply *reply, size_t index)
{
	const redisReply *e;

	if (reply->type != REDIS_REPLY_ARRAY || index >= reply->elements)
		return toll_slice(NULL, 0);
	e = reply->element[index];
	if (e->type != REDIS_REPLY_STRING && e->type != REDIS_REPLY_STATUS)
		return toll_slice(NULL, 0);
	return toll_slice(e->str, e->len);
}

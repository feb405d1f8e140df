/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "base/clock.h"
#include "net/redis_private.h"

uint64_t toll_redis_share(uint64_t deadline_mono_ns, size_t n)
{
	uint64_t now = toll_clock_mono_ns();

	return deadline_mono_ns > now ? now + (deadline_mono_ns - now) / n : now;
}

static int tell(struct toll_redis *r, const struct toll_endpoint *at, const char *why)
{
	char text[TOLL_ENDPOINT_MAX];

	snprintf(r->why, sizeof(r->why), "sentinel %.80s: %.140s", toll_endpoint_print(at, text),
	         why);
	return TOLL_EDOWN;
}

static int read_address(struct toll_redis *r, const struct toll_endpoint *at,
                        const redisReply *reply, struct toll_endpoint *ret)
{
	if (reply->type == REDIS_REPLY_ERROR)
		return tell(r, at, reply->str);
	if (reply->type == REDIS_REPLY_NIL)
		return tell(r, at, "it watches no primary of this master_name");
	if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 2 ||
	    !toll_redis_endpoint_read(reply->element[0], reply->element[1], at, ret))
		return tell(r, at, "no address in its answer");
	return 0;
}

static int ask(struct toll_redis *r, struct toll_redis_connection *c,
               const struct toll_endpoint *at, uint64_t deadline, struct toll_endpoint *ret)
{
	const char *const words[] = { "SENTINEL", "GET-MASTER-ADDR-BY-NAME", r->set.master_name.ptr,
		                      NULL };
	redisReply *reply;
	int err = toll_redis_connection_open(c, at, r->set.tls);

	if (!err)
		err = toll_redis_connection_sign_in(c, r->set.sentinel_username,
		                                    r->set.sentinel_password, deadline);
	if (!err)
		err = toll_redis_connection_ask(c, deadline, &reply, words);
	if (err)
		return tell(r, at, c->why);
	err = read_address(r, at, reply, ret);
	freeReplyObject(reply);
	return err;
}

int toll_redis_sentinel_find(struct toll_redis *r, uint64_t deadline_mono_ns,
                             struct toll_endpoint *ret)
{
	size_t count = r->set.endpoint_count;
	int err = TOLL_EDOWN;

	for (size_t i = 0; i < count && err; i++) {
		/* A share is left for the primary itself. */
		uint64_t until = toll_redis_share(deadline_mono_ns, count - i + 1);
		struct toll_redis_connection c;
		struct toll_endpoint at;

		r->first = (unsigned)((r->first + (i > 0)) % count);
		if (toll_endpoint_parse(r->set.endpoints[r->first], &at, NULL) < 0)
			continue; /* validate() has refused it */
		toll_redis_connection_init(&c);
		err = ask(r, &c, &at, until, ret);
		toll_redis_connection_close(&c);
	}
	return err;
}

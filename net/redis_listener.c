/* SPDX-License-Identifier: Apache-2.0 */
#include "net/redis_listener.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "net/redis_private.h"

#define PING_NS TOLL_S

struct toll_redis_listener {
	struct toll_redis redis; /* for its settings, and whom to ask first */
	const char *channel;
	struct toll_redis_connection link;
	redisReply *message; /* the last one, until the next call */
	uint64_t heard, pinged;
	char why[280];
};

struct toll_redis_listener *toll_redis_listener_new(const struct toll_redis_settings *set,
                                                    const char *channel)
{
	struct toll_redis_listener *l = calloc(1, sizeof(*l));

	if (!l)
		return NULL;
	toll_redis_init(&l->redis, set);
	toll_redis_connection_init(&l->link);
	l->channel = channel;
	return l;
}

static void forget_message(struct toll_redis_listener *l)
{
	if (l->message)
		freeReplyObject(l->message);
	l->message = NULL;
}

struct toll_redis_listener *toll_redis_listener_free(struct toll_redis_listener *l)
{
	if (!l)
		return NULL;
	forget_message(l);
	toll_redis_connection_close(&l->link);
	free(l);
	return NULL;
}

static int down(struct toll_redis_listener *l, const char *why)
{
	char at[TOLL_ENDPOINT_MAX];

	snprintf(l->why, sizeof(l->why), "%.80s: %.190s", toll_redis_where(&l->redis, at), why);
	toll_redis_connection_close(&l->link);
	return TOLL_EDOWN;
}

/* ---- connecting ---- */

static int find_server(struct toll_redis_listener *l, uint64_t deadline)
{
	struct toll_redis *r = &l->redis;
	int err;

	if (r->set.mode == TOLL_REDIS_SENTINEL) {
		err = toll_redis_sentinel_find(r, deadline, &r->endpoint);
		if (err)
			snprintf(l->why, sizeof(l->why), "%s", r->why);
		return err;
	}
	/* Another one at every attempt. */
	r->first = (unsigned)((r->first + 1) % r->set.endpoint_count);
	err = toll_endpoint_parse(r->set.endpoints[r->first], &r->endpoint, NULL);
	return err ? TOLL_EDOWN : 0; /* validate() has refused it */
}

static int subscribe(struct toll_redis_listener *l, uint64_t deadline)
{
	const struct toll_redis_settings *set = &l->redis.set;
	const char *const words[] = { "SUBSCRIBE", l->channel, NULL };
	redisReply *reply;
	int err = toll_redis_connection_open(&l->link, &l->redis.endpoint, set->tls);

	if (!err)
		err = toll_redis_connection_sign_in(&l->link, set->username, set->password,
		                                    deadline);
	if (!err)
		err = toll_redis_connection_ask(&l->link, deadline, &reply, words);
	if (err)
		return down(l, l->link.why);
	if (reply->type == REDIS_REPLY_ERROR)
		err = down(l, reply->str);
	freeReplyObject(reply);
	return err;
}

int toll_redis_listen(struct toll_redis_listener *l)
{
	uint64_t deadline = toll_clock_mono_ns() + l->redis.timeout_ns;
	int err;

	if (toll_redis_listener_is_connected(l))
		return 0;
	err = find_server(l, deadline);
	if (!err)
		err = subscribe(l, deadline);
	if (!err)
		l->heard = l->pinged = toll_clock_mono_ns();
	return err;
}

bool toll_redis_listener_is_connected(const struct toll_redis_listener *l)
{
	return toll_redis_connection_stands(&l->link);
}

/* ---- listening ---- */

/* ["message", channel, text]; anything else (the answer to PING) is a sign of life. */
static bool take(struct toll_redis_listener *l, redisReply *reply, struct toll_slice *message)
{
	struct toll_slice text = toll_reply_text(reply, 2);

	forget_message(l);
	l->message = reply;
	l->heard = toll_clock_mono_ns();
	*message = text;
	return text.ptr && toll_slice_is(toll_reply_text(reply, 0), "message") &&
	       toll_slice_is(toll_reply_text(reply, 1), l->channel);
}

static uint64_t ping_interval(const struct toll_redis_listener *l)
{
	uint64_t third = l->redis.timeout_ns / 3;

	return third < PING_NS ? third : PING_NS;
}

/* TOLL_EDOWN: it has been silent for too long. */
static int keep_alive(struct toll_redis_listener *l, uint64_t now)
{
	static const char ping[] = "*1\r\n$4\r\nPING\r\n";

	/* Nobody waited here for a while: silence began with the PING. */
	if (l->pinged > l->heard && now - l->pinged >= l->redis.timeout_ns)
		return down(l, "timed out");
	if (l->pinged > l->heard || now - l->heard < ping_interval(l))
		return 0;
	l->pinged = now;
	return toll_redis_connection_put(&l->link, ping, sizeof(ping) - 1) < 0
	               ? down(l, l->link.why)
	               : 0;
}

static uint64_t next_look(const struct toll_redis_listener *l, uint64_t deadline)
{
	uint64_t next = l->pinged > l->heard ? l->pinged + l->redis.timeout_ns
	                                     : l->heard + ping_interval(l);

	return next < deadline ? next : deadline;
}

int toll_redis_listener_next(struct toll_redis_listener *l, uint64_t timeout_ns,
                             struct toll_slice *message)
{
	uint64_t deadline = toll_clock_mono_ns() + timeout_ns;
	redisReply *reply;
	int err;

	if (!toll_redis_listener_is_connected(l))
		return TOLL_EDOWN;
	for (;;) {
		err = keep_alive(l, toll_clock_mono_ns());
		if (err)
			return err;
		err = toll_redis_connection_wait(&l->link, next_look(l, deadline), &reply);
		if (err == TOLL_EDOWN)
			return down(l, l->link.why);
		if (!err && take(l, reply, message))
			return 1;
		if (toll_clock_mono_ns() >= deadline)
			return 0;
	}
}

uint64_t toll_redis_listener_heard_mono_ns(const struct toll_redis_listener *l)
{
	return l->heard;
}

const char *toll_redis_listener_why(const struct toll_redis_listener *l)
{
	return l->why;
}

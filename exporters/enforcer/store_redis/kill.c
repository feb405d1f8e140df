/* SPDX-License-Identifier: Apache-2.0 */
#include "exporters/enforcer/store_redis/kill.h"

#include <string.h>

#include "base/log.h"
#include "exporters/enforcer/store_redis/keys.h"

#define BY_CONFIGURATION "configuration"
#define LIFE_S           "10" /* of a configuration's key that nobody renews */
#define KEY              TOLL_SLICE(TOLL_KEY_KILL)

static int set(struct toll_redis *r)
{
	redisReply *reply;
	int err = toll_redis_call(r, KEY, &reply, "SET", TOLL_KEY_KILL, BY_CONFIGURATION, "EX",
	                          LIFE_S, "NX");

	if (!err)
		freeReplyObject(reply);
	return err;
}

static int renew(struct toll_redis *r)
{
	redisReply *reply;
	int err = toll_redis_call(r, KEY, &reply, "EXPIRE", TOLL_KEY_KILL, LIFE_S);

	if (!err)
		freeReplyObject(reply);
	return err;
}

void toll_kill_heard(struct toll_decider *d, bool key)
{
	d->kill_key = key;
	d->killed = key || d->throttle->kill;
}

/* A key that is no text kills as well: whoever put it there meant something by it. An answer that
 * is an error says nothing. */
static void follow(struct toll_decider *d, struct toll_redis *r, const redisReply *reply,
                   bool *ret_changed)
{
	bool text = reply->type == REDIS_REPLY_STRING;
	bool wrong_type = toll_redis_is_error(r, reply) && strncmp(reply->str, "WRONGTYPE", 9) == 0;
	bool known = text || wrong_type || reply->type == REDIS_REPLY_NIL, before = d->killed, on;

	toll_kill_heard(d, known ? text || wrong_type : d->kill_key);
	on = d->killed;
	*ret_changed = on != before;
	toll_counter_set(d->publisher->counters, TOLL_COUNTER_KILLED, on);
	if (*ret_changed && on)
		TOLL_WARN(d->who, "the kill switch is on, no flag is set: %.*s",
		          text ? (int)reply->len : 0, text ? reply->str : "");
	else if (*ret_changed)
		TOLL_WARN(d->who, "the kill switch is off");
}

int toll_kill_look(struct toll_decider *d, bool configured, bool *ret_changed)
{
	struct toll_redis *r = &d->publisher->redis;
	redisReply *reply;
	int err;

	*ret_changed = false;
	err = configured ? set(r) : 0;
	if (!err)
		err = toll_redis_call(r, KEY, &reply, "GET", TOLL_KEY_KILL);
	if (err)
		return err;
	follow(d, r, reply, ret_changed);
	if (configured && reply->type == REDIS_REPLY_STRING &&
	    toll_slice_is(toll_slice(reply->str, reply->len), BY_CONFIGURATION))
		err = renew(r);
	freeReplyObject(reply);
	return err;
}

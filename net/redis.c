/* SPDX-License-Identifier: Apache-2.0 */
#include "net/redis.h"

#include <stdio.h>
#include <string.h>
#include <sys/time.h>

#include "base/clock.h"

void toll_redis_init(struct toll_redis *r, const struct toll_redis_settings *set)
{
	*r = (struct toll_redis){ .set = *set, .timeout_ns = set->timeout_ns };
	/* validate() has refused everything else. */
	if (set->endpoint_count == 0 ||
	    toll_endpoint_parse(set->endpoints[0], &r->endpoint, NULL) < 0)
		r->endpoint = (struct toll_endpoint){ "localhost", 6379 };
}

void toll_redis_close(struct toll_redis *r)
{
	if (r->context)
		redisFree(r->context);
	r->context = NULL;
}

bool toll_redis_is_connected(const struct toll_redis *r)
{
	return r->context != NULL;
}

const char *toll_redis_where(const struct toll_redis *r, char buf[TOLL_ENDPOINT_MAX])
{
	return toll_endpoint_print(&r->endpoint, buf);
}

static int down(struct toll_redis *r, const char *what, const char *detail)
{
	snprintf(r->why, sizeof(r->why), "%.40s%s%.150s", what, *detail ? ": " : "", detail);
	toll_redis_close(r);
	return TOLL_EDOWN;
}

static struct timeval timeval_of(uint64_t ns)
{
	struct timeval t = { (time_t)(ns / TOLL_S), (suseconds_t)(ns % TOLL_S / TOLL_US) };

	if (t.tv_sec == 0 && t.tv_usec < 1000)
		t.tv_usec = 1000; /* 0 would mean for ever */
	return t;
}

void toll_redis_limit(struct toll_redis *r, uint64_t timeout_ns)
{
	r->timeout_ns = timeout_ns;
	if (r->context)
		redisSetTimeout(r->context, timeval_of(timeout_ns));
}

/* ---- commands and answers ---- */

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

int toll_redis_send(struct toll_redis *r, struct toll_slice key, struct toll_command *c)
{
	(void)key; /* one node has all keys */
	if (!r->context)
		return TOLL_EDOWN;
	if (redisAppendCommandArgv(r->context, c->count, c->args, c->lens) != REDIS_OK)
		return down(r, "send", r->context->errstr);
	return 0;
}

int toll_redis_receive(struct toll_redis *r, redisReply **ret)
{
	void *reply = NULL;

	if (!r->context)
		return TOLL_EDOWN;
	if (redisGetReply(r->context, &reply) != REDIS_OK || !reply)
		return down(r, "receive", r->context->errstr);
	*ret = reply;
	return 0;
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
	if (strncmp(reply->str, "NOSCRIPT", 8) == 0)
		r->scripts_gone = true;
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

/* ---- connecting ---- */

/* Sends, and treats an error answer as the end of the connection. */
static int must(struct toll_redis *r, int err, redisReply *reply, const char *what)
{
	if (err)
		return err;
	if (toll_redis_is_error(r, reply))
		err = down(r, what, reply->str);
	freeReplyObject(reply);
	return err;
}

static int sign_in(struct toll_redis *r)
{
	const struct toll_redis_settings *c = &r->set;
	redisReply *reply = NULL;
	char db[24];
	int err = 0;

	if (c->username.len)
		err = toll_redis_call(r, TOLL_NO_KEY, &reply, "AUTH", c->username.ptr,
		                      c->password.ptr);
	else if (c->password.len)
		err = toll_redis_call(r, TOLL_NO_KEY, &reply, "AUTH", c->password.ptr);
	if (reply || err)
		err = must(r, err, reply, "AUTH");
	if (err || c->db == 0)
		return err;
	snprintf(db, sizeof(db), "%d", c->db);
	err = toll_redis_call(r, TOLL_NO_KEY, &reply, "SELECT", db);
	return must(r, err, reply, "SELECT");
}

int toll_redis_load_scripts(struct toll_redis *r)
{
	for (unsigned i = 0; i < r->set.script_count; i++) {
		redisReply *reply = NULL;
		int err = toll_redis_call(r, TOLL_NO_KEY, &reply, "SCRIPT", "LOAD",
		                          r->set.scripts[i]);

		if (!err && reply->type == REDIS_REPLY_STRING)
			snprintf(r->sha[i], sizeof(r->sha[i]), "%s", reply->str);
		err = must(r, err, reply, "SCRIPT LOAD");
		if (err)
			return err;
	}
	r->scripts_gone = false;
	return 0;
}

/* "\r\nname:value\r\n" in the text of INFO. */
static struct toll_slice info_value(const char *text, const char *name)
{
	const char *at = strstr(text, name);

	if (!at)
		return toll_slice(NULL, 0);
	at += strlen(name);
	return toll_slice(at, strcspn(at, "\r\n"));
}

/* A Redis that evicts our keys forgets spend; it says so itself only when it happens. */
static int check_eviction(struct toll_redis *r)
{
	redisReply *reply = NULL;
	int err = toll_redis_call(r, TOLL_NO_KEY, &reply, "INFO", "memory");

	if (err)
		return err;
	r->warning[0] = '\0';
	if (reply->type == REDIS_REPLY_STRING) {
		struct toll_slice policy = info_value(reply->str, "\nmaxmemory_policy:");

		if (policy.len && !toll_slice_is(policy, "noeviction"))
			snprintf(r->warning, sizeof(r->warning),
			         "maxmemory-policy is %.*s: an evicted key loses spend; set it to "
			         "noeviction",
			         TOLL_FMT(policy));
	}
	freeReplyObject(reply);
	return 0;
}

int toll_redis_connect(struct toll_redis *r)
{
	int err;

	toll_redis_close(r);
	r->context = redisConnectWithTimeout(r->endpoint.host, r->endpoint.port,
	                                     timeval_of(r->timeout_ns));
	if (!r->context)
		return down(r, "connect", "out of memory");
	if (r->context->err)
		return down(r, "connect", r->context->errstr);
	toll_redis_limit(r, r->timeout_ns);
	redisEnableKeepAlive(r->context);
	err = sign_in(r);
	if (!err)
		err = check_eviction(r);
	if (!err)
		err = toll_redis_load_scripts(r);
	return err;
}

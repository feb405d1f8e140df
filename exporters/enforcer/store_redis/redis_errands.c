/* SPDX-License-Identifier: Apache-2.0 */
#include "exporters/enforcer/store_redis/redis_errands.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "exporters/enforcer/decision/audit.h"
#include "exporters/enforcer/notify/notify.h"
#include "exporters/enforcer/store_redis/keys.h"
#include "exporters/enforcer/store_redis/redis_audit.h"

/* ---- one command ---- */

/* Its answer is of no interest unless it is an error: TOLL_EREFUSED with Redis's words. */
static int must(struct toll_decider *d, struct toll_request *q, const char *key,
                const char *const words[])
{
	struct toll_redis *r = &d->publisher->redis;
	redisReply *reply;
	int err = toll_redis_words(r, toll_slice_str(key), &reply, words);

	if (err)
		return err;
	if (toll_redis_is_error(r, reply))
		err = toll_fail(&q->error, TOLL_EREFUSED, "redis: %s", r->why);
	freeReplyObject(reply);
	return err;
}
#define MUST(d, q, key, ...) must((d), (q), (key), (const char *const[]){ __VA_ARGS__, NULL })

/* ---- saying so ---- */

static void describe(const struct toll_decider *d, const struct toll_request *q,
                     enum toll_event_what what, struct toll_budget_event *ret)
{
	*ret = (struct toll_budget_event){ .time_ms = toll_publisher_clock_ms(d->publisher),
		                           .what = what };
	snprintf(ret->by, sizeof(ret->by), "%s", d->publisher->instance);
	snprintf(ret->who, sizeof(ret->who), "%s", q->who);
	snprintf(ret->why, sizeof(ret->why), "%s", q->why);
}

/* The record first: what stops traffic is never done without one. What frees it is. */
static int record(struct toll_decider *d, struct toll_request *q, const char *stream,
                  const struct toll_budget_event *e, bool stops, char text[TOLL_EVENT_TEXT])
{
	int err;

	toll_event_print(e, text);
	if (toll_audit_write(d->audit, toll_slice_str(text)) < 0 && stops)
		return toll_fail(
			&q->error, TOLL_EREFUSED,
			"the audit log cannot be written: nothing is throttled without it");
	err = MUST(d, q, stream, "XADD", stream, "MAXLEN", "~", "1000", "*", "event", text);
	return err == TOLL_EREFUSED && !stops ? 0 : err;
}

static int tell_everybody(struct toll_decider *d, struct toll_request *q, const char *text)
{
	int err = MUST(d, q, "", "PUBLISH", TOLL_CHANNEL, text);

	return err == TOLL_EREFUSED ? 0 : err; /* they will see it at the next evaluation */
}

/* ---- overrides ---- */

static int write_override(struct toll_decider *d, struct toll_request *q, const char *key)
{
	char ttl[24];

	if (q->override == TOLL_OVERRIDE_NONE)
		return MUST(d, q, key, "DEL", key);
	snprintf(ttl, sizeof(ttl), "%" PRIu64, q->ttl_s);
	return MUST(d, q, key, "SET", key, toll_override_name(q->override), "EX", ttl);
}

/* So that every daemon looks at it, spend and budget or not. */
static int list_subject(struct toll_decider *d, struct toll_request *q, uint64_t until_ms)
{
	const char *key = TOLL_KEY_OVERRIDDEN;
	char until[24];

	if (q->override == TOLL_OVERRIDE_NONE)
		return MUST(d, q, key, "ZREM", key, q->subject);
	snprintf(until, sizeof(until), "%" PRIu64, until_ms);
	return MUST(d, q, key, "ZADD", key, until, q->subject);
}

static bool nudge(struct toll_decider *d, const char *subject)
{
	struct toll_service *s;

	toll_totals_lock(d->publisher->totals);
	s = toll_totals_meet(d->publisher->totals, toll_slice_str(subject));
	if (s)
		s->nudged = true;
	toll_totals_unlock(d->publisher->totals);
	return s != NULL;
}

/* What nobody here could throttle is not promised. */
static int check_subject(struct toll_decider *d, struct toll_request *q)
{
	if (nudge(d, q->subject) || q->override != TOLL_OVERRIDE_DENY)
		return 0;
	return toll_request_refuse_subject(q, &d->publisher->rules->subjects);
}

static int override(struct toll_decider *d, struct toll_request *q)
{
	const char *what =
		q->override == TOLL_OVERRIDE_NONE ? "clear" : toll_override_name(q->override);
	struct toll_flag_keys keys = { .flag = "" };
	struct toll_budget_event e;
	char text[TOLL_EVENT_TEXT];
	int err;

	toll_flag_keys_init(&keys, toll_slice_str(q->subject));
	describe(d, q, TOLL_EVENT_OVERRIDE, &e);
	snprintf(e.subject, sizeof(e.subject), "%s", q->subject);
	snprintf(e.reason, sizeof(e.reason), "%s", what);
	e.until_ms = q->override == TOLL_OVERRIDE_NONE ? 0 : e.time_ms + q->ttl_s * 1000;
	err = check_subject(d, q);
	if (!err)
		err = record(d, q, keys.audit, &e, q->override == TOLL_OVERRIDE_DENY, text);
	if (!err)
		err = write_override(d, q, keys.override);
	if (!err)
		err = list_subject(d, q, e.until_ms);
	if (err)
		return err;
	toll_notifier_put(d->notifier, &e);
	return tell_everybody(d, q, text);
}

/* ---- the kill switch ---- */

/* Off while some daemon's configuration has it on would last half a second. */
static int read_kill(struct toll_decider *d, struct toll_request *q)
{
	struct toll_redis *r = &d->publisher->redis;
	redisReply *reply;
	int err = toll_redis_call(r, TOLL_SLICE(TOLL_KEY_KILL), &reply, "GET", TOLL_KEY_KILL);

	if (err)
		return err;
	q->value[0] = '\0';
	if (toll_redis_is_error(r, reply))
		err = toll_fail(&q->error, TOLL_EREFUSED, "redis: %s", r->why);
	else if (reply->type == REDIS_REPLY_STRING)
		snprintf(q->value, sizeof(q->value), "%s", reply->str);
	if (q->op == TOLL_REQUEST_IS_KILLED)
		q->on = reply->type != REDIS_REPLY_NIL;
	freeReplyObject(reply);
	return err;
}

static int turn_on(struct toll_decider *d, struct toll_request *q)
{
	char value[256];

	snprintf(value, sizeof(value), "%.60s%s%.180s", q->who, q->who[0] && q->why[0] ? ": " : "",
	         q->why);
	return MUST(d, q, TOLL_KEY_KILL, "SET", TOLL_KEY_KILL, value[0] ? value : "on");
}

static int turn_off(struct toll_decider *d, struct toll_request *q)
{
	int err = read_kill(d, q);

	if (!err && strcmp(q->value, "configuration") == 0)
		return toll_fail(
			&q->error, TOLL_EREFUSED,
			"the configuration of a daemon says throttle::kill: change it there");
	return err ? err : MUST(d, q, TOLL_KEY_KILL, "DEL", TOLL_KEY_KILL);
}

static int kill_all(struct toll_decider *d, struct toll_request *q)
{
	struct toll_budget_event e;
	char text[TOLL_EVENT_TEXT];
	int err;

	describe(d, q, q->on ? TOLL_EVENT_KILL : TOLL_EVENT_UNKILL, &e);
	err = record(d, q, TOLL_KEY_KILL_AUDIT, &e, false, text);
	if (!err)
		err = q->on ? turn_on(d, q) : turn_off(d, q);
	if (err)
		return err;
	toll_notifier_put(d->notifier, &e);
	return tell_everybody(d, q, text);
}

/* ---- budgets at run time ---- */

static int write_budget(struct toll_decider *d, struct toll_request *q)
{
	if (!q->json[0])
		return MUST(d, q, TOLL_KEY_BUDGETS, "HDEL", TOLL_KEY_BUDGETS, q->subject);
	return MUST(d, q, TOLL_KEY_BUDGETS, "HSET", TOLL_KEY_BUDGETS, q->subject, q->json);
}

static int set_budget(struct toll_decider *d, const struct toll_runtime *rt, struct toll_request *q)
{
	struct toll_budget_event e;
	char text[TOLL_EVENT_TEXT];
	int err = toll_runtime_check(rt, q);

	if (err)
		return err;
	describe(d, q, TOLL_EVENT_BUDGET, &e);
	snprintf(e.budget, sizeof(e.budget), "%.63s", q->subject);
	snprintf(e.reason, sizeof(e.reason), "%s", q->json[0] ? "set" : "remove");
	err = record(d, q, TOLL_KEY_BUDGETS_AUDIT, &e, true, text);
	if (!err)
		err = write_budget(d, q);
	return err ? err : tell_everybody(d, q, text);
}

/* ---- all of them ---- */

static int run(struct toll_decider *d, const struct toll_runtime *rt, struct toll_request *q)
{
	switch (q->op) {
	case TOLL_REQUEST_OVERRIDE:
		return override(d, q);
	case TOLL_REQUEST_KILL:
		return kill_all(d, q);
	case TOLL_REQUEST_IS_KILLED:
		return read_kill(d, q);
	case TOLL_REQUEST_AUDIT:
		return toll_redis_audit_read(d, q);
	case TOLL_REQUEST_SET_BUDGET:
		return set_budget(d, rt, q);
	case TOLL_REQUEST_BUDGETS:
		return toll_runtime_list(rt, q);
	}
	return toll_fail(&q->error, TOLL_EINTERNAL, "nobody knows what was asked");
}

int toll_redis_errand(struct toll_decider *d, const struct toll_runtime *rt, struct toll_request *q,
                      bool *ret_look)
{
	int err = run(d, rt, q);

	*ret_look = q->op == TOLL_REQUEST_OVERRIDE || q->op == TOLL_REQUEST_KILL;
	q->err = err;
	if (err != TOLL_EDOWN)
		return 0;
	toll_fail(&q->error, TOLL_EDOWN, "redis is away: %.200s", d->publisher->redis.why);
	return TOLL_EDOWN;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "exporters/enforcer/decision/audit.h"
#include "exporters/enforcer/decision/tell.h"
#include "exporters/enforcer/notify/notify.h"
#include "exporters/enforcer/store_redis/decide_inside.h"
#include "exporters/enforcer/store_redis/keys.h"
#include "exporters/enforcer/store_redis/kill.h"
#include "exporters/enforcer/store_redis/scripts.h"

/* ---- what is sent ---- */

/* Adds a number that stays where it is until the command is sent. */
static void add_number(struct toll_publisher *p, uint64_t n)
{
	char *text = p->text + p->text_len;

	if (sizeof(p->text) - p->text_len < 24)
		return; /* callers stay far below; Redis would refuse the odd command */
	p->text_len += (size_t)snprintf(text, 24, "%" PRIu64, n) + 1;
	toll_command_add(&p->command, toll_slice_str(text));
}

static void add_bool(struct toll_publisher *p, bool b)
{
	toll_command_add(&p->command, b ? TOLL_SLICE("1") : TOLL_SLICE("0"));
}

static void add_text(struct toll_publisher *p, const char *text)
{
	toll_command_add(&p->command, toll_slice_str(text));
}

/* The number of slots to be deleted; their names are added to the command when add is set. */
static uint32_t add_gone(struct toll_publisher *p, const struct toll_slots *slots, bool add)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < slots->count; i++)
		if (slots->at[i].gone) {
			n++;
			if (add)
				add_text(p, slots->at[i].id);
		}
	return n;
}

static void add_changed(struct toll_publisher *p, const struct toll_slots *slots)
{
	for (uint32_t i = 0; i < slots->count; i++) {
		char *text = p->text + p->text_len;

		if (!slots->at[i].changed || slots->at[i].gone ||
		    sizeof(p->text) - p->text_len < TOLL_SLOT_TEXT)
			continue;
		toll_slot_print(&slots->at[i], text);
		p->text_len += strlen(text) + 1;
		add_text(p, slots->at[i].id);
		add_text(p, text);
	}
}

/* What our spans say of the service; else it stays as others have said. */
static void add_criticality(struct toll_publisher *p, const struct toll_service *s,
                            const struct toll_state *st)
{
	if (s->criticality == TOLL_CRITICALITY_UNKNOWN || s->criticality == st->criticality)
		return;
	add_text(p, "crit");
	add_text(p, toll_criticality_name(s->criticality));
}

static uint64_t oldest_reading(const struct toll_publisher *p, const struct toll_service *s)
{
	uint64_t oldest = UINT64_MAX;

	for (uint32_t i = 0; i < p->rules->window_count; i++) {
		const struct toll_reading *r = &s->accounts[i].reading;

		if (s->accounts[i].used && r->settled && r->asof_ms < oldest)
			oldest = r->asof_ms;
	}
	return oldest == UINT64_MAX ? toll_publisher_clock_ms(p) : oldest;
}

static void add_keys(struct toll_decider *d, const struct toll_flag_keys *keys)
{
	struct toll_publisher *p = d->publisher;

	toll_command_script(&p->command, &p->redis, TOLL_SCRIPT_COMMIT, d->cluster ? "5" : "7");
	add_text(p, keys->flag);
	add_text(p, keys->state);
	add_text(p, keys->shadow);
	add_text(p, keys->audit);
	add_text(p, keys->override);
	if (d->cluster)
		return;
	add_text(p, TOLL_KEY_THROTTLED);
	add_text(p, TOLL_KEY_KILL);
}

/* Nothing that was read is old where nothing was evaluated: flags follow what people say at any
 * time. */
static void add_asof(struct toll_publisher *p, const struct toll_case *c)
{
	if (c->verdict.evaluated)
		add_number(p, oldest_reading(p, c->service));
	else
		add_text(p, "");
}

static void add_outcome(struct toll_decider *d, const struct toll_case *c,
                        const struct toll_state *st)
{
	struct toll_publisher *p = d->publisher;

	add_text(p, toll_override_name(st->override));
	add_bool(p, d->kill_key);
	add_bool(p, c->outcome.capped);
	if (c->places && c->outcome.throttled)
		add_number(p, c->places);
	else
		add_text(p, "");
	toll_command_add(&p->command, c->service->key);
}

static void print_note(const struct toll_decider *d, const struct toll_case *c,
                       char note[TOLL_EVENT_TEXT])
{
	struct toll_about about = toll_case_about(d, c->service, &c->verdict);
	struct toll_budget_event e;

	toll_describe_event(&about, &c->outcome, d->publisher->instance, &e);
	toll_event_print_note(&e, note);
}

/* ---- the local record ---- */

static enum toll_event_what change_of(const struct toll_case *c)
{
	if (!c->outcome.throttled)
		return TOLL_EVENT_RELEASE;
	return c->missing ? TOLL_EVENT_RESTORE : TOLL_EVENT_SET;
}

static int write_record(struct toll_decider *d, const struct toll_case *c,
                        enum toll_event_what what)
{
	struct toll_about about = toll_case_about(d, c->service, &c->verdict);
	struct toll_budget_event e;
	char text[TOLL_EVENT_TEXT];

	toll_describe_event(&about, &c->outcome, d->publisher->instance, &e);
	e.time_ms = toll_publisher_clock_ms(d->publisher);
	e.what = what;
	e.change = change_of(c);
	return toll_audit_write(d->audit, toll_slice(text, toll_event_print(&e, text)));
}

/* Before the commit, on disk. A flag without a record is not set, nor set again; what is released
 * is released. */
static void announce(struct toll_decider *d, struct toll_case *c, const struct toll_state *st)
{
	c->missing &= st->applied && c->outcome.throttled;
	c->announced = c->missing || c->outcome.throttled != st->applied;
	if (c->announced && write_record(d, c, TOLL_EVENT_PENDING) < 0) {
		c->announced = false;
		if (c->outcome.throttled)
			c->outcome.throttled = false;
	}
}

/* A second line that cannot be written is missed by whoever reads the first. */
static void close_record(struct toll_decider *d, const struct toll_case *c, bool done)
{
	c->service->announced = false;
	if (c->announced && write_record(d, c, done ? TOLL_EVENT_DONE : TOLL_EVENT_SUPERSEDED) < 0)
		return;
}

/* The same, long after the first: of a commit whose answer never came. */
static void close_late(struct toll_decider *d, struct toll_service *s, bool done)
{
	struct toll_budget_event e = { .time_ms = toll_publisher_clock_ms(d->publisher),
		                       .what = done ? TOLL_EVENT_DONE : TOLL_EVENT_SUPERSEDED,
		                       .change = s->announcement };
	char text[TOLL_EVENT_TEXT];

	snprintf(e.subject, sizeof(e.subject), "%.*s", TOLL_FMT(s->key));
	snprintf(e.by, sizeof(e.by), "%s", d->publisher->instance);
	s->announced = false;
	if (toll_audit_write(d->audit, toll_slice(text, toll_event_print(&e, text))) < 0)
		return; /* as above */
}

/* ---- sending ---- */

/* Only Redis knows that a flag which should hold is missing: where that must be recorded before it
 * is set again, the commit comes back once. */
static void add_flag(struct toll_decider *d, const struct toll_case *c, const struct toll_state *st)
{
	bool ask = st->applied && !c->announced && toll_audit_is_kept(d->audit);

	if (c->outcome.throttled && ask)
		add_text(d->publisher, "2");
	else
		add_bool(d->publisher, c->outcome.throttled);
}

int toll_commit_send(struct toll_decider *d, struct toll_case *c, const struct toll_state *st)
{
	struct toll_publisher *p = d->publisher;
	struct toll_flag_keys keys = { .flag = "" };
	char note[TOLL_EVENT_TEXT], clock[TOLL_CLOCK_TEXT];

	p->text_len = 0;
	toll_flag_keys_init(&keys, c->service->key);
	announce(d, c, st);
	print_note(d, c, note);
	add_keys(d, &keys);
	add_text(p, st->version);
	add_text(p, p->instance);
	add_asof(p, c);
	add_number(p, p->rules->evaluation_ms);
	add_number(p, p->rules->ttl_ms / 1000);
	add_flag(d, c, st);
	add_bool(p, c->outcome.shadow);
	add_text(p, note);
	toll_command_add(&p->command, toll_publisher_clock_text(p, clock));
	add_outcome(d, c, st);
	add_number(p, add_gone(p, &st->slots, false));
	add_gone(p, &st->slots, true);
	add_changed(p, &st->slots);
	add_criticality(p, c->service, st);
	c->committed = c->service->unanswered = true;
	c->service->announced = c->announced;
	c->service->announcement = change_of(c);
	return toll_redis_send(&p->redis, toll_slice_str(keys.flag), &p->command);
}

/* ---- what is answered ---- */

void toll_tell_late(struct toll_decider *d, struct toll_service *s, const struct toll_state *st)
{
	bool news = s->unanswered && st->change_id > s->change_seen &&
	            toll_slice_is(st->by, d->publisher->instance);

	s->unanswered = false;
	s->change_seen = st->change_id;
	if (s->announced)
		close_late(d, s, news);
	if (!news)
		return;
	toll_tell_change(d->publisher->counters, d->who, s->name, st->what, st->note);
	toll_notifier_change(d->notifier, s->key, st->what, st->note);
}

/* What commit.lua does itself where all keys are in its reach. Best effort: an entry ends by
 * itself. */
static int send_listing(struct toll_decider *d, const struct toll_case *c)
{
	struct toll_publisher *p = d->publisher;

	p->text_len = 0;
	p->command.count = 0;
	toll_command_add(&p->command, c->listed ? TOLL_SLICE("ZADD") : TOLL_SLICE("ZREM"));
	add_text(p, TOLL_KEY_THROTTLED);
	if (c->listed)
		add_number(p, c->service->until_ms);
	toll_command_add(&p->command, c->service->key);
	return toll_redis_send(&p->redis, TOLL_SLICE(TOLL_KEY_THROTTLED), &p->command);
}

int toll_commit_list(struct toll_decider *d, const struct toll_case *cases, uint32_t n)
{
	redisReply *reply;
	int err = 0;

	for (uint32_t i = 0; i < n && !err; i++)
		if (cases[i].relist)
			err = send_listing(d, &cases[i]);
	for (uint32_t i = 0; i < n && !err; i++) {
		if (!cases[i].relist)
			continue;
		err = toll_redis_receive(&d->publisher->redis, &reply);
		if (!err)
			freeReplyObject(reply);
	}
	return err;
}

/* The part of a state that a commit answers with. */
static void read_answer(const redisReply *reply, const struct toll_service *s,
                        struct toll_state *ret)
{
	ret->applied = toll_slice_is(toll_reply_text(reply, 2), "1");
	ret->shadow = toll_slice_is(toll_reply_text(reply, 3), "1");
	ret->change_id = toll_state_number(toll_reply_text(reply, 5));
	ret->capped = toll_slice_is(toll_reply_text(reply, 9), "1");
	ret->until_ms = toll_state_number(toll_reply_text(reply, 10));
	ret->override = s->override;
	ret->criticality = s->criticality;
}

/* False: nothing was committed. */
static bool count_code(struct toll_decider *d, struct toll_case *c, struct toll_slice code)
{
	struct toll_counters *counters = d->publisher->counters;

	if (toll_slice_is(code, "killed") || toll_slice_is(code, "unkilled"))
		toll_kill_heard(d, toll_slice_is(code, "killed"));
	c->again = toll_slice_is(code, "conflict") || toll_slice_is(code, "killed") ||
	           toll_slice_is(code, "unkilled");
	if (c->again)
		toll_counter_add(counters, TOLL_COUNTER_CONFLICTS, 1);
	else if (toll_slice_is(code, "missing"))
		c->again = c->missing = true;
	else if (toll_slice_is(code, "stale"))
		toll_counter_add(counters, TOLL_COUNTER_STALE, 1);
	else if (toll_slice_is(code, "audit"))
		toll_counter_add(counters, TOLL_COUNTER_AUDIT_FAILURES, 1);
	else if (toll_slice_is(code, "ok"))
		return true;
	return false;
}

void toll_commit_conclude(struct toll_decider *d, struct toll_case *c, const redisReply *reply)
{
	struct toll_slice code = toll_reply_text(reply, 0), change = toll_reply_text(reply, 4);
	struct toll_counters *counters = d->publisher->counters;
	struct toll_service *s = c->service;
	struct toll_state now = { 0 };
	bool done;

	if (toll_redis_is_error(&d->publisher->redis, reply) || !code.ptr) {
		toll_counter_add(counters, TOLL_COUNTER_DECISION_ERRORS, 1);
		return; /* a node that was too late may have done it: unanswered */
	}
	s->unanswered = false;
	read_answer(reply, s, &now);
	toll_service_show(d, s, &c->verdict, &now);
	done = count_code(d, c, code);
	close_record(d, c, done && now.applied == c->outcome.throttled);
	if (!done)
		return;
	toll_counter_add(counters, TOLL_COUNTER_DECISIONS, c->verdict.evaluated);
	c->listed = now.applied && now.override == TOLL_OVERRIDE_NONE;
	c->relist = d->cluster && (c->listed || change.len);
	if (!change.len)
		return;
	s->change_seen = now.change_id;
	toll_tell_change(counters, d->who, s->name, change, toll_reply_text(reply, 8));
	toll_notifier_change(d->notifier, s->key, change, toll_reply_text(reply, 8));
}

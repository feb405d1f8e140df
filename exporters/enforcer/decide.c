/* SPDX-License-Identifier: Apache-2.0 */
#include "exporters/enforcer/decide.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "exporters/enforcer/keys.h"
#include "exporters/enforcer/scripts.h"
#include "exporters/enforcer/state.h"
#include "exporters/enforcer/tell.h"

#define CHUNK 32 /* services in one pipeline */
#define TRIES 3  /* after another configuration's daemon was faster */
/* How many windows an idle service is still evaluated after its spend has left. */
#define AFTERGLOW 100
/* A loss of idle totals may go unnoticed for so long, or for five windows. */
#define LISTEN_NS     (60 * TOLL_S)
#define NAMES_KEPT_MS UINT64_C(2678400000) /* 31 days */

/* One service on its way through a pipeline. */
struct pending {
	struct toll_service *service;
	struct toll_publish_job peeks[TOLL_WINDOWS_MAX];
	uint32_t peek_count;
	bool asked;     /* for the state */
	bool committed; /* an answer of commit.lua is to come */
	bool again;     /* the state had moved on */
	struct toll_verdict verdict;
};

/* ---- which services ---- */

/* How long after its last publish a service can still matter to our budgets. */
static uint64_t afterglow_ms(const struct toll_rules *r)
{
	uint64_t longest = 0;

	for (uint32_t i = 0; i < r->window_count; i++) {
		uint64_t ms = r->windows[i].window_ms + 2 * r->windows[i].bucket_ms;

		if (ms > longest)
			longest = ms;
	}
	return longest + AFTERGLOW * r->evaluation_ms;
}

static bool has_live_totals(const struct toll_service *s, uint32_t windows)
{
	for (uint32_t i = 0; i < windows; i++)
		if (s->accounts[i].series.count)
			return true;
	return false;
}

static void mark_candidates(struct toll_publisher *p, const redisReply *names)
{
	struct toll_totals *t = p->totals;
	uint32_t skipped = 0;

	toll_totals_lock(t);
	for (uint32_t i = 0; i < t->count; i++) {
		struct toll_service *s = t->services[i];

		s->candidate = s->throttled || s->shadow || s->unanswered ||
		               has_live_totals(s, p->rules->window_count);
	}
	for (size_t i = 0; names->type == REDIS_REPLY_ARRAY && i < names->elements; i++) {
		struct toll_slice name = toll_reply_text(names, i);
		struct toll_service *s = name.ptr ? toll_totals_meet(t, name) : NULL;

		if (s)
			s->candidate = true;
		else
			skipped++;
	}
	toll_totals_unlock(t);
	toll_counter_add(p->counters, TOLL_COUNTER_SKIPPED_NAMES, skipped);
}

static int find_candidates(struct toll_publisher *p)
{
	uint64_t now = toll_publisher_clock_ms(p), glow = afterglow_ms(p->rules);
	char since[24], limit[16], old[24];
	redisReply *reply;
	int err;

	snprintf(since, sizeof(since), "%" PRIu64, now > glow ? now - glow : 0);
	snprintf(limit, sizeof(limit), "%" PRIu32, p->totals->limit);
	snprintf(old, sizeof(old), "(%" PRIu64,
	         now > 2 * glow + NAMES_KEPT_MS ? now - 2 * glow - NAMES_KEPT_MS : 0);
	err = toll_redis_call(&p->redis, TOLL_SLICE(TOLL_KEY_SERVICES), &reply, "ZREMRANGEBYSCORE",
	                      TOLL_KEY_SERVICES, "-inf", old);
	if (err)
		return err;
	freeReplyObject(reply);
	err = toll_redis_call(&p->redis, TOLL_SLICE(TOLL_KEY_SERVICES), &reply, "ZREVRANGEBYSCORE",
	                      TOLL_KEY_SERVICES, "+inf", since, "LIMIT", "0", limit);
	if (err)
		return err;
	mark_candidates(p, reply);
	freeReplyObject(reply);
	return 0;
}

/* ---- one service ---- */

static int ask_state(struct toll_publisher *p, const struct toll_service *s)
{
	struct toll_flag_keys keys = { .flag = "" };

	toll_flag_keys_init(&keys, s->key);
	p->command.count = 0;
	toll_command_add(&p->command, TOLL_SLICE("HGETALL"));
	toll_command_add(&p->command, toll_slice_str(keys.state));
	return toll_redis_send(&p->redis, toll_slice_str(keys.state), &p->command);
}

static int ask(struct toll_publisher *p, struct pending *q)
{
	int err = 0;

	q->peek_count = 0;
	q->committed = q->again = false;
	for (uint32_t i = 0; i < p->rules->window_count && !err; i++)
		if (q->service->accounts[i].used)
			err = toll_publish_peek(p, q->service, i, &q->peeks[q->peek_count++]);
	q->asked = q->service->rule_count > 0;
	return err || !q->asked ? err : ask_state(p, q->service);
}

/* The number of slots to be deleted; their names are added to the command when add is set. */
static uint32_t add_gone(struct toll_publisher *p, const struct toll_slots *slots, bool add)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < slots->count; i++)
		if (slots->at[i].gone) {
			n++;
			if (add)
				toll_command_add(&p->command, toll_slice_str(slots->at[i].id));
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
		toll_command_add(&p->command, toll_slice_str(slots->at[i].id));
		toll_command_add(&p->command, toll_slice_str(text));
	}
}

static uint64_t oldest_reading(const struct toll_publisher *p, const struct pending *q)
{
	uint64_t oldest = UINT64_MAX;

	for (uint32_t i = 0; i < q->peek_count; i++) {
		const struct toll_account *a = &q->service->accounts[q->peeks[i].window];

		if (a->reading.settled && a->reading.asof_ms < oldest)
			oldest = a->reading.asof_ms;
	}
	return oldest == UINT64_MAX ? toll_publisher_clock_ms(p) : oldest;
}

static int send_commit(struct toll_publisher *p, struct pending *q, const struct toll_state *st)
{
	char asof[24], window[24], ttl[24], gone[16], amounts[TOLL_VERDICT_TEXT] = "";
	char clock[TOLL_CLOCK_TEXT];
	struct toll_flag_keys keys = { .flag = "" };

	p->text_len = 0;
	toll_flag_keys_init(&keys, q->service->key);
	snprintf(asof, sizeof(asof), "%" PRIu64, oldest_reading(p, q));
	snprintf(window, sizeof(window), "%" PRIu64, p->rules->evaluation_ms);
	snprintf(ttl, sizeof(ttl), "%" PRIu64, p->rules->ttl_ms / 1000);
	snprintf(gone, sizeof(gone), "%" PRIu32, add_gone(p, &st->slots, false));
	if (q->verdict.rule)
		toll_verdict_amounts(&q->verdict, amounts);
	toll_command_script(&p->command, &p->redis, TOLL_SCRIPT_COMMIT, "3");
	toll_command_add(&p->command, toll_slice_str(keys.flag));
	toll_command_add(&p->command, toll_slice_str(keys.state));
	toll_command_add(&p->command, toll_slice_str(keys.shadow));
	toll_command_add(&p->command, toll_slice_str(st->version));
	toll_command_add(&p->command, toll_slice_str(p->instance));
	toll_command_add(&p->command, toll_slice_str(asof));
	toll_command_add(&p->command, toll_slice_str(window));
	toll_command_add(&p->command, toll_slice_str(ttl));
	toll_command_add(&p->command, q->verdict.want ? TOLL_SLICE("1") : TOLL_SLICE("0"));
	toll_command_add(&p->command, q->verdict.shadow ? TOLL_SLICE("1") : TOLL_SLICE("0"));
	toll_command_add(&p->command, toll_slice_str(amounts));
	toll_command_add(&p->command, toll_publisher_clock_text(p, clock));
	toll_command_add(&p->command, toll_slice_str(gone));
	add_gone(p, &st->slots, true);
	add_changed(p, &st->slots);
	q->committed = q->service->unanswered = true;
	return toll_redis_send(&p->redis, toll_slice_str(keys.flag), &p->command);
}

/* What spend rows and gauges show. */
static void show(struct toll_publisher *p, struct toll_service *s, const struct toll_verdict *v,
                 bool throttled, bool shadow)
{
	toll_totals_lock(p->totals);
	s->throttled = throttled;
	s->shadow = shadow;
	s->rule = v->rule;
	s->rule_nano = v->rule_nano;
	s->rule_ema = v->rule_ema;
	toll_totals_unlock(p->totals);
}

/* Our own change whose answer was lost is told now. Every read moves change_seen on, so that only
 * what happened after we last looked counts as news. */
static void tell_late(struct toll_publisher *p, const char *who, struct toll_service *s,
                      const struct toll_state *st)
{
	bool news = s->unanswered && st->change_id > s->change_seen &&
	            toll_slice_is(st->by, p->instance);

	s->unanswered = false;
	s->change_seen = st->change_id;
	if (news)
		toll_tell_change(p->counters, who, s->name, st->what, st->note);
}

static int decide(struct toll_publisher *p, const char *who, struct pending *q,
                  const redisReply *reply)
{
	struct toll_reading readings[TOLL_WINDOWS_MAX] = { 0 };
	struct toll_state *st;
	bool must;
	int err = 0;

	if (toll_redis_is_error(&p->redis, reply)) {
		toll_counter_add(p->counters, TOLL_COUNTER_DECISION_ERRORS, 1);
		return 0;
	}
	st = malloc(sizeof(*st));
	if (!st)
		return 0; /* this window goes by; the next one counts it as skipped */
	toll_state_read(reply, st);
	toll_counter_add(p->counters, TOLL_COUNTER_BAD_STATES, st->unreadable);
	tell_late(p, who, q->service, st);
	for (uint32_t i = 0; i < p->rules->window_count; i++)
		readings[i] = q->service->accounts[i].reading;
	toll_rules_decide(p->rules, q->service->rules, q->service->rule_count, readings, &st->slots,
	                  &q->verdict);
	show(p, q->service, &q->verdict, st->applied, st->shadow);
	must = q->verdict.evaluated || q->verdict.want != st->applied ||
	       q->verdict.shadow != st->shadow;
	if (must)
		err = send_commit(p, q, st);
	free(st);
	return err;
}

static int receive(struct toll_publisher *p, const char *who, struct pending *q)
{
	redisReply *reply;
	int err = 0;

	for (uint32_t i = 0; i < q->peek_count && !err; i++)
		err = toll_publish_receive(p, &q->peeks[i]);
	if (err || !q->asked)
		return err;
	err = toll_redis_receive(&p->redis, &reply);
	if (err)
		return err;
	err = decide(p, who, q, reply);
	freeReplyObject(reply);
	return err;
}

static void conclude(struct toll_publisher *p, const char *who, struct pending *q,
                     const redisReply *reply)
{
	struct toll_service *s = q->service;
	struct toll_slice code = toll_reply_text(reply, 0), change = toll_reply_text(reply, 4);

	s->unanswered = false;
	if (toll_redis_is_error(&p->redis, reply) || !code.ptr) {
		toll_counter_add(p->counters, TOLL_COUNTER_DECISION_ERRORS, 1);
		return;
	}
	show(p, s, &q->verdict, toll_slice_is(toll_reply_text(reply, 2), "1"),
	     toll_slice_is(toll_reply_text(reply, 3), "1"));
	q->again = toll_slice_is(code, "conflict");
	if (q->again) {
		toll_counter_add(p->counters, TOLL_COUNTER_CONFLICTS, 1);
	} else if (toll_slice_is(code, "stale")) {
		toll_counter_add(p->counters, TOLL_COUNTER_STALE, 1);
	} else {
		toll_counter_add(p->counters, TOLL_COUNTER_DECISIONS, q->verdict.evaluated);
		if (change.len) {
			s->change_seen = toll_state_number(toll_reply_text(reply, 5));
			toll_tell_change(p->counters, who, s->name, change,
			                 toll_reply_text(reply, 8));
		}
	}
}

/* ---- who was first ---- */

/* Totals of ours that Redis may have lost show only when we ask. */
static bool must_listen(const struct toll_publisher *p, const struct toll_service *s)
{
	uint64_t patience = 5 * p->rules->evaluation_ms * TOLL_MS;
	uint64_t now = toll_age_ns_by(p->clock);

	if (patience < LISTEN_NS)
		patience = LISTEN_NS;
	for (uint32_t i = 0; i < p->rules->window_count; i++)
		if (s->accounts[i].used && now - s->accounts[i].heard_age_ns > patience)
			return true;
	return false;
}

/* The sums that whoever decided this window has seen. */
static void adopt_readings(struct toll_publisher *p, struct toll_service *s,
                           const struct toll_slots *slots)
{
	for (uint32_t i = 0; i < s->rule_count; i++) {
		const struct toll_rule *rule = &p->rules->at[s->rules[i]];
		struct toll_reading *reading = &s->accounts[rule->window].reading;

		for (uint32_t j = 0; j < slots->count; j++) {
			const struct toll_slot *slot = &slots->at[j];

			if (strcmp(slot->id, rule->id) == 0 && slot->at_ms > reading->asof_ms)
				*reading = (struct toll_reading){ slot->nano, slot->at_ms, false };
		}
	}
}

/* True: this window is decided and nothing is left to do. Then what was decided is shown. */
static bool is_done(struct toll_publisher *p, struct toll_service *s, struct toll_state *st)
{
	struct toll_reading readings[TOLL_WINDOWS_MAX] = { 0 };
	struct toll_verdict v;

	if (toll_rules_due(p->rules, s->rules, s->rule_count, &st->slots,
	                   toll_publisher_clock_ms(p)) ||
	    must_listen(p, s))
		return false;
	toll_totals_lock(p->totals);
	adopt_readings(p, s, &st->slots);
	toll_totals_unlock(p->totals);
	for (uint32_t i = 0; i < p->rules->window_count; i++) {
		readings[i] = s->accounts[i].reading;
		readings[i].settled = false; /* look, do not decide */
	}
	toll_rules_decide(p->rules, s->rules, s->rule_count, readings, &st->slots, &v);
	show(p, s, &v, st->applied, st->shadow);
	return v.want == st->applied && v.shadow == st->shadow;
}

static int receive_state(struct toll_publisher *p, const char *who, struct toll_service *s,
                         struct toll_state *st, bool *ret_done)
{
	redisReply *reply;
	int err = toll_redis_receive(&p->redis, &reply);

	if (err)
		return err;
	*ret_done = false;
	if (!toll_redis_is_error(&p->redis, reply)) {
		toll_state_read(reply, st);
		tell_late(p, who, s, st);
		*ret_done = is_done(p, s, st);
	}
	freeReplyObject(reply);
	return 0;
}

/* Leaves those services that are ours to decide or to listen to. Sums are dearer to read than
 * states, and in a fleet all but one daemon come too late. */
static int survey(struct toll_publisher *p, const char *who, struct pending *q, uint32_t *n)
{
	struct toll_state *st = malloc(sizeof(*st));
	uint32_t asked = *n, left = 0;
	int err = 0;

	if (!st)
		return 0; /* then all are looked at in full */
	for (uint32_t i = 0; i < asked && !err; i++)
		err = q[i].service->rule_count ? ask_state(p, q[i].service) : 0;
	for (uint32_t i = 0; i < asked && !err; i++) {
		struct toll_service *s = q[i].service;
		bool done = !s->rule_count && !must_listen(p, s);

		if (s->rule_count)
			err = receive_state(p, who, s, st, &done);
		if (!done)
			q[left++].service = s;
	}
	free(st);
	*n = left;
	return err;
}

/* ---- rounds ---- */

static int run_pipeline(struct toll_publisher *p, const char *who, struct pending *q, uint32_t n)
{
	redisReply *reply;
	int err = 0;

	for (uint32_t i = 0; i < n && !err; i++)
		err = ask(p, &q[i]);
	for (uint32_t i = 0; i < n && !err; i++)
		err = receive(p, who, &q[i]);
	for (uint32_t i = 0; i < n && !err; i++) {
		if (!q[i].committed)
			continue;
		err = toll_redis_receive(&p->redis, &reply);
		if (err)
			break;
		conclude(p, who, &q[i], reply);
		freeReplyObject(reply);
	}
	return err;
}

/* Those whose state had moved on go again: most find the window decided. */
static int run_chunk(struct toll_publisher *p, const char *who, struct pending *q, uint32_t n)
{
	int err = run_pipeline(p, who, q, n);

	for (int i = 1; i < TRIES && n > 0 && !err; i++) {
		uint32_t left = 0;

		if (p->redis.scripts_gone)
			err = toll_redis_load_scripts(&p->redis);
		for (uint32_t j = 0; j < n; j++)
			if (q[j].again)
				q[left++].service = q[j].service;
		n = left;
		if (!err)
			err = run_pipeline(p, who, q, n);
	}
	return err;
}

/* The next candidates from *at on. */
static uint32_t take(struct toll_publisher *p, uint32_t *at, struct pending *q)
{
	struct toll_totals *t = p->totals;
	uint32_t n = 0;

	toll_totals_lock(t);
	for (; *at < t->count && n < CHUNK; ++*at)
		if (t->services[*at]->candidate)
			q[n++].service = t->services[*at];
	toll_totals_unlock(t);
	return n;
}

int toll_decide_round(struct toll_publisher *p, const char *who)
{
	struct pending q[CHUNK];
	uint32_t at = 0, taken, left;
	int err = find_candidates(p);

	if (err)
		return err;
	do {
		taken = left = take(p, &at, q);
		err = survey(p, who, q, &left);
		if (!err && left > 0)
			err = run_chunk(p, who, q, left);
	} while (!err && taken > 0);
	return err;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "exporters/enforcer/store_redis/decide_inside.h"
#include "exporters/enforcer/store_redis/keys.h"

/* A loss of idle totals may go unnoticed for so long, or for five windows. */
#define LISTEN_NS (60 * TOLL_S)

/* ---- states ---- */

static int send_read(struct toll_decider *d, struct toll_slice command, const char *key)
{
	struct toll_command *c = &d->publisher->command;

	c->count = 0;
	toll_command_add(c, command);
	toll_command_add(c, toll_slice_str(key));
	return toll_redis_send(&d->publisher->redis, toll_slice_str(key), c);
}

int toll_state_ask(struct toll_decider *d, const struct toll_service *s)
{
	struct toll_flag_keys keys = { .flag = "" };
	int err;

	toll_flag_keys_init(&keys, s->key);
	err = send_read(d, TOLL_SLICE("HGETALL"), keys.state);
	return err ? err : send_read(d, TOLL_SLICE("GET"), keys.override);
}

/* Something else than allow and deny, or no text at all, is nobody's override. */
static enum toll_override read_override(const redisReply *reply)
{
	if (reply->type != REDIS_REPLY_STRING)
		return TOLL_OVERRIDE_NONE;
	return toll_override_parse(toll_slice(reply->str, reply->len));
}

int toll_state_receive(struct toll_decider *d, struct toll_state *st, bool *ret_known)
{
	redisReply *answer, *override;
	int err;

	st->answer = NULL;
	*ret_known = false;
	err = toll_redis_receive(&d->publisher->redis, &answer);
	if (err)
		return err;
	toll_state_read(answer, st);
	*ret_known = !toll_redis_is_error(&d->publisher->redis, answer);
	st->answer = answer;
	err = toll_redis_receive(&d->publisher->redis, &override);
	if (err)
		return err;
	st->override = read_override(override);
	freeReplyObject(override);
	return 0;
}

/* ---- who was first ---- */

/* Totals of ours that Redis may have lost show only when we ask. */
static bool must_listen(const struct toll_decider *d, const struct toll_service *s)
{
	const struct toll_rules *rules = d->publisher->rules;
	uint64_t patience = 5 * rules->evaluation_ms * TOLL_MS;
	uint64_t now = toll_age_ns_by(d->publisher->clock);

	if (patience < LISTEN_NS)
		patience = LISTEN_NS;
	for (uint32_t i = 0; i < rules->window_count; i++)
		if (s->accounts[i].used && now - s->accounts[i].heard_age_ns > patience)
			return true;
	return false;
}

/* The sums that whoever decided this window has seen. */
static void adopt_readings(const struct toll_rules *rules, struct toll_service *s,
                           const struct toll_slots *slots)
{
	for (uint32_t i = 0; i < s->rule_count; i++) {
		const struct toll_rule *rule = &rules->at[s->rules[i]];
		struct toll_account *a = &s->accounts[rule->window];

		for (uint32_t j = 0; j < slots->count; j++) {
			const struct toll_slot *slot = &slots->at[j];

			if (strcmp(slot->id, rule->id) == 0 && slot->at_ms > a->reading.asof_ms)
				toll_account_read(
					a, (struct toll_reading){ slot->nano, slot->at_ms, false });
		}
	}
}

/* What the state says without a new window. */
static void look(struct toll_decider *d, struct toll_service *s, struct toll_state *st,
                 struct toll_verdict *ret)
{
	const struct toll_rules *rules = d->publisher->rules;
	struct toll_reading readings[TOLL_WINDOWS_MAX] = { 0 };

	toll_totals_lock(d->publisher->totals);
	adopt_readings(rules, s, &st->slots);
	toll_totals_unlock(d->publisher->totals);
	for (uint32_t i = 0; i < rules->window_count; i++) {
		readings[i] = s->accounts[i].reading;
		readings[i].settled = false; /* look, do not decide */
	}
	readings[0].asof_ms = toll_publisher_clock_ms(d->publisher);
	toll_rules_decide(rules, s->rules, s->rule_count, readings, &st->slots, ret);
}

/* True: this window is decided and nothing is left to do. Then what was decided is shown. */
static bool is_done(struct toll_decider *d, struct toll_service *s, struct toll_state *st)
{
	struct toll_circumstances now = toll_circumstances_of(d, st);
	struct toll_outcome o;
	struct toll_verdict v;

	if (toll_rules_due(d->publisher->rules, s->rules, s->rule_count, &st->slots,
	                   toll_publisher_clock_ms(d->publisher)) ||
	    must_listen(d, s))
		return false;
	look(d, s, st, &v);
	toll_service_show(d, s, &v, st);
	o = toll_outcome_of(&v, &now);
	if (toll_is_contested(d, &v, st) || o.throttled != st->applied || o.shadow != st->shadow ||
	    toll_must_be_renewed(d, &o, st))
		return false;
	if (toll_outcome_needs_place(&v, &now))
		toll_contend(d, s, &v, false);
	return true;
}

static int receive_state(struct toll_decider *d, struct toll_service *s, struct toll_state *st,
                         bool *ret_done)
{
	bool known;
	int err = toll_state_receive(d, st, &known);

	if (!err && known) {
		toll_tell_late(d, s, st);
		*ret_done = is_done(d, s, st);
	}
	toll_state_release(st);
	return err;
}

int toll_survey(struct toll_decider *d, struct toll_case *cases, uint32_t *n)
{
	struct toll_state *st = malloc(sizeof(*st));
	uint32_t asked = *n, left = 0;
	int err = 0;

	if (!st)
		return 0; /* then all are looked at in full */
	for (uint32_t i = 0; i < asked && !err; i++)
		if (toll_candidate_must_be_asked(cases[i].service))
			err = toll_state_ask(d, cases[i].service);
	for (uint32_t i = 0; i < asked && !err; i++) {
		struct toll_service *s = cases[i].service;
		bool must = toll_candidate_must_be_asked(s), done = !must && !must_listen(d, s);

		if (must)
			err = receive_state(d, s, st, &done);
		if (!done)
			cases[left++].service = s;
	}
	free(st);
	*n = left;
	return err;
}

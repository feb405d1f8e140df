/* SPDX-License-Identifier: Apache-2.0 */
#include "budget/decision.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define FORGET_MS      UINT64_C(86400000) /* a slot that nobody evaluated for so long is dropped */
#define SILENT_WINDOWS 5
#define SILENT_MIN_MS  UINT64_C(10000)

static struct toll_slot *slot_of(struct toll_slots *slots, const struct toll_rule *rule, bool add)
{
	struct toll_slot *s = toll_slots_find(slots, rule->id);

	if (s)
		return s;
	if (!add || slots->count == TOLL_SLOTS_MAX)
		return NULL;
	s = &slots->at[slots->count++];
	*s = (struct toll_slot){ .state = TOLL_BUDGET_STATE_INIT, .mode = rule->mode };
	memcpy(s->id, rule->id, sizeof(s->id));
	return s;
}

/* An idle subject whose average has faded is left alone until it spends again. */
static bool asleep(const struct toll_rule *rule, const struct toll_slot *s, toll_i128 nano)
{
	return nano == 0 &&
	       (!s || (!toll_slot_is_on(s) && s->state.ema < rule->rule.limit_usd / 1000));
}

/* Average and flag go on; the streaks were counted against another limit. */
static void inherit(const struct toll_rule *rule, struct toll_slot *s, struct toll_slot *before)
{
	s->state = before->state;
	s->state.window = (int64_t)(before->at_ms / rule->evaluation_ms);
	s->state.over = s->state.under = 0;
	s->fast = before->fast && rule->fast_factor > 0; /* else nothing would ever release it */
	s->fast_under = 0;
	s->at_ms = before->at_ms;
	before->gone = true;
}

/* Was the slot last evaluated in an earlier period of the calendar than now_ms is in? */
static bool is_past(const struct toll_window *w, const struct toll_slot *s, uint64_t now_ms)
{
	return w->periods && s->at_ms &&
	       toll_window_index(w, s->at_ms) < toll_window_index(w, now_ms);
}

/* A new period is a new budget. */
static void begin_period(struct toll_slot *s)
{
	s->state = (struct toll_budget_state)TOLL_BUDGET_STATE_INIT;
	s->fast = false;
	s->fast_under = 0;
}

/* Recent spend, as if the whole window were like it. Needs no streak to trip. */
static void step_fast(const struct toll_rules *r, const struct toll_rule *rule,
                      const struct toll_reading *readings, struct toll_slot *s)
{
	const struct toll_reading *recent = &readings[rule->fast_window];
	double limit = rule->fast_factor * rule->rule.limit_usd, projected;

	if (rule->fast_factor <= 0 || !recent->settled)
		return;
	projected = toll_nano_to_usd(recent->nano) *
	            (double)toll_window_length_ms(&r->windows[rule->window], recent->asof_ms) /
	            (double)r->windows[rule->fast_window].window_ms;
	if (projected > limit)
		s->fast = true;
	s->fast_under = s->fast && projected < limit * rule->rule.release ? s->fast_under + 1 : 0;
	if (s->fast_under >= rule->rule.windows) {
		s->fast = false;
		s->fast_under = 0;
	}
}

/* The slot that this evaluation is about, NULL when there is nothing to evaluate. */
static struct toll_slot *take_slot(const struct toll_rules *r, const struct toll_rule *rule,
                                   const struct toll_reading *reading, struct toll_slots *slots)
{
	struct toll_slot *s = slot_of(slots, rule, false);
	struct toll_slot *before = s ? NULL : toll_slots_find(slots, rule->before);
	int64_t window = (int64_t)(reading->asof_ms / rule->evaluation_ms);

	if (!reading->settled || asleep(rule, s ? s : before, reading->nano))
		return NULL;
	if (before && (int64_t)(before->at_ms / rule->evaluation_ms) >= window)
		return NULL; /* this window was decided by the rule before */
	if (!s)
		s = slot_of(slots, rule, true);
	if (s && before)
		inherit(rule, s, before);
	if (s && is_past(&r->windows[rule->window], s, reading->asof_ms))
		begin_period(s);
	return s;
}

static bool step(const struct toll_rules *r, const struct toll_rule *rule,
                 const struct toll_reading *readings, struct toll_slots *slots)
{
	const struct toll_reading *reading = &readings[rule->window];
	int64_t window = (int64_t)(reading->asof_ms / rule->evaluation_ms);
	struct toll_slot *s = take_slot(r, rule, reading, slots);

	if (!s ||
	    !toll_budget_step(&rule->rule, &s->state, window, toll_nano_to_usd(reading->nano)))
		return false;
	step_fast(r, rule, readings, s);
	s->mode = rule->mode;
	s->at_ms = reading->asof_ms;
	s->nano = reading->nano;
	s->until_ms = toll_slot_is_on(s) ? reading->asof_ms + r->ttl_ms : 0;
	s->changed = true;
	return true;
}

/* How much a budget deserves to be shown: class first, then distance to its limit. */
static double weight(const struct toll_rule *rule, const struct toll_slot *s, toll_i128 nano)
{
	double limit = rule->rule.limit_usd > 0 ? rule->rule.limit_usd : 1e-12;
	double ratio = toll_nano_to_usd(nano) / limit;

	ratio = ratio / (1 + ratio); /* 0..1 */
	if (!s || !toll_slot_is_on(s))
		return ratio;
	return ratio + (rule->mode == TOLL_MODE_ENFORCE ? 4 : 2);
}

static void show(const struct toll_rule *rule, const struct toll_reading *reading,
                 struct toll_slots *slots, double *best, struct toll_verdict *v)
{
	const struct toll_slot *own = slot_of(slots, rule, false);
	const struct toll_slot *s = own ? own : toll_slots_find(slots, rule->before);
	double w = weight(rule, s, reading->nano);

	if (v->rule && (w < *best || (w == *best && rule->limit_pico >= v->rule->limit_pico)))
		return;
	*best = w;
	v->rule = rule;
	v->rule_nano = reading->nano;
	v->rule_ema = s ? s->state.ema : 0;
	v->fast = s && s->fast && !s->state.on;
}

static bool is_ours(const struct toll_rules *r, const uint16_t *matching, uint32_t matching_count,
                    const struct toll_slot *s)
{
	for (uint32_t i = 0; i < matching_count; i++) {
		const struct toll_rule *rule = &r->at[matching[i]];

		if (strcmp(rule->id, s->id) == 0 || strcmp(rule->before, s->id) == 0)
			return true;
	}
	return false;
}

/* Whoever has the budget decides every window (whose number tells how long one is): after some
 * silent ones it has been taken away, and holds nothing any more. */
static uint64_t end_of_others(const struct toll_slot *s)
{
	uint64_t silence = SILENT_MIN_MS, windows = (uint64_t)s->state.window, end;

	if (s->state.window > 0 && SILENT_WINDOWS * (s->at_ms / windows) > silence)
		silence = SILENT_WINDOWS * (s->at_ms / windows);
	end = s->at_ms + silence;
	return end < s->until_ms ? end : s->until_ms;
}

/* Flags, and slots that nobody has touched for a day (or the flag's life, if longer). */
static void sum_up(const struct toll_rules *r, const uint16_t *matching, uint32_t matching_count,
                   uint64_t now_ms, struct toll_slots *slots, struct toll_verdict *v)
{
	uint64_t forget = r->ttl_ms > FORGET_MS ? r->ttl_ms : FORGET_MS;

	for (uint32_t i = 0; i < slots->count; i++) {
		struct toll_slot *s = &slots->at[i];
		bool ours = is_ours(r, matching, matching_count, s);

		if (s->at_ms + forget < now_ms && !s->changed)
			s->gone = true;
		if (s->gone || !toll_slot_is_on(s) ||
		    (ours ? s->until_ms : end_of_others(s)) <= now_ms)
			continue;
		if (s->mode == TOLL_MODE_ENFORCE)
			v->want = true;
		else
			v->shadow = true;
	}
}

void toll_rules_decide(const struct toll_rules *r, const uint16_t *matching,
                       uint32_t matching_count, const struct toll_reading *readings,
                       struct toll_slots *slots, struct toll_verdict *ret)
{
	uint64_t now_ms = 0;
	double best = 0;

	*ret = (struct toll_verdict){ 0 };
	for (uint32_t i = 0; i < slots->count; i++)
		slots->at[i].changed = slots->at[i].gone = false;
	for (uint32_t i = 0; i < r->window_count; i++)
		if (readings[i].asof_ms > now_ms)
			now_ms = readings[i].asof_ms;
	for (uint32_t i = 0; i < matching_count; i++) {
		const struct toll_rule *rule = &r->at[matching[i]];
		const struct toll_reading *reading = &readings[rule->window];
		struct toll_slot *s = slot_of(slots, rule, false);

		if (rule->mode == TOLL_MODE_OFF) {
			if (s)
				s->gone = ret->evaluated = true;
			continue;
		}
		if (step(r, rule, readings, slots))
			ret->evaluated = true;
		show(rule, reading, slots, &best, ret);
	}
	sum_up(r, matching, matching_count, now_ms, slots, ret);
}

bool toll_rules_due(const struct toll_rules *r, const uint16_t *matching, uint32_t matching_count,
                    const struct toll_slots *slots, uint64_t now_ms)
{
	for (uint32_t i = 0; i < matching_count; i++) {
		const struct toll_rule *rule = &r->at[matching[i]];
		int64_t window = (int64_t)(now_ms / rule->evaluation_ms);
		const struct toll_slot *s = NULL;

		for (uint32_t j = 0; j < slots->count; j++)
			if (strcmp(slots->at[j].id, rule->id) == 0)
				s = &slots->at[j];
		if (rule->mode == TOLL_MODE_OFF
		            ? s != NULL
		            : !s || s->state.window != window ||
		                      is_past(&r->windows[rule->window], s, now_ms))
			return true;
	}
	return false;
}

void toll_verdict_amounts(const struct toll_verdict *v, char buf[TOLL_VERDICT_TEXT])
{
	char spent[TOLL_MONEY_TEXT], limit[TOLL_MONEY_TEXT];

	toll_money_print_usd(v->rule_nano * 1000, spent);
	if (v->rule->limit_pico % TOLL_PICO_PER_USD == 0)
		snprintf(limit, sizeof(limit), "$%" PRId64,
		         v->rule->limit_pico / TOLL_PICO_PER_USD);
	else
		toll_money_print_usd(v->rule->limit_pico, limit);
	snprintf(buf, TOLL_VERDICT_TEXT, "%s/%s", spent, limit);
}

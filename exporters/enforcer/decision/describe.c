/* SPDX-License-Identifier: Apache-2.0 */
#include "exporters/enforcer/decision/describe.h"

#include <stdio.h>
#include <string.h>

/* How much of the traffic fits: limit / average. */
static double share_of(const struct toll_about *a)
{
	const struct toll_verdict *v = a->verdict;
	double share = v->rule && v->rule_ema > 0 ? v->rule->rule.limit_usd / v->rule_ema : 1;

	if (v->fast)
		return a->throttle->min_allowed; /* the average does not know of it yet */
	if (share < a->throttle->min_allowed)
		return a->throttle->min_allowed;
	return share < 1 ? share : 1;
}

/* The earliest that evaluations can release it: as many windows below the limit as are missing. */
static uint32_t retry_after_s(const struct toll_about *a)
{
	uint32_t need = a->verdict->rule ? a->verdict->rule->rule.windows : 1;
	uint32_t left = need > a->service->under ? need - a->service->under : 1;
	uint64_t ms = left * (a->verdict->rule ? a->verdict->rule->evaluation_ms
	                                       : a->rules->evaluation_ms);

	return ms < UINT32_MAX ? (uint32_t)((ms + 999) / 1000) : UINT32_MAX / 1000;
}

static void add_budget(const struct toll_about *a, struct toll_budget_event *e)
{
	static const char *const modes[] = { "enforce", "shadow", "off" };
	const struct toll_rule *rule = a->verdict->rule;

	snprintf(e->budget, sizeof(e->budget), "%.*s", TOLL_FMT(rule->name));
	snprintf(e->mode, sizeof(e->mode), "%s", modes[rule->mode]);
	snprintf(e->window, sizeof(e->window), "%s", a->rules->windows[rule->window].name);
	e->spent_nano = a->verdict->rule_nano;
	e->limit_pico = rule->limit_pico;
	e->ema_usd = a->verdict->rule_ema;
}

void toll_describe_event(const struct toll_about *a, const struct toll_outcome *o, const char *by,
                         struct toll_budget_event *ret)
{
	*ret = (struct toll_budget_event){ .what = TOLL_EVENT_OTHER };
	snprintf(ret->subject, sizeof(ret->subject), "%.*s", TOLL_FMT(a->service->key));
	snprintf(ret->reason, sizeof(ret->reason), "%s", o->reason);
	snprintf(ret->by, sizeof(ret->by), "%s", by);
	if (a->verdict->rule)
		add_budget(a, ret);
	if (!o->throttled)
		return;
	ret->retry_after_s = retry_after_s(a);
	if (a->throttle->graded && strcmp(o->reason, "override") != 0)
		ret->allowed = share_of(a);
}

struct toll_flag toll_describe_flag(const struct toll_about *a, uint64_t until_ms)
{
	const struct toll_service *s = a->service;
	const struct toll_rule *rule = a->verdict->rule;
	struct toll_flag f = {
		.subject = s->key,
		.throttled = s->throttled,
		.override_allow = s->override == TOLL_OVERRIDE_ALLOW,
		.criticality = s->criticality,
		.until_ms = until_ms,
		.reason = s->override == TOLL_OVERRIDE_DENY ? TOLL_FLAG_OVERRIDE
		          : a->verdict->fast                ? TOLL_FLAG_FAST_TRIP
		                                            : TOLL_FLAG_BUDGET,
		.spent_nano = a->verdict->rule_nano,
		.limit_pico = rule ? rule->limit_pico : 0,
		.retry_after_s = retry_after_s(a),
	};

	if (a->throttle->graded && s->throttled && s->override == TOLL_OVERRIDE_NONE)
		f.allowed = share_of(a);
	if (rule)
		snprintf(f.window, sizeof(f.window), "%s", a->rules->windows[rule->window].name);
	return f;
}

void toll_describe_streaks(struct toll_service *s, const struct toll_slots *slots)
{
	for (uint32_t i = 0; s->rule && i < slots->count; i++)
		if (strcmp(slots->at[i].id, s->rule->id) == 0) {
			s->over = slots->at[i].state.over;
			s->under = slots->at[i].state.under;
		}
}

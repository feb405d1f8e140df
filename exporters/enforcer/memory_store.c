/* SPDX-License-Identifier: Apache-2.0 */
#include "exporters/enforcer/memory_store.h"

#include <stdlib.h>

#include "exporters/enforcer/tell.h"

/* Nobody else has a say, so the sum of our own buckets is the truth, and settled at once. */
static void read_accounts(struct toll_memory_store *m, struct toll_service *s, uint64_t now_ms)
{
	for (uint32_t i = 0; i < m->rules->window_count; i++) {
		struct toll_account *a = &s->accounts[i];
		const struct toll_window *w = &m->rules->windows[i];
		int64_t current = (int64_t)(now_ms / w->bucket_ms);

		if (!a->used)
			continue;
		for (uint32_t j = 0; j < a->series.count; j++)
			a->series.at[j].sent = a->series.at[j].nano; /* nothing waits for anyone */
		toll_totals_prune(m->totals, a, w, current);
		a->dirty = false;
		a->reading = (struct toll_reading){
			.nano = toll_series_sum(&a->series, w, current),
			.asof_ms = now_ms,
			.settled = true,
		};
	}
}

static void tell_change(struct toll_memory_store *m, struct toll_service *s,
                        const struct toll_verdict *v)
{
	char amounts[TOLL_VERDICT_TEXT] = "";
	struct toll_slice text;

	if (v->rule)
		toll_verdict_amounts(v, amounts);
	text = toll_slice_str(amounts);
	if (v->want != s->throttled)
		toll_tell_change(m->counters, m->who, s->name,
		                 v->want ? TOLL_SLICE("set") : TOLL_SLICE("release"), text);
	if (v->shadow != s->shadow)
		toll_tell_change(
			m->counters, m->who, s->name,
			v->shadow ? TOLL_SLICE("shadow_set") : TOLL_SLICE("shadow_release"), text);
}

static void decide(struct toll_memory_store *m, struct toll_service *s)
{
	struct toll_reading readings[TOLL_WINDOWS_MAX] = { 0 };
	struct toll_verdict v;

	if (s->rule_count == 0)
		return;
	if (!s->slots)
		s->slots = calloc(1, sizeof(*s->slots));
	if (!s->slots)
		return; /* this window goes by; the next one counts it as skipped */
	for (uint32_t i = 0; i < m->rules->window_count; i++)
		readings[i] = s->accounts[i].reading;
	toll_rules_decide(m->rules, s->rules, s->rule_count, readings, s->slots, &v);
	toll_slots_drop_gone(s->slots);
	toll_counter_add(m->counters, TOLL_COUNTER_DECISIONS, v.evaluated);
	tell_change(m, s, &v);
	s->throttled = v.want;
	s->shadow = v.shadow;
	s->rule = v.rule;
	s->rule_nano = v.rule_nano;
	s->rule_ema = v.rule_ema;
}

/* Between decisions the shown amount follows the sums. */
static void show(struct toll_service *s)
{
	if (s->rule)
		s->rule_nano = s->accounts[s->rule->window].reading.nano;
}

void toll_memory_store_tick(struct toll_memory_store *m)
{
	struct toll_totals *t = m->totals;
	uint64_t now_ms = toll_wall_ms_by(m->clock);
	int64_t window = (int64_t)(now_ms / m->rules->evaluation_ms);
	/* A clock that was set back is followed at once: cost/budget.c copes with both. */
	bool due = m->window != window;

	toll_totals_lock(t);
	for (uint32_t i = 0; i < t->count; i++) {
		read_accounts(m, t->services[i], now_ms);
		if (due)
			decide(m, t->services[i]);
		else
			show(t->services[i]);
	}
	toll_totals_sweep(t);
	toll_totals_unlock(t);
	m->window = window;
	if (due)
		toll_counter_set(m->counters, TOLL_COUNTER_DECIDED_UNTIL, now_ms);
}

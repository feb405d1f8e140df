/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "exporters/enforcer/decide_inside.h"
#include "exporters/enforcer/graded.h"

/* Times of the store's clock on this machine's. */
static uint64_t here_ms(const struct toll_decider *d, uint64_t store_ms)
{
	uint64_t there = toll_publisher_clock_ms(d->publisher), here = toll_clock_wall_ms();

	return store_ms > there ? here + (store_ms - there) : here;
}

static void put_flag(struct toll_decider *d, const struct toll_service *s,
                     const struct toll_verdict *v, const struct toll_state *st)
{
	struct toll_flag f = {
		.subject = s->key,
		.throttled = st->applied,
		.override_allow = st->override == TOLL_OVERRIDE_ALLOW,
		.criticality = s->criticality,
		.until_ms = here_ms(d, st->until_ms),
		.reason =
			st->override == TOLL_OVERRIDE_DENY ? TOLL_FLAG_OVERRIDE : TOLL_FLAG_BUDGET,
		.spent_nano = v->rule_nano,
		.limit_pico = v->rule ? v->rule->limit_pico : 0,
		.retry_after_s = toll_retry_after_s(d->publisher->rules, v, s->under),
	};

	if (st->applied && st->override == TOLL_OVERRIDE_NONE && d->graded)
		f.allowed = toll_graded_share(v, d->min_allowed);
	if (v->rule)
		memcpy(f.window, d->publisher->rules->windows[v->rule->window].name,
		       sizeof(f.window));
	toll_flag_board_put(d->board, &f);
}

static void show_streaks(struct toll_service *s, const struct toll_verdict *v,
                         const struct toll_state *st)
{
	s->over = s->under = 0;
	for (uint32_t i = 0; v->rule && i < st->slots.count; i++)
		if (strcmp(st->slots.at[i].id, v->rule->id) == 0) {
			s->over = st->slots.at[i].state.over;
			s->under = st->slots.at[i].state.under;
		}
}

void toll_service_show(struct toll_decider *d, struct toll_service *s, const struct toll_verdict *v,
                       const struct toll_state *st)
{
	toll_totals_lock(d->publisher->totals);
	s->throttled = st->applied;
	s->shadow = st->shadow;
	s->capped = st->capped;
	s->override = st->override;
	s->until_ms = st->until_ms;
	if (s->criticality == TOLL_CRITICALITY_UNKNOWN)
		s->criticality = st->criticality;
	s->rule = v->rule;
	s->rule_nano = v->rule_nano;
	s->rule_ema = v->rule_ema;
	show_streaks(s, v, st);
	toll_totals_unlock(d->publisher->totals);
	if (d->board)
		put_flag(d, s, v, st);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"
#include "exporters/enforcer/decision/describe.h"
#include "exporters/enforcer/store_redis/decide_inside.h"

/* Times of the store's clock on this machine's. */
static uint64_t here_ms(const struct toll_decider *d, uint64_t store_ms)
{
	uint64_t there = toll_publisher_clock_ms(d->publisher), here = toll_clock_wall_ms();

	return store_ms > there ? here + (store_ms - there) : here;
}

struct toll_about toll_case_about(const struct toll_decider *d, const struct toll_service *s,
                                  const struct toll_verdict *v)
{
	return (struct toll_about){ d->publisher->rules, d->throttle, s, v };
}

static void put_flag(struct toll_decider *d, const struct toll_service *s,
                     const struct toll_verdict *v)
{
	struct toll_about about = toll_case_about(d, s, v);
	struct toll_flag f = toll_describe_flag(&about, here_ms(d, s->until_ms));

	toll_flag_board_put(d->board, &f);
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
	toll_describe_streaks(s, &st->slots);
	toll_totals_unlock(d->publisher->totals);
	if (d->board)
		put_flag(d, s, v);
}

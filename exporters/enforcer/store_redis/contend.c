/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "exporters/enforcer/store_redis/decide_inside.h"

struct toll_circumstances toll_circumstances_of(const struct toll_decider *d,
                                                const struct toll_state *st)
{
	return (struct toll_circumstances){ d->killed, st->override, st->capped };
}

/* Half a window: rounds do not come to the millisecond. */
bool toll_must_be_renewed(const struct toll_decider *d, const struct toll_outcome *o,
                          const struct toll_state *st)
{
	const struct toll_rules *r = d->publisher->rules;

	return o->throttled && st->applied && st->override == TOLL_OVERRIDE_DENY &&
	       st->until_ms + r->evaluation_ms / 2 <
	               toll_publisher_clock_ms(d->publisher) + r->ttl_ms;
}

bool toll_is_contested(const struct toll_decider *d, const struct toll_verdict *v,
                       const struct toll_state *st)
{
	struct toll_circumstances now = toll_circumstances_of(d, st);

	if (d->throttle->max_throttled_fraction >= 1 || !toll_outcome_needs_place(v, &now))
		return false;
	return v->evaluated || (!st->applied && !st->capped);
}

static bool make_room(struct toll_decider *d)
{
	uint32_t room = d->contender_room ? 2 * d->contender_room : 64;
	struct toll_contender *more;

	if (d->contender_count < d->contender_room)
		return true;
	more = realloc(d->contenders, room * sizeof(*more));
	if (!more)
		return false;
	d->contenders = more;
	d->contender_room = room;
	return true;
}

/* Without memory nobody new is throttled: this window goes by. */
void toll_contend(struct toll_decider *d, struct toll_service *s, const struct toll_verdict *v,
                  bool mine)
{
	double limit = v->rule ? v->rule->rule.limit_usd : 0;

	if (d->throttle->max_throttled_fraction >= 1 || !make_room(d))
		return;
	d->contenders[d->contender_count++] = (struct toll_contender){
		.subject = s,
		.key = s->key,
		.kind = toll_places_kind(s->key),
		.ratio = v->rule_ema / (limit > 1e-12 ? limit : 1e-12),
		.criticality = s->criticality,
		.mine = mine,
	};
}

/* ---- places ---- */

static bool spends(const struct toll_service *s, uint32_t windows)
{
	for (uint32_t i = 0; i < windows; i++)
		if (s->accounts[i].reading.nano > 0)
			return true;
	return false;
}

static uint32_t count_subjects(const struct toll_decider *d, uint64_t kind)
{
	struct toll_totals *t = d->publisher->totals;
	uint32_t n = 0;

	toll_totals_lock(t);
	for (uint32_t i = 0; i < t->count; i++)
		n += toll_places_kind(t->services[i]->key) == kind &&
		     spends(t->services[i], d->publisher->rules->window_count);
	toll_totals_unlock(t);
	return n;
}

void toll_contenders_place(struct toll_decider *d)
{
	uint32_t taken = 0, places = 0;

	toll_places_rank(d->contenders, d->contender_count);
	for (uint32_t i = 0; i < d->contender_count; i++) {
		struct toll_contender *c = &d->contenders[i];

		if (i == 0 || c->kind != c[-1].kind) {
			places = toll_places(d->throttle->max_throttled_fraction,
			                     count_subjects(d, c->kind));
			taken = 0;
		}
		c->places = places;
		c->placed = taken++ < places;
	}
}

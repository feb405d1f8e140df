/* SPDX-License-Identifier: Apache-2.0 */
/* prices_changes.c - which meters of a row changed. */
#include "cmd/spantoll/prices_changes.h"

static bool same_tiers(const struct toll_meter *a, const struct toll_meter *b)
{
	if (a->tier_count != b->tier_count)
		return false;
	for (uint32_t i = 0; i < a->tier_count; i++)
		if (a->tiers[i].of != b->tiers[i].of || a->tiers[i].over != b->tiers[i].over ||
		    !toll_rate_equal(&a->tiers[i].rate, &b->tiers[i].rate))
			return false;
	return true;
}

static bool same_meter(const struct toll_meter *a, const struct toll_meter *b)
{
	return toll_rate_equal(&a->rate, &b->rate) && a->step == b->step &&
	       a->at_least == b->at_least && same_tiers(a, b);
}

static const struct toll_meter *find_meter(const struct toll_price_rule *rule,
                                           const struct toll_meter *like)
{
	for (uint32_t i = 0; i < rule->meter_count; i++)
		if (rule->meters[i].kind == like->kind &&
		    toll_slice_eq(rule->meters[i].attribute, like->attribute))
			return &rule->meters[i];
	return NULL;
}

double toll_prices_factor(const struct toll_rate *old, const struct toll_rate *new)
{
	double from = old->per ? (double)old->price / (double)old->per : 0;

	return from > 0 && new->per ? (double)new->price / (double)new->per / from : 0;
}

size_t toll_prices_changes(const struct toll_price_rule *old, const struct toll_price_rule *new,
                           struct toll_prices_change changes[2 * TOLL_PRICE_METERS])
{
	size_t count = 0;

	for (uint32_t i = 0; i < old->meter_count; i++) {
		const struct toll_meter *now = find_meter(new, &old->meters[i]);

		if (!now || !same_meter(&old->meters[i], now))
			changes[count++] = (struct toll_prices_change){ &old->meters[i], now };
	}
	for (uint32_t i = 0; i < new->meter_count; i++)
		if (!find_meter(old, &new->meters[i]))
			changes[count++] = (struct toll_prices_change){ NULL, &new->meters[i] };
	return count;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* price_check.c - what no rule may say. */
#include "cost/price_inside.h"

enum { MAX_ONE_OF = 4096, MAX_TEXT = 1024, MAX_TIERS = 16 };

static int refuse(struct toll_error *reterr, const char *why)
{
	return toll_fail(reterr, TOLL_EINVALID, "%s", why);
}

static int check_condition(const struct toll_condition *c, struct toll_error *reterr)
{
	bool wants_none = c->op == TOLL_MATCH_EXISTS || c->op == TOLL_MATCH_ABSENT;

	if (!c->field.len || c->field.len > MAX_TEXT)
		return refuse(reterr, "a condition has no field, or one over 1024 bytes");
	if (c->op > TOLL_MATCH_ABSENT || (wants_none && c->text_count))
		return refuse(reterr, "no such condition");
	if (!wants_none && c->text_count != 1 && c->op != TOLL_MATCH_ONE_OF)
		return refuse(reterr, "a condition needs one text");
	if (c->op == TOLL_MATCH_ONE_OF && (!c->text_count || c->text_count > MAX_ONE_OF))
		return refuse(reterr, "one_of needs 1 to 4096 texts");
	for (uint32_t i = 0; i < c->text_count; i++)
		if (c->texts[i].len > MAX_TEXT)
			return refuse(reterr, "a text to match has more than 1024 bytes");
	return 0;
}

static int check_tiers(const struct toll_meter *m, struct toll_error *reterr)
{
	if (m->tier_count > MAX_TIERS)
		return refuse(reterr, "a meter has at most 16 tiers");
	for (uint32_t i = 0; i < m->tier_count; i++)
		if (m->tiers[i].of >= TOLL_QUANTITY_COUNT ||
		    (m->tiers[i].rate.price && !m->tiers[i].rate.per) ||
		    (m->tiers[i].of == TOLL_QUANTITY_ATTRIBUTE &&
		     m->kind != TOLL_QUANTITY_ATTRIBUTE))
			return refuse(reterr, "a tier is of no quantity, or its rate is for none");
	return 0;
}

static int check_meter(const struct toll_meter *m, struct toll_error *reterr)
{
	if (m->kind >= TOLL_QUANTITY_COUNT)
		return refuse(reterr, "no such meter");
	if (toll_quantity_info(m->kind)->family == TOLL_FAMILY_TIER)
		return refuse(reterr, "context_tokens only chooses tiers, it is no meter");
	if ((m->kind == TOLL_QUANTITY_ATTRIBUTE) != (m->attribute.len > 0))
		return refuse(reterr, "the meter attribute, and only it, names an attribute");
	if (m->rate.price && !m->rate.per)
		return refuse(reterr, "a rate is for no quantity");
	if (m->attribute.len > MAX_TEXT)
		return refuse(reterr, "an attribute's key has more than 1024 bytes");
	return check_tiers(m, reterr);
}

/* ---- rates ---- */

static bool multiply_in(uint64_t *common, const struct toll_rate *rate)
{
	uint64_t a = *common, b = rate->per ? rate->per : 1;

	while (b) {
		uint64_t rest = a % b;

		a = b;
		b = rest;
	}
	return !__builtin_mul_overflow(*common / a, rate->per ? rate->per : 1, common);
}

bool toll_price_rates_can_be_summed(const struct toll_price_rule *r)
{
	uint64_t common = 1;
	bool fits = true;

	for (uint32_t i = 0; i < r->meter_count; i++) {
		fits = fits && multiply_in(&common, &r->meters[i].rate);
		for (uint32_t t = 0; t < r->meters[i].tier_count; t++)
			fits = fits && multiply_in(&common, &r->meters[i].tiers[t].rate);
	}
	return fits && common <= INT64_MAX;
}

static int check_meters(const struct toll_price_rule *r, struct toll_error *reterr)
{
	uint32_t seen = 0;
	int err = 0;

	if (r->meter_count > TOLL_PRICE_METERS)
		return refuse(reterr, "a rule has at most 24 meters");
	for (uint32_t i = 0; i < r->meter_count && !err; i++) {
		err = check_meter(&r->meters[i], reterr);
		if (err)
			return err;
		if (r->meters[i].kind != TOLL_QUANTITY_ATTRIBUTE &&
		    (seen & (1u << r->meters[i].kind)))
			return toll_fail(reterr, TOLL_EINVALID, "the meter %s comes twice",
			                 toll_quantity_info(r->meters[i].kind)->name);
		seen |= 1u << r->meters[i].kind;
	}
	if (!toll_price_rates_can_be_summed(r))
		return refuse(reterr, "the rates are for quantities that have no common multiple "
		                      "below 2^63: use rounder ones");
	return 0;
}

int toll_price_rule_check(const struct toll_price_rule *r, struct toll_error *reterr)
{
	int err = 0;

	if (!r->id.len || r->id.len > MAX_TEXT)
		return refuse(reterr, "needs an id of 1 to 1024 bytes");
	if (r->free == (r->meter_count > 0))
		return refuse(reterr, r->free ? "is free and has meters: choose one"
		                              : "has no meters; say free: true if that is meant");
	if (r->valid_from_s >= r->valid_to_s)
		return refuse(reterr, "valid_from must be before valid_to");
	if (r->condition_count > TOLL_PRICE_CONDITIONS)
		return refuse(reterr, "a rule has at most 16 conditions");
	for (uint32_t i = 0; i < r->condition_count && !err; i++)
		err = check_condition(&r->conditions[i], reterr);
	return err ? err : check_meters(r, reterr);
}

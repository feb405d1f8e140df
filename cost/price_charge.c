/* SPDX-License-Identifier: Apache-2.0 */
#include "cost/price_charge.h"

#define BIT(kind) (1u << TOLL_QUANTITY_##kind)

/* Kinds of the prompt, of which context_tokens is the sum where the span does not tell it. */
#define PROMPT_KINDS                                                        \
	(BIT(INPUT_TOKENS) | BIT(CACHED_TOKENS) | BIT(CACHE_WRITE_TOKENS) | \
	 BIT(CACHE_WRITE_1H_TOKENS) | BIT(INPUT_AUDIO_TOKENS) | BIT(INPUT_IMAGE_TOKENS))
/* Kinds that need a rate as soon as a rule charges tokens. REASONING_TOKENS are in OUTPUT_TOKENS.
 */
#define TOKEN_KINDS (PROMPT_KINDS | BIT(OUTPUT_TOKENS) | BIT(OUTPUT_AUDIO_TOKENS))
/* Counts of tokens say nothing of these, not even that there were none. */
#define APART_KINDS (BIT(IMAGES) | BIT(CHARACTERS))

/* What is being charged. */
struct charging {
	const struct toll_price *price;
	const struct toll_metered *m;
	struct toll_sum *sum;
	struct toll_bill *bill; /* NULL: nobody wants to see it */
};

static const struct toll_charge_result charged = { TOLL_CHARGED, TOLL_QUANTITY_COUNT, { NULL, 0 } };

static struct toll_charge_result stop(enum toll_charge outcome, enum toll_quantity_kind kind)
{
	return (struct toll_charge_result){ outcome, kind, { NULL, 0 } };
}

/* ---- quantities ---- */

static toll_u128 power(uint8_t places)
{
	return places ? toll_power_of_ten(places) : 1;
}

/* More than `over` base units? */
static bool is_over(struct toll_quantity q, uint64_t over)
{
	toll_u128 whole = q.places ? q.units / power(q.places) : q.units;

	return whole > over || (whole == over && q.places && q.units % power(q.places));
}

/* Whole base units where there is a step; at least at_least. false: too many. */
static bool bill_of(const struct toll_meter *m, struct toll_quantity q, struct toll_quantity *ret)
{
	toll_u128 step, steps;

	if (m->at_least && !is_over(q, m->at_least))
		q = toll_quantity_of(m->at_least);
	if (m->step) {
		if (__builtin_mul_overflow(power(q.places), (toll_u128)m->step, &step))
			return false;
		steps = q.units / step + (q.units % step != 0);
		if (__builtin_mul_overflow(steps, (toll_u128)m->step, &steps))
			return false;
		q = toll_quantity_of(steps);
	}
	*ret = q;
	return true;
}

static struct toll_quantity plus(struct toll_quantity a, struct toll_quantity b)
{
	uint8_t places = a.places > b.places ? a.places : b.places;

	return (struct toll_quantity){
		a.units * power(places - a.places) + b.units * power(places - b.places), places
	};
}

/* The whole prompt. */
static struct toll_quantity context_of(const struct toll_metered *m)
{
	struct toll_quantity sum = { 0, 0 };

	if (m->has & BIT(CONTEXT_TOKENS))
		return m->quantities[TOLL_QUANTITY_CONTEXT_TOKENS];
	for (uint32_t kind = 0; kind < TOLL_QUANTITY_COUNT; kind++)
		if (PROMPT_KINDS & m->has & (1u << kind))
			sum = plus(sum, m->quantities[kind]);
	return sum;
}

/* What a meter charges altogether: its own kind, and those that have no other rate. */
static struct toll_quantity total_of(const struct charging *c, const struct toll_meter *meter,
                                     struct toll_quantity own)
{
	uint32_t place = (uint32_t)(meter - c->price->rule->meters) + 1;

	for (uint32_t left = c->m->has & TOKEN_KINDS & ~c->price->kinds; left; left &= left - 1) {
		int kind = __builtin_ctz(left);

		if (c->price->meter_of[kind] == place)
			own = plus(own, c->m->quantities[kind]);
	}
	return own;
}

/* ---- one meter ---- */

/* What a tier goes by; false: the span does not say. */
static bool measure_of(const struct toll_metered *m, enum toll_quantity_kind kind,
                       struct toll_quantity *ret)
{
	bool used = toll_quantity_info(kind)->family != TOLL_FAMILY_MEASURED;

	if (kind == TOLL_QUANTITY_CONTEXT_TOKENS)
		*ret = context_of(m);
	else
		*ret = m->has & (1u << kind) ? m->quantities[kind] : toll_quantity_of(0);
	return m->has & (1u << kind) || (used && (m->known || m->aggregate));
}

/* total: of the meter. Returns a kind that tiers go by and the span does not tell, else
 * TOLL_QUANTITY_COUNT. */
static enum toll_quantity_kind find_rate(const struct toll_meter *meter,
                                         const struct toll_metered *m, struct toll_quantity total,
                                         const struct toll_rate **ret)
{
	uint64_t over = 0;

	*ret = &meter->rate;
	for (uint32_t i = 0; i < meter->tier_count; i++) {
		const struct toll_tier *t = &meter->tiers[i];
		struct toll_quantity q = total;

		if (t->of != meter->kind && !measure_of(m, t->of, &q))
			return t->of;
		if (t->over >= over && is_over(q, t->over)) {
			*ret = &t->rate;
			over = t->over;
		}
	}
	return TOLL_QUANTITY_COUNT;
}

static void add_line(struct toll_bill *bill, struct toll_charged line)
{
	struct toll_sum alone = { 0 };

	if (bill->count >= TOLL_COUNT(bill->lines) ||
	    toll_sum_add(&alone, line.rate, line.billed) < 0 ||
	    toll_sum_round(&alone, &line.pico) < 0)
		return;
	bill->lines[bill->count++] = line;
}

/* Rounded up, or never less than so much: that is of all it charges together. */
static bool is_lumped(const struct toll_meter *meter)
{
	return meter->step || meter->at_least;
}

/* q, of what is the meter's total. */
static struct toll_charge_result charge(const struct charging *c, const struct toll_meter *meter,
                                        enum toll_quantity_kind kind, struct toll_quantity q,
                                        struct toll_quantity total)
{
	const struct toll_rate *rate;
	enum toll_quantity_kind untold = find_rate(meter, c->m, total, &rate);
	struct toll_quantity billed;

	if (untold != TOLL_QUANTITY_COUNT)
		return stop(TOLL_CHARGE_NO_QUANTITY, untold);
	if (!bill_of(meter, q, &billed) || toll_sum_add(c->sum, rate, billed) < 0)
		return stop(TOLL_CHARGE_OVERFLOW, kind);
	if (c->bill)
		add_line(c->bill, (struct toll_charged){ meter, kind, q, billed, rate, 0 });
	return charged;
}

/* ---- a rule ---- */

/* Output without what the rule charges as reasoning. */
static struct toll_quantity output_of(const struct charging *c)
{
	struct toll_quantity all = c->m->quantities[TOLL_QUANTITY_OUTPUT_TOKENS],
			     reasoning = c->m->quantities[TOLL_QUANTITY_REASONING_TOKENS];

	if (!(c->price->kinds & c->m->has & BIT(REASONING_TOKENS)))
		return all;
	if (all.places || reasoning.places)
		return all; /* nobody counts tokens in fractions */
	return toll_quantity_of(all.units > reasoning.units ? all.units - reasoning.units : 0);
}

/* false: the span does not say. */
static bool quantity_of(const struct charging *c, const struct toll_meter *meter,
                        struct toll_quantity *ret)
{
	uint32_t index = (uint32_t)(meter - c->price->rule->meters);
	bool has = c->m->has >> meter->kind & 1;

	*ret = toll_quantity_of(0);
	if (meter->kind == TOLL_QUANTITY_ATTRIBUTE) {
		has = c->m->has_attributes >> index & 1;
		if (has)
			*ret = c->m->attributes[index];
	} else if (has) {
		*ret = meter->kind == TOLL_QUANTITY_OUTPUT_TOKENS ? output_of(c)
		                                                  : c->m->quantities[meter->kind];
	}
	return has || meter->at_least ||
	       (toll_quantity_info(meter->kind)->family == TOLL_FAMILY_USAGE &&
	        !(APART_KINDS & (1u << meter->kind)));
}

static struct toll_charge_result charge_own(const struct charging *c,
                                            const struct toll_meter *meter)
{
	bool is_usage = toll_quantity_info(meter->kind)->family == TOLL_FAMILY_USAGE;
	struct toll_quantity q, total;

	if (is_usage && c->m->aggregate)
		return charged;
	if (!quantity_of(c, meter, &q))
		return (struct toll_charge_result){ TOLL_CHARGE_NO_QUANTITY, meter->kind,
			                            meter->attribute };
	total = is_usage ? total_of(c, meter, q) : q;
	return charge(c, meter, meter->kind, is_lumped(meter) ? total : q, total);
}

/* What charges kind in place of a meter of its own, at the rate for all it charges. */
static struct toll_charge_result charge_other(const struct charging *c,
                                              enum toll_quantity_kind kind)
{
	const struct toll_meter *meter = &c->price->rule->meters[c->price->meter_of[kind] - 1];
	struct toll_quantity own;

	if (is_lumped(meter) || !quantity_of(c, meter, &own))
		return charged; /* with the meter's own */
	return charge(c, meter, kind, c->m->quantities[kind], total_of(c, meter, own));
}

/* Tokens of kinds that the rule does not name: at the rate that stands in for them. */
static struct toll_charge_result charge_others(const struct charging *c)
{
	uint32_t left = c->m->has & TOKEN_KINDS & ~c->price->kinds;

	for (; left; left &= left - 1) {
		enum toll_quantity_kind kind = (enum toll_quantity_kind)__builtin_ctz(left);
		struct toll_charge_result r;

		if (!c->m->quantities[kind].units)
			continue;
		if (!c->price->rule || !c->price->meter_of[kind])
			return stop(TOLL_CHARGE_NO_RATE, kind);
		r = charge_other(c, kind);
		if (r.outcome != TOLL_CHARGED)
			return r;
	}
	return charged;
}

/* Rules that match what a model call is, not whose, match its callers' spans just as well. */
static bool is_repeated(const struct toll_price *price, const struct toll_metered *m)
{
	return m->aggregate && price->uses_model && price->class == 4;
}

bool toll_price_is_free(const struct toll_price *price, const struct toll_metered *m)
{
	return price->free || !price->rule || (m->aggregate && price->uses_model);
}

struct toll_charge_result toll_price_charge(const struct toll_price *price,
                                            const struct toll_metered *m, struct toll_sum *sum,
                                            struct toll_bill *bill)
{
	const struct charging c = { price, m, sum, bill };
	bool tokens = price->kinds & (TOKEN_KINDS | BIT(REASONING_TOKENS));

	if (!price->rule || price->free || is_repeated(price, m))
		return charged;
	if (price->uses_model && !m->known && !m->aggregate)
		return stop(TOLL_CHARGE_NO_USAGE, TOLL_QUANTITY_COUNT);
	for (uint32_t i = 0; i < price->rule->meter_count; i++) {
		struct toll_charge_result r = charge_own(&c, &price->rule->meters[i]);

		if (r.outcome != TOLL_CHARGED)
			return r;
	}
	return tokens && !m->aggregate ? charge_others(&c) : charged;
}

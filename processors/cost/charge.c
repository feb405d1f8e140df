/* SPDX-License-Identifier: Apache-2.0 */
#include "processors/cost/charge.h"

#include "base/clock.h"
#include "cost/price_charge.h"
#include "proto/attr.h"

enum { SHOWN = 200 }; /* bytes of a name in a sentence */

static struct toll_slice shown(struct toll_slice name)
{
	return toll_slice_cut(name, SHOWN);
}

void toll_cost_unpriced(struct toll_span *s, enum toll_unpriced why, struct toll_slice sentence)
{
	s->cost_state = TOLL_COST_UNPRICED;
	s->unpriced = (uint8_t)why;
	s->cost_error = sentence;
	s->cost_pico = 0;
}

/* "<before><name>", in the batch's arena. */
static void unpriced_for(struct toll_batch *b, struct toll_span *s, enum toll_unpriced why,
                         const char *before, struct toll_slice name)
{
	struct toll_slice text;

	name = shown(name);
	text = toll_arena_printf(&b->arena, "%s%.*s", before, TOLL_FMT(name));
	if (text.ptr)
		toll_cost_unpriced(s, why, text);
	else
		toll_cost_unpriced(s, TOLL_UNPRICED_NO_MEMORY, TOLL_SLICE("out of memory"));
}

/* ---- quantities ---- */

/* A number, or the text of one; TOLL_EINVALID: negative, NaN, Inf, anything else. */
static int quantity_of(const struct toll_attr *a, struct toll_quantity *ret)
{
	struct toll_value v = toll_value_decode(toll_attr_value(a));

	switch (v.type) {
	case TOLL_VALUE_INT:
		*ret = toll_quantity_of((uint64_t)v.integer);
		return v.integer < 0 ? TOLL_EINVALID : 0;
	case TOLL_VALUE_DOUBLE:
		return toll_quantity_from_double(v.number, ret);
	case TOLL_VALUE_STRING:
		return toll_quantity_parse(v.bytes, ret);
	default:
		return TOLL_EINVALID;
	}
}

static const struct toll_attr *find(const struct toll_batch *b, const struct toll_span *s,
                                    struct toll_slice key)
{
	const struct toll_attr *a = toll_node_find_name(&s->node, key);

	return a ? a : toll_node_find_name(&b->resources[s->resource].node, key);
}

static void measure(const struct toll_span *s, struct toll_metered *m)
{
	m->quantities[TOLL_QUANTITY_CALLS] = toll_quantity_of(1);
	m->quantities[TOLL_QUANTITY_DURATION] =
		toll_quantity_of(s->end_unix_nano - s->start_unix_nano);
	m->has = 1u << TOLL_QUANTITY_CALLS | 1u << TOLL_QUANTITY_DURATION;
	m->has_attributes = 0;
	m->known = false;
	m->aggregate = false;
}

/* The attributes that the rule charges; false: one of them is no quantity. */
static bool read_attributes(struct toll_batch *b, struct toll_span *s,
                            const struct toll_price_rule *rule, struct toll_metered *m)
{
	for (uint32_t i = 0; i < rule->meter_count; i++) {
		const struct toll_meter *meter = &rule->meters[i];
		const struct toll_attr *a;

		if (meter->kind != TOLL_QUANTITY_ATTRIBUTE)
			continue;
		a = find(b, s, meter->attribute);
		if (a && quantity_of(a, &m->attributes[i]) < 0) {
			unpriced_for(b, s, TOLL_UNPRICED_INVALID_QUANTITY, "invalid ",
			             meter->attribute);
			return false;
		}
		m->has_attributes |= a ? 1u << i : 0;
	}
	return true;
}

/* ---- charging ---- */

static void tell_refused(struct toll_batch *b, struct toll_span *s,
                         const struct toll_charge_result *r)
{
	const char *kind = r->kind < TOLL_QUANTITY_COUNT ? toll_quantity_info(r->kind)->name : "";

	switch (r->outcome) {
	case TOLL_CHARGE_NO_USAGE:
		toll_cost_unpriced(s, TOLL_UNPRICED_NO_USAGE,
		                   TOLL_SLICE("no token counts on the span"));
		break;
	case TOLL_CHARGE_NO_RATE:
		unpriced_for(b, s, TOLL_UNPRICED_NO_RATE, "no rate for ", toll_slice_str(kind));
		break;
	case TOLL_CHARGE_NO_QUANTITY:
		unpriced_for(b, s, TOLL_UNPRICED_NO_QUANTITY, "the span does not tell ",
		             r->attribute.len ? r->attribute : toll_slice_str(kind));
		break;
	default:
		toll_cost_unpriced(s, TOLL_UNPRICED_OVERFLOW,
		                   TOLL_SLICE("invalid amount: over 9.2 million USD"));
	}
}

/* cost.units.<name>: in addition to what the rule charges. */
static bool charge_unit(struct toll_batch *b, struct toll_span *s, const struct toll_attr *a,
                        const struct toll_pricebook *book, struct toll_metered *m,
                        struct toll_sum *sum)
{
	const size_t prefix = sizeof("cost.units.") - 1;
	struct toll_slice key = toll_attr_key(a),
			  name = toll_slice(key.ptr + prefix, key.len - prefix);
	const struct toll_price *unit =
		toll_pricebook_unit(book, name, (int64_t)(s->end_unix_nano / TOLL_S));
	struct toll_charge_result r;

	if (!unit) {
		unpriced_for(b, s, TOLL_UNPRICED_NO_UNIT_PRICE, "no price for unit ", name);
		return false;
	}
	if (quantity_of(a, &m->attributes[0]) < 0) {
		unpriced_for(b, s, TOLL_UNPRICED_INVALID_QUANTITY, "invalid ", key);
		return false;
	}
	m->has_attributes = 1;
	r = toll_price_charge(unit, m, sum, NULL);
	if (r.outcome != TOLL_CHARGED)
		tell_refused(b, s, &r);
	return r.outcome == TOLL_CHARGED;
}

static bool charge_units(struct toll_batch *b, struct toll_span *s,
                         const struct toll_pricebook *book, struct toll_metered *m,
                         struct toll_sum *sum)
{
	if (toll_likely(!toll_node_find(&s->node, TOLL_KEY_COST_UNITS)))
		return true;
	for (uint32_t i = 0; i < s->node.attr_count; i++) {
		const struct toll_attr *a = &s->node.attrs[i];

		if (a->key_id == TOLL_KEY_COST_UNITS && a->state != TOLL_ATTR_DELETED &&
		    !charge_unit(b, s, a, book, m, sum))
			return false;
	}
	return true;
}

static bool charge_rule(struct toll_batch *b, struct toll_span *s, const struct toll_price *price,
                        struct toll_metered *m, struct toll_sum *sum)
{
	struct toll_charge_result r;

	if ((price->kinds & 1u << TOLL_QUANTITY_ATTRIBUTE) &&
	    !read_attributes(b, s, price->rule, m))
		return false;
	r = toll_price_charge(price, m, sum, NULL);
	if (r.outcome != TOLL_CHARGED)
		tell_refused(b, s, &r);
	return r.outcome == TOLL_CHARGED;
}

void toll_cost_charge(struct toll_batch *b, struct toll_span *s)
{
	const struct toll_price *price = s->price;
	struct toll_sum sum = { 0 };
	struct toll_metered m TOLL_UNINITIALIZED;

	if (!price) {
		if (!s->cost_error.len)
			toll_cost_unpriced(s, TOLL_UNPRICED_NO_BOOK,
			                   TOLL_SLICE("no pricing processor before cost"));
		return;
	}
	measure(s, &m);
	if (!charge_rule(b, s, price, &m, &sum) || !charge_units(b, s, price->book, &m, &sum))
		return;
	if (toll_sum_round(&sum, &s->cost_pico) < 0) {
		toll_cost_unpriced(s, TOLL_UNPRICED_OVERFLOW,
		                   TOLL_SLICE("invalid amount: over 9.2 million USD"));
		return;
	}
	s->cost_state = !sum.whole && !sum.part && toll_price_is_free(price, &m) ? TOLL_COST_FREE
	                                                                         : TOLL_COST_PRICED;
}

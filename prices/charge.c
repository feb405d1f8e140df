/* SPDX-License-Identifier: Apache-2.0 */
#include "prices/charge.h"

#include "base/clock.h"
#include "proto/attr.h"
#include "proto/usage.h"

#define TOO_MUCH "invalid amount: over 9.2 million USD"
#define NO_USAGE \
	"no token counts on the span; a streamed answer has them where the client asks for usage"

static bool refuse(struct toll_refusal *no, enum toll_unpriced why, const char *text,
                   struct toll_slice name)
{
	*no = (struct toll_refusal){ why, text, name };
	return false;
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
	const struct toll_attr *a = toll_node_find_field(&s->node, key);

	return a ? a : toll_node_find_field(&b->resources[s->resource].node, key);
}

/* Kinds of family USAGE. */
static const uint32_t used_by_models = 0
#define TOLL_QUANTITY(id, name, unit, family, help) \
	| (TOLL_FAMILY_##family == TOLL_FAMILY_USAGE ? 1u << TOLL_QUANTITY_##id : 0)
#include "cost/quantities.def"
	;

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

/* What the span tells it used; most prices ask for none of it. */
static bool read_usage(const struct toll_batch *b, const struct toll_span *s,
                       struct toll_metered *m, struct toll_refusal *no)
{
	struct toll_span_usage u TOLL_UNINITIALIZED;

	toll_usage_count(b, s, &u);
	if (u.poison)
		return refuse(no, TOLL_UNPRICED_INVALID_QUANTITY, "invalid ",
		              toll_slice_str(u.poison));
	for (uint32_t left = u.has & ~m->has; left; left &= left - 1) {
		int kind = __builtin_ctz(left);

		m->quantities[kind] = u.quantities[kind];
	}
	m->has |= u.has;
	m->known = u.known || (u.has & used_by_models);
	m->aggregate = u.aggregate;
	return true;
}

/* The attributes that the rule charges; false: one of them is no quantity. */
static bool read_attributes(const struct toll_batch *b, const struct toll_span *s,
                            const struct toll_price_rule *rule, struct toll_metered *m,
                            struct toll_refusal *no)
{
	for (uint32_t i = 0; i < rule->meter_count; i++) {
		const struct toll_meter *meter = &rule->meters[i];
		const struct toll_attr *a;

		if (meter->kind != TOLL_QUANTITY_ATTRIBUTE)
			continue;
		a = find(b, s, meter->attribute);
		if (a && quantity_of(a, &m->attributes[i]) < 0)
			return refuse(no, TOLL_UNPRICED_INVALID_QUANTITY, "invalid ",
			              meter->attribute);
		m->has_attributes |= a ? 1u << i : 0;
	}
	return true;
}

/* ---- charging ---- */

struct charging {
	const struct toll_batch *b;
	const struct toll_span *s;
	struct toll_metered m;
	struct toll_sum sum;
	struct toll_bill *bill;
	struct toll_refusal *no;
};

static bool told(const struct toll_charge_result *r, struct toll_refusal *no)
{
	struct toll_slice kind = { 0 };

	if (r->kind < TOLL_QUANTITY_COUNT)
		kind = toll_slice_str(toll_quantity_info(r->kind)->name);
	switch (r->outcome) {
	case TOLL_CHARGED:
		return true;
	case TOLL_CHARGE_NO_USAGE:
		return refuse(no, TOLL_UNPRICED_NO_USAGE, NO_USAGE, kind);
	case TOLL_CHARGE_NO_RATE:
		return refuse(no, TOLL_UNPRICED_NO_RATE, "no rate for ", kind);
	case TOLL_CHARGE_NO_QUANTITY:
		return refuse(no, TOLL_UNPRICED_NO_QUANTITY, "the span does not tell ",
		              r->attribute.len ? r->attribute : kind);
	default:
		return refuse(no, TOLL_UNPRICED_OVERFLOW, TOO_MUCH, toll_slice(NULL, 0));
	}
}

/* cost.units.<name>: in addition to what the rule charges. */
static bool charge_unit(struct charging *c, const struct toll_attr *a,
                        const struct toll_pricebook *book)
{
	const size_t prefix = sizeof("cost.units.") - 1;
	struct toll_slice key = toll_attr_key(a),
			  name = toll_slice(key.ptr + prefix, key.len - prefix);
	const struct toll_price *unit =
		toll_pricebook_unit(book, name, (int64_t)(c->s->end_unix_nano / TOLL_S));
	struct toll_charge_result r;

	if (!unit)
		return refuse(c->no, TOLL_UNPRICED_NO_UNIT_PRICE, "no price for unit ", name);
	if (quantity_of(a, &c->m.attributes[0]) < 0)
		return refuse(c->no, TOLL_UNPRICED_INVALID_QUANTITY, "invalid ", key);
	c->m.has_attributes = 1;
	r = toll_price_charge(unit, &c->m, &c->sum, c->bill);
	return told(&r, c->no);
}

static bool charge_units(struct charging *c, const struct toll_pricebook *book)
{
	const struct toll_node *n = &c->s->node;

	if (toll_likely(!toll_node_find(n, TOLL_KEY_COST_UNITS)))
		return true;
	for (uint32_t i = 0; i < n->attr_count; i++)
		if (n->attrs[i].key_id == TOLL_KEY_COST_UNITS &&
		    n->attrs[i].state != TOLL_ATTR_DELETED && !charge_unit(c, &n->attrs[i], book))
			return false;
	return true;
}

static bool charge_rule(struct charging *c, const struct toll_price *price)
{
	const uint32_t plain = 1u << TOLL_QUANTITY_CALLS | 1u << TOLL_QUANTITY_DURATION |
	                       1u << TOLL_QUANTITY_ATTRIBUTE;
	struct toll_charge_result r;

	if ((price->reads & ~plain) && !read_usage(c->b, c->s, &c->m, c->no))
		return false;
	if ((price->kinds & 1u << TOLL_QUANTITY_ATTRIBUTE) &&
	    !read_attributes(c->b, c->s, price->rule, &c->m, c->no))
		return false;
	r = toll_price_charge(price, &c->m, &c->sum, c->bill);
	return told(&r, c->no);
}

bool toll_span_charge(const struct toll_batch *b, const struct toll_span *s, struct toll_bill *bill,
                      struct toll_span_cost *ret)
{
	const struct toll_price *price = s->price;
	struct charging c TOLL_UNINITIALIZED;

	c.b = b;
	c.s = s;
	c.sum = (struct toll_sum){ 0 };
	c.bill = bill;
	c.no = &ret->refusal;
	measure(s, &c.m);
	if (!charge_rule(&c, price) || !charge_units(&c, price->book))
		return false;
	if (toll_sum_round(&c.sum, &ret->pico) < 0)
		return refuse(c.no, TOLL_UNPRICED_OVERFLOW, TOO_MUCH, toll_slice(NULL, 0));
	ret->sum = c.sum;
	ret->free = !c.sum.whole && !c.sum.part && toll_price_is_free(price, &c.m);
	return true;
}

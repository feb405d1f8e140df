/* SPDX-License-Identifier: Apache-2.0 */
/* document_discount.c - negotiated rates: a factor for many rows, resolved while the book is built,
 * so that no span is multiplied by it. */
#include "cost/decimal.h"
#include "prices/rows.h"

enum {
	DISCOUNTS_MAX = 100, /* of one document: each is tried on every row */
	PLACES = 15,         /* digits behind the point of percent and factor */
};

#define FACTOR_MAX 1000

struct discount {
	struct toll_price_rule row; /* first; id and dates */
	struct toll_spot rules, units, percent, factor, stack;
	struct toll_condition rule, unit; /* text_count 0 and not EXISTS: none */
	bool stacks;
	uint64_t num, den;
};

static void read_id(struct toll_reading *r, const struct toll_spot *at, void *into)
{
	struct discount *d = into;

	toll_read_text(r, at, TOLL_PRICES_ID, &d->row.id);
}

static void refuse_match(struct toll_reading *r, const struct toll_spot *at, void *into TOLL_UNUSED)
{
	toll_reading_error(r, at,
	                   "a discount names rules and units by their ids (rules: {prefix: aws/}); "
	                   "for some spans only write a rule of its own with a higher priority");
}

#define KEEP(member)                                                       \
	{                                                                  \
		.name = #member, .keep = offsetof(struct discount, member) \
	}

static const struct toll_member members[] = {
	{ "id", .read = read_id, .required = true },
	KEEP(rules),
	KEEP(units),
	KEEP(percent),
	KEEP(factor),
	KEEP(stack),
	{ "match", .read = refuse_match },
	{ "valid_from", .read = toll_read_valid_from },
	{ "valid_to", .read = toll_read_valid_to },
	{ "source", .read = toll_read_source },
	{ "checked_at", .read = toll_read_checked_at },
	{ 0 },
};

/* ---- how much ---- */

/* The number x 10^PLACES, if it is one from 0 to max with no more places. */
static bool read_number(const struct toll_spot *at, uint64_t max, uint64_t *ret)
{
	const toll_u128 one = toll_power_of_ten(PLACES);
	struct toll_decimal d;
	toll_u128 value;

	if (at->node->kind != TOLL_YAML_SCALAR || !toll_decimal_read(at->node->text, &d) ||
	    (d.negative && d.digits) || d.more || (d.digits && d.exponent < -PLACES) ||
	    toll_decimal_scale(&d, PLACES, max * one, &value) < 0 || value > max * one)
		return false;
	*ret = (uint64_t)value;
	return true;
}

static bool read_percent(struct toll_reading *r, const struct toll_spot *at, struct discount *d)
{
	const uint64_t whole = 100 * (uint64_t)toll_power_of_ten(PLACES);
	uint64_t percent;

	if (!read_number(at, 100, &percent)) {
		toll_reading_bad_value(r, at,
		                       "must be a number from 0 to 100; a surcharge of 20 %% is "
		                       "factor: 1.2");
		return false;
	}
	d->num = whole - percent;
	d->den = whole;
	return true;
}

static bool read_factor(struct toll_reading *r, const struct toll_spot *at, struct discount *d)
{
	d->den = (uint64_t)toll_power_of_ten(PLACES);
	if (read_number(at, FACTOR_MAX, &d->num))
		return true;
	toll_reading_bad_value(r, at, "must be a number from 0 to %d", FACTOR_MAX);
	return false;
}

static void read_how_much(struct toll_reading *r, const struct toll_spot *at, struct discount *d)
{
	uint64_t divisor;
	bool ok;

	if (!d->percent.node == !d->factor.node) {
		toll_reading_error(r, at, "needs one of percent: 12 and factor: 0.88");
		return;
	}
	ok = d->percent.node ? read_percent(r, &d->percent, d) : read_factor(r, &d->factor, d);
	if (!ok)
		return;
	divisor = (uint64_t)toll_common_divisor(d->num, d->den);
	d->num /= divisor;
	d->den /= divisor;
}

/* ---- of what ---- */

static void read_of_what(struct toll_reading *r, const struct toll_spot *at, struct discount *d)
{
	if (!d->rules.node && !d->units.node)
		toll_reading_error(r, at, "needs rules or units: which ones it is for");
	if (d->rules.node)
		toll_read_condition(r, &d->rules, &d->rule);
	if (d->units.node)
		toll_read_condition(r, &d->units, &d->unit);
	if (d->stack.node)
		toll_read_bool(r, &d->stack, &d->stacks);
}

static bool applies(const struct discount *d, const struct toll_spot *spot,
                    const struct toll_condition *condition, const struct toll_price_rule *row)
{
	return spot->node && row->layer <= d->row.layer && row->valid_from_s < d->row.valid_to_s &&
	       d->row.valid_from_s < row->valid_to_s &&
	       toll_condition_holds(condition, true, row->id);
}

static bool may_apply(struct toll_reading *r, const struct toll_spot *at, const struct discount *d,
                      const struct toll_price_rule *row)
{
	if (!row->discount.len || d->stacks)
		return true;
	toll_reading_error(
		r, at,
		"\"%.*s\" has the discount \"%.*s\" already; to have both multiplied say "
		"stack: true",
		TOLL_FMT(toll_slice_cut(row->id, 80)), TOLL_FMT(toll_slice_cut(row->discount, 80)));
	return false;
}

static void applied(struct toll_reading *r, const struct toll_spot *at, int err)
{
	if (err == TOLL_ETOOBIG)
		toll_reading_error(r, at,
		                   "makes rates that have too many digits to be kept exactly");
	else if (err)
		r->err = err;
}

static uint32_t discount_rules(struct toll_reading *r, const struct toll_spot *at,
                               const struct toll_discount *how, const struct discount *d)
{
	uint32_t count = toll_pricebook_builder_rule_count(r->builder), found = 0;

	for (uint32_t i = 0; i < count && !r->err; i++) {
		const struct toll_price_rule *row = toll_pricebook_builder_rule(r->builder, i);

		if (!applies(d, &d->rules, &d->rule, row))
			continue;
		found++;
		if (!may_apply(r, at, d, row))
			break;
		applied(r, at, toll_pricebook_builder_discount_rule(r->builder, i, how));
	}
	return found;
}

static uint32_t discount_units(struct toll_reading *r, const struct toll_spot *at,
                               const struct toll_discount *how, const struct discount *d)
{
	uint32_t count = toll_pricebook_builder_unit_count(r->builder), found = 0;

	for (uint32_t i = 0; i < count && !r->err; i++) {
		const struct toll_price_rule *row = toll_pricebook_builder_unit(r->builder, i);

		if (!applies(d, &d->units, &d->unit, row))
			continue;
		found++;
		if (!may_apply(r, at, d, row))
			break;
		applied(r, at, toll_pricebook_builder_discount_unit(r->builder, i, how));
	}
	return found;
}

static void apply(struct toll_reading *r, const struct toll_spot *at, const struct discount *d)
{
	const struct toll_discount how = { .name = d->row.id,
		                           .num = d->num,
		                           .den = d->den,
		                           .from_s = d->row.valid_from_s,
		                           .to_s = d->row.valid_to_s };

	if (!(discount_rules(r, at, &how, d) + discount_units(r, at, &how, d)))
		toll_reading_warning(r, at, "is for no row of this document or of those before it");
}

/* ---- all of them ---- */

static void read_discount(struct toll_reading *r, const struct toll_spot *at)
{
	struct discount d = { .row = toll_reading_row(r) };
	size_t before = r->findings->errors;

	toll_arena_reset(&r->scratch);
	if (!toll_read_members(r, at, members, &d))
		return;
	read_how_much(r, at, &d);
	read_of_what(r, at, &d);
	if (d.row.id.ptr)
		toll_reading_note(r, &r->discounts, at, d.row.id, d.row.valid_from_s,
		                  d.row.valid_to_s);
	if (!r->err && r->findings->errors == before)
		apply(r, at, &d);
}

void toll_read_discounts(struct toll_reading *r, const struct toll_spot *at, void *into TOLL_UNUSED)
{
	if (!toll_read_is_list(r, at))
		return;
	if (at->node->count > DISCOUNTS_MAX) {
		toll_reading_bad_value(r, at, "has more than %d discounts", DISCOUNTS_MAX);
		return;
	}
	for (size_t i = 0; i < at->node->count && !r->err; i++) {
		struct toll_spot item = toll_spot_of(at, i);
		const struct toll_yaml_node *id = toll_yaml_value(item.node, "id");

		if (id && id->kind == TOLL_YAML_SCALAR && id->text.len)
			item.key = id->text;
		read_discount(r, &item);
	}
	toll_reading_find_twice(r, &r->discounts, "discount");
}

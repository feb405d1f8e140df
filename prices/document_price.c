/* SPDX-License-Identifier: Apache-2.0 */
/* document_price.c - what a rule charges: its list of meters. */
#include "prices/rows.h"

struct meter_spots {
	struct toll_spot meter, attribute;
	struct toll_rate_spots rate;
};

#define KEEP(name_, member)                                                   \
	{                                                                     \
		.name = (name_), .keep = offsetof(struct meter_spots, member) \
	}

static const struct toll_member members[] = {
	{ "meter", .keep = offsetof(struct meter_spots, meter), .required = true },
	{ "usd", .keep = offsetof(struct meter_spots, rate.usd), .required = true },
	KEEP("per", rate.per),
	KEEP("attribute", attribute),
	KEEP("step", rate.step),
	KEEP("at_least", rate.at_least),
	KEEP("tiers", rate.tiers),
	{ 0 },
};

void toll_read_unknown_meter(struct toll_reading *r, const struct toll_spot *at)
{
	struct toll_suggest s;

	toll_suggest_init(&s, at->node->text);
	for (int k = 0; k < TOLL_QUANTITY_COUNT; k++)
		toll_suggest_offer(&s, toll_quantity_info((enum toll_quantity_kind)k)->name);
	if (s.best)
		toll_reading_bad_value(r, at, "unknown meter, did you mean \"%s\"?", s.best);
	else
		toll_reading_bad_value(r, at,
		                       "unknown meter: docs/prices.md lists them; calls, duration, "
		                       "input_tokens, output_tokens and attribute are some");
}

static bool read_kind(struct toll_reading *r, const struct toll_spot *at,
                      enum toll_quantity_kind *ret)
{
	const struct toll_yaml_node *node = at->node;

	*ret = node->kind == TOLL_YAML_SCALAR ? toll_quantity_named(node->text)
	                                      : TOLL_QUANTITY_COUNT;
	if (*ret == TOLL_QUANTITY_COUNT) {
		toll_read_unknown_meter(r, at);
		return false;
	}
	if (toll_quantity_info(*ret)->family != TOLL_FAMILY_TIER)
		return true;
	toll_reading_bad_value(r, at, "%s is only for tiers: {over: 200k, of: %s, usd: ...}",
	                       toll_quantity_info(*ret)->name, toll_quantity_info(*ret)->name);
	return false;
}

static bool read_attribute(struct toll_reading *r, const struct toll_spot *meter_at,
                           const struct toll_spot *at, struct toll_meter *meter)
{
	bool wanted = meter->kind == TOLL_QUANTITY_ATTRIBUTE;

	if (wanted && at->node)
		return toll_read_text(r, at, TOLL_PRICES_ID, &meter->attribute);
	if (wanted)
		toll_reading_error(r, meter_at,
		                   "attribute is missing: the key of a numeric attribute");
	else if (at->node)
		toll_reading_error(r, at, "only {meter: attribute} has an attribute");
	return !wanted && !at->node;
}

static bool read_meter(struct toll_reading *r, const struct toll_spot *at, struct toll_meter *ret)
{
	struct meter_spots spots = { 0 };
	bool ok;

	if (!toll_read_members(r, at, members, &spots) || !spots.meter.node ||
	    !read_kind(r, &spots.meter, &ret->kind))
		return false;
	ok = read_attribute(r, at, &spots.attribute, ret);
	return toll_read_rate(r, at, &spots.rate, ret) && ok;
}

static bool same_meter(const struct toll_meter *a, const struct toll_meter *b)
{
	return a->kind == b->kind && toll_slice_eq(a->attribute, b->attribute);
}

static void refuse_twice(struct toll_reading *r, const struct toll_spot *at,
                         const struct toll_meter *meters, size_t index)
{
	for (size_t i = 0; i < index; i++) {
		struct toll_spot first = toll_spot_of(at->up, i);

		if (!same_meter(&meters[i], &meters[index]))
			continue;
		toll_reading_error(r, at, "this meter is there already, in line %u", first.line);
		return;
	}
}

void toll_read_price(struct toll_reading *r, const struct toll_spot *at, void *into)
{
	struct toll_price_rule *rule = into;
	struct toll_meter *meters;

	if (!toll_read_is_list(r, at))
		return;
	if (!at->node->count || at->node->count > TOLL_PRICE_METERS) {
		toll_reading_bad_value(r, at,
		                       "must have 1 to %d meters; say free: true for no price",
		                       TOLL_PRICE_METERS);
		return;
	}
	meters = toll_reading_new(r, struct toll_meter, at->node->count);
	for (size_t i = 0; i < at->node->count && !r->err; i++) {
		struct toll_spot item = toll_spot_of(at, i);

		if (read_meter(r, &item, &meters[i]))
			refuse_twice(r, &item, meters, i);
		else
			meters[i].kind = TOLL_QUANTITY_COUNT; /* is nobody's double */
	}
	rule->meters = meters;
	rule->meter_count = (uint32_t)at->node->count;
}

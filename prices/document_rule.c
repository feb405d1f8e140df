/* SPDX-License-Identifier: Apache-2.0 */
/* document_rule.c - the rows of a document that match spans, and what all rows have. */
#include "prices/rows.h"

/* ---- what all rows have ---- */

struct toll_price_rule toll_reading_row(const struct toll_reading *r)
{
	return (struct toll_price_rule){
		.source = r->source,
		.checked_at = r->checked_at,
		.layer = r->layer,
		.order = r->order,
		.valid_from_s = TOLL_TIME_OPEN_FROM,
		.valid_to_s = TOLL_TIME_OPEN_TO,
	};
}

void toll_read_source(struct toll_reading *r, const struct toll_spot *at, void *into)
{
	struct toll_price_rule *row = into;

	toll_read_text(r, at, TOLL_PRICES_TEXT, &row->source);
}

void toll_read_checked_at(struct toll_reading *r, const struct toll_spot *at, void *into)
{
	struct toll_price_rule *row = into;
	int64_t s;

	if (toll_read_date(r, at, &s))
		row->checked_at = at->node->text;
}

void toll_read_valid_from(struct toll_reading *r, const struct toll_spot *at, void *into)
{
	struct toll_price_rule *row = into;

	toll_read_date(r, at, &row->valid_from_s);
}

void toll_read_valid_to(struct toll_reading *r, const struct toll_spot *at, void *into)
{
	struct toll_price_rule *row = into;

	toll_read_date(r, at, &row->valid_to_s);
}

void toll_reading_added(struct toll_reading *r, const struct toll_spot *at, int err,
                        const struct toll_error *why)
{
	if (err == TOLL_EINVALID)
		toll_reading_error(r, at, "%s", why->text);
	else if (err)
		r->err = err;
}

/* ---- rules ---- */

static void read_id(struct toll_reading *r, const struct toll_spot *at, void *into)
{
	struct toll_price_rule *rule = into;

	toll_read_text(r, at, TOLL_PRICES_ID, &rule->id);
}

static void read_free(struct toll_reading *r, const struct toll_spot *at, void *into)
{
	struct toll_price_rule *rule = into;

	toll_read_bool(r, at, &rule->free);
}

static void read_priority(struct toll_reading *r, const struct toll_spot *at, void *into)
{
	struct toll_price_rule *rule = into;
	int64_t priority = 0;

	if (toll_read_int(r, at, -1000000, 1000000, &priority))
		rule->priority = (int32_t)priority;
}

static const struct toll_member members[] = {
	{ "id", .read = read_id, .required = true },
	{ "match", .read = toll_read_match, .required = true },
	{ "price", .read = toll_read_price },
	{ "free", .read = read_free },
	{ "priority", .read = read_priority },
	{ "valid_from", .read = toll_read_valid_from },
	{ "valid_to", .read = toll_read_valid_to },
	{ "source", .read = toll_read_source },
	{ "checked_at", .read = toll_read_checked_at },
	{ 0 },
};

static bool has_one_price(struct toll_reading *r, const struct toll_spot *at,
                          const struct toll_price_rule *rule)
{
	bool priced = !toll_yaml_is_null(toll_yaml_value(at->node, "price"));

	if (priced && rule->free)
		toll_reading_error(r, at, "has a price and is free: say one of them");
	else if (!priced && !rule->free)
		toll_reading_error(r, at, "has no price; for nothing to be charged say free: true");
	return priced != rule->free;
}

static void read_rule(struct toll_reading *r, const struct toll_spot *at)
{
	struct toll_price_rule rule = toll_reading_row(r);
	size_t before = r->findings->errors;
	struct toll_error why = { 0 };

	if (!toll_read_members(r, at, members, &rule))
		return;
	has_one_price(r, at, &rule);
	if (rule.id.ptr)
		toll_reading_note(r, &r->rules, at, rule.id, rule.valid_from_s, rule.valid_to_s);
	if (r->err || r->findings->errors != before)
		return;
	toll_reading_added(r, at, toll_pricebook_builder_add_rule(r->builder, &rule, &why), &why);
	r->order++;
}

/* So that paths name the rule, not its number. */
static void name_spot(struct toll_spot *at)
{
	const struct toll_yaml_node *id = toll_yaml_value(at->node, "id");

	if (id && id->kind == TOLL_YAML_SCALAR && id->text.len)
		at->key = id->text;
}

void toll_read_rules(struct toll_reading *r, const struct toll_spot *at, void *into TOLL_UNUSED)
{
	if (!toll_read_is_list(r, at))
		return;
	for (size_t i = 0; i < at->node->count && !r->err; i++) {
		struct toll_spot item = toll_spot_of(at, i);

		toll_arena_reset(&r->scratch);
		name_spot(&item);
		read_rule(r, &item);
	}
	toll_reading_find_twice(r, &r->rules, "rule");
}

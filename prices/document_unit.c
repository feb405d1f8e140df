/* SPDX-License-Identifier: Apache-2.0 */
/* document_unit.c - prices of what applications report themselves: cost.units.<name>. */
#include "prices/rows.h"

struct unit_reading {
	struct toll_price_rule row; /* first: what the readers of rules are given */
	struct toll_rate_spots rate;
};

#define KEEP(name_, member)                                                         \
	{                                                                           \
		.name = (name_), .keep = offsetof(struct unit_reading, rate.member) \
	}

static const struct toll_member members[] = {
	{ "usd", .keep = offsetof(struct unit_reading, rate.usd), .required = true },
	KEEP("per", per),
	KEEP("step", step),
	KEEP("at_least", at_least),
	KEEP("tiers", tiers),
	{ "valid_from", .read = toll_read_valid_from },
	{ "valid_to", .read = toll_read_valid_to },
	{ "source", .read = toll_read_source },
	{ "checked_at", .read = toll_read_checked_at },
	{ 0 },
};

static void read_row(struct toll_reading *r, const struct toll_spot *at, struct toll_slice name)
{
	struct unit_reading unit = { .row = toll_reading_row(r) };
	struct toll_meter meter = { .kind = TOLL_QUANTITY_ATTRIBUTE };
	size_t before = r->findings->errors;
	struct toll_error why = { 0 };

	toll_arena_reset(&r->scratch);
	if (!toll_read_members(r, at, members, &unit))
		return;
	toll_read_rate(r, at, &unit.rate, &meter);
	toll_reading_note(r, &r->units, at, name, unit.row.valid_from_s, unit.row.valid_to_s);
	if (r->err || r->findings->errors != before)
		return;
	unit.row.id = name;
	unit.row.meters = &meter;
	unit.row.meter_count = 1;
	toll_reading_added(r, at, toll_pricebook_builder_add_unit(r->builder, &unit.row, &why),
	                   &why);
	r->order++;
}

/* A list of dated rows, or one row that is always valid. */
static void read_unit(struct toll_reading *r, const struct toll_spot *at)
{
	if (!at->key.len || at->key.len > TOLL_PRICES_ID) {
		toll_reading_error(r, at, "the name of a unit has 1 to %d bytes", TOLL_PRICES_ID);
		return;
	}
	if (at->node->kind != TOLL_YAML_LIST) {
		read_row(r, at, at->key);
		return;
	}
	if (!at->node->count)
		toll_reading_bad_value(r, at, "has no price");
	for (size_t i = 0; i < at->node->count && !r->err; i++) {
		struct toll_spot item = toll_spot_of(at, i);

		read_row(r, &item, at->key);
	}
}

void toll_read_units(struct toll_reading *r, const struct toll_spot *at, void *into TOLL_UNUSED)
{
	if (!toll_read_is_map(r, at))
		return;
	for (size_t i = 0; i < at->node->count && !r->err; i++) {
		struct toll_spot entry = toll_spot_of(at, i);

		read_unit(r, &entry);
	}
	toll_reading_find_twice(r, &r->units, "unit");
}

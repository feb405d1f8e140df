/* SPDX-License-Identifier: Apache-2.0 */
#include "cost/price_builder.h"

#include <stdlib.h>

#include "cost/price_inside.h"
#include "cost/provider.h"

#define TEXT_LIMIT ((size_t)1024 * 1024 * 1024)

enum { FIRST_ROOM = 64, MAX_NAME = 900, MAX_LOWERED = 1024 };

#define MAX_TEXTS (4 * TOLL_PRICEBOOK_RULES)

struct toll_pricebook_builder *toll_pricebook_builder_new(void)
{
	struct toll_pricebook_builder *b = calloc(1, sizeof(*b));

	if (!b)
		return NULL;
	toll_arena_init(&b->arena, TEXT_LIMIT);
	if (toll_table_init(&b->texts, MAX_TEXTS) == 0)
		return b;
	free(b);
	return NULL;
}

void toll_pricebook_builder_free(struct toll_pricebook_builder *b)
{
	if (!b)
		return;
	toll_arena_release(&b->arena);
	toll_table_release(&b->texts);
	free(b->rules.at);
	free(b->units.at);
	free(b);
}

/* ---- copies ---- */

/* Once, however many rows say it: sources, providers and names of fields repeat a lot. */
static struct toll_slice keep_text(struct toll_pricebook_builder *b, struct toll_slice s)
{
	struct toll_table_slot *slot;
	uint32_t *value;
	bool added;

	if (!s.len)
		return TOLL_SLICE("");
	if (toll_table_insert(&b->texts, s, &value, &added) < 0)
		return toll_slice(toll_arena_strdup(&b->arena, s), s.len);
	slot = toll_container_of(value, struct toll_table_slot, value);
	if (added)
		slot->key = toll_slice(toll_arena_strdup(&b->arena, s), s.len);
	return slot->key;
}

static struct toll_slice keep_lowered(struct toll_pricebook_builder *b, struct toll_slice s)
{
	char lower[MAX_LOWERED];

	for (size_t i = 0; i < s.len; i++)
		lower[i] = (char)(s.ptr[i] >= 'A' && s.ptr[i] <= 'Z' ? s.ptr[i] | 0x20 : s.ptr[i]);
	return keep_text(b, toll_slice(lower, s.len));
}

/* An array of count elements; without elements there is nothing to keep. */
#define NEW_ARRAY(b, type, count) ((count) ? toll_arena_new(&(b)->arena, type, count) : NULL)

static void copy_condition(struct toll_pricebook_builder *b, struct toll_condition *c)
{
	bool provider = toll_slice_is(c->field, "provider") && c->op <= TOLL_MATCH_ONE_OF;
	bool lower = toll_slice_is(c->field, "provider") || toll_slice_is(c->field, "model");
	struct toll_slice *texts = NEW_ARRAY(b, struct toll_slice, c->text_count);

	for (uint32_t i = 0; texts && i < c->text_count; i++) {
		struct toll_slice id = { NULL, 0 };

		if (provider)
			id = toll_provider_id(c->texts[i]);
		texts[i] = id.len  ? id
		           : lower ? keep_lowered(b, c->texts[i])
		                   : keep_text(b, c->texts[i]);
	}
	c->field = keep_text(b, c->field);
	c->texts = texts;
}

/* A copy whose rates are x num / den. */
static int copy_meter(struct toll_pricebook_builder *b, struct toll_meter *m, uint64_t num,
                      uint64_t den)
{
	struct toll_tier *tiers = NEW_ARRAY(b, struct toll_tier, m->tier_count);
	int err = toll_rate_scale(&m->rate, num, den);

	for (uint32_t i = 0; tiers && i < m->tier_count && !err; i++) {
		tiers[i] = m->tiers[i];
		err = toll_rate_scale(&tiers[i].rate, num, den);
	}
	m->attribute = keep_text(b, m->attribute);
	m->tiers = tiers;
	return err;
}

static int copy_meters(struct toll_pricebook_builder *b, struct toll_price_rule *r, uint64_t num,
                       uint64_t den)
{
	struct toll_meter *meters = NEW_ARRAY(b, struct toll_meter, r->meter_count);
	int err = 0;

	for (uint32_t i = 0; meters && i < r->meter_count && !err; i++) {
		meters[i] = r->meters[i];
		err = copy_meter(b, &meters[i], num, den);
	}
	r->meters = meters;
	return err ? err : b->arena.err;
}

/* Everything r points at, into the arena. */
static int copy_row(struct toll_pricebook_builder *b, struct toll_price_rule *r)
{
	struct toll_condition *conditions = NEW_ARRAY(b, struct toll_condition, r->condition_count);

	for (uint32_t i = 0; conditions && i < r->condition_count; i++) {
		conditions[i] = r->conditions[i];
		copy_condition(b, &conditions[i]);
	}
	r->conditions = conditions;
	r->id = keep_text(b, r->id);
	r->source = keep_text(b, r->source);
	r->checked_at = keep_text(b, r->checked_at);
	return copy_meters(b, r, 1, 1);
}

static int make_room(struct toll_price_rows *rows)
{
	uint32_t room = rows->room ? rows->room * 2 : FIRST_ROOM;
	struct toll_price_rule *at;

	if (rows->count < rows->room)
		return 0;
	if (rows->count >= TOLL_PRICEBOOK_RULES)
		return TOLL_EFULL;
	at = reallocarray(rows->at, room, sizeof(*at));
	if (!at)
		return TOLL_ENOMEM;
	rows->at = at;
	rows->room = room;
	return 0;
}

static int add(struct toll_pricebook_builder *b, struct toll_price_rows *rows,
               const struct toll_price_rule *row, struct toll_error *reterr)
{
	struct toll_price_rule copy = *row;
	int err = toll_price_rule_check(row, reterr);

	if (err)
		return err;
	err = make_room(rows);
	if (!err)
		err = copy_row(b, &copy);
	if (err)
		return toll_fail(reterr, err, "%s", toll_err_text(err));
	rows->at[rows->count++] = copy;
	return 0;
}

int toll_pricebook_builder_add_rule(struct toll_pricebook_builder *b,
                                    const struct toll_price_rule *rule, struct toll_error *reterr)
{
	return add(b, &b->rules, rule, reterr);
}

int toll_pricebook_builder_add_unit(struct toll_pricebook_builder *b,
                                    const struct toll_price_rule *row, struct toll_error *reterr)
{
	struct toll_price_rule unit = *row;
	struct toll_meter meter;
	char key[MAX_NAME + 16];

	if (row->meter_count != 1 || row->condition_count || row->free)
		return toll_fail(reterr, TOLL_EINVALID, "a unit has one rate and no conditions");
	if (row->id.len > MAX_NAME)
		return toll_fail(reterr, TOLL_EINVALID, "the name of a unit is too long");
	snprintf(key, sizeof(key), "cost.units.%.*s", TOLL_FMT(row->id));
	meter = row->meters[0];
	meter.kind = TOLL_QUANTITY_ATTRIBUTE;
	meter.attribute = toll_slice_str(key);
	unit.meters = &meter;
	return add(b, &b->units, &unit, reterr);
}

uint32_t toll_pricebook_builder_rule_count(const struct toll_pricebook_builder *b)
{
	return b->rules.count;
}

const struct toll_price_rule *toll_pricebook_builder_rule(const struct toll_pricebook_builder *b,
                                                          uint32_t i)
{
	return &b->rules.at[i];
}

uint32_t toll_pricebook_builder_unit_count(const struct toll_pricebook_builder *b)
{
	return b->units.count;
}

const struct toll_price_rule *toll_pricebook_builder_unit(const struct toll_pricebook_builder *b,
                                                          uint32_t i)
{
	return &b->units.at[i];
}

/* ---- discounts ---- */

/* The part of the row in [from, to), if any, at the end. */
static int add_part(struct toll_price_rows *rows, uint32_t i, int64_t from_s, int64_t to_s)
{
	int err;

	if (from_s >= to_s)
		return 0;
	err = make_room(rows);
	if (err)
		return err;
	rows->at[rows->count] = rows->at[i];
	rows->at[rows->count].valid_from_s = from_s;
	rows->at[rows->count].valid_to_s = to_s;
	rows->count++;
	return 0;
}

/* "edp", or "edp + volume" where there was one before; ptr NULL: out of memory. */
static struct toll_slice discount_name(struct toll_pricebook_builder *b, struct toll_slice before,
                                       struct toll_slice name)
{
	if (!before.len)
		return keep_text(b, name);
	return toll_arena_printf(&b->arena, "%.*s + %.*s", TOLL_FMT(before), TOLL_FMT(name));
}

static int discount(struct toll_pricebook_builder *b, struct toll_price_rows *rows, uint32_t i,
                    const struct toll_discount *d)
{
	struct toll_price_rule row = rows->at[i];
	int64_t before = row.valid_from_s, after = row.valid_to_s;
	int err;

	row.valid_from_s = d->from_s > before ? d->from_s : before;
	row.valid_to_s = d->to_s < after ? d->to_s : after;
	if (row.valid_from_s >= row.valid_to_s)
		return 0;
	row.discount = discount_name(b, row.discount, d->name);
	err = row.discount.ptr ? copy_meters(b, &row, d->num, d->den) : b->arena.err;
	if (!err && !toll_price_rates_can_be_summed(&row))
		err = TOLL_ETOOBIG;
	if (!err)
		err = add_part(rows, i, before, row.valid_from_s);
	if (!err)
		err = add_part(rows, i, row.valid_to_s, after);
	if (!err)
		rows->at[i] = row;
	return err;
}

int toll_pricebook_builder_discount_rule(struct toll_pricebook_builder *b, uint32_t i,
                                         const struct toll_discount *d)
{
	return discount(b, &b->rules, i, d);
}

int toll_pricebook_builder_discount_unit(struct toll_pricebook_builder *b, uint32_t i,
                                         const struct toll_discount *d)
{
	return discount(b, &b->units, i, d);
}

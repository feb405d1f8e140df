/* SPDX-License-Identifier: Apache-2.0 */
#include "cost/pricebook.h"

#include <stdlib.h>

#include "cost/price_builder.h"
#include "cost/price_inside.h"

_Static_assert(offsetof(struct toll_pricebook, shared) == 0, "toll_pricebook_of casts");

/* ---- life ---- */

static void destroy(struct toll_shared *shared)
{
	struct toll_pricebook *b = toll_container_of(shared, struct toll_pricebook, shared);

	toll_arena_release(&b->arena);
	free(b);
}

/* Takes the builder's arena. */
static struct toll_pricebook *book_new(struct toll_pricebook_builder *from)
{
	struct toll_pricebook *b = calloc(1, sizeof(*b));

	if (!b)
		return NULL;
	toll_shared_init(&b->shared, destroy);
	b->arena = from->arena;
	toll_arena_init(&from->arena, 0);
	b->no_rule.book = b;
	return b;
}

int toll_pricebook_builder_finish(struct toll_pricebook_builder *take_b, struct toll_slice version,
                                  struct toll_pricebook **ret, struct toll_error *reterr)
{
	struct toll_pricebook *b = book_new(take_b);
	int err = b ? 0 : toll_fail(reterr, TOLL_ENOMEM, "out of memory");

	if (b) {
		b->version = toll_arena_strdup(&b->arena, version);
		err = toll_pricebook_compile(b, &take_b->rules, &take_b->units, reterr);
		if (!err && !b->version)
			err = toll_fail(reterr, b->arena.err, "out of memory");
	}
	toll_pricebook_builder_free(take_b);
	if (!err)
		*ret = b;
	else if (b)
		toll_shared_unref(&b->shared);
	return err;
}

struct toll_shared *toll_pricebook_shared(struct toll_pricebook *b)
{
	return &b->shared;
}

const struct toll_pricebook *toll_pricebook_of(const struct toll_shared *shared)
{
	return (const struct toll_pricebook *)shared; /* its first member */
}

void toll_pricebook_set_sync(struct toll_pricebook *b, uint64_t wall_ns)
{
	b->sync_wall_ns = wall_ns;
}

/* ---- what is in it ---- */

const char *toll_pricebook_version(const struct toll_pricebook *b)
{
	return b->version;
}

uint64_t toll_pricebook_sync(const struct toll_pricebook *b)
{
	return b->sync_wall_ns;
}

uint32_t toll_pricebook_count(const struct toll_pricebook *b)
{
	return b->rule_count + b->unit_count;
}

uint32_t toll_pricebook_rule_count(const struct toll_pricebook *b)
{
	return b->rule_count;
}

const struct toll_price *toll_pricebook_rule(const struct toll_pricebook *b, uint32_t i)
{
	return &b->rules[i];
}

uint32_t toll_pricebook_unit_count(const struct toll_pricebook *b)
{
	return b->unit_count;
}

const struct toll_price *toll_pricebook_unit_row(const struct toll_pricebook *b, uint32_t i)
{
	return &b->units[i];
}

uint32_t toll_pricebook_field_count(const struct toll_pricebook *b)
{
	return b->field_count;
}

struct toll_slice toll_pricebook_field(const struct toll_pricebook *b, uint32_t i)
{
	return b->fields[i];
}

uint32_t toll_pricebook_field_index(const struct toll_pricebook *b, struct toll_slice field)
{
	for (uint32_t i = 0; i < b->field_count; i++)
		if (toll_slice_eq(b->fields[i], field))
			return i;
	return TOLL_PRICEBOOK_FIELDS;
}

const struct toll_price *toll_pricebook_no_rule(const struct toll_pricebook *b)
{
	return &b->no_rule;
}

/* ---- units ---- */

/* The first row of this name; they are sorted by it. */
static uint32_t first_unit(const struct toll_pricebook *b, struct toll_slice name)
{
	uint32_t low = 0, high = b->unit_count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (toll_price_compare(b->units[middle].rule->id, name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

const struct toll_price *toll_pricebook_unit(const struct toll_pricebook *b, struct toll_slice name,
                                             int64_t at_s)
{
	for (uint32_t i = first_unit(b, name); i < b->unit_count; i++) {
		if (!toll_slice_eq(b->units[i].rule->id, name))
			break;
		if (toll_price_is_valid_at(b->units[i].rule, at_s))
			return &b->units[i];
	}
	return NULL;
}

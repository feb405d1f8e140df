/* SPDX-License-Identifier: Apache-2.0 */
/* price_inside.h - what a price book is made of. Private to cost/. */
#ifndef TOLL_COST_PRICE_INSIDE_H
#define TOLL_COST_PRICE_INSIDE_H

#include "base/arena.h"
#include "base/hash.h"
#include "cost/price_index.h"
#include "cost/pricebook.h"

struct toll_pricebook {
	struct toll_shared shared;
	struct toll_arena arena; /* everything below */
	const char *version;
	_Atomic uint64_t sync_wall_ns;
	const struct toll_price *rules; /* in the order in which they are tried */
	const struct toll_price *units; /* by name, then by time */
	uint32_t rule_count, unit_count;
	struct toll_price_index *index; /* of the rules */
	uint32_t field_count;
	struct toll_slice fields[TOLL_PRICEBOOK_FIELDS];
	struct toll_price no_rule;
};

/* Rows as they were added; their texts and arrays lie in the arena. */
struct toll_price_rows {
	struct toll_price_rule *at;
	uint32_t count, room;
};

struct toll_pricebook_builder {
	struct toll_arena arena; /* becomes the book's */
	struct toll_table texts; /* that lie in it */
	struct toll_price_rows rules, units;
};

/* Fills in rules, units and fields of a book that has the builder's arena. */
int toll_pricebook_compile(struct toll_pricebook *book, const struct toll_price_rows *rules,
                           const struct toll_price_rows *units,
                           struct toll_error *reterr) TOLL_MUST_CHECK;

/* TOLL_EINVALID with a sentence. */
int toll_price_rule_check(const struct toll_price_rule *r,
                          struct toll_error *reterr) TOLL_MUST_CHECK;
/* Whether the fractions of all its meters have a common denominator that fits. */
bool toll_price_rates_can_be_summed(const struct toll_price_rule *r);

static inline int toll_price_compare(struct toll_slice a, struct toll_slice b)
{
	size_t both = a.len < b.len ? a.len : b.len;
	int diff = both ? memcmp(a.ptr, b.ptr, both) : 0;

	return diff ? diff : (a.len > b.len) - (a.len < b.len);
}

static inline bool toll_price_is_valid_at(const struct toll_price_rule *r, int64_t at_s)
{
	return at_s >= r->valid_from_s && at_s < r->valid_to_s;
}

#endif

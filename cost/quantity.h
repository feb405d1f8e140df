/* SPDX-License-Identifier: Apache-2.0 */
/* quantity.h - what a span used, counted exactly: an integer with decimal places. */
#ifndef TOLL_COST_QUANTITY_H
#define TOLL_COST_QUANTITY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/slice.h"
#include "cost/decimal.h"

enum toll_quantity_kind {
#define TOLL_QUANTITY(id, name, unit, family, help) TOLL_QUANTITY_##id,
#include "cost/quantities.def"
	TOLL_QUANTITY_COUNT
};

enum toll_quantity_family {
	TOLL_FAMILY_SPAN = 0, /* every span has it */
	TOLL_FAMILY_USAGE,    /* absent: 0 where other usage is known */
	TOLL_FAMILY_MEASURED, /* absent: unknown */
	TOLL_FAMILY_TIER,     /* only chooses tiers */
};

struct toll_quantity_info {
	const char *name, *unit, *help;
	enum toll_quantity_family family;
};

/* units x 10^-places base units, places <= TOLL_QUANTITY_PLACES. 128 bits: a function's bytes x
 * nanoseconds need 90 of them. */
struct toll_quantity {
	toll_u128 units;
	uint8_t places;
};

#define TOLL_QUANTITY_PLACES 18
#define TOLL_QUANTITY_TEXT   64

const struct toll_quantity_info *toll_quantity_info(enum toll_quantity_kind kind);
/* TOLL_QUANTITY_COUNT: no such meter. */
enum toll_quantity_kind toll_quantity_named(struct toll_slice name);

static inline struct toll_quantity toll_quantity_of(toll_u128 units)
{
	return (struct toll_quantity){ units, 0 };
}

/* Decimal text, exponent allowed; a double counts by its shortest decimal. More than
 * TOLL_QUANTITY_PLACES places are rounded half to even. TOLL_EINVALID: negative, NaN, Inf, no
 * number; TOLL_ETOOBIG: more than 1e36 units. */
int toll_quantity_parse(struct toll_slice text, struct toll_quantity *ret) TOLL_MUST_CHECK;
int toll_quantity_from_double(double number, struct toll_quantity *ret) TOLL_MUST_CHECK;
/* Exact decimal, no exponent, no trailing zeros. Returns the length. */
int toll_quantity_print(struct toll_quantity q, char buf[TOLL_QUANTITY_TEXT]);

#endif

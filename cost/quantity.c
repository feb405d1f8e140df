/* SPDX-License-Identifier: Apache-2.0 */
#include "cost/quantity.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define LIMIT ((toll_u128)1000000000000000000 * 1000000000000000000)

static const struct toll_quantity_info infos[] = {
#define TOLL_QUANTITY(id, name, unit, family, help) { name, unit, help, TOLL_FAMILY_##family },
#include "cost/quantities.def"
};

const struct toll_quantity_info *toll_quantity_info(enum toll_quantity_kind kind)
{
	return &infos[kind];
}

enum toll_quantity_kind toll_quantity_named(struct toll_slice name)
{
	enum toll_quantity_kind kind = 0;

	while (kind < TOLL_QUANTITY_COUNT && !toll_slice_is(name, infos[kind].name))
		kind++;
	return kind;
}

int toll_quantity_parse(struct toll_slice text, struct toll_quantity *ret)
{
	struct toll_quantity q = { 0, 0 };
	struct toll_decimal d;
	int err;

	if (!toll_decimal_read(text, &d) || (d.negative && d.digits))
		return TOLL_EINVALID;
	if (d.exponent < 0)
		q.places = d.exponent < -TOLL_QUANTITY_PLACES ? TOLL_QUANTITY_PLACES
		                                              : (uint8_t)-d.exponent;
	err = toll_decimal_scale(&d, q.places, LIMIT, &q.units);
	if (err)
		return err;
	for (; q.places && q.units % 10 == 0; q.places--)
		q.units /= 10;
	*ret = q;
	return 0;
}

/* Where a decimal with few places reads as this double it is the shortest that does: up to 2^53
 * both are exact, and so division rounds like reading. */
static bool has_few_places(double number, struct toll_quantity *ret)
{
	double power = 1;

	for (uint8_t places = 0; places <= 6; places++) {
		double units = rint(number * power);

		if (units > 9007199254740992.0)
			return false;
		if (units / power == number) {
			*ret = (struct toll_quantity){ (uint64_t)units, places };
			return true;
		}
		power *= 10;
	}
	return false;
}

int toll_quantity_from_double(double number, struct toll_quantity *ret)
{
	char text[40];

	/* False for NaN, too. */
	if (!(number >= 0) || isinf(number))
		return TOLL_EINVALID;
	if (has_few_places(number, ret))
		return 0;
	for (int digits = 15; digits <= 17; digits++) {
		snprintf(text, sizeof(text), "%.*g", digits, number);
		if (strtod(text, NULL) == number)
			break;
	}
	return toll_quantity_parse(toll_slice_str(text), ret);
}

int toll_quantity_print(struct toll_quantity q, char buf[TOLL_QUANTITY_TEXT])
{
	return toll_decimal_print(q.units, q.places, false, buf);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* prices_rate_text.c - a rate as a document would say it. */
#include <stdlib.h>
#include <string.h>

#include "cmd/spantoll/prices_text.h"
#include "prices/per.h"

#define PLACES 24
/* Smaller amounts are easier to read for more of them: 0.4 per 1M, not
 * 0.0000004. */
#define READABLE ((toll_u128)10000000000 * 1000000000000)

/* Prices have fewer digits; per another unit than theirs they have more. */
#define DIGITS_WRITTEN 9

#define SECOND UINT64_C(1000000000)

/* What a quantity may be priced for, the first choice first. */
static const struct toll_per tokens[] = { { 1000000, TOLL_PER_COUNT }, { 1, TOLL_PER_COUNT } };
static const struct toll_per counts[] = { { 1, TOLL_PER_COUNT },
	                                  { 1000, TOLL_PER_COUNT },
	                                  { 1000000, TOLL_PER_COUNT } };
static const struct toll_per times[] = { { SECOND, TOLL_PER_TIME },
	                                 { 3600 * SECOND, TOLL_PER_TIME },
	                                 { 1000000, TOLL_PER_TIME } };
static const struct toll_per sizes[] = { { 1000000000, TOLL_PER_BYTES },
	                                 { 1 << 30, TOLL_PER_BYTES },
	                                 { 1, TOLL_PER_BYTES } };
static const struct toll_per size_times[] = { { 1000000000 * SECOND, TOLL_PER_BYTE_TIME },
	                                      { (1 << 30) * SECOND, TOLL_PER_BYTE_TIME } };

struct choice {
	const struct toll_per *at;
	size_t count;
};

#define CHOICE(array) ((struct choice){ (array), TOLL_COUNT(array) })

static struct choice choice_of(enum toll_quantity_kind kind)
{
	const char *unit = toll_quantity_info(kind)->unit;

	if (strcmp(unit, "token") == 0)
		return CHOICE(tokens);
	if (strcmp(unit, "ns") == 0)
		return CHOICE(times);
	if (strcmp(unit, "byte") == 0)
		return CHOICE(sizes);
	return strcmp(unit, "byte ns") == 0 ? CHOICE(size_times) : CHOICE(counts);
}

/* The rate x base, in 1e-24 USD; false: that is no whole number, or too large.
 */
static bool amount_for(const struct toll_rate *rate, uint64_t base, toll_u128 *ret)
{
	uint64_t per = rate->per ? rate->per : 1;
	uint64_t divisor = (uint64_t)toll_common_divisor(base, per);

	per /= divisor;
	base /= divisor;
	return rate->price % per == 0 &&
	       !__builtin_mul_overflow(rate->price / per, (toll_u128)base, ret);
}

/* The unit of the step is the quantity's: 64KiB of bytes are steps of 65536. */
static bool try_one(const struct toll_rate *rate, struct toll_per per, uint64_t step,
                    toll_u128 *ret_amount)
{
	uint64_t base = per.base;

	if (per.unit == TOLL_PER_STEPS && __builtin_mul_overflow(base, step, &base))
		return false;
	return amount_for(rate, base, ret_amount);
}

static int digits_of(toll_u128 amount)
{
	int digits = 0;

	while (amount && amount % 10 == 0)
		amount /= 10;
	for (; amount; amount /= 10)
		digits++;
	return digits;
}

/* One that nobody wrote so; then the first that is readable, else the largest.
 */
static bool reads_better(toll_u128 a, toll_u128 than)
{
	bool ugly = digits_of(a) > DIGITS_WRITTEN, other_ugly = digits_of(than) > DIGITS_WRITTEN;

	return ugly != other_ugly ? other_ugly : than < READABLE && a > than;
}

/* Of the amounts that are exact. False: none is. */
static bool choose(const struct toll_rate *rate, struct choice from, uint64_t step,
                   struct toll_per *ret, toll_u128 *ret_amount)
{
	bool found = false;

	for (size_t i = 0; i < from.count; i++) {
		struct toll_per per = from.at[i];
		toll_u128 amount;

		if (step)
			per.unit = TOLL_PER_STEPS;
		if (!try_one(rate, per, step, &amount) ||
		    (found && !reads_better(amount, *ret_amount)))
			continue;
		found = true;
		*ret = per;
		*ret_amount = amount;
	}
	return found;
}

void toll_rate_text(const struct toll_rate *rate, enum toll_quantity_kind kind, uint64_t step,
                    struct toll_rate_text *ret)
{
	struct toll_per per;
	toll_u128 amount;

	_Static_assert(TOLL_RATE_TEXT >= 64, "toll_decimal_print");
	if ((!step || !choose(rate, CHOICE(counts), step, &per, &amount)) &&
	    !choose(rate, choice_of(kind), 0, &per, &amount)) {
		/* As it is kept, in lowest terms; a count of base units. */
		per = (struct toll_per){ rate->per, choice_of(kind).at[0].unit };
		amount = rate->price;
	}
	toll_decimal_print(amount, PLACES, false, ret->usd);
	toll_per_print(per, ret->per);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "cost/rate.h"

#include <assert.h>

#define YOCTO_PER_PICO UINT64_C(1000000000000)
#define RATE_PLACES    24
#define RATE_LIMIT     ((toll_u128)TOLL_RATE_MAX_USD * YOCTO_PER_PICO * TOLL_PICO_PER_USD)
/* Fractions with denominators up to this are added without overflow. */
#define DEN_MAX (TOLL_U128_MAX >> 1)

/* ---- rates ---- */

int toll_rate_parse(struct toll_slice text, uint64_t per, struct toll_rate *ret)
{
	struct toll_decimal d;
	toll_u128 price, divisor;
	int err;

	if (!per || !toll_decimal_read(text, &d) || (d.negative && d.digits))
		return TOLL_EINVALID;
	err = toll_decimal_scale(&d, RATE_PLACES, RATE_LIMIT, &price);
	if (err)
		return err;
	divisor = toll_common_divisor(per, price);
	*ret = (struct toll_rate){ price / divisor, (uint64_t)(per / divisor) };
	return 0;
}

int toll_rate_scale(struct toll_rate *rate, uint64_t num, uint64_t den)
{
	toll_u128 price, per, divisor;

	if (!den || toll_rate_is_zero(rate))
		return den ? 0 : TOLL_EINVALID;
	if (__builtin_mul_overflow(rate->price, (toll_u128)num, &price) || price > RATE_LIMIT)
		return TOLL_ETOOBIG;
	per = (toll_u128)rate->per * den; /* two 64-bit factors */
	divisor = toll_common_divisor(per, price);
	if (per / divisor > UINT64_MAX)
		return TOLL_ETOOBIG;
	*rate = (struct toll_rate){ price / divisor, (uint64_t)(per / divisor) };
	return 0;
}

bool toll_rate_is_zero(const struct toll_rate *rate)
{
	return rate->price == 0;
}

bool toll_rate_equal(const struct toll_rate *a, const struct toll_rate *b)
{
	return a->price == b->price && (a->per == b->per || !a->price);
}

/* ---- sums ---- */

/* How many bits, 64 at most, a number below den can be shifted, and another such number be added.
 */
static int spare_bits(toll_u128 den)
{
	uint64_t high = (uint64_t)(den >> 64);

	if (high)
		return __builtin_clzll(high) - 1;
	return den >> 63 ? 63 : 64;
}

/* part x units / den, part < den < 2^124: quotient and rest, as by hand, so many bits of units at a
 * time as there is room for. In practice den is small and that is all of them. */
static toll_u128 divide_product(toll_u128 part, toll_u128 units, toll_u128 den, toll_u128 *ret_rest)
{
	int room = spare_bits(den), left = units >> 64 ? 128 : 64;
	toll_u128 quotient = 0, rest = 0;

	assert(room > 0 && room <= 64);
	while (left > 0) {
		int bits = left < room ? left : room;
		toll_u128 chunk = (units >> (left - bits)) & (((toll_u128)1 << bits) - 1);

		rest = (rest << bits) + part * chunk;
		quotient = (quotient << bits) + rest / den;
		rest %= den;
		left -= bits;
	}
	*ret_rest = rest;
	return quotient;
}

/* sum += whole + part / den. */
static int add(struct toll_sum *sum, toll_u128 whole, toll_u128 part, toll_u128 den)
{
	struct toll_sum s = *sum;

	if (part && !s.part) {
		s.part = part;
		s.den = den;
	} else if (part) {
		toll_u128 divisor = toll_common_divisor(s.den, den), common;

		if (__builtin_mul_overflow(s.den / divisor, den, &common) || common > DEN_MAX)
			return TOLL_ETOOBIG;
		s.part = s.part * (common / s.den) + part * (common / den);
		s.den = common;
		if (s.part >= common) {
			s.part -= common;
			whole++;
		}
	}
	if (__builtin_add_overflow(s.whole, whole, &s.whole) || s.whole > DEN_MAX)
		return TOLL_ETOOBIG;
	*sum = s;
	return 0;
}

static int add_fraction(struct toll_sum *sum, const struct toll_rate *rate, struct toll_quantity q)
{
	toll_u128 den, whole, part = 0, more = 0;

	den = rate->per;
	if (q.places)
		den *= toll_power_of_ten(q.places); /* < 2^64 x 2^60 */
	whole = rate->price;
	if (den != 1) {
		whole = rate->price / den;
		part = rate->price - whole * den;
	}
	if (__builtin_mul_overflow(whole, q.units, &whole))
		return TOLL_ETOOBIG;
	if (part)
		more = divide_product(part, q.units, den, &part);
	if (__builtin_add_overflow(whole, more, &whole) || whole > DEN_MAX)
		return TOLL_ETOOBIG;
	return add(sum, whole, part, den);
}

int toll_sum_add(struct toll_sum *sum, const struct toll_rate *rate, struct toll_quantity q)
{
	toll_u128 whole;

	if (!rate->price || !q.units)
		return 0;
	/* What nearly all spans are: whole numbers that fit, of which nothing is left over. */
	if (rate->per != 1 || q.places || (rate->price | q.units) >> 64)
		return add_fraction(sum, rate, q);
	whole = (toll_u128)(uint64_t)rate->price * (uint64_t)q.units;
	if (whole > DEN_MAX - sum->whole)
		return TOLL_ETOOBIG;
	sum->whole += whole;
	return 0;
}

/* As toll_divide_half_even() by 10^12 = 2^12 x 5^12, in 64 bits. */
static uint64_t round_small(toll_u128 whole, bool more)
{
	uint64_t pico = (uint64_t)(whole >> 12) / UINT64_C(244140625);
	uint64_t rest = (uint64_t)(whole - (toll_u128)pico * YOCTO_PER_PICO);

	return pico +
	       (rest > YOCTO_PER_PICO / 2 || (rest == YOCTO_PER_PICO / 2 && (more || (pico & 1))));
}

int toll_sum_round(const struct toll_sum *sum, int64_t *ret_pico)
{
	toll_u128 pico;

	if (!(sum->whole >> 76)) { /* below 7 cents */
		*ret_pico = (int64_t)round_small(sum->whole, sum->part != 0);
		return 0;
	}
	pico = toll_divide_half_even(sum->whole, YOCTO_PER_PICO, sum->part != 0);
	if (pico > (toll_u128)INT64_MAX)
		return TOLL_ETOOBIG;
	*ret_pico = (int64_t)pico;
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "cost/decimal.h"

/* 1e36: a number with so many digits before the point is over any limit, and twice ten times that
 * is still far from the end of 128 bits. */
#define DIGITS_FULL ((toll_u128)1000000000000000000 * 1000000000000000000)

/* ---- rounding ---- */

/* What is left of a division says where the quotient goes: to the nearest, from the middle to the
 * even one. */
static bool rounds_up(toll_u128 quotient, toll_u128 rest, toll_u128 den, bool more)
{
	toll_u128 missing = den - rest;

	return rest > missing || (rest == missing && (more || (quotient & 1)));
}

toll_u128 toll_divide_half_even(toll_u128 num, toll_u128 den, bool more)
{
	toll_u128 q = num / den;

	return rounds_up(q, num - q * den, den, more) ? q + 1 : q;
}

toll_u128 toll_power_of_ten(unsigned places)
{
	toll_u128 power = 1;

	while (places--)
		power *= 10;
	return power;
}

/* ---- reading ---- */

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static void take_digit(struct toll_decimal *d, char c, bool fraction)
{
	unsigned digit = (unsigned)(c - '0');

	if (d->digits > DIGITS_FULL) {
		d->more |= digit != 0;
		d->exponent += !fraction;
		return;
	}
	d->digits = d->digits * 10 + digit;
	d->exponent -= fraction;
}

/* "e-7"; far beyond any amount it stops growing. */
static bool take_exponent(struct toll_decimal *d, const char *at, const char *end)
{
	bool negative = at < end && *at == '-';
	int64_t exponent = 0;

	if (at < end && (*at == '-' || *at == '+'))
		at++;
	if (at == end)
		return false;
	for (; at < end; at++) {
		if (!is_digit(*at))
			return false;
		if (exponent < INT64_C(1) << 32)
			exponent = exponent * 10 + (*at - '0');
	}
	d->exponent += negative ? -exponent : exponent;
	return true;
}

bool toll_decimal_read(struct toll_slice text, struct toll_decimal *d)
{
	const char *at = text.ptr, *end = text.ptr + text.len;
	bool fraction = false, any = false;

	*d = (struct toll_decimal){ 0 };
	if (at < end && (*at == '-' || *at == '+'))
		d->negative = *at++ == '-';
	for (; at < end; at++) {
		if (is_digit(*at)) {
			take_digit(d, *at, fraction);
			any = true;
		} else if (*at == '.' && !fraction) {
			fraction = true;
		} else {
			break;
		}
	}
	if (!any)
		return false;
	return at == end || ((*at == 'e' || *at == 'E') && take_exponent(d, at + 1, end));
}

int toll_decimal_scale(const struct toll_decimal *d, int places, toll_u128 limit, toll_u128 *ret)
{
	int64_t exponent = d->exponent + places;
	toll_u128 num = d->digits, den = 1;

	for (; exponent > 0 && num; exponent--)
		if (num > limit || __builtin_mul_overflow(num, (toll_u128)10, &num))
			return TOLL_ETOOBIG;
	for (; exponent < 0 && den <= TOLL_U128_MAX / 10; exponent++)
		den *= 10;
	/* Smaller than any number that rounds to one. */
	if (exponent < 0 || !num) {
		*ret = 0;
		return 0;
	}
	/* Digits were left off: the number is over any limit, unless they are behind the point. */
	if (num / den > limit || (d->more && den == 1))
		return TOLL_ETOOBIG;
	num = toll_divide_half_even(num, den, d->more);
	if (num > limit)
		return TOLL_ETOOBIG;
	*ret = num;
	return 0;
}

toll_u128 toll_common_divisor(toll_u128 a, toll_u128 b)
{
	while (b) {
		toll_u128 rest = a % b;

		a = b;
		b = rest;
	}
	return a;
}

/* ---- printing ---- */

int toll_decimal_print(toll_u128 v, unsigned places, bool negative, char *buf)
{
	char digits[48], *end = digits + sizeof(digits), *at = end, *out = buf;

	for (; places && v % 10 == 0; places--)
		v /= 10;
	for (int left = (int)places; v || left >= 0; v /= 10, left--) {
		if (left == 0 && places)
			*--at = '.';
		*--at = (char)('0' + (int)(v % 10));
	}
	if (negative)
		*out++ = '-';
	memcpy(out, at, (size_t)(end - at));
	out += end - at;
	*out = '\0';
	return (int)(out - buf);
}

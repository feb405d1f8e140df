/* SPDX-License-Identifier: Apache-2.0 */
#include "cost/money.h"

#include <math.h>

#define YOCTO_PER_PICO UINT64_C(1000000000000)

__extension__ typedef unsigned __int128 u128;

#define U128_MAX (~(u128)0)
#define I128_MAX ((u128)(U128_MAX >> 1))
/* 1e36: a number with so many digits before the point is over any limit, and twice ten times that
 * is still far from the end of 128 bits. */
#define DIGITS_FULL ((u128)1000000000000000000 * 1000000000000000000)

/* digits x 10^exponent; exact while !more, else a little larger than that. */
struct decimal {
	u128 digits;
	int64_t exponent;
	bool more, negative;
};

/* ---- rounding ---- */

/* What is left of a division says where the quotient goes: to the nearest, from the middle to the
 * even one. more: the dividend was a little larger than was divided, den is then even. */
static bool rounds_up(u128 quotient, u128 rest, u128 den, bool more)
{
	u128 missing = den - rest;

	return rest > missing || (rest == missing && (more || (quotient & 1)));
}

static u128 divide_half_even(u128 num, u128 den, bool more)
{
	u128 q = num / den;

	return rounds_up(q, num - q * den, den, more) ? q + 1 : q;
}

/* ---- reading decimals ---- */

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static void take_digit(struct decimal *d, char c, bool fraction)
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
static bool take_exponent(struct decimal *d, const char *at, const char *end)
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

static bool read_decimal(struct toll_slice text, struct decimal *d)
{
	const char *at = text.ptr, *end = text.ptr + text.len;
	bool fraction = false, any = false;

	*d = (struct decimal){ 0 };
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

/* d x 10^places / per; d is at most `limit` before the division. */
static int scale(const struct decimal *d, int places, uint64_t per, u128 limit, u128 *ret)
{
	int64_t exponent = d->exponent + places;
	u128 num = d->digits, den = 1;

	for (; exponent > 0 && num; exponent--)
		if (num > limit || __builtin_mul_overflow(num, (u128)10, &num))
			return TOLL_ETOOBIG;
	for (; exponent < 0 && den <= U128_MAX / 10; exponent++)
		den *= 10;
	/* Smaller than any number that rounds to one. */
	if (exponent < 0 || !num) {
		*ret = 0;
		return 0;
	}
	/* Digits were left off: the number is over any limit, unless they are behind the point. */
	if (num / den > limit || (d->more && den == 1))
		return TOLL_ETOOBIG;
	if (__builtin_mul_overflow(den, (u128)per, &den))
		*ret = 0; /* more than twice any num */
	else
		*ret = divide_half_even(num, den, d->more);
	return 0;
}

int toll_money_parse(struct toll_slice text, int64_t *ret_pico)
{
	struct decimal d;
	u128 pico;
	int err;

	if (!read_decimal(text, &d))
		return TOLL_EINVALID;
	err = scale(&d, 12, 1, (u128)INT64_MAX, &pico);
	if (err)
		return err;
	if (pico > (u128)INT64_MAX)
		return TOLL_ETOOBIG;
	*ret_pico = d.negative ? -(int64_t)pico : (int64_t)pico;
	return 0;
}

int toll_rate_parse(struct toll_slice text, uint64_t per, struct toll_rate *ret)
{
	const u128 limit = (u128)TOLL_RATE_MAX_USD * YOCTO_PER_PICO * TOLL_PICO_PER_USD;
	struct decimal d;
	u128 yocto;
	int err;

	if (!per || !read_decimal(text, &d) || (d.negative && d.digits))
		return TOLL_EINVALID;
	err = scale(&d, 24, per, limit, &yocto);
	if (err)
		return err;
	ret->yocto = (toll_i128)yocto;
	return 0;
}

/* ---- arithmetic ---- */

int toll_rate_charge(toll_i128 *yocto_sum, struct toll_rate rate, uint64_t quantity)
{
	u128 product;
	toll_i128 sum;

	/* Unsigned: clang turns the signed form into a call that libgcc does not have. */
	if (__builtin_mul_overflow((u128)rate.yocto, (u128)quantity, &product) ||
	    product > I128_MAX)
		return TOLL_ETOOBIG;
	if (__builtin_add_overflow(*yocto_sum, (toll_i128)product, &sum))
		return TOLL_ETOOBIG;
	*yocto_sum = sum;
	return 0;
}

static u128 magnitude(toll_i128 v)
{
	return v < 0 ? -(u128)v : (u128)v;
}

int toll_money_from_yocto(toll_i128 yocto, int64_t *ret_pico)
{
	u128 pico = divide_half_even(magnitude(yocto), YOCTO_PER_PICO, false);

	if (pico > (u128)INT64_MAX)
		return TOLL_ETOOBIG;
	*ret_pico = yocto < 0 ? -(int64_t)pico : (int64_t)pico;
	return 0;
}

/* Beyond 2^53 picodollars the amount itself is no double: 55 bits of the quotient and one that
 * tells of a rest, so that the conversion is the only rounding. */
static double nearest_double(uint64_t pico)
{
	int shift = __builtin_clzll(pico);
	u128 num = (u128)(pico << shift) << 32;
	uint64_t quotient = (uint64_t)(num / YOCTO_PER_PICO);

	if (num % YOCTO_PER_PICO)
		quotient |= 1;
	return ldexp((double)quotient, -32 - shift);
}

double toll_money_to_double(int64_t pico)
{
	uint64_t size = pico < 0 ? -(uint64_t)pico : (uint64_t)pico;
	double usd;

	/* Both exact: one rounding. */
	if (size <= UINT64_C(1) << 53)
		return (double)pico / (double)TOLL_PICO_PER_USD;
	usd = nearest_double(size);
	return pico < 0 ? -usd : usd;
}

/* ---- printing ---- */

/* Digits of v, at least `width`, before `end`; returns where they begin. */
static char *put_digits_before(char *end, u128 v, int width)
{
	for (; v || width > 0; v /= 10, width--)
		*--end = (char)('0' + (int)(v % 10));
	return end;
}

/* v / 10^places with all places. Returns the length; buf is terminated. */
static int print_fixed(u128 v, int places, bool negative, char prefix, char *buf)
{
	char digits[TOLL_MONEY_TEXT], *end = digits + sizeof(digits), *at;
	char *out = buf;
	size_t whole;

	at = put_digits_before(end, v, places + 1);
	whole = (size_t)(end - at) - (size_t)places;
	if (negative)
		*out++ = '-';
	if (prefix)
		*out++ = prefix;
	memcpy(out, at, whole);
	out += whole;
	if (places) {
		*out++ = '.';
		memcpy(out, at + whole, (size_t)places);
		out += places;
	}
	*out = '\0';
	return (int)(out - buf);
}

static int trim_zeros(char *buf, int len)
{
	while (buf[len - 1] == '0')
		len--;
	if (buf[len - 1] == '.')
		len--;
	buf[len] = '\0';
	return len;
}

int toll_money_print_wide(toll_i128 pico, char buf[TOLL_MONEY_TEXT])
{
	return trim_zeros(buf, print_fixed(magnitude(pico), 12, pico < 0, '\0', buf));
}

int toll_money_print(int64_t pico, char buf[TOLL_MONEY_TEXT])
{
	uint64_t size = pico < 0 ? -(uint64_t)pico : (uint64_t)pico;
	char digits[24], *end = digits + sizeof(digits), *at = end, *out = buf;
	int places = 12;

	/* 64-bit division is several times faster, and this runs for every record written. */
	for (; places && size % 10 == 0; places--)
		size /= 10;
	for (int left = places; size || left >= 0; size /= 10, left--) {
		if (left == 0 && places)
			*--at = '.';
		*--at = (char)('0' + (char)(size % 10));
	}
	if (pico < 0)
		*out++ = '-';
	memcpy(out, at, (size_t)(end - at));
	out += end - at;
	*out = '\0';
	return (int)(out - buf);
}

int toll_money_print_usd(toll_i128 pico, char buf[TOLL_MONEY_TEXT])
{
	const uint64_t cent = TOLL_PICO_PER_USD / 100;
	u128 size = magnitude(pico);
	uint64_t unit = 1;
	int places = 12;

	if (size == 0 || size >= cent)
		return print_fixed(divide_half_even(size, cent, false), 2, pico < 0, '$', buf);
	while (size / unit >= 100) {
		unit *= 10;
		places--;
	}
	size = divide_half_even(size, unit, false);
	return trim_zeros(buf, print_fixed(size, places, pico < 0, '$', buf));
}

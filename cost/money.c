/* SPDX-License-Identifier: Apache-2.0 */
#include "cost/money.h"

#include <math.h>

typedef toll_u128 u128;

int toll_money_parse(struct toll_slice text, int64_t *ret_pico)
{
	struct toll_decimal d;
	u128 pico;
	int err;

	if (!toll_decimal_read(text, &d))
		return TOLL_EINVALID;
	err = toll_decimal_scale(&d, 12, (u128)INT64_MAX, &pico);
	if (err)
		return err;
	*ret_pico = d.negative ? -(int64_t)pico : (int64_t)pico;
	return 0;
}

static u128 magnitude(toll_i128 v)
{
	return v < 0 ? -(u128)v : (u128)v;
}

/* Beyond 2^53 picodollars the amount itself is no double: 55 bits of the quotient and one that
 * tells of a rest, so that the conversion is the only rounding. */
static double nearest_double(uint64_t pico)
{
	int shift = __builtin_clzll(pico);
	u128 num = (u128)(pico << shift) << 32;
	uint64_t quotient = (uint64_t)(num / TOLL_PICO_PER_USD);

	if (num % TOLL_PICO_PER_USD)
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
		return print_fixed(toll_divide_half_even(size, cent, false), 2, pico < 0, '$', buf);
	while (size / unit >= 100) {
		unit *= 10;
		places--;
	}
	size = toll_divide_half_even(size, unit, false);
	return trim_zeros(buf, print_fixed(size, places, pico < 0, '$', buf));
}

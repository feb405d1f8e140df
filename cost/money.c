/* SPDX-License-Identifier: Apache-2.0 */
#include "cost/money.h"

#include <stdio.h>
#include <stdlib.h>

enum {
	MAX_DIGITS = 400,      /* of a number's text: longer is no price */
	MAX_EXPONENT = 100000, /* beyond that everything is 0 or too big */
	YOCTO_SCALE = 24,
	PICO_SCALE = 12,
};

#define YOCTO_PER_PICO INT64_C(1000000000000)

/* digits x 10^exponent, negative or not. */
struct decimal {
	char digits[MAX_DIGITS];
	int count, exponent;
	bool negative;
};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static int read_exponent(const char **at, const char *end, int *ret)
{
	bool negative = *at < end && **at == '-';
	int e = 0;

	if (*at < end && (**at == '-' || **at == '+'))
		(*at)++;
	if (*at == end)
		return TOLL_EINVALID;
	for (; *at < end && is_digit(**at); (*at)++)
		if (e < MAX_EXPONENT)
			e = e * 10 + (**at - '0');
	*ret = negative ? -e : e;
	return 0;
}

/* Digits with at most one point among them; leading zeros are not kept. */
static int read_digits(struct decimal *d, const char **at, const char *end)
{
	bool point = false, any = false;

	for (; *at < end && (is_digit(**at) || (**at == '.' && !point)); (*at)++) {
		if (**at == '.') {
			point = true;
			continue;
		}
		any = true;
		d->exponent -= point;
		if (d->count == 0 && **at == '0')
			continue;
		if (d->count == MAX_DIGITS)
			return TOLL_EINVALID;
		d->digits[d->count++] = (char)(**at - '0');
	}
	return any ? 0 : TOLL_EINVALID;
}

static int read_decimal(struct toll_slice text, struct decimal *d)
{
	const char *at = text.ptr, *end = text.ptr + text.len;
	int exponent = 0, err;

	d->count = d->exponent = 0;
	d->negative = at < end && *at == '-';
	if (at < end && (*at == '-' || *at == '+'))
		at++;
	err = read_digits(d, &at, end);
	if (!err && at < end && (*at == 'e' || *at == 'E')) {
		at++;
		err = read_exponent(&at, end, &exponent);
	}
	if (err || at != end)
		return TOLL_EINVALID;
	d->exponent += exponent;
	return 0;
}

/* Must the digits before `cut` be rounded up, given those from `cut` on? Half to even. */
static bool rounds_up(const struct decimal *d, int cut)
{
	if (cut < 0 || cut >= d->count || d->digits[cut] < 5)
		return false;
	if (d->digits[cut] > 5)
		return true;
	for (int i = cut + 1; i < d->count; i++)
		if (d->digits[i])
			return true;
	return cut > 0 && d->digits[cut - 1] % 2;
}

/* The value x 10^scale, rounded half to even. */
static int scale_decimal(const struct decimal *d, int scale, toll_i128 *ret)
{
	int shift = d->exponent + scale;
	int keep = shift < 0 ? d->count + shift : d->count;
	toll_i128 v = 0;

	for (int i = 0; i < keep; i++)
		if (__builtin_mul_overflow(v, 10, &v) ||
		    __builtin_add_overflow(v, d->digits[i], &v))
			return TOLL_ETOOBIG;
	for (; v && shift > 0; shift--)
		if (__builtin_mul_overflow(v, 10, &v))
			return TOLL_ETOOBIG;
	if (shift < 0)
		v += rounds_up(d, keep);
	*ret = d->negative ? -v : v;
	return 0;
}

int toll_money_parse(struct toll_slice text, int64_t *ret_pico)
{
	struct decimal d;
	toll_i128 v;
	int err = read_decimal(text, &d);

	if (!err)
		err = scale_decimal(&d, PICO_SCALE, &v);
	if (!err && (v > INT64_MAX || v < INT64_MIN))
		err = TOLL_ETOOBIG;
	if (!err)
		*ret_pico = (int64_t)v;
	return err;
}

/* v / by, half to even; by > 0. */
static toll_i128 divide_even(toll_i128 v, uint64_t by)
{
	toll_i128 q = v / by, twice = (v - q * by) * 2;
	toll_i128 size = twice < 0 ? -twice : twice;

	if (size > by || (size == by && q % 2))
		q += v < 0 ? -1 : 1;
	return q;
}

int toll_rate_parse(struct toll_slice text, uint64_t per, struct toll_rate *ret)
{
	struct decimal d;
	int scale = YOCTO_SCALE, err = read_decimal(text, &d);
	toll_i128 v;

	if (err || per == 0 || (d.negative && d.count))
		return TOLL_EINVALID;
	for (; per % 10 == 0; per /= 10)
		scale--;
	err = scale_decimal(&d, scale, &v);
	if (!err)
		ret->yocto = divide_even(v, per);
	return err;
}

int toll_rate_charge(toll_i128 *yocto_sum, struct toll_rate rate, uint64_t quantity)
{
	toll_i128 product, sum;

	if (__builtin_mul_overflow(rate.yocto, quantity, &product) ||
	    __builtin_add_overflow(*yocto_sum, product, &sum))
		return TOLL_ETOOBIG;
	*yocto_sum = sum;
	return 0;
}

int toll_money_from_yocto(toll_i128 yocto, int64_t *ret_pico)
{
	toll_i128 pico;

	/* Most amounts fit 64 bits, where the division is an instruction and not a call. */
	if (toll_likely(yocto >= 0 && yocto <= INT64_MAX)) {
		uint64_t v = (uint64_t)yocto, q = v / YOCTO_PER_PICO, rest = v % YOCTO_PER_PICO;

		*ret_pico = (int64_t)(q + (rest * 2 > YOCTO_PER_PICO ||
		                           (rest * 2 == YOCTO_PER_PICO && q % 2)));
		return 0;
	}
	pico = divide_even(yocto, YOCTO_PER_PICO);
	if (pico > INT64_MAX || pico < INT64_MIN)
		return TOLL_ETOOBIG;
	*ret_pico = (int64_t)pico;
	return 0;
}

/* ---- text
 * ------------------------------------------------------------------------------------------ */

typedef unsigned __int128 u128;

static char *write_integer(char *out, u128 v)
{
	char digits[40];
	int n = 0;

	do
		digits[n++] = (char)('0' + (int)(v % 10));
	while (v /= 10);
	while (n)
		*out++ = digits[--n];
	return out;
}

/* ".0000004": twelve digits without the zeros at the end; nothing for 0. */
static char *write_fraction(char *out, uint64_t pico)
{
	int places = PICO_SCALE;

	if (pico == 0)
		return out;
	for (; pico % 10 == 0; pico /= 10)
		places--;
	*out = '.';
	for (int i = places; i > 0; i--, pico /= 10)
		out[i] = (char)('0' + pico % 10);
	return out + places + 1;
}

static int print_magnitude(bool negative, u128 v, char *buf)
{
	char *out = buf;

	if (negative)
		*out++ = '-';
	if (v >> 64 == 0)
		out = write_integer(out, (uint64_t)v / TOLL_PICO_PER_USD);
	else
		out = write_integer(out, v / TOLL_PICO_PER_USD);
	out = write_fraction(out, (uint64_t)(v % TOLL_PICO_PER_USD));
	*out = '\0';
	return (int)(out - buf);
}

int toll_money_print(int64_t pico, char buf[TOLL_MONEY_TEXT])
{
	return print_magnitude(pico < 0, pico < 0 ? -(u128)pico : (u128)pico, buf);
}

int toll_money_print_wide(toll_i128 pico, char buf[TOLL_MONEY_TEXT])
{
	return print_magnitude(pico < 0, pico < 0 ? -(u128)pico : (u128)pico, buf);
}

static u128 round_to(u128 v, u128 unit)
{
	return (v + unit / 2) / unit * unit;
}

int toll_money_print_usd(toll_i128 pico, char buf[TOLL_MONEY_TEXT])
{
	const u128 cent = TOLL_PICO_PER_USD / 100;
	u128 v = pico < 0 ? -(u128)pico : (u128)pico, unit = cent;
	char *out = buf;
	uint64_t cents;

	if (pico < 0)
		*out++ = '-';
	*out++ = '$';
	while (v && v < unit && unit >= 10)
		unit /= 10;
	if (unit < cent) {
		int n = print_magnitude(false, round_to(v, unit >= 10 ? unit / 10 : 1), out);

		return (int)(out - buf) + n;
	}
	v = round_to(v, cent);
	out = write_integer(out, v / TOLL_PICO_PER_USD);
	cents = (uint64_t)(v % TOLL_PICO_PER_USD / cent);
	*out++ = '.';
	*out++ = (char)('0' + cents / 10);
	*out++ = (char)('0' + cents % 10);
	*out = '\0';
	return (int)(out - buf);
}

double toll_money_to_double(int64_t pico)
{
	const int64_t exact = INT64_C(1) << 53;
	char text[TOLL_MONEY_TEXT];

	/* Both operands exact: IEEE division rounds once, to the nearest. */
	if (toll_likely(pico >= -exact && pico <= exact))
		return (double)pico / (double)TOLL_PICO_PER_USD;
	toll_money_print(pico, text);
	return strtod(text, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "config/scalar.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

/* A name and what it multiplies. */
struct unit {
	const char *name;
	uint64_t factor;
};

static bool is_one_of(struct toll_slice s, const char *const *words)
{
	for (; *words; words++)
		if (toll_slice_is(s, *words))
			return true;
	return false;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Digits at the front of *s into *ret; false when they do not fit. Moves *s on. */
static bool take_digits(struct toll_slice *s, uint64_t *ret)
{
	uint64_t n = 0;

	for (; s->len && is_digit(*s->ptr); s->ptr++, s->len--)
		if (__builtin_mul_overflow(n, 10, &n) ||
		    __builtin_add_overflow(n, (uint64_t)(*s->ptr - '0'), &n))
			return false;
	*ret = n;
	return true;
}

/* The unit that s begins with; the longest wins ("ms" before "m"). */
static const struct unit *find_unit(const struct unit *units, struct toll_slice s)
{
	const struct unit *best = NULL;
	size_t best_len = 0;

	for (; units->name; units++) {
		size_t len = strlen(units->name);

		if (len > best_len && len <= s.len && memcmp(s.ptr, units->name, len) == 0) {
			best = units;
			best_len = len;
		}
	}
	return best;
}

bool toll_scalar_is_null(struct toll_slice s)
{
	static const char *const words[] = { "", "~", "null", "Null", "NULL", NULL };

	return is_one_of(s, words);
}

const char *toll_scalar_bool(struct toll_slice s, bool *ret, bool *ret_odd)
{
	static const char *const yes[] = { "true", "True", "TRUE", NULL };
	static const char *const no[] = { "false", "False", "FALSE", NULL };
	static const char *const odd_yes[] = { "yes", "Yes", "YES", "on", "On", "ON", NULL };
	static const char *const odd_no[] = { "no", "No", "NO", "off", "Off", "OFF", NULL };

	*ret_odd = is_one_of(s, odd_yes) || is_one_of(s, odd_no);
	if (is_one_of(s, yes) || is_one_of(s, odd_yes))
		*ret = true;
	else if (is_one_of(s, no) || is_one_of(s, odd_no))
		*ret = false;
	else
		return "must be true or false";
	return NULL;
}

const char *toll_scalar_int(struct toll_slice s, int64_t *ret)
{
	bool negative = s.len && *s.ptr == '-';
	uint64_t n;

	if (s.len && (*s.ptr == '-' || *s.ptr == '+'))
		s = toll_slice(s.ptr + 1, s.len - 1);
	if (!s.len || !is_digit(*s.ptr))
		return "must be a whole number";
	if (!take_digits(&s, &n) || n > (uint64_t)INT64_MAX + negative)
		return "is too large for a 64-bit number";
	if (s.len)
		return "must be a whole number, written with digits only";
	*ret = negative ? (int64_t)(0 - n) : (int64_t)n;
	return NULL;
}

/* "1.5s": number, fraction and unit at the front of *s, added to *sum. Below a nanosecond is cut,
 * as Go does. */
static const char *take_duration_part(struct toll_slice *s, uint64_t *sum)
{
	static const struct unit units[] = { { "ns", 1 },
		                             { "us", TOLL_US },
		                             { "µs", TOLL_US },
		                             { "ms", TOLL_MS },
		                             { "s", TOLL_S },
		                             { "m", 60 * TOLL_S },
		                             { "h", 3600 * TOLL_S },
		                             { "d", 86400 * TOLL_S },
		                             { NULL, 0 } };
	const struct unit *unit;
	uint64_t whole, part = 0, scale;
	struct toll_slice fraction = { "", 0 };

	if (!is_digit(*s->ptr))
		return "must be a duration, for example 200ms, 5s or 1h30m";
	if (!take_digits(s, &whole))
		return "is too long a duration";
	if (s->len && *s->ptr == '.') {
		fraction.ptr = ++s->ptr;
		for (s->len--; s->len && is_digit(*s->ptr); s->ptr++, s->len--)
			fraction.len++;
	}
	unit = s->len ? find_unit(units, *s) : NULL;
	if (!unit)
		return "needs a unit, for example 200ms, 5s or 1h30m";
	*s = toll_slice(s->ptr + strlen(unit->name), s->len - strlen(unit->name));
	scale = unit->factor;
	for (size_t i = 0; i < fraction.len && (scale /= 10) > 0; i++)
		part += (uint64_t)(fraction.ptr[i] - '0') * scale;
	if (__builtin_mul_overflow(whole, unit->factor, &whole) ||
	    __builtin_add_overflow(whole, part, &whole) ||
	    __builtin_add_overflow(*sum, whole, sum) || *sum > INT64_MAX)
		return "is too long a duration (the most is about 292 years)";
	return NULL;
}

const char *toll_scalar_duration(struct toll_slice s, uint64_t *ret)
{
	uint64_t sum = 0;

	if (toll_slice_is(s, "0")) {
		*ret = 0;
		return NULL;
	}
	if (s.len && *s.ptr == '-')
		return "must not be negative";
	do {
		const char *why = s.len ? take_duration_part(&s, &sum)
		                        : "must be a duration, for example 200ms, 5s or 1h30m";

		if (why)
			return why;
	} while (s.len);
	*ret = sum;
	return NULL;
}

static const struct unit size_units[] = {
	{ "TiB", 1ull << 40 },
	{ "GiB", 1ull << 30 },
	{ "MiB", 1ull << 20 },
	{ "KiB", 1ull << 10 },
	{ "Ti", 1ull << 40 },
	{ "Gi", 1ull << 30 },
	{ "Mi", 1ull << 20 },
	{ "Ki", 1ull << 10 },
	{ "TB", 1000000000000ull },
	{ "GB", 1000000000 },
	{ "MB", 1000000 },
	{ "KB", 1000 },
	{ "kB", 1000 },
	{ "B", 1 },
	{ NULL, 0 },
};

const char *toll_scalar_size(struct toll_slice s, uint64_t *ret)
{
	uint64_t n, factor = 1;

	if (s.len && *s.ptr == '-')
		return "must not be negative";
	if (!s.len || !is_digit(*s.ptr))
		return "must be a size, for example 1048576, 64KB or 4MiB";
	if (!take_digits(&s, &n))
		return "is too large a size";
	if (s.len && *s.ptr == ' ')
		s = toll_slice(s.ptr + 1, s.len - 1);
	if (s.len) {
		const struct unit *unit = find_unit(size_units, s);

		if (!unit || strlen(unit->name) != s.len)
			return "must be a size, for example 1048576, 64KB or 4MiB (no fractions)";
		factor = unit->factor;
	}
	if (__builtin_mul_overflow(n, factor, &n) || n > INT64_MAX)
		return "is too large a size";
	*ret = n;
	return NULL;
}

#define PICO_DIGITS 12

const char *toll_scalar_money(struct toll_slice s, int64_t *ret)
{
	uint64_t pico, part = 0;
	size_t places = 0;

	if (s.len && *s.ptr == '-')
		return "must not be negative";
	if (!s.len || !is_digit(*s.ptr))
		return "must be dollars as a decimal, for example 500 or 0.25";
	if (!take_digits(&s, &pico))
		return "is too much money (the most is 9223372 dollars)";
	if (s.len && *s.ptr == '.') {
		for (s = toll_slice(s.ptr + 1, s.len - 1); s.len && is_digit(*s.ptr);
		     s = toll_slice(s.ptr + 1, s.len - 1))
			if (places < PICO_DIGITS) {
				part = part * 10 + (uint64_t)(*s.ptr - '0');
				places++;
			} else if (*s.ptr != '0') {
				return "has more than 12 decimal places";
			}
	}
	if (s.len)
		return "must be dollars as a decimal, for example 500 or 0.25";
	for (; places < PICO_DIGITS; places++)
		part *= 10;
	if (__builtin_mul_overflow(pico, 1000000000000ull, &pico) ||
	    __builtin_add_overflow(pico, part, &pico) || pico > INT64_MAX)
		return "is too much money (the most is 9223372 dollars)";
	*ret = (int64_t)pico;
	return NULL;
}

const char *toll_scalar_ratio(struct toll_slice s, double *ret)
{
	char text[40], *end;
	double value;

	if (!s.len || s.len >= sizeof(text))
		return "must be a number, for example 0.5";
	memcpy(text, s.ptr, s.len);
	text[s.len] = '\0';
	if (strspn(text, "+-.0123456789eE") < s.len)
		return "must be a number, for example 0.5";
	value = strtod(text, &end);
	if (*end || end == text)
		return "must be a number, for example 0.5";
	if (value > 1e15 || value < -1e15)
		return "is too large a number";
	*ret = value;
	return NULL;
}

const char *toll_scalar_duration_text(uint64_t ns, char *buf)
{
	static const struct unit units[] = { { "h", 3600 * TOLL_S }, { "m", 60 * TOLL_S },
		                             { "s", TOLL_S },        { "ms", TOLL_MS },
		                             { "us", TOLL_US },      { "ns", 1 } };
	int n = 0;

	buf[0] = '0';
	buf[1] = '\0';
	for (size_t i = 0; i < TOLL_COUNT(units); i++) {
		if (ns >= units[i].factor)
			n += snprintf(buf + n, TOLL_SCALAR_TEXT - (size_t)n, "%" PRIu64 "%s",
			              ns / units[i].factor, units[i].name);
		ns %= units[i].factor;
	}
	return buf;
}

const char *toll_scalar_size_text(uint64_t bytes, char *buf)
{
	const struct unit *u = size_units;

	/* The first ones are powers of 1024, largest first. */
	while (*u->name != 'K' && bytes % u->factor)
		u++;
	if (bytes && bytes % u->factor == 0)
		snprintf(buf, TOLL_SCALAR_TEXT, "%" PRIu64 "%s", bytes / u->factor, u->name);
	else
		snprintf(buf, TOLL_SCALAR_TEXT, "%" PRIu64, bytes);
	return buf;
}

const char *toll_scalar_money_text(int64_t pico, char *buf)
{
	uint64_t whole = (uint64_t)pico / 1000000000000ull;
	uint64_t part = (uint64_t)pico % 1000000000000ull;
	size_t len = (size_t)snprintf(buf, TOLL_SCALAR_TEXT, "%" PRIu64, whole);

	if (!part)
		return buf;
	len += (size_t)snprintf(buf + len, TOLL_SCALAR_TEXT - len, ".%012" PRIu64, part);
	while (buf[len - 1] == '0')
		buf[--len] = '\0';
	return buf;
}

const char *toll_scalar_ratio_text(double ratio, char *buf)
{
	/* The shortest text that reads back as the same double. */
	for (int digits = 1; digits <= 17; digits++) {
		snprintf(buf, TOLL_SCALAR_TEXT, "%.*g", digits, ratio);
		if (strtod(buf, NULL) == ratio)
			break;
	}
	return buf;
}

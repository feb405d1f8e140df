/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/json_scalar.h"

#include <math.h>
#include <stdlib.h>

#include "base/macro.h"

enum {
	MAX_NUMBER = 1100,     /* bytes; the longest exact decimal of a double has 1077 */
	MAX_EXPONENT = 100000, /* far beyond every integer; keeps the sum below from overflowing */
};

/* A number taken apart (RFC 8259, section 6). */
struct number {
	bool negative;
	struct toll_slice whole, fraction; /* digits */
	int32_t exponent;                  /* capped at ±MAX_EXPONENT */
};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static struct toll_slice take_digits(const char **at, const char *end)
{
	const char *start = *at;

	while (*at < end && is_digit(**at))
		(*at)++;
	return toll_slice(start, (size_t)(*at - start));
}

static bool take_exponent(const char **at, const char *end, int32_t *ret)
{
	bool negative = *at < end && **at == '-';
	struct toll_slice digits;
	int32_t v = 0;

	if (*at < end && (**at == '-' || **at == '+'))
		(*at)++;
	digits = take_digits(at, end);
	for (size_t i = 0; i < digits.len && v < MAX_EXPONENT; i++)
		v = v * 10 + (digits.ptr[i] - '0');
	if (v > MAX_EXPONENT)
		v = MAX_EXPONENT;
	*ret = negative ? -v : v;
	return digits.len > 0;
}

static bool take_apart(struct toll_slice text, struct number *n)
{
	const char *at = text.ptr, *end = at + text.len;

	*n = (struct number){ .negative = at < end && *at == '-' };
	at += n->negative;
	n->whole = take_digits(&at, end);
	if (n->whole.len == 0 || (n->whole.len > 1 && *n->whole.ptr == '0'))
		return false;
	if (at < end && *at == '.') {
		at++;
		n->fraction = take_digits(&at, end);
		if (n->fraction.len == 0)
			return false;
	}
	if (at < end && (*at == 'e' || *at == 'E')) {
		at++;
		if (!take_exponent(&at, end, &n->exponent))
			return false;
	}
	return at == end;
}

static bool add_digit(uint64_t *v, char digit)
{
	return !__builtin_mul_overflow(*v, 10, v) &&
	       !__builtin_add_overflow(*v, (uint64_t)(digit - '0'), v);
}

/* The first `left` digits count, zeros behind the last one being added; those beyond must be zeros.
 */
static bool add_digits(struct toll_slice digits, int64_t *left, uint64_t *v)
{
	for (size_t i = 0; i < digits.len; i++, --*left)
		if (*left > 0 ? !add_digit(v, digits.ptr[i]) : digits.ptr[i] != '0')
			return false;
	return true;
}

static bool whole_value(const struct number *n, uint64_t *ret)
{
	int64_t left = (int64_t)n->whole.len + n->exponent;
	uint64_t v = 0;

	if (!add_digits(n->whole, &left, &v) || !add_digits(n->fraction, &left, &v))
		return false;
	for (; v && left > 0; left--)
		if (!add_digit(&v, '0'))
			return false;
	*ret = v;
	return true;
}

/* Plain digits, few enough not to overflow: what nearly all integers are. */
static bool read_plain(struct toll_slice text, uint64_t *ret)
{
	uint64_t v = 0;

	if (text.len == 0 || text.len > 19 || (*text.ptr == '0' && text.len > 1))
		return false;
	for (size_t i = 0; i < text.len; i++) {
		if (!is_digit(text.ptr[i]))
			return false;
		v = v * 10 + (uint64_t)(text.ptr[i] - '0');
	}
	*ret = v;
	return true;
}

bool toll_json_read_integer(struct toll_slice text, bool *ret_negative, uint64_t *ret_magnitude)
{
	struct number n;

	if (read_plain(text, ret_magnitude)) {
		*ret_negative = false;
		return true;
	}
	if (!take_apart(text, &n) || !whole_value(&n, ret_magnitude))
		return false;
	*ret_negative = n.negative;
	return true;
}

bool toll_json_read_int64(struct toll_slice text, int64_t *ret)
{
	uint64_t v = 0;
	bool negative;

	if (!toll_json_read_integer(text, &negative, &v) || v > (uint64_t)INT64_MAX + negative)
		return false;
	*ret = (int64_t)(negative ? 0 - v : v);
	return true;
}

bool toll_json_read_uint64(struct toll_slice text, uint64_t max, uint64_t *ret)
{
	uint64_t v = 0;
	bool negative;

	if (!toll_json_read_integer(text, &negative, &v) || v > max || (negative && v))
		return false;
	*ret = v;
	return true;
}

static bool read_word(struct toll_slice text, double *ret)
{
	if (toll_slice_is(text, "NaN"))
		*ret = (double)NAN;
	else if (toll_slice_is(text, "Infinity"))
		*ret = HUGE_VAL;
	else if (toll_slice_is(text, "-Infinity"))
		*ret = -HUGE_VAL;
	else
		return false;
	return true;
}

bool toll_json_read_double(struct toll_slice text, bool words, double *ret)
{
	char copy[MAX_NUMBER + 1] TOLL_UNINITIALIZED;
	struct number n;
	double v;

	if (words && read_word(text, ret))
		return true;
	if (text.len > MAX_NUMBER || !take_apart(text, &n))
		return false;
	memcpy(copy, text.ptr, text.len);
	copy[text.len] = '\0';
	v = strtod(copy, NULL);
	if (isinf(v))
		return false;
	*ret = v;
	return true;
}

/* Of a hex digit; over 15: none. */
static unsigned nibble(char c)
{
	if (is_digit(c))
		return (unsigned)(c - '0');
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? (unsigned)(c - 'a' + 10) : 16;
}

bool toll_json_read_hex(struct toll_slice text, char *out)
{
	unsigned bad = text.len & 1;

	for (size_t i = 0; i + 1 < text.len; i += 2) {
		unsigned high = nibble(text.ptr[i]), low = nibble(text.ptr[i + 1]);

		bad |= (high | low) >> 4;
		*out++ = (char)(high << 4 | low);
	}
	return !bad;
}

/* Of a digit of either alphabet (RFC 4648, sections 4 and 5); over 63: none. */
static unsigned sextet(char c)
{
	if (c >= 'A' && c <= 'Z')
		return (unsigned)(c - 'A');
	if (c >= 'a' && c <= 'z')
		return (unsigned)(c - 'a' + 26);
	if (is_digit(c))
		return (unsigned)(c - '0' + 52);
	if (c == '+' || c == '-')
		return 62;
	return c == '/' || c == '_' ? 63 : 64;
}

/* Without padding, which must fill up a group of four where it is there. */
static bool strip_padding(struct toll_slice *text)
{
	size_t len = text->len;

	while (len && text->len - len < 2 && text->ptr[len - 1] == '=')
		len--;
	if (len != text->len && text->len % 4)
		return false;
	text->len = len;
	return len % 4 != 1;
}

bool toll_json_read_base64(struct toll_slice text, char *out, size_t *ret_len)
{
	char *start = out;
	unsigned bits = 0;
	uint32_t v = 0;

	if (!strip_padding(&text))
		return false;
	for (size_t i = 0; i < text.len; i++) {
		unsigned digit = sextet(text.ptr[i]);

		if (digit > 63)
			return false;
		v = v << 6 | digit;
		bits += 6;
		if (bits >= 8) {
			bits -= 8;
			*out++ = (char)(v >> bits);
		}
	}
	*ret_len = (size_t)(out - start);
	return true;
}

/* ---- strings ---- */

/* The four digits behind "\u"; over 0xffff: none. */
static uint32_t unit_at(const char *p, const char *end)
{
	uint32_t v = 0;

	if (end - p < 6 || p[0] != '\\' || p[1] != 'u')
		return UINT32_MAX;
	for (int i = 2; i < 6; i++) {
		unsigned digit = nibble(p[i]);

		if (digit > 15)
			return UINT32_MAX;
		v = v << 4 | digit;
	}
	return v;
}

static char *write_utf8(char *out, uint32_t c)
{
	if (c < 0x80) {
		*out++ = (char)c;
		return out;
	}
	if (c >= 0x10000) {
		*out++ = (char)(0xf0 | c >> 18);
		*out++ = (char)(0x80 | (c >> 12 & 0x3f));
	} else if (c >= 0x800) {
		*out++ = (char)(0xe0 | c >> 12);
	}
	*out++ = (char)(c >= 0x800 ? 0x80 | (c >> 6 & 0x3f) : 0xc0 | c >> 6);
	*out++ = (char)(0x80 | (c & 0x3f));
	return out;
}

/* *p stands on the backslash of "\uXXXX", and behind the escape afterwards. */
static bool read_unit(const char **p, const char *end, char **out)
{
	uint32_t high = unit_at(*p, end), low;

	if (high > 0xffff)
		return false;
	*p += 6;
	if (high < 0xd800 || high > 0xdfff) {
		*out = write_utf8(*out, high);
		return true;
	}
	low = unit_at(*p, end);
	if (high >= 0xdc00 || low < 0xdc00 || low > 0xdfff) {
		*out = write_utf8(*out, 0xfffd);
		return true;
	}
	*p += 6;
	*out = write_utf8(*out, 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00));
	return true;
}

static bool read_escape(const char **p, const char *end, char **out)
{
	static const char said[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";
	const char *found = end - *p >= 2 ? memchr(said, (*p)[1], sizeof(said) - 1) : NULL;

	if (!found)
		return read_unit(p, end, out);
	*(*out)++ = meant[found - said];
	*p += 2;
	return true;
}

bool toll_json_read_string(struct toll_slice text, char *room, struct toll_slice *ret)
{
	const char *p, *end;
	char *out = room;

	if (text.len < 2 || text.ptr[0] != '"' || text.ptr[text.len - 1] != '"')
		return false;
	p = text.ptr + 1;
	end = text.ptr + text.len - 1;
	*ret = toll_slice(p, (size_t)(end - p));
	if (!memchr(p, '\\', ret->len))
		return true;
	while (p < end) {
		if (*p != '\\')
			*out++ = *p++;
		else if (!read_escape(&p, end, &out))
			return false;
	}
	*ret = toll_slice(room, (size_t)(out - room));
	return true;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/json_write.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/utf8.h"

static const char hex_digits[] = "0123456789abcdef";

/* "00" "01" ... "99": two digits for one division. */
static const char pairs[201] = "0001020304050607080910111213141516171819"
			       "2021222324252627282930313233343536373839"
			       "4041424344454647484950515253545556575859"
			       "6061626364656667686970717273747576777879"
			       "8081828384858687888990919293949596979899";

/* Is every byte of these eight printable ASCII and neither a quote nor a backslash? Each test sets
 * the top bit of a byte that fails (exact where no lower byte failed, which is enough for a yes or
 * no). */
static int is_plain8(uint64_t v)
{
	const uint64_t ones = UINT64_C(0x0101010101010101), tops = UINT64_C(0x8080808080808080);
	uint64_t control = v - ones * 0x20;
	uint64_t quote = (v ^ (ones * '"')) - ones;
	uint64_t backslash = (v ^ (ones * '\\')) - ones;

	return !((v | control | quote | backslash) & tops);
}

static uint64_t load64(const void *p)
{
	uint64_t v = 0;

	memcpy(&v, p, sizeof(v));
	return v;
}

static int is_plain(uint8_t c)
{
	return c >= 0x20 && c < 0x80 && c != '"' && c != '\\';
}

static char *escape_ascii(char *out, uint8_t c)
{
	static const char shorts[] = "\bb\ff\nn\rr\tt\"\"\\\\";
	const char *p = shorts;

	while (*p && *p != (char)c)
		p += 2;
	*out++ = '\\';
	if (*p) {
		*out++ = p[1];
		return out;
	}
	memcpy(out, "u00", 3);
	out[3] = hex_digits[c >> 4];
	out[4] = hex_digits[c & 15];
	return out + 5;
}

/* One character that is not plain; *at moves behind it. */
static char *write_odd(char *out, const uint8_t **at, const uint8_t *end)
{
	size_t n;

	if (**at < 0x80)
		return escape_ascii(out, *(*at)++);
	n = toll_utf8_length(*at, (size_t)(end - *at));
	if (n == 0) {
		(*at)++;
		memcpy(out, "\xef\xbf\xbd", 3);
		return out + 3;
	}
	memcpy(out, *at, n);
	*at += n;
	return out + n;
}

char *toll_json_string(char *out, struct toll_slice s)
{
	const uint8_t *at = (const uint8_t *)s.ptr, *end = s.len ? at + s.len : at;

	*out++ = '"';
	while (at < end) {
		while (end - at >= 8) {
			if (!is_plain8(load64(at)))
				break;
			memcpy(out, at, 8);
			out += 8;
			at += 8;
		}
		while (at < end && is_plain(*at))
			*out++ = (char)*at++;
		if (at < end)
			out = write_odd(out, &at, end);
	}
	*out++ = '"';
	return out;
}

char *toll_json_uint(char *out, uint64_t v)
{
	char digits[20];
	size_t at = sizeof(digits);

	while (v >= 100) {
		at -= 2;
		memcpy(digits + at, pairs + v % 100 * 2, 2);
		v /= 100;
	}
	if (v >= 10) {
		at -= 2;
		memcpy(digits + at, pairs + v * 2, 2);
	} else {
		digits[--at] = (char)('0' + v);
	}
	memcpy(out, digits + at, sizeof(digits) - at);
	return out + (sizeof(digits) - at);
}

char *toll_json_int(char *out, int64_t v)
{
	if (v >= 0)
		return toll_json_uint(out, (uint64_t)v);
	*out++ = '-';
	return toll_json_uint(out, -(uint64_t)v);
}

char *toll_json_double(char *out, double v)
{
	int n = 0;

	if (isnan(v))
		return toll_json_raw(out, TOLL_SLICE("\"NaN\""));
	if (isinf(v))
		return toll_json_raw(out, v > 0 ? TOLL_SLICE("\"Infinity\"")
		                                : TOLL_SLICE("\"-Infinity\""));
	for (int digits = 15; digits <= 17; digits++) {
		n = snprintf(out, 32, "%.*g", digits, v);
		if (strtod(out, NULL) == v)
			break;
	}
	return out + n;
}

/* Four bytes at once: nibbles spread to bytes, then '0'..'9' or 'a'..'f' by arithmetic. */
static uint64_t hex4(const uint8_t *p)
{
	const uint64_t ones = UINT64_C(0x0101010101010101);
	uint64_t v =
		(uint64_t)p[0] | (uint64_t)p[1] << 16 | (uint64_t)p[2] << 32 | (uint64_t)p[3] << 48;
	uint64_t nibbles = (v >> 4 | v << 8) & ones * 0x0f;
	uint64_t letters = (nibbles + ones * 6) >> 4 & ones;

	return nibbles + ones * '0' + letters * ('a' - '0' - 10);
}

char *toll_json_hex(char *out, const void *bytes, size_t len)
{
	const uint8_t *p = bytes;

	*out++ = '"';
	for (; len >= 4; len -= 4, p += 4, out += 8) {
		uint64_t digits = hex4(p);

		memcpy(out, &digits, sizeof(digits));
	}
	for (; len; len--, p++) {
		*out++ = hex_digits[*p >> 4];
		*out++ = hex_digits[*p & 15];
	}
	*out++ = '"';
	return out;
}

char *toll_json_base64(char *out, struct toll_slice s)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	*out++ = '"';
	for (size_t i = 0; i < s.len; i += 3) {
		size_t n = s.len - i < 3 ? s.len - i : 3;
		uint32_t v = 0;

		for (size_t k = 0; k < 3; k++)
			v = v << 8 | (k < n ? (uint8_t)s.ptr[i + k] : 0);
		*out++ = digits[v >> 18];
		*out++ = digits[v >> 12 & 63];
		*out++ = n > 1 ? digits[v >> 6 & 63] : '=';
		*out++ = n > 2 ? digits[v & 63] : '=';
	}
	*out++ = '"';
	return out;
}

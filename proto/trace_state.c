/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/trace_state.h"

#include <string.h>

enum { MEMBERS_MAX = 32, KEY_MAX = 256, VALUE_MAX = 256, HEX_DIGITS = 14 };

/* ---- scanning ---- */

static bool is_lower(char c)
{
	return c >= 'a' && c <= 'z';
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* The part before the first separator; *rest begins behind it, ptr NULL after the last part. */
static struct toll_slice take(struct toll_slice *rest, char separator)
{
	const char *end = rest->len ? memchr(rest->ptr, separator, rest->len) : NULL;
	struct toll_slice part = *rest;

	if (!end) {
		*rest = toll_slice(NULL, 0);
		return part;
	}
	part.len = (size_t)(end - part.ptr);
	*rest = toll_slice(end + 1, rest->len - part.len - 1);
	return part;
}

/* key, separator, value; false: there is no separator. */
static bool split(struct toll_slice member, char separator, struct toll_slice *ret_key,
                  struct toll_slice *ret_value)
{
	*ret_value = member;
	*ret_key = take(ret_value, separator);
	return ret_value->ptr != NULL;
}

/* ---- the list of vendors ---- */

/* A letter, or for tenants (before an @) a digit, then letters, digits and _ - * / */
static bool is_vendor(struct toll_slice key)
{
	if (!key.len || key.len > KEY_MAX || !(is_lower(*key.ptr) || is_digit(*key.ptr)))
		return false;
	if (is_digit(*key.ptr) && !memchr(key.ptr, '@', key.len))
		return false;
	for (size_t i = 1; i < key.len; i++)
		if (!is_lower(key.ptr[i]) && !is_digit(key.ptr[i]) &&
		    !memchr("_-*/@", key.ptr[i], 5))
			return false;
	return true;
}

/* Printable, without "," and "="; the last is no blank. */
static bool is_value(struct toll_slice value)
{
	if (!value.len || value.len > VALUE_MAX)
		return false;
	for (size_t i = 0; i < value.len; i++)
		if (value.ptr[i] < 0x20 || value.ptr[i] > 0x7e || value.ptr[i] == '=')
			return false;
	return value.ptr[value.len - 1] != ' ';
}

/* ---- ours: "key:value;key:value" ---- */

static bool is_our_key(struct toll_slice key)
{
	if (!key.len || !is_lower(*key.ptr))
		return false;
	for (size_t i = 1; i < key.len; i++)
		if (!is_lower(key.ptr[i]) && !is_digit(key.ptr[i]))
			return false;
	return true;
}

static bool is_our_value(struct toll_slice value)
{
	for (size_t i = 0; i < value.len; i++) {
		char c = value.ptr[i];

		if (!is_lower(c) && !is_digit(c) && !(c >= 'A' && c <= 'Z') && c != '.' &&
		    c != '_' && c != '-')
			return false;
	}
	return true;
}

static bool read_hex(struct toll_slice s, uint64_t *ret)
{
	uint64_t v = 0;

	if (!s.len || s.len > HEX_DIGITS)
		return false;
	for (size_t i = 0; i < s.len; i++) {
		char c = s.ptr[i];

		if (is_digit(c))
			v = v << 4 | (uint64_t)(c - '0');
		else if ((c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'))
			v = v << 4 | (uint64_t)((c & 15) + 9);
		else
			return false;
	}
	*ret = v << (4 * (HEX_DIGITS - s.len));
	return true;
}

static bool read_field(struct toll_slice key, struct toll_slice value, struct toll_trace_state *ts)
{
	if (!is_our_key(key) || !is_our_value(value))
		return false;
	if (toll_slice_is(key, "th"))
		return ts->has_threshold = read_hex(value, &ts->threshold);
	if (toll_slice_is(key, "rv"))
		return ts->has_random = value.len == HEX_DIGITS && read_hex(value, &ts->random);
	return true;
}

static bool read_ours(struct toll_slice value, struct toll_trace_state *ts)
{
	struct toll_slice key, text, rest = value;

	*ts = (struct toll_trace_state){ 0 };
	while (rest.ptr)
		if (!split(take(&rest, ';'), ':', &key, &text) || !read_field(key, text, ts))
			return false;
	return true;
}

bool toll_trace_state_parse(struct toll_slice text, struct toll_trace_state *ret)
{
	struct toll_slice rest = text, key, value;
	unsigned members = 0;

	*ret = (struct toll_trace_state){ 0 };
	if (text.len > TOLL_TRACE_STATE_MAX)
		return false;
	while (rest.len) {
		struct toll_slice member = toll_slice_trim(take(&rest, ','), TOLL_BLANKS);

		if (!member.len)
			continue;
		if (++members > MEMBERS_MAX || !split(member, '=', &key, &value) ||
		    !is_vendor(key) || !is_value(value))
			return false;
		if (toll_slice_is(key, "ot") && !read_ours(value, ret))
			return false;
	}
	return true;
}

/* ---- writing ---- */

static char *put(char *out, struct toll_slice s)
{
	memcpy(out, s.ptr, s.len);
	return out + s.len;
}

static char *put_hex(char *out, uint64_t v, unsigned digits)
{
	for (unsigned i = 0; i < digits; i++)
		*out++ = "0123456789abcdef"[v >> (4 * (HEX_DIGITS - 1 - i)) & 15];
	return out;
}

/* Without its trailing zeros; 0 is one digit. */
static char *put_threshold(char *out, uint64_t v)
{
	unsigned digits = HEX_DIGITS;

	while (digits > 1 && !(v >> (4 * (HEX_DIGITS - digits)) & 15))
		digits--;
	return put_hex(out, v, digits);
}

/* What else "ot" holds. separator: before the first. */
static char *put_our_rest(char *out, struct toll_slice value, const char *separator)
{
	struct toll_slice rest = value;

	while (rest.ptr) {
		struct toll_slice field = take(&rest, ';');

		if (field.len < 3 || !memcmp(field.ptr, "th:", 3) || !memcmp(field.ptr, "rv:", 3))
			continue;
		out = put(put(out, toll_slice_str(separator)), field);
		separator = ";";
	}
	return out;
}

static char *put_ours(char *out, const struct toll_trace_state *ts, struct toll_slice old)
{
	const char *separator = "ot=";

	if (ts->has_random) {
		out = put_hex(put(out, TOLL_SLICE("ot=rv:")), ts->random, HEX_DIGITS);
		separator = ";";
	}
	if (ts->has_threshold) {
		out = put(put(out, toll_slice_str(separator)), TOLL_SLICE("th:"));
		out = put_threshold(out, ts->threshold);
		separator = ";";
	}
	return old.ptr ? put_our_rest(out, old, separator) : out;
}

static struct toll_slice find_ours(struct toll_slice text)
{
	struct toll_slice rest = text, found = { 0 };

	while (rest.len) {
		struct toll_slice member = toll_slice_trim(take(&rest, ','), TOLL_BLANKS);

		if (member.len > 3 && !memcmp(member.ptr, "ot=", 3))
			found = toll_slice(member.ptr + 3, member.len - 3);
	}
	return found;
}

char *toll_trace_state_write(struct toll_slice text, const struct toll_trace_state *ts, char *out)
{
	struct toll_slice rest = text;
	const char *start = out;

	out = put_ours(out, ts, find_ours(text));
	while (rest.len) {
		struct toll_slice member = toll_slice_trim(take(&rest, ','), TOLL_BLANKS);

		if (!member.len || (member.len > 3 && !memcmp(member.ptr, "ot=", 3)))
			continue;
		if (out != start)
			*out++ = ',';
		out = put(out, member);
	}
	return out;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/path.h"

#include <stdint.h>

#include "proto/path_rules.h"

enum {
	SEGMENT_MAX = 100, /* longer is no word */

	/* Kinds of bytes. */
	DIGIT = 1,
	HEX = 2, /* a-f */
	LETTER = 4,
	MARK = 8, /* between the parts of a name */
	OTHER = 16,
	STOP = 32, /* ends a segment's name */
};

static const uint8_t kinds[256] = {
	['0' ... '9'] = DIGIT,  ['a' ... 'f'] = HEX, ['A' ... 'F'] = HEX, ['g' ... 'z'] = LETTER,
	['G' ... 'Z'] = LETTER, ['-'] = MARK,        ['_'] = MARK,        ['.'] = MARK,
	[':'] = MARK,           ['~'] = MARK,        [','] = MARK,        ['+'] = MARK,
	['='] = MARK,           ['!'] = MARK,        ['$'] = MARK,        ['/'] = STOP,
	[';'] = STOP,           ['?'] = STOP,        ['#'] = STOP,
};

static unsigned kind_of(char c)
{
	unsigned kind = kinds[(uint8_t)c];

	return kind ? kind : OTHER;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* ---- what a segment looks like ---- */

/* A run of letters and digits inside a segment, or the whole segment. */
struct shape {
	unsigned seen; /* kinds */
	unsigned digits;
	unsigned changes; /* from digit to letter or back */
};

static struct shape shape_of(struct toll_slice s)
{
	struct shape shape = { 0 };
	unsigned before = 0;

	for (size_t i = 0; i < s.len; i++) {
		unsigned kind = kind_of(s.ptr[i]), digit = kind & DIGIT;

		shape.seen |= kind;
		shape.digits += digit;
		shape.changes += i > 0 && digit != before;
		before = digit;
	}
	return shape;
}

/* v2, v1beta1, V2.1: a `v`, then at most four digits at a time. */
static bool is_version(struct toll_slice s)
{
	size_t run = 0;

	if (s.len < 2 || (s.ptr[0] | 0x20) != 'v' || !is_digit(s.ptr[1]))
		return false;
	for (size_t i = 1; i < s.len; i++) {
		run = is_digit(s.ptr[i]) ? run + 1 : 0;
		if (run > 4 || kind_of(s.ptr[i]) == OTHER)
			return false;
	}
	return s.len <= 12;
}

static bool is_uuid(const char *s)
{
	for (int i = 0; i < 36; i++) {
		bool dash = i == 8 || i == 13 || i == 18 || i == 23;

		if (dash ? s[i] != '-' : !(kind_of(s[i]) & (DIGIT | HEX)))
			return false;
	}
	return true;
}

/* With something before or behind it: "order-<uuid>", "<uuid>.pdf". */
static bool holds_uuid(struct toll_slice s)
{
	return s.len >= 36 && (is_uuid(s.ptr) || is_uuid(s.ptr + s.len - 36));
}

/* 2026-11-21T10:15:00Z, 20261121T101500Z; without letters it is a number anyway. */
static bool is_time(struct toll_slice s)
{
	for (size_t i = 0; i < s.len; i++) {
		char c = s.ptr[i];
		bool letter = (i >= 8 && (c == 'T' || c == 't')) ||
		              (i == s.len - 1 && (c == 'Z' || c == 'z'));

		if (!letter && !(kind_of(c) & (DIGIT | MARK)))
			return false;
	}
	return s.len >= 8 && is_digit(s.ptr[0]);
}

/* Crockford's base 32 of 128 bits. */
static bool is_ulid(struct toll_slice s)
{
	if (s.len != 26 || s.ptr[0] < '0' || s.ptr[0] > '7')
		return false;
	for (size_t i = 1; i < s.len; i++)
		if (!(kind_of(s.ptr[i]) & (DIGIT | HEX | LETTER)) ||
		    memchr("ILOU", s.ptr[i] & ~0x20, 4))
			return false;
	return true;
}

/* A commit, a hash, a key. Words like "defaced" and "face2face" are none. */
static bool is_hex_id(struct toll_slice s, struct shape shape)
{
	if (shape.seen & ~(unsigned)(DIGIT | HEX))
		return false;
	return s.len >= 16 || (s.len >= 12 && shape.digits) || (s.len >= 7 && shape.digits >= 2);
}

/* Letters and digits as no word mixes them. */
static bool is_token(struct toll_slice s, struct shape shape)
{
	if (shape.seen & ~(unsigned)(DIGIT | HEX | LETTER))
		return false;
	return shape.digits >= 5 || (s.len >= 16 && shape.changes >= 4) ||
	       (s.len >= 24 && shape.digits >= 2) || (s.len >= 32 && shape.digits);
}

/* One part of a segment with several. */
static bool is_id(struct toll_slice run, bool first, char next)
{
	struct shape shape = shape_of(run);

	if (!shape.digits)
		return false;
	if (shape.digits == run.len) /* "order-4815", "42.json", "42:cancel" */
		return run.len >= 4 || (first && (next == '.' || next == ':'));
	return is_token(run, shape) || is_ulid(run) || (run.len >= 8 && is_hex_id(run, shape));
}

static bool holds_id(struct toll_slice s)
{
	size_t start = 0;

	for (size_t i = 0; i <= s.len; i++) {
		char c = '\0';

		if (i < s.len) {
			c = s.ptr[i];
			if (kind_of(c) & (DIGIT | HEX | LETTER))
				continue;
		}
		if (is_id(toll_slice(s.ptr + start, i - start), start == 0, c))
			return true;
		/* What an escape stands for is no part of a name. */
		start = c == '%' && i + 2 < s.len ? i + 3 : i + 1;
		if (start > i + 1)
			i += 2;
	}
	return false;
}

static bool is_email(struct toll_slice s)
{
	const char *at = memchr(s.ptr, '@', s.len);

	if (!at)
		at = memmem(s.ptr, s.len, "%40", 3);
	return at && at != s.ptr && memchr(at, '.', (size_t)(s.ptr + s.len - at));
}

/* A segment with a digit in it. */
static bool is_variable_name(struct toll_slice s, struct shape shape)
{
	if (is_version(s))
		return false;
	if (!(shape.seen & (HEX | LETTER | OTHER)))
		return true; /* numbers, dates, addresses */
	if (s.len > 2 && s.ptr[0] == '0' && (s.ptr[1] | 0x20) == 'x')
		return !(shape.seen & OTHER);
	return is_hex_id(s, shape) || holds_uuid(s) || is_time(s) || holds_id(s);
}

/* ---- walking a path ---- */

static bool ends_path(char c)
{
	return c == '?' || c == '#';
}

/* Where scheme and authority end; 0: there are none. */
static size_t authority_len(struct toll_slice url)
{
	const char *colon = memchr(url.ptr, ':', url.len < 16 ? url.len : 16);
	size_t i;

	if (!colon || url.ptr + url.len - colon < 3 || memcmp(colon, "://", 3) != 0)
		return 0;
	for (const char *p = url.ptr; p < colon; p++)
		if (!(kind_of(*p) & (DIGIT | HEX | LETTER)) && !memchr("+-.", *p, 3))
			return 0;
	for (i = (size_t)(colon - url.ptr) + 3; i < url.len; i++)
		if (url.ptr[i] == '/' || ends_path(url.ptr[i]))
			break;
	return i;
}

struct toll_slice toll_path_of_url(struct toll_slice url)
{
	size_t skip = url.len && url.ptr[0] != '/' ? authority_len(url) : 0;

	if (skip == url.len || (skip && url.ptr[skip] != '/'))
		return skip ? TOLL_SLICE("/") : url;
	return toll_slice(url.ptr + skip, url.len - skip);
}

/* One segment, with what a single look at its bytes tells. */
struct segment {
	struct toll_slice name;
	size_t end;         /* in the path; behind the name where there are matrix parameters */
	bool last;          /* the path ends here, or its query begins */
	struct shape shape; /* without changes */
};

static void read_segment(struct toll_slice path, size_t at, struct segment *ret)
{
	const char *start = path.ptr + at, *end = path.ptr + path.len, *p = start;
	unsigned seen = 0, digits = 0;

	for (; p < end; p++) {
		unsigned kind = kind_of(*p);

		if (kind == STOP && (*p != ';' || p > start))
			break;
		seen |= kind;
		digits += kind & DIGIT;
	}
	ret->name = toll_slice(start, (size_t)(p - start));
	ret->shape = (struct shape){ .seen = seen, .digits = digits };
	while (p < end && *p != '/' && !ends_path(*p))
		p++;
	ret->end = (size_t)(p - path.ptr);
	ret->last = p == end || *p != '/';
}

/* Most segments: no rule of our own is about them. */
static bool is_plain_word(const struct segment *seg)
{
	return seg->name.len < 16 && !(seg->shape.seen & ~(unsigned)(HEX | LETTER | MARK));
}

static bool is_variable(const struct segment *seg, const struct toll_path_rules *rules)
{
	struct toll_slice s = seg->name;
	enum toll_path_verdict verdict;

	if (!s.len || (is_plain_word(seg) && !(rules && rules->count)))
		return false;
	verdict = toll_path_rules_judge(rules, s);
	if (verdict != TOLL_PATH_UNDECIDED)
		return verdict == TOLL_PATH_REPLACE;
	if (s.len > SEGMENT_MAX)
		return true;
	if (seg->shape.digits && is_variable_name(s, seg->shape))
		return true;
	if (seg->shape.seen & OTHER)
		return is_email(s);
	return seg->shape.seen == HEX ? s.len >= 16 : s.len >= 36 && holds_uuid(s);
}

/* Enough for the path if every segment from `at` on becomes a placeholder. */
static size_t room_for(struct toll_slice path, size_t at, size_t placeholder_len)
{
	size_t segments = 1;

	if (placeholder_len == 1)
		return path.len;
	for (; at < path.len; at++)
		segments += path.ptr[at] == '/';
	return path.len + segments * placeholder_len;
}

static char *put(char *out, struct toll_slice s)
{
	memcpy(out, s.ptr, s.len);
	return out + s.len;
}

int toll_path_fold(struct toll_arena *arena, struct toll_slice path,
                   const struct toll_path_rules *rules, struct toll_slice *ret)
{
	const struct toll_slice placeholder = toll_path_rules_placeholder(rules);
	size_t at = path.len && path.ptr[0] != '/' ? authority_len(path) : 0;
	char *copy = NULL, *out = NULL;
	struct segment seg;

	for (;; at = seg.end + 1) {
		bool variable;

		read_segment(path, at, &seg);
		variable = is_variable(&seg, rules);
		/* From the first change on there is a copy. */
		if (!copy && (variable || seg.name.ptr + seg.name.len < path.ptr + seg.end)) {
			copy = toll_arena_alloc(arena, room_for(path, at, placeholder.len), 1);
			if (!copy)
				return arena->err;
			out = put(copy, toll_slice(path.ptr, at));
		}
		if (copy)
			out = put(out, variable ? placeholder : seg.name);
		if (seg.last)
			break;
		if (copy)
			*out++ = '/';
	}
	*ret = copy ? toll_slice(copy, (size_t)(out - copy)) : toll_slice(path.ptr, seg.end);
	return 0;
}

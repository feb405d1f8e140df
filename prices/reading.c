/* SPDX-License-Identifier: Apache-2.0 */
#include "prices/reading.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>

#include "config/scalar.h"
#include "prices/date.h"

enum { PATH_MAX_TEXT = 512, MEMBERS_MAX = 64, SHOWN = 60 };

struct toll_spot toll_spot_of(const struct toll_spot *at, size_t index)
{
	const struct toll_yaml_entry *e = &at->node->entries[index];
	bool in_list = at->node->kind == TOLL_YAML_LIST;

	return (struct toll_spot){
		.up = at,
		.key = in_list ? toll_slice(NULL, 0) : e->key,
		.index = index,
		.node = e->value,
		.line = e->line,
		.column = e->column,
	};
}

/* ---- findings ---- */

/* "rules::openai/gpt-4o::price::0::usd"; returns the length, less than size. */
static size_t write_path(const struct toll_spot *at, char *buf, size_t size)
{
	size_t len = at->up && at->up->up ? write_path(at->up, buf, size) : 0;
	const char *between = len ? "::" : "";
	int n;

	if (!at->up)
		return 0;
	if (at->key.ptr)
		n = snprintf(buf + len, size - len, "%s%.*s", between,
		             TOLL_FMT(toll_slice_cut(at->key, 80)));
	else
		n = snprintf(buf + len, size - len, "%s%zu", between, at->index);
	len += n > 0 ? (size_t)n : 0;
	return len < size ? len : size - 1;
}

static void add(struct toll_reading *r, enum toll_severity severity, const struct toll_spot *at,
                bool value, const char *fmt, va_list ap) TOLL_PRINTF(5, 0);

static void add(struct toll_reading *r, enum toll_severity severity, const struct toll_spot *at,
                bool value, const char *fmt, va_list ap)
{
	struct toll_place place = { r->file, at->line, at->column };
	char path[PATH_MAX_TEXT];

	path[0] = '\0';
	write_path(at, path, sizeof(path));
	if (value && at->node) {
		place.line = at->node->line;
		place.column = at->node->column;
	}
	toll_findings_vadd(r->findings, severity, place, path, fmt, ap);
}

void toll_reading_error(struct toll_reading *r, const struct toll_spot *at, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add(r, TOLL_FINDING_ERROR, at, false, fmt, ap);
	va_end(ap);
}

void toll_reading_warning(struct toll_reading *r, const struct toll_spot *at, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add(r, TOLL_FINDING_WARNING, at, false, fmt, ap);
	va_end(ap);
}

void toll_reading_bad_value(struct toll_reading *r, const struct toll_spot *at, const char *fmt,
                            ...)
{
	va_list ap;

	va_start(ap, fmt);
	add(r, TOLL_FINDING_ERROR, at, true, fmt, ap);
	va_end(ap);
}

/* ---- mappings ---- */

static void refuse_unknown(struct toll_reading *r, const struct toll_spot *at,
                           const struct toll_member *members)
{
	struct toll_suggest s;

	toll_suggest_init(&s, at->key);
	for (const struct toll_member *m = members; m->name; m++)
		toll_suggest_offer(&s, m->name);
	if (s.best)
		toll_reading_error(r, at, "unknown key, did you mean \"%s\"?", s.best);
	else
		toll_reading_error(r, at, "unknown key");
}

static uint64_t read_member(struct toll_reading *r, const struct toll_spot *at,
                            const struct toll_member *members, void *into)
{
	for (const struct toll_member *m = members; m->name; m++) {
		if (!toll_slice_is(at->key, m->name))
			continue;
		if (toll_yaml_is_null(at->node))
			return 0;
		if (m->read)
			m->read(r, at, into);
		else
			memcpy((char *)into + m->keep, at, sizeof(*at));
		return UINT64_C(1) << (m - members);
	}
	refuse_unknown(r, at, members);
	return 0;
}

bool toll_read_members(struct toll_reading *r, const struct toll_spot *at,
                       const struct toll_member *members, void *into)
{
	uint64_t seen = 0;

	if (!toll_read_is_map(r, at))
		return false;
	for (size_t i = 0; i < at->node->count && !r->err; i++) {
		struct toll_spot entry = toll_spot_of(at, i);

		seen |= read_member(r, &entry, members, into);
	}
	for (const struct toll_member *m = members; m->name; m++)
		if (m->required && !(seen & UINT64_C(1) << (m - members)))
			toll_reading_error(r, at, "%s is missing", m->name);
	return true;
}

bool toll_read_is_map(struct toll_reading *r, const struct toll_spot *at)
{
	if (at->node->kind == TOLL_YAML_MAP)
		return true;
	toll_reading_bad_value(r, at, "must be a mapping, not %s", toll_yaml_kind_text(at->node));
	return false;
}

bool toll_read_is_list(struct toll_reading *r, const struct toll_spot *at)
{
	if (at->node->kind == TOLL_YAML_LIST)
		return true;
	toll_reading_bad_value(r, at, "must be a list, not %s", toll_yaml_kind_text(at->node));
	return false;
}

/* ---- single values ---- */

static bool is_scalar(struct toll_reading *r, const struct toll_spot *at)
{
	if (at->node->kind == TOLL_YAML_SCALAR)
		return true;
	toll_reading_bad_value(r, at, "must be a single value, not %s",
	                       toll_yaml_kind_text(at->node));
	return false;
}

static bool has_control(struct toll_slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if ((unsigned char)s.ptr[i] < 0x20 || s.ptr[i] == 0x7f)
			return true;
	return false;
}

bool toll_read_text(struct toll_reading *r, const struct toll_spot *at, size_t max_len,
                    struct toll_slice *ret)
{
	const struct toll_slice text = at->node->text;
	const char *why = NULL;

	if (!is_scalar(r, at))
		return false;
	if (!text.len)
		why = "is empty";
	else if (has_control(text))
		why = "has control characters in it";
	if (why)
		toll_reading_bad_value(r, at, "%s", why);
	else if (text.len > max_len)
		toll_reading_bad_value(r, at, "is longer than %zu bytes", max_len);
	if (why || text.len > max_len)
		return false;
	*ret = text;
	return true;
}

bool toll_read_bool(struct toll_reading *r, const struct toll_spot *at, bool *ret)
{
	bool odd = false;

	if (!is_scalar(r, at))
		return false;
	if (at->node->plain && !toll_scalar_bool(at->node->text, ret, &odd) && !odd)
		return true;
	toll_reading_bad_value(r, at, "must be true or false");
	return false;
}

bool toll_read_int(struct toll_reading *r, const struct toll_spot *at, int64_t min, int64_t max,
                   int64_t *ret)
{
	const char *why;
	int64_t value = 0;

	if (!is_scalar(r, at))
		return false;
	why = toll_scalar_int(at->node->text, &value);
	if (!why && value >= min && value <= max) {
		*ret = value;
		return true;
	}
	toll_reading_bad_value(r, at, "must be a whole number from %" PRId64 " to %" PRId64, min,
	                       max);
	return false;
}

bool toll_read_date(struct toll_reading *r, const struct toll_spot *at, int64_t *ret_s)
{
	if (!is_scalar(r, at))
		return false;
	if (toll_date_read(at->node->text, ret_s))
		return true;
	toll_reading_bad_value(r, at,
	                       "\"%.*s\" is no date: write 2026-11-20, or 2026-11-20T15:00:00Z",
	                       TOLL_FMT(toll_slice_cut(at->node->text, SHOWN)));
	return false;
}

void *toll_reading_alloc(struct toll_reading *r, size_t size, size_t align, size_t count)
{
	void *memory = toll_arena_array(&r->scratch, size, align, count);

	if (!memory)
		r->err = r->scratch.err;
	else
		memset(memory, 0, size * count);
	return memory;
}

/* ---- names and dates ---- */

static bool make_room(struct toll_dated_names *names)
{
	size_t room = names->room ? names->room * 2 : 64;
	struct toll_dated_name *more;

	if (names->count < names->room)
		return true;
	more = reallocarray(names->at, room, sizeof(*more));
	if (!more)
		return false;
	names->at = more;
	names->room = room;
	return true;
}

void toll_reading_note(struct toll_reading *r, struct toll_dated_names *names,
                       const struct toll_spot *at, struct toll_slice name, int64_t from_s,
                       int64_t to_s)
{
	if (from_s >= to_s)
		toll_reading_error(r, at, "valid_to must be after valid_from");
	else if (!make_room(names))
		r->err = TOLL_ENOMEM;
	else
		names->at[names->count++] =
			(struct toll_dated_name){ name, from_s, to_s, at->line, at->column };
}

static int by_name_and_date(const void *a, const void *b)
{
	const struct toll_dated_name *left = a, *right = b;
	size_t len = left->name.len < right->name.len ? left->name.len : right->name.len;
	int order = memcmp(left->name.ptr, right->name.ptr, len);

	if (order || left->name.len != right->name.len)
		return order ? order : left->name.len < right->name.len ? -1 : 1;
	if (left->from_s != right->from_s)
		return left->from_s < right->from_s ? -1 : 1;
	return left->line != right->line ? (left->line < right->line ? -1 : 1)
	                                 : (left->column < right->column ? -1 : 1);
}

static void tell_twice(struct toll_reading *r, const char *what, const struct toll_dated_name *a,
                       const struct toll_dated_name *b)
{
	const struct toll_dated_name *later = a->line > b->line ? a : b;
	const struct toll_dated_name *first = later == a ? b : a;
	struct toll_place at = { r->file, later->line, later->column };
	char path[PATH_MAX_TEXT];

	snprintf(path, sizeof(path), "%ss::%.*s", what, TOLL_FMT(toll_slice_cut(a->name, 80)));
	toll_findings_add(r->findings, TOLL_FINDING_ERROR, at, path,
	                  "this %s is there already, in line %u, and valid at the same time; give "
	                  "each row its valid_from and valid_to, or another name",
	                  what, first->line);
}

void toll_reading_find_twice(struct toll_reading *r, struct toll_dated_names *names,
                             const char *what)
{
	const struct toll_dated_name *longest = names->at; /* of this name, whose end comes last */

	if (names->count)
		qsort(names->at, names->count, sizeof(*names->at), by_name_and_date);
	for (size_t i = 1; i < names->count; i++) {
		const struct toll_dated_name *now = &names->at[i];

		if (!toll_slice_eq(longest->name, now->name)) {
			longest = now;
			continue;
		}
		if (now->from_s < longest->to_s)
			tell_twice(r, what, longest, now);
		if (now->to_s > longest->to_s)
			longest = now;
	}
}

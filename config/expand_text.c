/* SPDX-License-Identifier: Apache-2.0 */
#include "config/expand_text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define TOTAL_MAX    10000 /* ${...} in all */
#define IN_VALUE_MAX 100   /* of them for one value */
#define NESTING_MAX  8     /* ${env:${env:A}} */
#define CHAIN_MAX    16    /* what a variable names names another one ... */
#define TEXT_MAX     ((size_t)1024 * 1024)

/* Text that grows. */
struct text {
	char *at;
	size_t len, room;
};

static void complain(struct toll_expander *x, enum toll_severity severity, const char *fmt, ...)
	TOLL_PRINTF(3, 4);

static void complain(struct toll_expander *x, enum toll_severity severity, const char *fmt, ...)
{
	va_list ap;

	if (x->quiet && severity != TOLL_FINDING_ERROR)
		return;
	va_start(ap, fmt);
	toll_findings_vadd(x->findings, severity, x->place, "", fmt, ap);
	va_end(ap);
}

void toll_expand_give_up(struct toll_expander *x, const char *why)
{
	complain(x, TOLL_FINDING_ERROR, "%s", why);
	x->err = TOLL_ECONFIG;
}

static void append(struct toll_expander *x, struct text *t, struct toll_slice more)
{
	if (x->err)
		return;
	if (t->len + more.len > TEXT_MAX) {
		toll_expand_give_up(x, "expands to more than 1 MiB");
		return;
	}
	if (t->len + more.len + 1 > t->room) {
		size_t room = 64 + (t->len + more.len) * 2;
		char *bigger = realloc(t->at, room);

		if (!bigger) {
			x->err = TOLL_ENOMEM;
			return;
		}
		t->at = bigger;
		t->room = room;
	}
	if (more.len)
		memcpy(t->at + t->len, more.ptr, more.len);
	t->len += more.len;
	t->at[t->len] = '\0';
}

struct toll_slice toll_expand_keep(struct toll_expander *x, struct toll_slice text)
{
	char *copy = toll_arena_strdup(x->arena, text);

	if (!copy)
		x->err = TOLL_ENOMEM;
	return toll_slice(copy, copy ? text.len : 0);
}

/* ---- one ${...} ---- */

size_t toll_expand_span(struct toll_slice s)
{
	unsigned depth = 0;

	for (size_t i = 0; i < s.len; i++)
		if (s.ptr[i] == '$' && i + 1 < s.len && s.ptr[i + 1] == '{')
			depth++, i++;
		else if (s.ptr[i] == '}' && --depth == 0)
			return i + 1;
	return 0;
}

static void expand_text(struct toll_expander *x, struct toll_slice s, unsigned depth,
                        const struct toll_expand_link *up, struct text *out);

/* s with every ${...} in it replaced, in the arena. */
static struct toll_slice expanded(struct toll_expander *x, struct toll_slice s, unsigned depth,
                                  const struct toll_expand_link *up)
{
	struct toll_slice kept = TOLL_SLICE("");
	struct text out = { 0 };

	append(x, &out, TOLL_SLICE(""));
	expand_text(x, s, depth, up, &out);
	if (!x->err)
		kept = toll_expand_keep(x, toll_slice(out.at, out.len));
	free(out.at);
	return kept;
}

static bool in_circle(const struct toll_expand_link *up, struct toll_slice uri)
{
	for (; up; up = up->up)
		if (toll_slice_eq(up->uri, uri))
			return true;
	return false;
}

static void report_circle(struct toll_expander *x, const struct toll_expand_link *from,
                          struct toll_slice uri)
{
	char way[512];
	size_t len = (size_t)snprintf(way, sizeof(way), "${%.*s}", TOLL_FMT(uri));

	for (const struct toll_expand_link *l = from; l && len < sizeof(way); l = l->up) {
		len += (size_t)snprintf(way + len, sizeof(way) - len, " in ${%.*s}",
		                        TOLL_FMT(l->uri));
		if (toll_slice_eq(l->uri, uri))
			break;
	}
	complain(x, TOLL_FINDING_ERROR, "goes round in a circle: %s", way);
	x->err = TOLL_ECONFIG;
}

static bool is_allowed(struct toll_expander *x, const struct toll_expand_link *up,
                       struct toll_slice uri)
{
	unsigned chain = 0;

	for (const struct toll_expand_link *l = up; l; l = l->up)
		chain++;
	if (in_circle(up, uri))
		report_circle(x, up, uri);
	else if (chain >= CHAIN_MAX)
		toll_expand_give_up(x, "a ${...} that leads to another one, more than 16 times");
	else if (++x->in_value > IN_VALUE_MAX)
		toll_expand_give_up(x, "more than 100 ${...} in one value");
	else if (++x->total > TOTAL_MAX)
		toll_expand_give_up(x, "more than 10000 ${...}");
	return !x->err;
}

/* By one name, however it is written: ${A}, ${env:A} and ${env:A:-x} are the same variable. */
static struct toll_slice one_name(struct toll_expander *x, const struct toll_uri *uri,
                                  struct toll_slice as_written)
{
	const char *colon = memmem(uri->rest.ptr, uri->rest.len, ":-", 2);
	size_t len = colon ? (size_t)(colon - uri->rest.ptr) : uri->rest.len;
	struct toll_slice name;

	if (uri->scheme != TOLL_URI_ENV && uri->scheme != TOLL_URI_NONE)
		return as_written;
	name = toll_arena_printf(x->arena, "env:%.*s", (int)len, uri->rest.ptr);
	if (!name.ptr)
		x->err = TOLL_ENOMEM;
	return name;
}

/* What s, a whole "${...}", stands for; *ret_uri: which one that is, inner ones replaced. */
static struct toll_uri_value look_up_at(struct toll_expander *x, struct toll_slice s,
                                        unsigned depth, const struct toll_expand_link *up,
                                        struct toll_slice *ret_uri)
{
	struct toll_uri_value value = { .text = TOLL_SLICE("") };
	struct toll_uri_reader reader = { x->arena, x->findings, x->files, x->place,
		                          TEXT_MAX, x->quiet,    false };
	struct toll_slice written;
	struct toll_uri uri;
	int err;

	if (depth > NESTING_MAX) {
		toll_expand_give_up(x, "${...} in each other, more than 8 deep");
		return value;
	}
	written = expanded(x, toll_slice(s.ptr + 2, s.len - 3), depth, up);
	uri = toll_uri_split(written);
	*ret_uri = one_name(x, &uri, written);
	if (x->err || !is_allowed(x, up, *ret_uri))
		return value;
	err = toll_uri_read(&reader, &uri, &value);
	if (err == TOLL_ENOMEM)
		x->err = err;
	/* A file's last line end belongs to the file, not to the value. */
	while (uri.scheme == TOLL_URI_FILE && value.text.len &&
	       strchr("\r\n", value.text.ptr[value.text.len - 1]))
		value.text.len--;
	return value;
}

/* ---- inside of other text ---- */

static void append_value(struct toll_expander *x, struct toll_slice s, unsigned depth,
                         const struct toll_expand_link *up, struct text *out)
{
	struct toll_expand_link here = { .up = up };
	struct toll_uri_value value = look_up_at(x, s, depth, up, &here.uri);

	if (x->err)
		return;
	if (value.literal || !memchr(value.text.ptr, '$', value.text.len))
		append(x, out, value.text);
	else
		append(x, out, expanded(x, value.text, 0, &here));
}

static void expand_text(struct toll_expander *x, struct toll_slice s, unsigned depth,
                        const struct toll_expand_link *up, struct text *out)
{
	while (s.len && !x->err) {
		const char *dollar = memchr(s.ptr, '$', s.len);
		size_t plain = dollar ? (size_t)(dollar - s.ptr) : s.len, used = 1;
		struct toll_slice rest = toll_slice(s.ptr + plain, s.len - plain);

		append(x, out, toll_slice(s.ptr, plain));
		if (rest.len > 1 && rest.ptr[1] == '{')
			used = toll_expand_span(rest);
		else if (rest.len > 1 && rest.ptr[1] == '$')
			used = 2;
		if (used > 2) {
			append_value(x, toll_slice(rest.ptr, used), depth + 1, up, out);
		} else if (rest.len) {
			append(x, out, toll_slice(rest.ptr, 1));
			if (!used)
				complain(x, TOLL_FINDING_WARNING,
				         "a \"${\" without \"}\" stays as it is; "
				         "write $$ for a dollar sign");
			used += !used;
		}
		s = toll_slice(rest.ptr + used, rest.len > used ? rest.len - used : 0);
	}
}

struct toll_slice toll_expand_text(struct toll_expander *x, struct toll_slice s,
                                   const struct toll_expand_link *up)
{
	return expanded(x, s, 0, up);
}

struct toll_uri_value toll_expand_look_up(struct toll_expander *x, struct toll_slice s,
                                          const struct toll_expand_link *up,
                                          struct toll_slice *ret_uri)
{
	return look_up_at(x, s, 1, up, ret_uri);
}

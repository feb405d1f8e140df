/* SPDX-License-Identifier: Apache-2.0 */
#include "config/expand.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/types.h>

#include "config/config.h"

#define EXPANSIONS_MAX 1000
#define NESTING_MAX    8
#define TEXT_MAX       ((size_t)1024 * 1024)
#define FILE_MAX       ((ssize_t)64 * 1024)

struct expander {
	const char *file;
	struct toll_arena *arena;
	struct toll_findings *findings;
	unsigned done;               /* expansions so far */
	int err;                     /* TOLL_ENOMEM: stop */
	struct toll_yaml_node *node; /* whose text is being expanded */
};

/* Text that grows. */
struct text {
	char *at;
	size_t len, room;
};

static void complain(struct expander *x, enum toll_severity severity, const char *fmt, ...)
	TOLL_PRINTF(3, 4);

static void complain(struct expander *x, enum toll_severity severity, const char *fmt, ...)
{
	struct toll_place at = { x->file, x->node->line, x->node->column };
	va_list ap;

	va_start(ap, fmt);
	toll_findings_vadd(x->findings, severity, at, "", fmt, ap);
	va_end(ap);
}

static void append(struct expander *x, struct text *t, struct toll_slice more)
{
	if (x->err)
		return;
	if (t->len + more.len > TEXT_MAX) {
		complain(x, TOLL_FINDING_ERROR, "expands to more than 1 MiB");
		x->err = TOLL_ECONFIG;
		return;
	}
	if (t->len + more.len + 1 > t->room) {
		size_t room = (t->len + more.len + 1) * 2;
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

/* ---- what one ${...} stands for ---- */

static bool is_name(struct toll_slice s)
{
	if (!s.len || isdigit((unsigned char)*s.ptr))
		return false;
	for (size_t i = 0; i < s.len; i++)
		if (!isalnum((unsigned char)s.ptr[i]) && s.ptr[i] != '_')
			return false;
	return true;
}

/* *ret_set false: null. The text lives as long as the environment or the arena. */
static struct toll_slice from_env(struct expander *x, struct toll_slice what, bool *ret_set)
{
	const char *colon = memmem(what.ptr, what.len, ":-", 2);
	struct toll_slice name =
		toll_slice(what.ptr, colon ? (size_t)(colon - what.ptr) : what.len);
	char *copy;
	const char *value;

	*ret_set = false;
	if (!is_name(name)) {
		complain(x, TOLL_FINDING_ERROR,
		         "\"%.*s\" is no name of an environment variable: letters, digits and _",
		         TOLL_FMT(name));
		return TOLL_SLICE("");
	}
	copy = toll_arena_strdup(x->arena, name);
	if (!copy) {
		x->err = TOLL_ENOMEM;
		return TOLL_SLICE("");
	}
	value = getenv(copy);
	*ret_set = value || colon;
	if (value)
		return toll_slice_str(value);
	if (colon)
		return toll_slice(colon + 2, what.len - name.len - 2);
	complain(x, TOLL_FINDING_WARNING, "the environment variable %.*s is not set: taken as null",
	         TOLL_FMT(name));
	return TOLL_SLICE("");
}

/* At most size bytes; more than size - 1 is too much for the caller. Negative: errno. */
static ssize_t read_file(const char *path, char *buf, size_t size)
{
	FILE *f = fopen(path, "re");
	size_t n;
	int err;

	if (!f)
		return -errno;
	n = fread(buf, 1, size, f);
	err = ferror(f) ? errno : 0;
	fclose(f);
	return err ? -err : (ssize_t)n;
}

static struct toll_slice from_file(struct expander *x, struct toll_slice path, bool *ret_set)
{
	char *name = toll_arena_strdup(x->arena, path);
	char *text = malloc((size_t)FILE_MAX + 1);
	struct toll_slice value = TOLL_SLICE("");
	ssize_t n = name && text ? read_file(name, text, (size_t)FILE_MAX + 1) : -ENOMEM;

	*ret_set = true;
	if (n < 0)
		complain(x, TOLL_FINDING_ERROR, "cannot read the file %.*s: %s", TOLL_FMT(path),
		         strerror((int)-n));
	else if (n > FILE_MAX)
		complain(x, TOLL_FINDING_ERROR, "the file %.*s is larger than 64 KiB",
		         TOLL_FMT(path));
	while (n > 0 && n <= FILE_MAX && (text[n - 1] == '\n' || text[n - 1] == '\r'))
		n--;
	if (n > 0 && n <= FILE_MAX)
		value = toll_arena_dup(x->arena, toll_slice(text, (size_t)n));
	free(text);
	return value;
}

/* what: between the braces, inner ${...} already replaced. */
static struct toll_slice look_up(struct expander *x, struct toll_slice what, bool *ret_set)
{
	const char *colon = memchr(what.ptr, ':', what.len);
	struct toll_slice scheme = toll_slice(what.ptr, colon ? (size_t)(colon - what.ptr) : 0);
	struct toll_slice rest =
		toll_slice(what.ptr + scheme.len + !!colon, what.len - scheme.len - !!colon);

	*ret_set = false;
	if (!colon || (rest.len && *rest.ptr == '-'))
		return from_env(x, what, ret_set);
	if (toll_slice_is(scheme, "env"))
		return from_env(x, rest, ret_set);
	if (toll_slice_is(scheme, "file"))
		return from_file(x, rest, ret_set);
	complain(x, TOLL_FINDING_ERROR,
	         "${%.*s:...}: only ${env:NAME} and ${file:PATH} are understood", TOLL_FMT(scheme));
	return TOLL_SLICE("");
}

/* ---- finding them ---- */

/* Length of the "${...}" that s begins with, 0 when it does not end. */
static size_t span_of(struct toll_slice s)
{
	unsigned depth = 0;

	for (size_t i = 0; i < s.len; i++)
		if (s.ptr[i] == '$' && i + 1 < s.len && s.ptr[i + 1] == '{')
			depth++, i++;
		else if (s.ptr[i] == '}' && --depth == 0)
			return i + 1;
	return 0;
}

static void expand_text(struct expander *x, struct toll_slice s, unsigned depth, struct text *out);

/* s is a whole "${...}". *ret_set as in from_env. The result lives in the arena. */
static struct toll_slice expand_one(struct expander *x, struct toll_slice s, unsigned depth,
                                    bool *ret_set)
{
	struct text inner = { 0 };
	struct toll_slice what, value = TOLL_SLICE("");

	*ret_set = false;
	if (depth > NESTING_MAX || ++x->done > EXPANSIONS_MAX) {
		complain(x, TOLL_FINDING_ERROR, "too many ${...}, or too deep in each other");
		x->err = TOLL_ECONFIG;
		return value;
	}
	append(x, &inner, TOLL_SLICE(""));
	expand_text(x, toll_slice(s.ptr + 2, s.len - 3), depth, &inner);
	if (!x->err) {
		what = toll_arena_dup(x->arena, toll_slice(inner.at, inner.len));
		if (what.ptr)
			value = look_up(x, what, ret_set);
		else
			x->err = TOLL_ENOMEM;
	}
	free(inner.at);
	return value;
}

static void expand_text(struct expander *x, struct toll_slice s, unsigned depth, struct text *out)
{
	while (s.len && !x->err) {
		const char *dollar = memchr(s.ptr, '$', s.len);
		size_t plain = dollar ? (size_t)(dollar - s.ptr) : s.len, used = 1;
		struct toll_slice rest = toll_slice(s.ptr + plain, s.len - plain);
		struct toll_slice value = toll_slice(rest.ptr, rest.len ? 1 : 0);
		bool set;

		append(x, out, toll_slice(s.ptr, plain));
		if (rest.len > 1 && rest.ptr[1] == '$') {
			used = 2;
		} else if (rest.len > 1 && rest.ptr[1] == '{') {
			used = span_of(rest);
			if (used)
				value = expand_one(x, toll_slice(rest.ptr, used), depth + 1, &set);
			else
				complain(x, TOLL_FINDING_WARNING,
				         "a \"${\" without \"}\" stays as it is; "
				         "write $$ for a dollar sign");
			used = used ? used : 1;
		}
		append(x, out, value);
		s = toll_slice(rest.ptr + used, rest.len > used ? rest.len - used : 0);
	}
}

/* ---- putting the result into the tree ---- */

static void set_text(struct expander *x, struct toll_yaml_node *node, struct toll_slice text)
{
	char *copy = toll_arena_strdup(x->arena, text);

	if (!copy) {
		x->err = TOLL_ENOMEM;
		return;
	}
	node->kind = TOLL_YAML_SCALAR;
	node->plain = false;
	node->text = toll_slice(copy, text.len);
}

static struct toll_slice trim(struct toll_slice s)
{
	while (s.len && isspace((unsigned char)*s.ptr))
		s = toll_slice(s.ptr + 1, s.len - 1);
	while (s.len && isspace((unsigned char)s.ptr[s.len - 1]))
		s.len--;
	return s;
}

/* The node becomes what value says as YAML; text that is no YAML stays text. */
static void set_value(struct expander *x, struct toll_yaml_node *node, struct toll_slice value)
{
	struct toll_yaml_input in = { .text = value,
		                      .file = x->file,
		                      .arena = x->arena,
		                      .line = node->line,
		                      .column = node->column };
	struct toll_yaml_node *parsed;
	char *source = toll_arena_strdup(x->arena, trim(value));
	int err = source ? toll_yaml_parse(&in, &parsed) : TOLL_ENOMEM;

	if (err == TOLL_ENOMEM) {
		x->err = err;
		return;
	}
	if (err < 0) {
		set_text(x, node, value);
		return;
	}
	*node = *parsed;
	node->line = in.line;
	node->column = in.column;
	if (node->kind != TOLL_YAML_SCALAR || node->plain)
		node->source = toll_slice_str(source);
}

static void set_null(struct toll_yaml_node *node)
{
	node->kind = TOLL_YAML_NULL;
	node->text = toll_slice("", 0);
}

static void expand_scalar(struct expander *x, struct toll_yaml_node *node)
{
	struct toll_slice s = node->text;
	struct text out = { 0 };

	if (!memchr(s.ptr, '$', s.len))
		return;
	x->node = node;
	if (s.len > 1 && s.ptr[1] == '{' && *s.ptr == '$' && span_of(s) == s.len) {
		bool set;
		struct toll_slice value = expand_one(x, s, 1, &set);

		if (x->err)
			return;
		if (!set)
			set_null(node);
		else if (!value.len && memmem(s.ptr, s.len, ":-}", 3))
			set_text(x, node, value); /* ${env:X:-} asks for "" */
		else
			set_value(x, node, value);
		return;
	}
	append(x, &out, TOLL_SLICE(""));
	expand_text(x, s, 0, &out);
	if (!x->err)
		set_text(x, node, toll_slice(out.at, out.len));
	free(out.at);
}

static void expand_node(struct expander *x, struct toll_yaml_node *node)
{
	if (node->expanded || x->err)
		return;
	node->expanded = true;
	if (node->kind == TOLL_YAML_SCALAR) {
		expand_scalar(x, node);
		node->expanded = true;
		return;
	}
	for (size_t i = 0; i < node->count && !x->err; i++)
		expand_node(x, node->entries[i].value);
	if (!x->err && !toll_yaml_measure(node)) {
		x->node = node;
		complain(x, TOLL_FINDING_ERROR, "expands to too much");
		x->err = TOLL_ECONFIG;
	}
}

int toll_expand(struct toll_yaml_node *root, const char *file, struct toll_arena *arena,
                struct toll_findings *findings)
{
	struct expander x = { .file = file, .arena = arena, .findings = findings };

	expand_node(&x, root);
	return x.err;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* ottl_names.c - what the words of a condition mean, and the nearest where one means nothing. */
#include <stdio.h>

#include "base/macro.h"
#include "config/suggest.h"
#include "transform/ottl_private.h"

enum { NAME_MAX_BYTES = 128 };

#define SPAN     TOLL_OTTL_SPAN
#define RESOURCE TOLL_OTTL_RESOURCE
#define NONE     TOLL_OTTL_NONE

static const struct {
	const char *text;
	enum toll_ottl_context context;
} paths[] = {
#define TOLL_OTTL_PATH(id, text, context) { (text), (context) },
#include "transform/ottl_paths.def"
};

static const struct {
	const char *name;
	unsigned args;
	bool boolean;
} functions[] = {
#define TOLL_OTTL_FUNCTION(id, name, args, boolean) { (name), (args), (boolean) },
#include "transform/ottl_functions.def"
};

/* Source: opentelemetry-proto, trace.proto. */
static const struct {
	const char *name;
	int64_t value;
} enums[] = {
	{ "SPAN_KIND_UNSPECIFIED", 0 }, { "SPAN_KIND_INTERNAL", 1 }, { "SPAN_KIND_SERVER", 2 },
	{ "SPAN_KIND_CLIENT", 3 },      { "SPAN_KIND_PRODUCER", 4 }, { "SPAN_KIND_CONSUMER", 5 },
	{ "STATUS_CODE_UNSET", 0 },     { "STATUS_CODE_OK", 1 },     { "STATUS_CODE_ERROR", 2 },
};

static int unknown(const struct toll_suggest *s, const char *what, struct toll_error *reterr)
{
	if (s->best)
		return toll_fail(reterr, TOLL_ECONFIG, "unknown %s \"%.*s\", did you mean \"%s\"?",
		                 what, TOLL_FMT(s->typed), s->best);
	return toll_fail(reterr, TOLL_ECONFIG, "unknown %s \"%.*s\"", what, TOLL_FMT(s->typed));
}

static const char *prefix_of(enum toll_ottl_context context)
{
	return context == SPAN ? "span." : context == RESOURCE ? "resource." : "";
}

static bool is_path(struct toll_slice typed, size_t i, enum toll_ottl_context context)
{
	struct toll_slice prefix = toll_slice_str(prefix_of(paths[i].context));

	if (paths[i].context == context && toll_slice_is(typed, paths[i].text))
		return true;
	return typed.len > prefix.len && memcmp(typed.ptr, prefix.ptr, prefix.len) == 0 &&
	       toll_slice_is(toll_slice(typed.ptr + prefix.len, typed.len - prefix.len),
	                     paths[i].text);
}

static int unknown_path(struct toll_slice typed, enum toll_ottl_context context,
                        struct toll_error *reterr)
{
	char names[OTTL_PATH_COUNT][64];
	struct toll_suggest s, near;

	toll_suggest_init(&s, typed);
	near = s;
	near.distance = NAME_MAX_BYTES;
	for (size_t i = 0; i < TOLL_COUNT(paths); i++) {
		snprintf(names[i], sizeof(names[i]), "%s%s", prefix_of(paths[i].context),
		         paths[i].text);
		/* A right name without its first word. */
		if (toll_slice_is(typed, paths[i].text))
			toll_suggest_offer(&near, names[i]);
		toll_suggest_offer(&s, names[i]);
		if (paths[i].context == context)
			toll_suggest_offer(&s, paths[i].text);
	}
	s.best = near.best ? near.best : s.best;
	return unknown(&s, "path", reterr);
}

int ottl_find_path(struct toll_slice text, bool keyed, enum toll_ottl_context context,
                   enum ottl_path *ret, struct toll_error *reterr)
{
	char buf[NAME_MAX_BYTES];
	struct toll_slice typed = toll_slice_cut(text, sizeof(buf) - 3);

	snprintf(buf, sizeof(buf), "%.*s%s", TOLL_FMT(typed), keyed ? "[]" : "");
	typed = toll_slice_str(buf);
	for (size_t i = 0; i < TOLL_COUNT(paths); i++)
		if (is_path(typed, i, context)) {
			*ret = (enum ottl_path)i;
			return 0;
		}
	return unknown_path(typed, context, reterr);
}

int ottl_find_enum(struct toll_slice text, int64_t *ret, struct toll_error *reterr)
{
	struct toll_suggest s;

	toll_suggest_init(&s, text);
	for (size_t i = 0; i < TOLL_COUNT(enums); i++) {
		if (toll_slice_is(text, enums[i].name)) {
			*ret = enums[i].value;
			return 0;
		}
		toll_suggest_offer(&s, enums[i].name);
	}
	return unknown(&s, "constant", reterr);
}

int ottl_find_function(struct toll_slice text, enum ottl_function *ret, struct toll_error *reterr)
{
	struct toll_suggest s;

	toll_suggest_init(&s, text);
	for (size_t i = 0; i < TOLL_COUNT(functions); i++) {
		if (toll_slice_is(text, functions[i].name)) {
			*ret = (enum ottl_function)i;
			return 0;
		}
		toll_suggest_offer(&s, functions[i].name);
	}
	return unknown(&s, "function", reterr);
}

unsigned ottl_function_args(enum ottl_function f)
{
	return functions[f].args;
}

bool ottl_function_is_boolean(enum ottl_function f)
{
	return functions[f].boolean;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* parse_scalar.c - one value of a file into one field of a struct. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "config/parse_inside.h"
#include "config/scalar.h"
#include "config/suggest.h"

#define SHOWN_TEXT 60

void toll_spot_refuse(const struct toll_spot *s, struct toll_slice value, const char *why)
{
	if (s->field->type == TOLL_FIELD_SECRET || s->field->secret)
		toll_parser_error(s->parser, s->entry, s->path, "the value %s", why);
	else
		toll_parser_error(s->parser, s->entry, s->path, "\"%.*s%s\" %s",
		                  value.len > SHOWN_TEXT ? SHOWN_TEXT : (int)value.len, value.ptr,
		                  value.len > SHOWN_TEXT ? "..." : "", why);
}

bool toll_spot_is_absent(const struct toll_yaml_node *node)
{
	return toll_yaml_is_null(node) && !(node && !toll_scalar_is_null(node->source));
}

bool toll_spot_text(const struct toll_spot *s, const struct toll_yaml_node *node,
                    struct toll_slice *ret)
{
	if (node->kind == TOLL_YAML_LIST || node->kind == TOLL_YAML_MAP) {
		if (!node->source.ptr) {
			toll_parser_error(s->parser, s->entry, s->path,
			                  "must be a single value, not %s",
			                  toll_yaml_kind_text(node));
			return false;
		}
		*ret = node->source;
		return true;
	}
	*ret = node->source.ptr ? node->source : node->text;
	if (memchr(ret->ptr, '\0', ret->len)) {
		toll_parser_error(s->parser, s->entry, s->path, "must not contain a NUL byte");
		return false;
	}
	return true;
}

struct toll_slice toll_spot_keep(const struct toll_spot *s, struct toll_slice text)
{
	char *copy = toll_arena_strdup(s->parser->arena, text);

	if (copy)
		return toll_slice(copy, text.len);
	s->parser->err = TOLL_ENOMEM;
	return toll_slice("", 0);
}

static const char *bound_text(const struct toll_field *f, int64_t bound, char *buf)
{
	if (f->type == TOLL_FIELD_SIZE)
		return toll_scalar_size_text((uint64_t)bound, buf);
	if (f->type == TOLL_FIELD_DURATION)
		return toll_scalar_duration_text((uint64_t)bound, buf);
	return toll_scalar_money_text(bound, buf);
}

static bool within(const struct toll_spot *s, struct toll_slice text, int64_t value)
{
	const struct toll_field *f = s->field;
	char bound[TOLL_SCALAR_TEXT], why[TOLL_SCALAR_TEXT + 32];

	if ((!f->min && !f->max) || (value >= f->min && (f->max < f->min || value <= f->max)))
		return true;
	if (f->type != TOLL_FIELD_INT)
		snprintf(why, sizeof(why),
		         value < f->min ? "is too small: at least %s" : "is too large: at most %s",
		         bound_text(f, value < f->min ? f->min : f->max, bound));
	else if (f->max < f->min || f->max == INT64_MAX)
		snprintf(why, sizeof(why), "must be at least %" PRId64, f->min);
	else
		snprintf(why, sizeof(why), "must be between %" PRId64 " and %" PRId64, f->min,
		         f->max);
	toll_spot_refuse(s, text, why);
	return false;
}

static void set_bool(const struct toll_spot *s, struct toll_slice text)
{
	bool odd = false, value = false;
	const char *why = toll_scalar_bool(text, &value, &odd);

	if (why) {
		toll_spot_refuse(s, text, why);
		return;
	}
	*(bool *)s->to = value;
	if (odd)
		toll_parser_warning(s->parser, s->entry, s->path, "taken as %s: write %s",
		                    value ? "true" : "false", value ? "true" : "false");
}

static void set_int(const struct toll_spot *s, struct toll_slice text)
{
	int64_t value = 0;
	const char *why = toll_scalar_int(text, &value);

	if (why)
		toll_spot_refuse(s, text, why);
	else if (within(s, text, value))
		*(int64_t *)s->to = value;
}

static void set_unsigned(const struct toll_spot *s, struct toll_slice text)
{
	uint64_t value = 0;
	const char *why = s->field->type == TOLL_FIELD_SIZE ? toll_scalar_size(text, &value)
	                                                    : toll_scalar_duration(text, &value);

	if (why)
		toll_spot_refuse(s, text, why);
	else if (within(s, text, (int64_t)value))
		*(uint64_t *)s->to = value;
}

static void set_money(const struct toll_spot *s, struct toll_slice text)
{
	int64_t value = 0;
	const char *why = toll_scalar_money(text, &value);

	if (why)
		toll_spot_refuse(s, text, why);
	else if (within(s, text, value))
		*(int64_t *)s->to = value;
}

static void set_ratio(const struct toll_spot *s, struct toll_slice text)
{
	const struct toll_field *f = s->field;
	double value = 0, min = (double)f->min / 1000, max = (double)f->max / 1000;
	const char *why = toll_scalar_ratio(text, &value);
	char range[96];

	if (!why && (f->min || f->max) && (value < min || (f->max >= f->min && value > max))) {
		if (f->max >= f->min)
			snprintf(range, sizeof(range), "must be between %g and %g", min, max);
		else
			snprintf(range, sizeof(range), "must be at least %g", min);
		why = range;
	}
	if (why)
		toll_spot_refuse(s, text, why);
	else
		*(double *)s->to = value;
}

static void refuse_choice(const struct toll_spot *s, struct toll_slice text)
{
	struct toll_suggest suggest;
	char why[256];
	size_t len = (size_t)snprintf(why, sizeof(why), "must be one of");

	toll_suggest_init(&suggest, text);
	for (const char *const *c = s->field->choices; *c && len < sizeof(why); c++) {
		toll_suggest_offer(&suggest, *c);
		len += (size_t)snprintf(why + len, sizeof(why) - len, "%s %s",
		                        c == s->field->choices ? "" : ",", *c);
	}
	if (suggest.best && len < sizeof(why))
		snprintf(why + len, sizeof(why) - len, "; did you mean \"%s\"?", suggest.best);
	toll_spot_refuse(s, text, why);
}

static void set_enum(const struct toll_spot *s, struct toll_slice text)
{
	for (int i = 0; s->field->choices[i]; i++)
		if (strlen(s->field->choices[i]) == text.len &&
		    strncasecmp(s->field->choices[i], text.ptr, text.len) == 0) {
			*(int *)s->to = i;
			return;
		}
	refuse_choice(s, text);
}

static void set_string(const struct toll_spot *s, struct toll_slice text)
{
	*(struct toll_slice *)s->to = toll_spot_keep(s, text);
}

/* true, 2245 and 1.5 are what they look like; whatever stands in quotes is text. */
void toll_spot_set_any(const struct toll_spot *s)
{
	struct toll_any *to = s->to;
	struct toll_slice text;
	bool odd = false;

	if (!toll_spot_text(s, s->node, &text))
		return;
	to->text = toll_spot_keep(s, text);
	to->type = TOLL_ANY_STRING;
	if (s->node->kind != TOLL_YAML_SCALAR || !s->node->plain)
		return;
	if (!toll_scalar_bool(text, &to->boolean, &odd) && !odd)
		to->type = TOLL_ANY_BOOL;
	else if (!toll_scalar_int(text, &to->integer))
		to->type = TOLL_ANY_INT;
	else if (!toll_scalar_ratio(text, &to->number))
		to->type = TOLL_ANY_DOUBLE;
}

void toll_spot_set_scalar(const struct toll_spot *s)
{
	static void (*const by_type[])(const struct toll_spot *s, struct toll_slice text) = {
		[TOLL_FIELD_BOOL] = set_bool,     [TOLL_FIELD_INT] = set_int,
		[TOLL_FIELD_SIZE] = set_unsigned, [TOLL_FIELD_DURATION] = set_unsigned,
		[TOLL_FIELD_MONEY] = set_money,   [TOLL_FIELD_RATIO] = set_ratio,
		[TOLL_FIELD_STRING] = set_string, [TOLL_FIELD_SECRET] = set_string,
		[TOLL_FIELD_ENUM] = set_enum,
	};
	struct toll_slice text;

	if (toll_spot_text(s, s->node, &text))
		by_type[s->field->type](s, text);
}

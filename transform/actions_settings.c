/* SPDX-License-Identifier: Apache-2.0 */
/* actions_settings.c - what an action may be told, and which settings go together. */
#include <stdarg.h>
#include <stdio.h>

#include "transform/actions.h"
#include "transform/regex.h"

enum { PATH_TEXT = 128 };

static const char *const kinds[] = { "insert", "update",  "upsert",  "delete",
	                             "hash",   "extract", "convert", NULL };

/* clang-format off */
const struct toll_field toll_action_fields[] = {
	TOLL_FIELD(struct toll_action_settings, key, STRING, NULL, "Attribute to act upon."),
	TOLL_FIELD(struct toll_action_settings, action, ENUM, NULL, "What to do.", .choices = kinds,
	           .required = true),
	TOLL_FIELD(struct toll_action_settings, value, ANY, NULL,
	           "insert, update, upsert: the new value; its type is the one it has in YAML."),
	TOLL_FIELD(struct toll_action_settings, from_attribute, STRING, NULL,
	           "insert, update, upsert: the attribute whose value is copied."),
	TOLL_FIELD(struct toll_action_settings, from_context, STRING, NULL,
	           "insert, update, upsert: client.address."),
	TOLL_FIELD(struct toll_action_settings, default_value, ANY, NULL,
	           "insert, update, upsert: the value where from_attribute or from_context gives none."),
	TOLL_FIELD(struct toll_action_settings, pattern, STRING, NULL,
	           "delete, hash: regular expression of further keys; extract: of the value, with named groups."),
	TOLL_FIELD(struct toll_action_settings, converted_type, STRING, NULL,
	           "convert: int, double or string."),
	TOLL_FIELD_END,
};
/* clang-format on */

/* Where the entry's settings are: "actions::0::pattern". */
struct spot {
	struct toll_reporter *reporter;
	const struct toll_action_settings *set;
	const char *name;
	size_t index;
};

static void fault(const struct spot *s, const char *field, const char *fmt, ...) TOLL_PRINTF(3, 4);

static void fault(const struct spot *s, const char *field, const char *fmt, ...)
{
	char path[PATH_TEXT], text[256];
	va_list ap;

	snprintf(path, sizeof(path), "%s::%zu%s%s", s->name, s->index, *field ? "::" : "", field);
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	toll_report_error(s->reporter, path, "%s", text);
}

static bool takes_value(int kind)
{
	return kind <= TOLL_ACTION_UPSERT;
}

static bool takes_pattern(int kind)
{
	return kind == TOLL_ACTION_DELETE || kind == TOLL_ACTION_HASH ||
	       kind == TOLL_ACTION_EXTRACT;
}

static void check_unused(const struct spot *s)
{
	const struct toll_action_settings *set = s->set;
	const char *kind = kinds[set->action];

	if (!takes_value(set->action)) {
		if (set->value.type)
			fault(s, "value", "is not used by the action %s", kind);
		if (set->from_attribute.len)
			fault(s, "from_attribute", "is not used by the action %s", kind);
		if (set->from_context.len)
			fault(s, "from_context", "is not used by the action %s", kind);
		if (set->default_value.type)
			fault(s, "default_value", "is not used by the action %s", kind);
	}
	if (!takes_pattern(set->action) && set->pattern.len)
		fault(s, "pattern", "is not used by the action %s", kind);
	if (set->action != TOLL_ACTION_CONVERT && set->converted_type.len)
		fault(s, "converted_type", "is not used by the action %s", kind);
}

static void check_value(const struct spot *s)
{
	const struct toll_action_settings *set = s->set;
	int sources = (set->value.type != 0) + (set->from_attribute.len != 0) +
	              (set->from_context.len != 0);

	if (!sources && !set->default_value.type)
		fault(s, "",
		      "the action %s needs one of value, from_attribute, from_context, "
		      "default_value",
		      kinds[set->action]);
	if (sources > 1)
		fault(s, "", "choose one for the action %s: value, from_attribute or from_context",
		      kinds[set->action]);
	if (set->from_context.len && !toll_slice_is(set->from_context, "client.address"))
		fault(s, "from_context",
		      "\"%s\" is not supported: only client.address is known of a client",
		      set->from_context.ptr);
}

static void check_groups(const struct spot *s, const struct toll_regex *re)
{
	uint32_t count = toll_regex_group_count(re);

	if (!count)
		fault(s, "pattern", "has no named group: write (?P<key>...)");
	for (uint32_t i = 0; i < count; i++)
		if (!toll_regex_group_name(re, i).len) {
			fault(s, "pattern", "has a group without a name: write (?P<key>...)");
			return;
		}
}

static void check_pattern(const struct spot *s)
{
	struct toll_regex *re = NULL;
	struct toll_error error;

	if (!s->set->pattern.len) {
		if (s->set->action == TOLL_ACTION_EXTRACT)
			fault(s, "", "the action extract needs a pattern");
		return;
	}
	if (toll_regex_new(s->set->pattern, &re, &error) < 0)
		fault(s, "pattern", "%s", error.text);
	else if (s->set->action == TOLL_ACTION_EXTRACT)
		check_groups(s, re);
	toll_regex_free(re);
}

static void check_type(const struct spot *s)
{
	struct toll_slice type = s->set->converted_type;

	if (!toll_slice_is(type, "int") && !toll_slice_is(type, "double") &&
	    !toll_slice_is(type, "string"))
		fault(s, type.len ? "converted_type" : "",
		      "the action convert needs a converted_type: int, double or string");
}

static void check(const struct spot *s)
{
	int kind = s->set->action;
	bool by_pattern = (kind == TOLL_ACTION_DELETE || kind == TOLL_ACTION_HASH);

	if (!s->set->key.len && !(by_pattern && s->set->pattern.len))
		fault(s, "", "the action %s needs a key%s", kinds[kind],
		      by_pattern ? " or a pattern" : "");
	check_unused(s);
	if (takes_value(kind))
		check_value(s);
	if (takes_pattern(kind))
		check_pattern(s);
	if (kind == TOLL_ACTION_CONVERT)
		check_type(s);
}

void toll_actions_validate(const struct toll_group_list *list, const char *name,
                           struct toll_reporter *r)
{
	const struct toll_action_settings *at = list->at;

	if (!list->count)
		toll_report_error(r, name, "needs at least one action");
	for (size_t i = 0; i < list->count; i++) {
		const struct spot s = { r, &at[i], name, i };

		check(&s);
	}
}

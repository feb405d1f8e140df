/* SPDX-License-Identifier: Apache-2.0 */
/* match_settings.c - what include and exclude may say. */
#include <stdio.h>

#include "base/macro.h"
#include "transform/match.h"
#include "transform/regex.h"

enum { PATH_TEXT = 160 };

static const char *const kinds[] = { "SPAN_KIND_UNSPECIFIED", "SPAN_KIND_INTERNAL",
	                             "SPAN_KIND_SERVER",      "SPAN_KIND_CLIENT",
	                             "SPAN_KIND_PRODUCER",    "SPAN_KIND_CONSUMER" };

const char *toll_span_kind_name(uint8_t kind)
{
	return kinds[kind < TOLL_COUNT(kinds) ? kind : 0];
}

static const char *const match_types[] = { "strict", "regexp", NULL };

/* clang-format off */
static const struct toll_field attribute_fields[] = {
	TOLL_FIELD(struct toll_match_attribute, key, STRING, NULL, "The attribute's key.", .required = true),
	TOLL_FIELD(struct toll_match_attribute, value, ANY, NULL,
	           "Its value (regexp: an expression that fits its text); absent: any."),
	TOLL_FIELD_END,
};

static const struct toll_field library_fields[] = {
	TOLL_FIELD(struct toll_match_library, name, STRING, NULL, "Name of the instrumentation scope.",
	           .required = true),
	TOLL_FIELD(struct toll_match_library, version, ANY, NULL, "Its version; absent: any."),
	TOLL_FIELD_END,
};

const struct toll_field toll_match_fields[] = {
	TOLL_FIELD(struct toll_match_properties, match_type, ENUM, NULL,
	           "How texts are compared.", .choices = match_types, .required = true),
	TOLL_FIELD(struct toll_match_properties, services, LIST, NULL, "One of these service.name."),
	TOLL_FIELD(struct toll_match_properties, span_names, LIST, NULL, "One of these span names."),
	TOLL_FIELD(struct toll_match_properties, span_kinds, LIST, NULL,
	           "One of these kinds: SPAN_KIND_SERVER ..."),
	TOLL_FIELD(struct toll_match_properties, attributes, GROUPS, NULL, "All of these span attributes.",
	           .group = attribute_fields, .group_size = sizeof(struct toll_match_attribute)),
	TOLL_FIELD(struct toll_match_properties, resources, GROUPS, NULL, "All of these resource attributes.",
	           .group = attribute_fields, .group_size = sizeof(struct toll_match_attribute)),
	TOLL_FIELD(struct toll_match_properties, libraries, GROUPS, NULL,
	           "One of these instrumentation scopes.",
	           .group = library_fields, .group_size = sizeof(struct toll_match_library)),
	TOLL_FIELD_LATER("regexp", "has no effect: expressions are compiled once and not cached"),
	TOLL_FIELD_REFUSED("log_bodies", "is for logs: here are spans only"),
	TOLL_FIELD_REFUSED("log_severity_texts", "is for logs: here are spans only"),
	TOLL_FIELD_REFUSED("log_severity_number", "is for logs: here are spans only"),
	TOLL_FIELD_REFUSED("metric_names", "is for metrics: here are spans only"),
	TOLL_FIELD_END,
};
/* clang-format on */

struct checker {
	struct toll_reporter *reporter;
	const char *prefix; /* "spans::include" */
	bool regexp;
};

static void check_text(const struct checker *c, const char *field, size_t i, const char *part,
                       struct toll_slice text)
{
	struct toll_regex *re = NULL;
	struct toll_error error;
	char path[PATH_TEXT];

	if (!c->regexp)
		return;
	snprintf(path, sizeof(path), "%s::%s::%zu%s", c->prefix, field, i, part);
	if (toll_regex_new(text, &re, &error) < 0)
		toll_report_error(c->reporter, path, "%s", error.text);
	toll_regex_free(re);
}

static void check_list(const struct checker *c, const char *field,
                       const struct toll_slice_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		check_text(c, field, i, "", list->at[i]);
}

static void check_kinds(const struct checker *c, const struct toll_slice_list *list)
{
	for (size_t i = 0; i < list->count && !c->regexp; i++) {
		size_t k = 1;
		char path[PATH_TEXT];

		while (k < TOLL_COUNT(kinds) && !toll_slice_is(list->at[i], kinds[k]))
			k++;
		snprintf(path, sizeof(path), "%s::span_kinds::%zu", c->prefix, i);
		if (k == TOLL_COUNT(kinds))
			toll_report_error(c->reporter, path,
			                  "\"%.*s\" is no kind of span: SPAN_KIND_INTERNAL, "
			                  "_SERVER, _CLIENT, _PRODUCER or _CONSUMER",
			                  TOLL_FMT(list->at[i]));
	}
	check_list(c, "span_kinds", list);
}

static void check_attributes(const struct checker *c, const char *field,
                             const struct toll_group_list *list)
{
	const struct toll_match_attribute *at = list->at;
	char path[PATH_TEXT];

	for (size_t i = 0; i < list->count; i++) {
		if (at[i].value.type == TOLL_ANY_NONE)
			continue;
		snprintf(path, sizeof(path), "%s::%s::%zu::value", c->prefix, field, i);
		if (c->regexp && at[i].value.type != TOLL_ANY_STRING)
			toll_report_error(c->reporter, path,
			                  "match_type regexp needs text: put it in quotes");
		check_text(c, field, i, "::value", at[i].value.text);
	}
}

static void check_libraries(const struct checker *c, const struct toll_group_list *list)
{
	const struct toll_match_library *at = list->at;

	for (size_t i = 0; i < list->count; i++) {
		check_text(c, "libraries", i, "::name", at[i].name);
		if (at[i].version.type != TOLL_ANY_NONE)
			check_text(c, "libraries", i, "::version", at[i].version.text);
	}
}

static void check_properties(const struct toll_match_properties *p, const struct checker *c)
{
	if (!p->services.count && !p->span_names.count && !p->span_kinds.count &&
	    !p->attributes.count && !p->resources.count && !p->libraries.count)
		toll_report_error(c->reporter, c->prefix,
		                  "needs at least one of services, span_names, span_kinds, "
		                  "attributes, resources, libraries");
	check_list(c, "services", &p->services);
	check_list(c, "span_names", &p->span_names);
	check_kinds(c, &p->span_kinds);
	check_attributes(c, "attributes", &p->attributes);
	check_attributes(c, "resources", &p->resources);
	check_libraries(c, &p->libraries);
}

void toll_match_validate(const struct toll_match_settings *set, const char *prefix,
                         struct toll_reporter *r)
{
	char include[32], exclude[32];
	const struct checker in = { r, include, set->include.match_type == TOLL_MATCH_REGEXP };
	const struct checker out = { r, exclude, set->exclude.match_type == TOLL_MATCH_REGEXP };

	snprintf(include, sizeof(include), "%sinclude", prefix);
	snprintf(exclude, sizeof(exclude), "%sexclude", prefix);
	if (set->has_include)
		check_properties(&set->include, &in);
	if (set->has_exclude)
		check_properties(&set->exclude, &out);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/spantoll/field_walk.h"

#include <stdio.h>
#include <string.h>

#include "config/service.h"

#define PATH_MAX_TEXT 512

struct walk {
	void (*visit)(void *ctx, const struct toll_field_seen *seen);
	void *ctx;
	const struct toll_config_component *component;
};

static bool is_given(const struct toll_field *f, const char *settings)
{
	return !f->present || *(const bool *)(const void *)(settings + f->present);
}

/* As deep as the tables are nested. */
static void walk_fields(const struct walk *w, const struct toll_field *fields, const char *settings,
                        const char *above)
{
	char path[PATH_MAX_TEXT];

	for (const struct toll_field *f = fields; f->name; f++) {
		const struct toll_field_seen seen = { w->component, f, settings + f->offset, path };

		if (f->later || f->alias_of ||
		    (f->type == TOLL_FIELD_GROUP && !is_given(f, settings)))
			continue;
		snprintf(path, sizeof(path), "%s%s%s", above, *above ? "::" : "", f->name);
		w->visit(w->ctx, &seen);
		if (f->type == TOLL_FIELD_GROUP)
			walk_fields(w, f->group, settings + f->offset, path);
	}
}

void toll_field_walk(const struct toll_config *config,
                     void (*visit)(void *ctx, const struct toll_field_seen *seen), void *ctx)
{
	for (int s = 0; s < TOLL_SECTION_COUNT; s++)
		for (size_t i = 0; i < config->component_count[s]; i++) {
			const struct toll_config_component *c = &config->components[s][i];
			const struct walk w = { visit, ctx, c };

			if (c->used && c->settings)
				walk_fields(&w, c->type->fields, c->settings, "");
		}
}

void toll_field_finding(struct toll_findings *findings, enum toll_severity severity,
                        const struct toll_field_seen *at, const char *below, const char *fmt, ...)
{
	const struct toll_config_component *c = at->component;
	char inner[PATH_MAX_TEXT], path[2 * PATH_MAX_TEXT];
	va_list ap;

	snprintf(inner, sizeof(inner), "%s%s%s", at->path, *below ? "::" : "", below);
	snprintf(path, sizeof(path), "%s::%s::%s", toll_section_key(c->type->section), c->id,
	         inner);
	va_start(ap, fmt);
	toll_findings_vadd(findings, severity, toll_config_place(c, inner), path, fmt, ap);
	va_end(ap);
}

struct toll_slice toll_field_string(const struct toll_field_seen *group, const char *name)
{
	for (const struct toll_field *f = group->field->group; f->name; f++)
		if (strcmp(f->name, name) == 0 && !f->later &&
		    (f->type == TOLL_FIELD_STRING || f->type == TOLL_FIELD_SECRET))
			return *(const struct toll_slice *)(const void *)((const char *)
			                                                          group->value +
			                                                  f->offset);
	return (struct toll_slice){ "", 0 };
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/spantoll/extension_rules.h"

#include <stdio.h>
#include <string.h>

#include "config/service.h"
#include "config/suggest.h"

#define PATH_MAX_TEXT 512

struct walk {
	const struct toll_config *config;
	const struct toll_config_component *component;
	struct toll_findings *findings;
};

static bool is_started(const struct toll_config *c, struct toll_slice id)
{
	for (size_t i = 0; i < c->extension_count; i++)
		if (toll_slice_is(id, c->extensions[i]->id))
			return true;
	return false;
}

static void check_name(const struct walk *w, struct toll_slice id, const char *path)
{
	struct toll_place at = { w->component->file, w->component->line, w->component->column };
	struct toll_suggest near;

	if (!id.len || is_started(w->config, id))
		return;
	toll_suggest_init(&near, id);
	for (size_t i = 0; i < w->config->extension_count; i++)
		toll_suggest_offer(&near, w->config->extensions[i]->id);
	toll_findings_add(w->findings, TOLL_FINDING_ERROR, at, path,
	                  near.best ? "service::extensions has no \"%.*s\", did you mean \"%s\"?"
	                            : "service::extensions has no \"%.*s\"",
	                  TOLL_FMT(id), near.best);
}

/* Groups in lists name none. */
static void check_fields(const struct walk *w, const struct toll_field *fields,
                         const char *settings, const char *path)
{
	char inner[PATH_MAX_TEXT];

	for (const struct toll_field *f = fields; f->name; f++) {
		snprintf(inner, sizeof(inner), "%s::%s", path, f->name);
		if (f->extension)
			check_name(w,
			           *(const struct toll_slice *)(const void *)(settings + f->offset),
			           inner);
		else if (f->type == TOLL_FIELD_GROUP && !f->later)
			check_fields(w, f->group, settings + f->offset, inner);
	}
}

void toll_extension_rules_check(const struct toll_config *config, struct toll_findings *findings)
{
	char path[PATH_MAX_TEXT];

	for (int s = 0; s < TOLL_SECTION_COUNT; s++)
		for (size_t i = 0; i < config->component_count[s]; i++) {
			const struct toll_config_component *c = &config->components[s][i];
			struct walk w = { config, c, findings };

			snprintf(path, sizeof(path), "%s::%s", toll_section_key(s), c->id);
			if (c->used && c->settings)
				check_fields(&w, c->type->fields, c->settings, path);
		}
}

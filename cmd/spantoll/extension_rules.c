/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/spantoll/extension_rules.h"

#include <stdio.h>
#include <string.h>

#include "cmd/spantoll/field_walk.h"
#include "config/suggest.h"
#include "pipeline/factory.h"

struct walk {
	const struct toll_config *config;
	struct toll_findings *findings;
};

static const struct toll_config_component *find(const struct toll_config *c, struct toll_slice id)
{
	for (size_t i = 0; i < c->extension_count; i++)
		if (toll_slice_is(id, c->extensions[i]->id))
			return c->extensions[i];
	return NULL;
}

/* Does the file have it, out of the list? */
static bool is_configured(const struct toll_config *c, struct toll_slice id)
{
	for (size_t i = 0; i < c->component_count[TOLL_SECTION_EXTENSIONS]; i++)
		if (toll_slice_is(id, c->components[TOLL_SECTION_EXTENSIONS][i].id))
			return true;
	return false;
}

static bool serves(const struct toll_factory *f, const char *as)
{
	return f->kind == TOLL_EXTENSION && f->serves && strcmp(f->serves, as) == 0;
}

/* "basicauth, bearertokenauth" */
static void list_types(const char *as, char *buf, size_t size)
{
	size_t len = 0;

	*buf = '\0';
	for (size_t i = 0; toll_factories[i]; i++)
		if (serves(toll_factories[i], as) && len < size)
			len += (size_t)snprintf(buf + len, size - len, "%s%s", len ? ", " : "",
			                        toll_factories[i]->type);
}

static void tell_missing(const struct walk *w, const struct toll_field_seen *seen,
                         struct toll_slice id)
{
	struct toll_suggest near;

	toll_suggest_init(&near, id);
	for (size_t i = 0; i < w->config->extension_count; i++)
		toll_suggest_offer(&near, w->config->extensions[i]->id);
	if (is_configured(w->config, id))
		toll_field_finding(w->findings, TOLL_FINDING_ERROR, seen, "",
		                   "service::extensions has no \"%.*s\", although it is among the "
		                   "extensions: add it to that list",
		                   TOLL_FMT(id));
	else if (near.best)
		toll_field_finding(w->findings, TOLL_FINDING_ERROR, seen, "",
		                   "service::extensions has no \"%.*s\", did you mean \"%s\"?",
		                   TOLL_FMT(id), near.best);
	else
		toll_field_finding(w->findings, TOLL_FINDING_ERROR, seen, "",
		                   "service::extensions has no \"%.*s\"", TOLL_FMT(id));
}

static void check_name(void *ctx, const struct toll_field_seen *seen)
{
	const struct walk *w = ctx;
	const char *as = seen->field->extension;
	const struct toll_config_component *found;
	struct toll_slice id;
	char types[128];

	if (!as)
		return;
	id = *(const struct toll_slice *)seen->value;
	found = id.len ? find(w->config, id) : NULL;
	if (id.len && !found)
		tell_missing(w, seen, id);
	if (!found || serves(found->type->owner, as))
		return;
	list_types(as, types, sizeof(types));
	toll_field_finding(w->findings, TOLL_FINDING_ERROR, seen, "",
	                   "\"%.*s\" is of no use here: name an extension of type %s", TOLL_FMT(id),
	                   types);
}

void toll_extension_rules_check(const struct toll_config *config, struct toll_findings *findings)
{
	struct walk w = { config, findings };

	toll_field_walk(config, check_name, &w);
}

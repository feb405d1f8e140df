/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/spantoll/exporter_rules.h"

#include <string.h>

#include "cmd/spantoll/field_walk.h"
#include "config/suggest.h"

struct walk {
	const struct toll_config *config;
	struct toll_findings *findings;
};

/* The next one from *at on that pipelines use; NULL: no more. */
static const struct toll_config_component *next(const struct toll_config *c, const char *type,
                                                size_t *at)
{
	while (*at < c->component_count[TOLL_SECTION_EXPORTERS]) {
		const struct toll_config_component *x =
			&c->components[TOLL_SECTION_EXPORTERS][(*at)++];

		if (x->used && strcmp(x->type_name, type) == 0)
			return x;
	}
	return NULL;
}

/* Who asks then hears nothing of anybody: for a mesh all may pass. */
static void check_only(const struct walk *w, const struct toll_field_seen *seen)
{
	const char *type = seen->field->exporter;
	size_t at = 0;
	const struct toll_config_component *first = next(w->config, type, &at);

	if (!first)
		toll_field_finding(w->findings, TOLL_FINDING_WARNING, seen, "",
		                   "no pipeline has an exporter %s to ask", type);
	else if (next(w->config, type, &at))
		toll_field_finding(w->findings, TOLL_FINDING_ERROR, seen, "",
		                   "pipelines have several exporters %s: name the one to ask, "
		                   "such as \"%s\"",
		                   type, first->id);
}

static void check_named(const struct walk *w, const struct toll_field_seen *seen,
                        struct toll_slice id)
{
	const char *type = seen->field->exporter;
	const struct toll_config_component *x;
	struct toll_suggest near;
	size_t at = 0;

	toll_suggest_init(&near, id);
	while ((x = next(w->config, type, &at)) != NULL) {
		if (toll_slice_is(id, x->id))
			return;
		toll_suggest_offer(&near, x->id);
	}
	toll_field_finding(w->findings, TOLL_FINDING_ERROR, seen, "",
	                   "no pipeline has an exporter %s of the id \"%.*s\"%s%s%s", type,
	                   TOLL_FMT(id), near.best ? ", did you mean \"" : "",
	                   near.best ? near.best : "", near.best ? "\"?" : "");
}

static void check(void *ctx, const struct toll_field_seen *seen)
{
	const struct walk *w = ctx;
	struct toll_slice id;

	if (!seen->field->exporter)
		return;
	id = *(const struct toll_slice *)seen->value;
	if (id.len)
		check_named(w, seen, id);
	else
		check_only(w, seen);
}

void toll_exporter_rules_check(const struct toll_config *config, struct toll_findings *findings)
{
	struct walk w = { config, findings };

	toll_field_walk(config, check, &w);
}

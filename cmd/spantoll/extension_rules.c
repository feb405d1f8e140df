/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/spantoll/extension_rules.h"

#include "cmd/spantoll/field_walk.h"
#include "config/suggest.h"

struct walk {
	const struct toll_config *config;
	struct toll_findings *findings;
};

static bool is_started(const struct toll_config *c, struct toll_slice id)
{
	for (size_t i = 0; i < c->extension_count; i++)
		if (toll_slice_is(id, c->extensions[i]->id))
			return true;
	return false;
}

static void check_name(void *ctx, const struct toll_field_seen *seen)
{
	const struct walk *w = ctx;
	struct toll_suggest near;
	struct toll_slice id;

	if (!seen->field->extension)
		return;
	id = *(const struct toll_slice *)seen->value;
	if (!id.len || is_started(w->config, id))
		return;
	toll_suggest_init(&near, id);
	for (size_t i = 0; i < w->config->extension_count; i++)
		toll_suggest_offer(&near, w->config->extensions[i]->id);
	if (near.best)
		toll_field_finding(w->findings, TOLL_FINDING_ERROR, seen, "",
		                   "service::extensions has no \"%.*s\", did you mean \"%s\"?",
		                   TOLL_FMT(id), near.best);
	else
		toll_field_finding(w->findings, TOLL_FINDING_ERROR, seen, "",
		                   "service::extensions has no \"%.*s\"", TOLL_FMT(id));
}

void toll_extension_rules_check(const struct toll_config *config, struct toll_findings *findings)
{
	struct walk w = { config, findings };

	toll_field_walk(config, check_name, &w);
}

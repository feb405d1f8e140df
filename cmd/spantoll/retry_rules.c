/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/spantoll/retry_rules.h"

#include <stdio.h>

#include "cmd/spantoll/storage_rules.h"
#include "pipeline/factory.h"
#include "pipeline/runner.h"

#define RETRY "retry_on_failure"

/* Those that add up never fail, and a broker that is away is waited for by its client. */
static const struct toll_exporter_settings *gives_up(const struct toll_config_component *c)
{
	const struct toll_factory *f = c->type->owner;
	const struct toll_exporter_settings *set;

	if (!f || f->kind != TOLL_EXPORTER || f->budgets || f->topic)
		return NULL;
	set = (const void *)((const char *)c->settings + f->exporter_settings);
	if (!set->required && !toll_exporter_storage(set))
		return NULL;
	if (!set->retry_on_failure.enabled)
		return set;
	return set->retry_on_failure.max_elapsed_time && toll_config_given(c, TOLL_PATIENCE) ? set
	                                                                                     : NULL;
}

static void check_patience(const struct toll_config_pipeline *p, struct toll_findings *findings)
{
	char path[256];

	for (size_t i = 0; i < p->exporter_count; i++) {
		const struct toll_config_component *c = p->exporters[i];
		const struct toll_exporter_settings *set = gives_up(c);

		if (!set)
			continue;
		snprintf(path, sizeof(path), "exporters::%s::" RETRY, c->id);
		toll_findings_add(findings, TOLL_FINDING_WARNING, toll_config_place(c, RETRY), path,
		                  "pipeline %s has a journal, and what this exporter gives up is "
		                  "lost although clients heard OK: max_elapsed_time: 0s leaves it "
		                  "on disk until the destination is back",
		                  p->id);
	}
}

void toll_retry_rules_check(const struct toll_config *config, struct toll_findings *findings)
{
	for (size_t i = 0; i < config->pipeline_count; i++)
		if (toll_pipeline_has_journal(&config->pipelines[i]))
			check_patience(&config->pipelines[i], findings);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/spantoll/pipeline_rules.h"

#include <stdio.h>
#include <string.h>

/* Where a processor of this type is, or count when there is none. */
static size_t find_processor(const struct toll_config_pipeline *p, const char *type)
{
	size_t i = 0;

	while (i < p->processor_count && strcmp(p->processors[i]->type->type, type) != 0)
		i++;
	return i;
}

static void find_fault(const struct toll_config_pipeline *p, struct toll_findings *findings,
                       enum toll_severity severity, const char *text)
{
	struct toll_place at = { p->file, p->line, p->column };
	char path[256];

	snprintf(path, sizeof(path), "service::pipelines::%s", p->id);
	toll_findings_add(findings, severity, at, path, "%s", text);
}

static void check_pipeline(const struct toll_config_pipeline *p, struct toll_findings *findings)
{
	size_t none = p->processor_count;
	size_t pricing = find_processor(p, "pricing"), cost = find_processor(p, "cost");
	size_t limiter = find_processor(p, "memory_limiter");

	if (cost == none)
		find_fault(p, findings, TOLL_FINDING_WARNING,
		           "has no \"cost\" processor: its spans stay unpriced");
	else if (pricing == none)
		find_fault(p, findings, TOLL_FINDING_WARNING,
		           "has \"cost\" but no \"pricing\" before it: no span will find a price");
	else if (cost < pricing)
		find_fault(p, findings, TOLL_FINDING_ERROR,
		           "\"cost\" must come after \"pricing\", which finds the price");
	if (limiter != none && limiter > 0)
		find_fault(p, findings, TOLL_FINDING_WARNING,
		           "\"memory_limiter\" should be the first processor");
}

void toll_pipeline_rules_check(const struct toll_config *config, struct toll_findings *findings)
{
	for (size_t i = 0; i < config->pipeline_count; i++)
		check_pipeline(&config->pipelines[i], findings);
}

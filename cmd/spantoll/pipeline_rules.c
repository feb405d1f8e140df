/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/spantoll/pipeline_rules.h"

#include <stdio.h>

#include "cmd/spantoll/connector_rules.h"
#include "cmd/spantoll/kafka_rules.h"

static void find_fault(const struct toll_config_pipeline *p, struct toll_findings *findings,
                       enum toll_severity severity, const char *text)
{
	struct toll_place at = { p->file, p->line, p->column };
	char path[256];

	snprintf(path, sizeof(path), "service::pipelines::%s", p->id);
	toll_findings_add(findings, severity, at, path, "%s", text);
}

/* Unless they are priced already, nobody prices spans without "pricing" and "cost", in this order,
 * somewhere on its way. */
static void check_prices(const struct toll_config *config, size_t at,
                         struct toll_findings *findings)
{
	const struct toll_config_pipeline *p = &config->pipelines[at];
	size_t none = p->processor_count;
	size_t pricing = toll_pipeline_find(p, "pricing"), cost = toll_pipeline_find(p, "cost");

	if (cost == none && !toll_pipeline_only_connects(p) &&
	    !toll_pipeline_has_seen(config, at, "cost") && !toll_pipeline_comes_priced(config, at))
		find_fault(p, findings, TOLL_FINDING_WARNING,
		           "has no \"cost\" processor: its spans stay unpriced");
	if (cost != none && pricing != none && cost < pricing)
		find_fault(p, findings, TOLL_FINDING_ERROR,
		           "\"cost\" must come after \"pricing\", which finds the price");
	if (cost != none && !toll_pipeline_has_seen(config, at, "pricing"))
		find_fault(p, findings, TOLL_FINDING_WARNING,
		           "has \"cost\" but no \"pricing\" before it: no span will find a price");
}

static void check_limiter(const struct toll_config_pipeline *p, struct toll_findings *findings)
{
	size_t limiter = toll_pipeline_find(p, "memory_limiter");

	if (limiter != p->processor_count && limiter > 0)
		find_fault(p, findings, TOLL_FINDING_WARNING,
		           "\"memory_limiter\" should be the first processor");
}

/* What is dropped before it is priced is missing in every total, and nobody would notice. */
static void check_droppers(const struct toll_config *config, size_t at,
                           struct toll_findings *findings)
{
	static const char *const droppers[] = { "filter", "probabilistic_sampler" };
	const struct toll_config_pipeline *p = &config->pipelines[at];
	size_t none = p->processor_count, cost = toll_pipeline_find(p, "cost");
	char text[160];

	if (cost == none &&
	    (!toll_pipeline_only_connects(p) || toll_pipeline_has_seen(config, at, "cost")))
		return;
	for (size_t i = 0; i < TOLL_COUNT(droppers); i++) {
		size_t dropper = toll_pipeline_find(p, droppers[i]);

		snprintf(text, sizeof(text),
		         "\"%s\" stands before \"cost\": the spans it drops are in no total and "
		         "no budget; put it behind \"cost\" unless that is meant",
		         droppers[i]);
		if (dropper != none && dropper < cost)
			find_fault(p, findings, TOLL_FINDING_WARNING, text);
	}
}

/* It is folded into exporters; what comes behind a connector is another pipeline's. */
static void check_batch(const struct toll_config_pipeline *p, struct toll_findings *findings)
{
	if (toll_pipeline_find(p, "batch") < p->processor_count && toll_pipeline_only_connects(p))
		find_fault(p, findings, TOLL_FINDING_WARNING,
		           "\"batch\" decides for the exporters of its own pipeline, and here are "
		           "only connectors: put it into the pipelines behind them");
}

void toll_pipeline_rules_check(const struct toll_config *config, struct toll_findings *findings)
{
	for (size_t i = 0; i < config->pipeline_count; i++) {
		check_prices(config, i, findings);
		check_limiter(&config->pipelines[i], findings);
		check_batch(&config->pipelines[i], findings);
		check_droppers(config, i, findings);
	}
	toll_connector_rules_check(config, findings);
	toll_kafka_rules_check(config, findings);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* graph_source.c - each exporter is told whose spans it is given. */
#include "config/config.h"
#include "pipeline/graph_private.h"
#include "pipeline/source.h"

int toll_graph_plan_sources(struct toll_graph *g, struct toll_error *reterr)
{
	const struct toll_config *config = g->config;
	int err = 0;

	for (size_t i = 0; i < config->component_count[TOLL_SECTION_EXPORTERS] && !err; i++) {
		const struct toll_config_component *c =
			&config->components[TOLL_SECTION_EXPORTERS][i];
		struct toll_graph_part *p = toll_graph_find(g, TOLL_EXPORTER, c->id);

		if (p && !p->source)
			err = toll_source_find(config, c, &p->source, NULL);
	}
	return err ? toll_fail(reterr, err, "pipelines: out of memory") : 0;
}

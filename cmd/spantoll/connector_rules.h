/* SPDX-License-Identifier: Apache-2.0 */
/* connector_rules.h - what must or should hold between pipelines that connectors join. */
#ifndef TOLL_CMD_CONNECTOR_RULES_H
#define TOLL_CMD_CONNECTOR_RULES_H

#include "config/config.h"
#include "pipeline/fanout.h"

/* What a receiver's spans go through, a pipeline as often as there are ways to it; as the graph
 * builds it (pipeline/graph_route.c). */
struct toll_ways {
	size_t pipelines[TOLL_FANOUT_MAX]; /* of the configuration */
	size_t count;
	bool too_many; /* which the graph refuses */
};

struct toll_ways toll_ways_find(const struct toll_config *config,
                                const struct toll_config_component *source);

/* Adds findings; does not sort them. For enforcers that are given the spans of one receiver more
 * than once, through several pipelines. config/connectors.h has refused circles before. */
void toll_connector_rules_check(const struct toll_config *config, struct toll_findings *findings);

/* Is there a processor of this type in pipeline `at` itself, or on every way to it? */
bool toll_pipeline_has_seen(const struct toll_config *config, size_t at, const char *type);

/* Are all its spans somebody else's further on? */
bool toll_pipeline_only_connects(const struct toll_config_pipeline *p);

/* Where a processor of this type is, or processor_count when there is none. */
size_t toll_pipeline_find(const struct toll_config_pipeline *p, const char *type);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* graph_private.h - the parts of a graph, for the files graph*.c only. */
#ifndef TOLL_PIPELINE_GRAPH_PRIVATE_H
#define TOLL_PIPELINE_GRAPH_PRIVATE_H

#include "pipeline/graph.h"
#include "pipeline/inlet.h"
#include "pipeline/runner.h"

#define TOLL_KIND_COUNT 5

/* A component of the graph and what the graph keeps for it. One per id, also when several pipelines
 * use it. */
struct toll_graph_part {
	struct toll_graph_part *next; /* of this kind, in order of creation */
	const struct toll_factory *factory;
	const void *config;
	struct toll_id id;
	const char *who;
	char *own_text;                   /* id and who of a component that no file names */
	struct toll_component *component; /* NULL: folded into the exporters */
	struct toll_stats stats;
	bool listed; /* its stats, with the host */
	bool started;
	/* Exporters. */
	struct toll_exporter_settings set;
	struct toll_runner *runner;
	const struct toll_graph_part *folded_by; /* a batch processor */
	/* Receivers. */
	struct toll_inlet inlet;
};

struct toll_graph {
	struct toll_host *host;
	struct toll_graph_part *parts[TOLL_KIND_COUNT]; /* by enum toll_kind */
	struct toll_chain *chains;  /* one per pipeline, in the config's order */
	struct toll_tally *tallies; /* one per chain */
	size_t chain_count;
	struct toll_metrics_source metrics; /* of the tallies */
	const struct toll_config *config;
};

/* Fills reterr so that the operator reads which component failed, whatever it says itself. */
int toll_graph_blame(const struct toll_graph_part *p, int err, const struct toll_error *why,
                     struct toll_error *reterr);

#endif

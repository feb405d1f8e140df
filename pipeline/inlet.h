/* SPDX-License-Identifier: Apache-2.0 */
/* inlet.h - what a receiver feeds: the processors of every pipeline behind it, then the fan-out. */
#ifndef TOLL_PIPELINE_INLET_H
#define TOLL_PIPELINE_INLET_H

#include "pipeline/component.h"
#include "pipeline/fanout.h"
#include "pipeline/tally.h"

struct toll_stage {
	struct toll_processor *processor;
	struct toll_stats *stats;
};

/* The processors of one pipeline, in order. */
struct toll_chain {
	const char *id; /* "traces" */
	struct toll_stage *stages;
	size_t count;
	struct toll_tally *tally; /* of what was admitted; NULL: not kept */
};

struct toll_inlet {
	struct toll_consumer consumer;
	const struct toll_chain *chains[TOLL_FANOUT_MAX];
	size_t count;
	struct toll_fanout fanout; /* target.batch is an index into chains */
};

void toll_inlet_init(struct toll_inlet *in);

/* Runs the batch through the processors: 0, or why one refused it. Counts and times each. */
int toll_chain_run(const struct toll_chain *c, struct toll_batch *batch) TOLL_MUST_CHECK;

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* inlet.h - what a receiver feeds: a stable consumer, and behind it a route: the processors of
 * every pipeline, also of those behind connectors, then the fan-out.
 *
 * A route does not change once it is published. A reload publishes another: batches that are on
 * their way (a client may wait for an exporter) keep the route they came in by until they are
 * answered. */
#ifndef TOLL_PIPELINE_INLET_H
#define TOLL_PIPELINE_INLET_H

#include "base/snapshot.h"
#include "pipeline/component.h"
#include "pipeline/fanout.h"
#include "pipeline/recent.h"
#include "pipeline/tally.h"
#include "pipeline/trace.h"
#include "pipeline/unpriced.h"

struct toll_stage {
	struct toll_processor *processor;
	struct toll_stats *stats;
};

/* The processors of one pipeline, in order. */
struct toll_chain {
	const char *id; /* "traces" */
	struct toll_stage *stages;
	size_t count;
	struct toll_tally *tally;               /* of what was admitted; NULL: not kept */
	struct toll_repeats *repeats;           /* what it was given lately; NULL: nobody asks */
	struct toll_repeats *fingerprints;      /* the spans of that, or NULL */
	void *kept_repeats, *kept_fingerprints; /* the graph's */
};

/* One way of a batch through a pipeline. A pipeline that begins with a connector has one for every
 * pipeline before it. */
#define TOLL_LEG_ARRIVED UINT32_MAX
struct toll_leg {
	const struct toll_chain *chain;
	uint32_t from; /* an earlier leg, whose batch goes on here as a clone; or what arrived */
	/* Of the pipelines and connectors before it, 0: none. A pipeline may be given the same
	 * request on several legs, and each counts. The same after a restart. */
	uint64_t salt;
};

/* A connector at the end of a leg. */
struct toll_tap {
	struct toll_connector *connector;
	struct toll_stats *stats;
	uint32_t leg;
	uint32_t onward; /* legs that go on from there */
};

struct toll_route {
	struct toll_shared shared; /* whoever made it, inlets, batches on their way */
	struct toll_leg legs[TOLL_FANOUT_MAX];
	size_t count;
	struct toll_tap taps[TOLL_FANOUT_MAX];
	size_t tap_count;
	struct toll_fanout fanout; /* target.batch is an index into legs */
	/* The host's; NULL: nobody looks. */
	struct toll_trace *trace;
	struct toll_recent *recent;
	struct toll_unpriced_table *unpriced;
};

/* One reference, the caller's. Chains and connectors must outlive the route. NULL: out of memory.
 */
struct toll_route *toll_route_new(void);
/* Does nobody but its maker have it? Then nobody ever will again, once no inlet shows it. */
bool toll_route_is_idle(const struct toll_route *r);
struct toll_route *toll_route_free(struct toll_route *r); /* lets go; always returns NULL */

struct toll_inlet {
	struct toll_consumer consumer;
	struct toll_snapshot route; /* none: everything is refused with TOLL_ESHUTDOWN */
};

void toll_inlet_init(struct toll_inlet *in);
/* Takes a reference of its own; NULL: no route any more. Batches on their way stay on theirs. */
void toll_inlet_set(struct toll_inlet *in, struct toll_route *route);

/* Runs the batch through the processors: 0, or why one refused it. Counts and times each. traced:
 * follows one span; NULL: none. */
int toll_chain_run(const struct toll_chain *c, struct toll_batch *batch,
                   struct toll_traced *traced) TOLL_MUST_CHECK;

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* graph.c - starts, stops and frees what graph_build.c has built. */
#include "pipeline/graph.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "config/config.h"
#include "pipeline/graph_private.h"

/* How long one exporter's runner is waited for before the next is looked at. */
#define DRAIN_SLICE (10 * TOLL_MS)

const enum toll_kind toll_graph_start_order[TOLL_KIND_COUNT] = { TOLL_EXTENSION, TOLL_EXPORTER,
	                                                         TOLL_CONNECTOR, TOLL_PROCESSOR,
	                                                         TOLL_RECEIVER };

static int start_kind(struct toll_graph *g, enum toll_kind kind, struct toll_error *reterr)
{
	struct toll_graph_part *p;
	int err = 0;

	TOLL_EACH_PART(p, g, kind)
	if (!err)
		err = toll_graph_part_start(p, reterr);
	return err;
}

/* Sources that are new feed their own route from the start; nothing reaches it before. */
static void connect_new(struct toll_graph *g)
{
	for (size_t i = 0; i < g->route_count; i++)
		if (!g->routes[i].source->started)
			toll_inlet_set(&g->routes[i].source->inlet, g->routes[i].route);
}

int toll_graph_start_parts(struct toll_graph *g, struct toll_error *reterr)
{
	int err = 0;

	for (size_t i = 0; i < TOLL_KIND_COUNT && !err; i++) {
		enum toll_kind kind = toll_graph_start_order[i];

		if (kind == TOLL_EXPORTER)
			err = toll_graph_open_spools(g, reterr);
		if (kind == TOLL_EXPORTER && !err)
			err = toll_graph_open_repeats(g, reterr);
		if (kind == TOLL_RECEIVER)
			connect_new(g);
		if (!err)
			err = start_kind(g, kind, reterr);
	}
	return err;
}

int toll_graph_start(struct toll_graph *g, struct toll_error *reterr)
{
	int err = toll_graph_start_parts(g, reterr);

	if (err) {
		toll_graph_shutdown(g, toll_clock_mono_ns() + TOLL_S);
		return err;
	}
	toll_host_metrics_add(g->host, &g->metrics);
	toll_host_show(g->host, &g->view);
	g->listed = true;
	toll_host_set_started(g->host, true);
	return 0;
}

static void shutdown_kind(struct toll_graph *g, enum toll_kind kind, uint64_t deadline)
{
	struct toll_graph_part *p;

	TOLL_EACH_PART(p, g, kind)
	toll_graph_part_shutdown(p, deadline);
}

/* An exporter's shutdown may use its share of what is left of the time: the others need theirs. */
static uint64_t share(struct toll_graph_part *const *list, size_t count, uint64_t deadline)
{
	uint64_t now = toll_clock_mono_ns(), open = 0;

	for (size_t i = 0; i < count; i++)
		open += list[i]->started;
	return open && deadline > now ? now + (deadline - now) / open : deadline;
}

/* Those with a runner that is over; false: none is left to wait for. */
static bool shutdown_idle(struct toll_graph_part *const *list, size_t count, uint64_t drain_until,
                          uint64_t deadline)
{
	bool waiting = false;

	for (size_t i = 0; i < count; i++) {
		struct toll_graph_part *p = list[i];
		uint64_t until = toll_clock_mono_ns() + DRAIN_SLICE;

		if (!p->started || !p->runner)
			continue;
		if (toll_runner_is_over(p->runner, until < drain_until ? until : drain_until)) {
			toll_runner_drain(p->runner, drain_until);
			toll_graph_part_shutdown(p, share(list, count, deadline));
		} else {
			waiting = true;
		}
	}
	return waiting;
}

/* Runners drain side by side; whoever is done need not wait for a destination that is away. */
void toll_graph_shutdown_exporters(struct toll_graph_part *const *list, size_t count,
                                   uint64_t drain_until, uint64_t deadline)
{
	while (shutdown_idle(list, count, drain_until, deadline))
		if (toll_clock_mono_ns() >= drain_until)
			break;
	for (size_t i = 0; i < count; i++)
		if (list[i]->runner)
			toll_runner_drain(list[i]->runner, drain_until);
	for (size_t i = 0; i < count; i++)
		toll_graph_part_shutdown(list[i], share(list, count, deadline));
}

void toll_graph_shutdown(struct toll_graph *g, uint64_t deadline_mono_ns)
{
	uint64_t now = toll_clock_mono_ns();
	uint64_t left = deadline_mono_ns > now ? deadline_mono_ns - now : 0;
	struct toll_graph_part *p;

	toll_host_set_started(g->host, false);
	/* Clients of receivers may wait for exporters: those must not take their time now. */
	TOLL_EACH_PART(p, g, TOLL_EXPORTER)
	if (p->runner) {
		toll_runner_hurry(p->runner);
		toll_runner_dismiss(p->runner);
	}
	shutdown_kind(g, TOLL_RECEIVER, now + left / 2);
	shutdown_kind(g, TOLL_PROCESSOR, deadline_mono_ns);
	shutdown_kind(g, TOLL_CONNECTOR, deadline_mono_ns);
	g->disk_hangs = !toll_graph_settle_spools(g, now + left / 2 + left / 10);
	toll_graph_shutdown_exporters(g->parts[TOLL_EXPORTER].at, g->parts[TOLL_EXPORTER].count,
	                              deadline_mono_ns - left / 5, deadline_mono_ns);
	shutdown_kind(g, TOLL_EXTENSION, deadline_mono_ns);
}

bool toll_graph_left_behind(const struct toll_graph *g)
{
	const struct toll_graph_part *p;

	TOLL_EACH_PART(p, g, TOLL_EXPORTER)
	if (p->runner && toll_runner_stuck(p->runner))
		return true;
	return g->disk_hangs;
}

/* Of the graph itself; its parts may go on elsewhere. */
static void free_flow(struct toll_graph *g)
{
	for (size_t i = 0; i < g->route_count; i++)
		toll_route_free(g->routes[i].route);
	toll_graph_forget_repeats(g);
	for (size_t i = 0; i < g->chain_count; i++) {
		free(g->chains[i].stages);
		toll_tally_unref(g->tallies[i]);
	}
	free(g->routes);
	free(g->chains);
	free(g->tallies);
}

void toll_graph_dissolve(struct toll_graph *g)
{
	static const enum toll_kind order[] = { TOLL_RECEIVER, TOLL_PROCESSOR, TOLL_EXPORTER,
		                                TOLL_CONNECTOR, TOLL_EXTENSION };
	const bool left_behind = toll_graph_left_behind(g);
	struct toll_graph_part *p;

	toll_host_hide(g->host, &g->view);
	if (g->listed)
		toll_host_metrics_remove(g->host, &g->metrics);
	for (size_t i = 0; i < TOLL_COUNT(order); i++) {
		TOLL_EACH_PART(p, g, order[i])
		toll_graph_part_unref(p);
		free(g->parts[order[i]].at);
	}
	free_flow(g);
	toll_graph_close_spools(g, left_behind);
	toll_config_free(g->config);
	free(g);
}

struct toll_graph *toll_graph_free(struct toll_graph *g)
{
	if (!g)
		return NULL;
	toll_graph_shutdown(g, toll_clock_mono_ns());
	if (!toll_graph_left_behind(g)) /* else its thread may use any of it */
		toll_graph_dissolve(g);
	return NULL;
}

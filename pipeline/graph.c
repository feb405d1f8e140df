/* SPDX-License-Identifier: Apache-2.0 */
/* graph.c - starts, stops and frees what graph_build.c has built. */
#include "pipeline/graph.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "pipeline/graph_private.h"
#include "pipeline/host.h"

/* How long one exporter's runner is waited for before the next is looked at. */
#define DRAIN_SLICE (10 * TOLL_MS)

/* Nobody sends before the next can take. */
static const enum toll_kind start_order[] = { TOLL_EXTENSION, TOLL_EXPORTER, TOLL_CONNECTOR,
	                                      TOLL_PROCESSOR, TOLL_RECEIVER };

int toll_graph_blame(const struct toll_graph_part *p, int err, const struct toll_error *why,
                     struct toll_error *reterr)
{
	if (strncmp(why->text, p->who, strlen(p->who)) == 0)
		return toll_fail(reterr, err, "%s", why->text);
	return toll_fail(reterr, err, "%s: %s", p->who,
	                 why->text[0] ? why->text : toll_err_text(err));
}

static int start_part(struct toll_graph_part *p, struct toll_error *reterr)
{
	struct toll_component *c = p->component;
	struct toll_error why = { 0 };
	int err = 0;

	if (!c)
		return 0;
	p->started = true; /* also when it fails: what it has begun is undone by shutdown */
	if (c->ops->start)
		err = c->ops->start(c, &why);
	if (!err && p->runner)
		err = toll_runner_start(p->runner);
	if (!err)
		return 0;
	return toll_graph_blame(p, err, &why, reterr);
}

int toll_graph_start(struct toll_graph *g, struct toll_error *reterr)
{
	for (size_t i = 0; i < TOLL_COUNT(start_order); i++)
		for (struct toll_graph_part *p = g->parts[start_order[i]]; p; p = p->next) {
			int err = start_part(p, reterr);

			if (err) {
				toll_graph_shutdown(g, toll_clock_mono_ns() + TOLL_S);
				return err;
			}
		}
	toll_host_set_started(g->host, true);
	return 0;
}

static void shutdown_part(struct toll_graph_part *p, uint64_t deadline)
{
	if (p->started && p->component->ops->shutdown &&
	    !(p->runner && toll_runner_stuck(p->runner)))
		p->component->ops->shutdown(p->component, deadline);
	p->started = false;
}

static void shutdown_kind(struct toll_graph *g, enum toll_kind kind, uint64_t deadline)
{
	for (struct toll_graph_part *p = g->parts[kind]; p; p = p->next)
		shutdown_part(p, deadline);
}

/* An exporter's shutdown may use its share of what is left of the time: the others need theirs. */
static uint64_t share(const struct toll_graph *g, uint64_t deadline)
{
	uint64_t now = toll_clock_mono_ns(), open = 0;

	for (const struct toll_graph_part *p = g->parts[TOLL_EXPORTER]; p; p = p->next)
		open += p->started;
	return open && deadline > now ? now + (deadline - now) / open : deadline;
}

/* Those with a runner that is over; false: none is left to wait for. */
static bool shutdown_idle(struct toll_graph *g, uint64_t drain_until, uint64_t deadline)
{
	bool waiting = false;

	for (struct toll_graph_part *p = g->parts[TOLL_EXPORTER]; p; p = p->next) {
		uint64_t until = toll_clock_mono_ns() + DRAIN_SLICE;

		if (!p->started || !p->runner)
			continue;
		if (toll_runner_is_over(p->runner, until < drain_until ? until : drain_until)) {
			toll_runner_drain(p->runner, drain_until);
			shutdown_part(p, share(g, deadline));
		} else {
			waiting = true;
		}
	}
	return waiting;
}

/* Runners drain side by side; whoever is done need not wait for a destination that is away. */
static void shutdown_exporters(struct toll_graph *g, uint64_t drain_until, uint64_t deadline)
{
	while (shutdown_idle(g, drain_until, deadline))
		if (toll_clock_mono_ns() >= drain_until)
			break;
	for (struct toll_graph_part *p = g->parts[TOLL_EXPORTER]; p; p = p->next)
		if (p->runner)
			toll_runner_drain(p->runner, drain_until);
	for (struct toll_graph_part *p = g->parts[TOLL_EXPORTER]; p; p = p->next)
		shutdown_part(p, share(g, deadline));
}

void toll_graph_shutdown(struct toll_graph *g, uint64_t deadline_mono_ns)
{
	uint64_t now = toll_clock_mono_ns();
	uint64_t left = deadline_mono_ns > now ? deadline_mono_ns - now : 0;

	toll_host_set_started(g->host, false);
	/* Clients of receivers may wait for exporters: those must not take their time now. */
	for (struct toll_graph_part *p = g->parts[TOLL_EXPORTER]; p; p = p->next)
		if (p->runner)
			toll_runner_hurry(p->runner);
	shutdown_kind(g, TOLL_RECEIVER, now + left / 2);
	shutdown_kind(g, TOLL_PROCESSOR, deadline_mono_ns);
	shutdown_kind(g, TOLL_CONNECTOR, deadline_mono_ns);
	shutdown_exporters(g, deadline_mono_ns - left / 5, deadline_mono_ns);
	shutdown_kind(g, TOLL_EXTENSION, deadline_mono_ns);
}

bool toll_graph_left_behind(const struct toll_graph *g)
{
	for (const struct toll_graph_part *p = g->parts[TOLL_EXPORTER]; p; p = p->next)
		if (p->runner && toll_runner_stuck(p->runner))
			return true;
	return false;
}

static void free_part(struct toll_graph *g, struct toll_graph_part *p)
{
	if (p->component)
		p->component->ops->free(p->component);
	p->runner = toll_runner_free(p->runner);
	if (p->listed)
		toll_host_stats_remove(g->host, &p->stats);
	free(p->own_text);
	free(p);
}

static void free_chain(struct toll_chain *c)
{
	free(c->stages);
	if (c->tally)
		toll_tally_release(c->tally);
}

struct toll_graph *toll_graph_free(struct toll_graph *g)
{
	static const enum toll_kind order[] = { TOLL_RECEIVER, TOLL_PROCESSOR, TOLL_CONNECTOR,
		                                TOLL_EXPORTER, TOLL_EXTENSION };
	struct toll_graph_part *next;

	if (!g)
		return NULL;
	toll_graph_shutdown(g, toll_clock_mono_ns());
	if (toll_graph_left_behind(g))
		return NULL; /* its thread may use any of it */
	for (size_t i = 0; i < TOLL_COUNT(order); i++)
		for (struct toll_graph_part *p = g->parts[order[i]]; p; p = next) {
			next = p->next;
			free_part(g, p);
		}
	if (g->metrics.collect)
		toll_host_metrics_remove(g->host, &g->metrics);
	for (size_t i = 0; i < g->chain_count; i++)
		free_chain(&g->chains[i]);
	free(g->chains);
	free(g->tallies);
	free(g);
	return NULL;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/retire.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/thread.h"

#define RECEIVERS_NS (5 * TOLL_S)  /* for requests inside receivers that leave */
#define FLOW_NS      (10 * TOLL_S) /* for batches on their way */
#define DRAIN_NS     (8 * TOLL_S) /* for the queues of exporters that leave, as at a shutdown ... */
#define EXPORTERS_NS (10 * TOLL_S) /* ... and for the exporters themselves */
#define QUICK_NS     TOLL_S        /* processors and connectors */

enum phase { NEW = 0, RECEIVERS, FLOW, EXPORTERS, LAST_BATCHES, GONE };

struct toll_retiree {
	struct toll_graph *graph;
	enum phase phase;
	uint64_t deadline; /* of the phase, mono ns */
	/* What leaves: in no other graph. By enum toll_kind. */
	struct toll_graph_parts leaving[TOLL_KIND_COUNT];
	pthread_t thread;
	bool running;
	atomic_bool done; /* the thread's last word */
	bool stuck;
	bool over; /* noted in all of the graph's parts */
};

struct toll_retiree *toll_retiree_new(struct toll_graph *g)
{
	struct toll_retiree *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	/* All the memory there will be need for. */
	for (int kind = 0; kind < TOLL_KIND_COUNT; kind++) {
		r->leaving[kind].at =
			calloc(g->parts[kind].count + 1, sizeof(struct toll_graph_part *));
		if (!r->leaving[kind].at)
			return toll_retiree_release(r), NULL;
	}
	r->graph = g;
	return r;
}

void toll_retiree_release(struct toll_retiree *r)
{
	if (!r)
		return;
	for (int kind = 0; kind < TOLL_KIND_COUNT; kind++)
		free(r->leaving[kind].at);
	free(r);
}

/* What is shared with a later graph leaves with that one, even if this one is not freed yet. */
static void note_over(struct toll_retiree *r, bool over)
{
	struct toll_graph_part *p;

	for (int kind = 0; kind < TOLL_KIND_COUNT && r->over != over; kind++)
		TOLL_EACH_PART(p, r->graph, kind)
	p->over += over ? 1U : -1U;
	r->over = over;
}

void toll_retiree_free(struct toll_retiree *r)
{
	note_over(r, false);
	toll_graph_dissolve(r->graph);
	toll_retiree_release(r);
}

bool toll_retiree_has_drained(const struct toll_retiree *r)
{
	return r->phase > EXPORTERS;
}

bool toll_retiree_drains(const struct toll_retiree *r, const char *exporter)
{
	return !toll_retiree_has_drained(r) && toll_graph_find(r->graph, TOLL_EXPORTER, exporter);
}

bool toll_retiree_left_behind(const struct toll_retiree *r)
{
	return r->stuck;
}

/* ---- steps on the main thread ---- */

static void begin(struct toll_retiree *r)
{
	struct toll_graph_part *p;

	for (int kind = 0; kind < TOLL_KIND_COUNT; kind++)
		TOLL_EACH_PART(p, r->graph, kind)
	if (p->refs - p->over == 1)
		r->leaving[kind].at[r->leaving[kind].count++] = p;
	/* Nothing more comes to their queues but what is on its way: no waiting for full batches.
	 */
	for (size_t i = 0; i < r->leaving[TOLL_EXPORTER].count; i++)
		if (r->leaving[TOLL_EXPORTER].at[i]->runner)
			toll_runner_hurry(r->leaving[TOLL_EXPORTER].at[i]->runner);
}

static void shutdown_kind(struct toll_retiree *r, enum toll_kind kind, uint64_t deadline)
{
	for (size_t i = 0; i < r->leaving[kind].count; i++)
		toll_graph_part_shutdown(r->leaving[kind].at[i], deadline);
}

static void close_inlets(struct toll_retiree *r)
{
	for (size_t i = 0; i < r->leaving[TOLL_RECEIVER].count; i++)
		toll_inlet_set(&r->leaving[TOLL_RECEIVER].at[i]->inlet, NULL);
}

static void end_processing(struct toll_retiree *r)
{
	uint64_t deadline = toll_clock_mono_ns() + QUICK_NS;

	shutdown_kind(r, TOLL_PROCESSOR, deadline);
	shutdown_kind(r, TOLL_CONNECTOR, deadline);
}

static void name_heirs(struct toll_retiree *r, const struct toll_graph *current)
{
	for (size_t i = 0; i < r->leaving[TOLL_EXPORTER].count; i++) {
		const struct toll_graph_part *p = r->leaving[TOLL_EXPORTER].at[i], *heir;

		heir = toll_graph_find(current, TOLL_EXPORTER, p->id.text);
		if (heir && heir->factory == p->factory)
			toll_runner_set_heir(p->runner, heir->runner);
	}
}

/* No batch is on its way. */
static bool is_idle(const struct toll_graph *g)
{
	for (size_t i = 0; i < g->route_count; i++)
		if (!toll_route_is_idle(g->routes[i].route))
			return false;
	return true;
}

static void note_stuck(struct toll_retiree *r)
{
	for (size_t i = 0; i < r->leaving[TOLL_EXPORTER].count; i++) {
		const struct toll_graph_part *p = r->leaving[TOLL_EXPORTER].at[i];

		if (p->runner && toll_runner_stuck(p->runner))
			r->stuck = true;
	}
}

/* ---- what takes time: on a thread ---- */

static void end_exporters(struct toll_retiree *r, uint64_t drain_until, uint64_t deadline)
{
	toll_graph_shutdown_exporters(r->leaving[TOLL_EXPORTER].at, r->leaving[TOLL_EXPORTER].count,
	                              drain_until, deadline);
	shutdown_kind(r, TOLL_EXTENSION, deadline);
}

static void *work(void *arg)
{
	struct toll_retiree *r = arg;
	uint64_t now = toll_clock_mono_ns();

	if (r->phase == RECEIVERS)
		shutdown_kind(r, TOLL_RECEIVER, now + RECEIVERS_NS);
	else
		end_exporters(r, now + DRAIN_NS, now + EXPORTERS_NS);
	atomic_store_explicit(&r->done, true, memory_order_release);
	return NULL;
}

static bool has_work(const struct toll_retiree *r)
{
	if (r->phase == RECEIVERS)
		return r->leaving[TOLL_RECEIVER].count > 0;
	return r->leaving[TOLL_EXPORTER].count + r->leaving[TOLL_EXTENSION].count > 0;
}

/* True: the work of this phase is done. Without memory for a thread the next step tries again. */
static bool work_is_done(struct toll_retiree *r)
{
	if (!has_work(r))
		return true;
	if (!r->running) {
		atomic_store(&r->done, false);
		r->running = toll_thread_start(&r->thread, "toll-retire", work, r) == 0;
		return false;
	}
	if (!atomic_load_explicit(&r->done, memory_order_acquire))
		return false;
	pthread_join(r->thread, NULL);
	r->running = false;
	return true;
}

/* ---- one after the other ---- */

static bool is_late(const struct toll_retiree *r)
{
	return toll_clock_mono_ns() >= r->deadline;
}

/* False: this phase has to wait. */
static bool leave_phase(struct toll_retiree *r, const struct toll_graph *current)
{
	switch (r->phase) {
	case NEW:
		begin(r);
		return true;
	case RECEIVERS:
		if (!work_is_done(r))
			return false;
		close_inlets(r);
		r->deadline = toll_clock_mono_ns() + FLOW_NS;
		return true;
	case FLOW:
		/* A client may wait for an exporter longer than that; its batch is past all that
		 * ends here. */
		if (!is_idle(r->graph) && !is_late(r))
			return false;
		end_processing(r);
		name_heirs(r, current);
		return true;
	case EXPORTERS:
		if (!work_is_done(r))
			return false;
		note_stuck(r);
		note_over(r, true);
		return true;
	case LAST_BATCHES:
		return is_idle(r->graph);
	default:
		return true;
	}
}

bool toll_retiree_step(struct toll_retiree *r, const struct toll_graph *current)
{
	while (r->phase != GONE) {
		if (!leave_phase(r, current))
			return false;
		r->phase++;
	}
	return true;
}

void toll_retiree_finish(struct toll_retiree *r, uint64_t deadline)
{
	uint64_t now = toll_clock_mono_ns(), left = deadline > now ? deadline - now : 0;

	if (r->phase == NEW)
		begin(r);
	if (r->running)
		pthread_join(r->thread, NULL); /* it has deadlines of its own */
	r->running = false;
	if (r->phase <= RECEIVERS)
		shutdown_kind(r, TOLL_RECEIVER, now + left / 2);
	close_inlets(r);
	if (r->phase <= FLOW)
		end_processing(r);
	r->stuck |= !toll_graph_settle_spools(r->graph, now + left / 2 + left / 10);
	/* Both are legal twice. */
	end_exporters(r, deadline - left / 5, deadline);
	note_stuck(r);
	note_over(r, true);
	r->phase = GONE;
}

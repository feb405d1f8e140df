/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/generations.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "pipeline/graph_private.h"
#include "pipeline/retire.h"

/* How often is looked whether the oldest graph can go on leaving. */
#define STEP_NS (10 * TOLL_MS)

struct toll_generations {
	struct toll_host *host;
	struct toll_graph *current;
	struct toll_retiree *line[TOLL_GENERATIONS_MAX + 1]; /* the oldest first */
	unsigned count;
	struct toll_timer *timer; /* while somebody is in the line */
	void (*retired)(void *ctx);
	void *ctx;
	bool left_behind;
};

struct toll_generations *toll_generations_new(struct toll_host *h, void (*retired)(void *ctx),
                                              void *ctx)
{
	struct toll_generations *gs = calloc(1, sizeof(*gs));

	if (gs)
		*gs = (struct toll_generations){ .host = h, .retired = retired, .ctx = ctx };
	return gs;
}

struct toll_graph *toll_generations_current(struct toll_generations *gs)
{
	return gs->current;
}

unsigned toll_generations_retiring(const struct toll_generations *gs)
{
	return gs->count;
}

int toll_generations_start(struct toll_generations *gs, struct toll_config *config,
                           struct toll_error *reterr)
{
	int err = toll_graph_build(config, gs->host, &gs->current, reterr);

	if (!err)
		err = toll_graph_start(gs->current, reterr);
	if (err)
		return err;
	toll_graph_tell_orphans(gs->current);
	toll_graph_forget_cursors(gs->current);
	return 0;
}

/* ---- the line of those that retire ---- */

/* New exporters wait for those of their id that are still draining. */
static void release_successors(struct toll_graph *g)
{
	struct toll_graph_part *p;

	TOLL_EACH_PART(p, g, TOLL_EXPORTER)
	{
		if (p->held)
			toll_runner_release(p->runner);
		p->held = false;
	}
}

static void leave_line(struct toll_generations *gs, unsigned at)
{
	gs->left_behind |= toll_retiree_left_behind(gs->line[at]);
	toll_retiree_free(gs->line[at]);
	gs->count--;
	for (unsigned i = at; i < gs->count; i++)
		gs->line[i] = gs->line[i + 1];
}

static void step(void *ctx)
{
	struct toll_generations *gs = ctx;
	unsigned drained = 0;
	bool over = false;

	while (drained < gs->count) {
		if (toll_retiree_step(gs->line[drained], gs->current)) {
			leave_line(gs, drained);
			over = true;
		} else if (toll_retiree_has_drained(gs->line[drained])) {
			drained++;
		} else {
			break;
		}
	}
	/* With several in the line, the last one is whom the newest exporters wait for. */
	if (drained == gs->count)
		release_successors(gs->current);
	if (!gs->count) {
		toll_host_timer_stop(gs->timer);
		gs->timer = NULL;
		toll_graph_forget_cursors(gs->current);
	}
	if (over && gs->retired)
		gs->retired(gs->ctx);
}

static void enter_line(struct toll_generations *gs, struct toll_retiree *r)
{
	gs->line[gs->count++] = r;
	if (!gs->timer)
		gs->timer = toll_host_timer(gs->host, 0, STEP_NS, step, gs);
}

/* ---- from one graph to the next ---- */

/* What the next graph does not have is not found or shown from now on (or again). */
static void hide_leaving(struct toll_graph *g, const struct toll_graph *next, bool hidden)
{
	struct toll_graph_part *p;

	for (int kind = 0; kind < TOLL_KIND_COUNT; kind++)
		TOLL_EACH_PART(p, g, kind)
	if (!toll_graph_has(next, p))
		atomic_store(&p->tag.hidden, hidden);
}

/* Also by way of a graph that had none of that id. */
static bool has_predecessor(const struct toll_generations *gs, const char *id)
{
	bool found = toll_graph_find(gs->current, TOLL_EXPORTER, id);

	for (unsigned i = 0; i < gs->count && !found; i++)
		found = toll_retiree_drains(gs->line[i], id);
	return found;
}

static void hold_successors(const struct toll_generations *gs, struct toll_graph *next)
{
	struct toll_graph_part *p;

	TOLL_EACH_PART(p, next, TOLL_EXPORTER)
	{
		if (p->started || !has_predecessor(gs, p->id.text))
			continue;
		toll_runner_hold(p->runner);
		p->held = true;
	}
}

/* Also of receivers that leave, when another one has their id: what they still take goes the new
 * way. */
static void switch_routes(const struct toll_graph *before, struct toll_graph *next)
{
	for (size_t i = 0; i < next->route_count; i++) {
		struct toll_graph_part *source = next->routes[i].source, *old;

		old = toll_graph_find(before, TOLL_RECEIVER, source->id.text);
		toll_inlet_set(&source->inlet, next->routes[i].route);
		if (old && old != source)
			toll_inlet_set(&old->inlet, next->routes[i].route);
	}
}

static void give_back(struct toll_generations *gs)
{
	struct toll_graph_part *p;

	for (int kind = 0; kind < TOLL_KIND_COUNT; kind++)
		TOLL_EACH_PART(p, gs->current, kind)
	if (p->component)
		toll_host_speaks(gs->host, p->component);
}

/* What had started already may have been given batches: it leaves like any other, exporters that
 * are held as well: once it is their turn. */
static void undo(struct toll_generations *gs, struct toll_graph *next, struct toll_retiree *leaving)
{
	hide_leaving(gs->current, next, false);
	hide_leaving(next, gs->current, true);
	give_back(gs);
	enter_line(gs, leaving);
}

static int start_next(struct toll_generations *gs, struct toll_graph *next,
                      struct toll_error *reterr)
{
	hide_leaving(gs->current, next, true);
	hold_successors(gs, next);
	return toll_graph_start_parts(next, reterr);
}

static void switch_to(struct toll_generations *gs, struct toll_graph *next)
{
	toll_graph_limit_repeats(next);
	switch_routes(gs->current, next);
	toll_graph_limit_spools(next);
	toll_host_metrics_replace(gs->host, &gs->current->metrics, &next->metrics);
	toll_host_show(gs->host, &next->view);
	gs->current->listed = false;
	next->listed = true;
	gs->current = next;
	toll_host_set_started(gs->host, true);
}

/* ---- what has changed, for people ---- */

static void add_name(struct toll_generations_report *r, char sign, const char *who)
{
	size_t len = strlen(r->names);

	snprintf(r->names + len, sizeof(r->names) - len, " %c%s", sign, who);
}

static void report(const struct toll_graph *before, const struct toll_graph *next,
                   struct toll_generations_report *r)
{
	const struct toll_graph_part *p;

	*r = (struct toll_generations_report){ 0 };
	for (int kind = 0; kind < TOLL_KIND_COUNT; kind++) {
		TOLL_EACH_PART(p, next, kind)
		{
			bool was = toll_graph_find(before, (enum toll_kind)kind, p->id.text);
			bool kept = toll_graph_has(before, p);

			r->kept += kept;
			r->changed += was && !kept;
			r->added += !was;
			if (!kept)
				add_name(r, was ? '~' : '+', p->who);
		}
		TOLL_EACH_PART(p, before, kind)
		if (!toll_graph_find(next, (enum toll_kind)kind, p->id.text)) {
			r->removed++;
			add_name(r, '-', p->who);
		}
	}
}

int toll_generations_reload(struct toll_generations *gs, struct toll_config *config,
                            struct toll_generations_report *ret, struct toll_error *reterr)
{
	struct toll_retiree *old = NULL, *failed = NULL;
	struct toll_graph *next = NULL;
	int err;

	if (gs->count >= TOLL_GENERATIONS_MAX)
		return toll_fail(reterr, TOLL_EFULL, "%u graphs are still retiring", gs->count);
	err = toll_graph_build_next(config, gs->host, gs->current, &next, reterr);
	if (err)
		return err;
	old = toll_retiree_new(gs->current);
	failed = toll_retiree_new(next);
	if (!old || !failed) {
		toll_retiree_release(old);
		toll_retiree_release(failed);
		toll_graph_dissolve(next);
		return toll_fail(reterr, TOLL_ENOMEM, "out of memory");
	}
	err = start_next(gs, next, reterr);
	if (err) {
		toll_retiree_release(old);
		undo(gs, next, failed);
		return err;
	}
	toll_retiree_release(failed);
	report(gs->current, next, ret);
	switch_to(gs, next);
	enter_line(gs, old);
	return 0;
}

/* ---- the end ---- */

void toll_generations_shutdown(struct toll_generations *gs, uint64_t deadline_mono_ns)
{
	toll_host_timer_stop(gs->timer);
	gs->timer = NULL;
	if (gs->current)
		toll_graph_shutdown(gs->current, deadline_mono_ns);
	for (unsigned i = 0; i < gs->count; i++)
		toll_retiree_finish(gs->line[i], deadline_mono_ns);
}

bool toll_generations_left_behind(const struct toll_generations *gs)
{
	bool left = gs->left_behind || (gs->current && toll_graph_left_behind(gs->current));

	for (unsigned i = 0; i < gs->count; i++)
		left |= toll_retiree_left_behind(gs->line[i]);
	return left;
}

struct toll_generations *toll_generations_free(struct toll_generations *gs)
{
	if (!gs)
		return NULL;
	toll_host_timer_stop(gs->timer);
	if (gs->current)
		toll_graph_free(gs->current);
	while (gs->count)
		leave_line(gs, 0);
	free(gs);
	return NULL;
}

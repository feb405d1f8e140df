/* SPDX-License-Identifier: Apache-2.0 */
/* graph_spool.c - which pipelines have a journal, and which exporters follow it. */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "config/config.h"
#include "pipeline/graph_private.h"
#include "pipeline/spool.h"

/* ---- the plan ---- */

static struct toll_graph_part *exporter_of(const struct toll_graph *g,
                                           const struct toll_config_component *c)
{
	const struct toll_factory *factory = c->type->owner;

	return factory->kind == TOLL_EXPORTER ? toll_graph_find(g, TOLL_EXPORTER, c->id) : NULL;
}

/* The id of the storage that the pipeline's exporters name, or NULL. That all of them name the same
 * one has been checked. */
static const char *storage_of(const struct toll_graph *g, const struct toll_config_pipeline *p)
{
	const char *found = NULL;

	for (size_t i = 0; i < p->exporter_count && !found; i++) {
		const struct toll_graph_part *e = exporter_of(g, p->exporters[i]);

		found = e ? toll_exporter_storage(&e->set) : NULL;
	}
	return found;
}

/* Clients have heard OK for what is in a journal: it waits for its destination as long as that
 * takes, unless somebody says how long. */
static void be_patient(struct toll_graph_part *e, const struct toll_config_component *c)
{
	if ((e->set.required || toll_exporter_storage(&e->set)) &&
	    !toll_config_given(c, TOLL_PATIENCE))
		e->set.retry_on_failure.max_elapsed_time = 0;
}

static int add_lane(struct toll_graph_part *e, const char *pipeline, const char *storage)
{
	struct toll_graph_lane *grown =
		realloc(e->lanes, (e->lane_count + 1) * sizeof(struct toll_graph_lane));

	if (!grown)
		return TOLL_ENOMEM;
	e->lanes = grown;
	e->lanes[e->lane_count++] =
		(struct toll_graph_lane){ .pipeline = pipeline, .storage = storage };
	return 0;
}

static int plan_pipeline(struct toll_graph *g, size_t at)
{
	const struct toll_config_pipeline *p = &g->config->pipelines[at];
	const char *storage = storage_of(g, p);
	int err = 0;

	g->spools[at].storage = storage;
	for (size_t i = 0; i < p->exporter_count && storage && !err; i++) {
		struct toll_graph_part *e = exporter_of(g, p->exporters[i]);

		if (!e)
			continue;
		be_patient(e, p->exporters[i]);
		err = add_lane(e, p->id, storage);
	}
	return err;
}

int toll_graph_plan_spools(struct toll_graph *g, struct toll_error *reterr)
{
	int err;

	g->spools = calloc(g->config->pipeline_count + 1, sizeof(*g->spools));
	err = g->spools ? 0 : TOLL_ENOMEM;
	for (size_t i = 0; i < g->config->pipeline_count && !err; i++)
		err = plan_pipeline(g, i);
	return err ? toll_fail(reterr, err, "pipelines: out of memory") : 0;
}

bool toll_graph_same_lanes(const struct toll_graph *g, const struct toll_graph *prev,
                           const struct toll_graph_part *old, const struct toll_graph_part *planned)
{
	if (old->lane_count != planned->lane_count)
		return false;
	for (size_t i = 0; i < old->lane_count; i++) {
		const struct toll_graph_lane *a = &old->lanes[i], *b = &planned->lanes[i];

		if (strcmp(a->pipeline, b->pipeline) != 0 || strcmp(a->storage, b->storage) != 0 ||
		    toll_graph_find(g, TOLL_EXTENSION, a->storage) !=
		            toll_graph_find(prev, TOLL_EXTENSION, a->storage))
			return false;
	}
	return true;
}

/* ---- opening ---- */

static int open_spool(struct toll_graph *g, size_t at, struct toll_error *reterr)
{
	struct toll_graph_spool *s = &g->spools[at];
	const char *pipeline = g->config->pipelines[at].id;
	const struct toll_storage *storage;
	struct toll_error why = { 0 };
	int err;

	if (!s->storage)
		return 0;
	storage = toll_host_find(g->host, TOLL_STORAGE, s->storage);
	if (!storage)
		return toll_fail(reterr, TOLL_ECONFIG,
		                 "pipeline %s: service::extensions has no storage \"%s\"", pipeline,
		                 s->storage);
	s->limit = *storage;
	err = toll_spool_open(g->host, storage, pipeline, &s->spool, &why);
	return err ? toll_fail(reterr, err, "pipeline %s: %s", pipeline, why.text) : 0;
}

/* Others are fed from memory: they drop and count what they have no room for. */
static bool has_to_follow(const struct toll_graph_part *e)
{
	return e->set.required || toll_exporter_storage(&e->set) || toll_runner_accounts(e->runner);
}

static struct toll_spool *spool_of(const struct toll_graph *g, const char *pipeline)
{
	for (size_t i = 0; i < g->config->pipeline_count; i++)
		if (strcmp(g->config->pipelines[i].id, pipeline) == 0)
			return g->spools[i].spool;
	return NULL;
}

/* What it keeps of its own lies beside the journals. */
static int lend_directory(const struct toll_graph_part *e, const struct toll_spool *s,
                          struct toll_error *reterr)
{
	struct toll_exporter *x = toll_container_of(e->component, struct toll_exporter, super);
	char *directory;
	int err;

	if (!x->keep_in)
		return 0;
	directory = strndup(s->directory, (size_t)(strrchr(s->directory, '/') - s->directory));
	if (!directory)
		return toll_fail(reterr, TOLL_ENOMEM, "%s: out of memory", e->who);
	err = x->keep_in(x, directory, reterr);
	free(directory);
	return err;
}

static int follow_one(const struct toll_graph_part *e, struct toll_spool *s,
                      struct toll_graph_lane *l, struct toll_error *reterr)
{
	int err = s ? toll_runner_follow(e->runner, s, &l->number) : TOLL_EINTERNAL;

	if (err || !s)
		return toll_fail(reterr, err, "%s: cannot follow the journal: %s", e->who,
		                 toll_err_text(err));
	l->follows = true;
	return lend_directory(e, s, reterr);
}

static int follow(const struct toll_graph *g, struct toll_graph_part *e, struct toll_error *reterr)
{
	int err = 0;

	for (size_t i = 0; i < e->lane_count && !err; i++) {
		struct toll_spool *s = spool_of(g, e->lanes[i].pipeline);

		e->lanes[i].follows = false;
		if (s && has_to_follow(e))
			err = follow_one(e, s, &e->lanes[i], reterr);
	}
	return err;
}

/* ---- routes ---- */

static const struct toll_graph_lane *lane_of(const struct toll_graph *g,
                                             const struct toll_runner *runner, const char *pipeline)
{
	const struct toll_graph_part *p;

	TOLL_EACH_PART(p, g, TOLL_EXPORTER)
	for (size_t i = 0; i < p->lane_count && p->runner == runner; i++)
		if (p->lanes[i].follows && strcmp(p->lanes[i].pipeline, pipeline) == 0)
			return &p->lanes[i];
	return NULL;
}

static void join_route(const struct toll_graph *g, struct toll_route *route)
{
	struct toll_fanout *f = &route->fanout;

	for (size_t i = 0; i < route->count; i++)
		f->spools[i] = g->spools[route->legs[i].chain - g->chains].spool;
	for (size_t i = 0; i < f->count; i++) {
		struct toll_fanout_target *t = &f->targets[i];
		const struct toll_graph_lane *l =
			lane_of(g, t->runner, route->legs[t->batch].chain->id);

		t->follows = l != NULL;
		t->lane = l ? l->number : 0;
	}
}

int toll_graph_open_spools(struct toll_graph *g, struct toll_error *reterr)
{
	struct toll_graph_part *p;
	int err = 0;

	for (size_t i = 0; i < g->config->pipeline_count && !err; i++)
		err = open_spool(g, i, reterr);
	TOLL_EACH_PART(p, g, TOLL_EXPORTER)
	if (!err && !p->started)
		err = follow(g, p, reterr);
	for (size_t i = 0; i < g->route_count && !err; i++)
		join_route(g, g->routes[i].route);
	return err;
}

void toll_graph_limit_spools(struct toll_graph *g)
{
	for (size_t i = 0; i < g->config->pipeline_count; i++)
		if (g->spools[i].spool)
			toll_spool_limit(g->spools[i].spool, &g->spools[i].limit);
}

static bool is_first_of_storage(const struct toll_graph *g, size_t at)
{
	for (size_t i = 0; i < at; i++)
		if (g->spools[i].storage &&
		    strcmp(g->spools[i].storage, g->spools[at].storage) == 0)
			return false;
	return true;
}

void toll_graph_tell_orphans(struct toll_graph *g)
{
	struct toll_spools *all = toll_spools_get(g->host);

	for (size_t i = 0; all && i < g->config->pipeline_count; i++) {
		const struct toll_storage *st;

		if (!g->spools[i].spool || !is_first_of_storage(g, i))
			continue;
		st = toll_host_find(g->host, TOLL_STORAGE, g->spools[i].storage);
		if (st)
			toll_spools_tell_orphans(all, st->directory);
	}
	toll_spools_let_go(g->host, all);
}

/* ---- the end ---- */

bool toll_graph_settle_spools(struct toll_graph *g, uint64_t deadline_mono_ns)
{
	bool settled = true;

	for (size_t i = 0; i < g->config->pipeline_count; i++) {
		const struct toll_graph_spool *s = &g->spools[i];

		if (!s->spool || toll_spool_settle(s->spool, deadline_mono_ns) == 0)
			continue;
		TOLL_FAULT(s->spool->who, "the disk does not come back: left behind");
		settled = false;
	}
	return settled;
}

struct wish {
	const struct toll_graph *graph;
	const struct toll_spool *spool;
};

static bool is_wanted(void *ctx, const char *cursor)
{
	const struct wish *w = ctx;
	const struct toll_graph_part *p = toll_graph_find(w->graph, TOLL_EXPORTER, cursor);

	if (strcmp(cursor, TOLL_SPOOL_REPEATS) == 0)
		return w->spool->repeats != NULL;
	return p && lane_of(w->graph, p->runner, w->spool->pipeline);
}

void toll_graph_forget_cursors(struct toll_graph *g)
{
	for (size_t i = 0; i < g->config->pipeline_count; i++) {
		struct wish w = { g, g->spools[i].spool };

		if (w.spool)
			toll_spool_forget(g->spools[i].spool, is_wanted, &w);
	}
}

void toll_graph_close_spools(struct toll_graph *g, bool left_behind)
{
	for (size_t i = 0; g->spools && !left_behind && i < g->config->pipeline_count; i++)
		toll_spool_let_go(g->host, g->spools[i].spool);
	free(g->spools);
}

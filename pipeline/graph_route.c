/* SPDX-License-Identifier: Apache-2.0 */
/* graph_route.c - what is behind each receiver: its pipelines, those that connectors add, and the
 * exporters of all of them. */
#include <stdlib.h>
#include <string.h>

#include "config/config.h"
#include "pipeline/graph_private.h"
#include "pipeline/once.h"

static int too_many(const struct toll_graph_part *source, struct toll_error *reterr)
{
	return toll_fail(reterr, TOLL_ECONFIG,
	                 "%s: more than %d pipelines, connectors or exporters behind it",
	                 source->who, TOLL_FANOUT_MAX);
}

static bool reads_from(const struct toll_config_pipeline *pipeline, const char *source)
{
	for (size_t i = 0; i < pipeline->receiver_count; i++)
		if (strcmp(pipeline->receivers[i]->id, source) == 0)
			return true;
	return false;
}

/* Every pipeline that begins with `feeder`. from: the leg it goes on from. */
static int add_legs(const struct toll_graph *g, struct toll_route *route,
                    const struct toll_graph_part *feeder, uint32_t from)
{
	uint64_t salt = from == TOLL_LEG_ARRIVED
	                        ? 0
	                        : toll_once_salt(route->legs[from].salt,
	                                         route->legs[from].chain->id, feeder->id.text);
	const struct toll_config *config = g->config;

	for (size_t i = 0; i < config->pipeline_count; i++) {
		if (!reads_from(&config->pipelines[i], feeder->id.text))
			continue;
		if (route->count == TOLL_FANOUT_MAX)
			return TOLL_ECONFIG;
		route->legs[route->count++] = (struct toll_leg){ &g->chains[i], from, salt };
	}
	return 0;
}

static int add_target(struct toll_route *route, uint32_t leg, const struct toll_graph_part *e)
{
	struct toll_fanout *f = &route->fanout;

	if (f->count == TOLL_FANOUT_MAX)
		return TOLL_ECONFIG;
	f->targets[f->count++] = (struct toll_fanout_target){ .runner = e->runner,
		                                              .required = e->set.required,
		                                              .batch = leg };
	return 0;
}

static int add_tap(const struct toll_graph *g, struct toll_route *route, uint32_t leg,
                   const struct toll_graph_part *c)
{
	size_t before = route->count;
	int err;

	if (route->tap_count == TOLL_FANOUT_MAX)
		return TOLL_ECONFIG;
	err = add_legs(g, route, c, leg);
	route->taps[route->tap_count++] =
		(struct toll_tap){ toll_container_of(c->component, struct toll_connector, super),
		                   c->stats, leg, (uint32_t)(route->count - before) };
	return err;
}

/* What the pipeline of one leg ends with. */
static int end_leg(const struct toll_graph *g, struct toll_route *route, uint32_t leg)
{
	size_t at = (size_t)(route->legs[leg].chain - g->chains);
	const struct toll_config_pipeline *pipeline = &g->config->pipelines[at];
	int err = 0;

	for (size_t i = 0; i < pipeline->exporter_count && !err; i++) {
		const struct toll_factory *factory = pipeline->exporters[i]->type->owner;
		const struct toll_graph_part *p =
			toll_graph_find(g, factory->kind, pipeline->exporters[i]->id);

		if (p && p->component)
			err = factory->kind == TOLL_CONNECTOR ? add_tap(g, route, leg, p)
			                                      : add_target(route, leg, p);
	}
	return err;
}

/* The legs found so far are the list of what is still to be done: those that connectors add come
 * behind them. A circle, which the check of the configuration refuses, would end at the maximum. */
static int build_route(struct toll_graph *g, struct toll_graph_part *source,
                       struct toll_error *reterr)
{
	struct toll_route *route = toll_route_new();
	int err;

	if (!route)
		return toll_fail(reterr, TOLL_ENOMEM, "%s: out of memory", source->who);
	route->trace = toll_host_trace(g->host);
	route->recent = toll_host_recent(g->host);
	route->unpriced = toll_host_unpriced(g->host);
	g->routes[g->route_count++] = (struct toll_graph_route){ source, route };
	err = add_legs(g, route, source, TOLL_LEG_ARRIVED);
	for (uint32_t leg = 0; leg < route->count && !err; leg++)
		err = end_leg(g, route, leg);
	route->fanout.batch_count = (uint32_t)route->count;
	return err ? too_many(source, reterr) : 0;
}

int toll_graph_build_routes(struct toll_graph *g, struct toll_error *reterr)
{
	struct toll_graph_part *p;
	int err = 0;

	g->routes = calloc(g->parts[TOLL_RECEIVER].count + 1, sizeof(*g->routes));
	if (!g->routes)
		return toll_fail(reterr, TOLL_ENOMEM, "pipelines: out of memory");
	TOLL_EACH_PART(p, g, TOLL_RECEIVER)
	if (!err)
		err = build_route(g, p, reterr);
	return err;
}

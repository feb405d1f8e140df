/* SPDX-License-Identifier: Apache-2.0 */
/* graph_build.c - configuration -> components, chains and fan-outs; nothing is opened. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "config/config.h"
#include "pipeline/graph_private.h"
#include "pipeline/host.h"

/* ---- parts ---- */

static struct toll_graph_part *find_part(const struct toll_graph *g, enum toll_kind kind,
                                         const char *id)
{
	for (struct toll_graph_part *p = g->parts[kind]; p; p = p->next)
		if (strcmp(p->id.text, id) == 0)
			return p;
	return NULL;
}

/* Appended unlisted and without component; the graph owns it. */
static struct toll_graph_part *add_part(struct toll_graph *g, const struct toll_factory *factory)
{
	struct toll_graph_part *p = calloc(1, sizeof(*p)), **end = &g->parts[factory->kind];

	if (!p)
		return NULL;
	p->factory = factory;
	toll_inlet_init(&p->inlet);
	while (*end)
		end = &(*end)->next;
	*end = p;
	return p;
}

static int create(struct toll_graph *g, struct toll_graph_part *p, struct toll_error *reterr)
{
	const struct toll_settings set = {
		.id = p->id,
		.who = p->who,
		.host = g->host,
		.stats = &p->stats,
		.next = p->factory->kind == TOLL_RECEIVER ? &p->inlet.consumer : NULL,
	};
	struct toll_error why = { 0 };
	int err;

	if (!p->factory->create)
		return 0;
	if (toll_host_stats_add(g->host, p->factory->kind, p->id.text, p->who, &p->stats))
		return toll_fail(reterr, TOLL_ENOMEM, "%s: out of memory", p->who);
	p->listed = true;
	err = p->factory->create(&set, p->config, &p->component, &why);
	return err ? toll_graph_blame(p, err, &why, reterr) : 0;
}

/* A component of the file, once per id. NULL: reterr tells. */
static struct toll_graph_part *
add_named(struct toll_graph *g, const struct toll_config_component *c, struct toll_error *reterr)
{
	const struct toll_factory *factory = c->type->owner;
	struct toll_graph_part *p = find_part(g, factory->kind, c->id);

	if (p)
		return p;
	p = add_part(g, factory);
	if (!p) {
		toll_fail(reterr, TOLL_ENOMEM, "%s: out of memory", c->who);
		return NULL;
	}
	p->id = (struct toll_id){ c->type_name, c->name, c->id };
	p->who = c->who;
	p->config = c->settings;
	return create(g, p, reterr) ? NULL : p;
}

/* A component that no file names. name: "" for none. */
static int add_unnamed(struct toll_graph *g, const struct toll_factory *factory, const char *name,
                       const void *config, struct toll_error *reterr)
{
	const char *kind = toll_kind_name(factory->kind);
	struct toll_graph_part *p = add_part(g, factory);
	char *text = NULL;

	if (!p || asprintf(&text, "%s/%s%s%s", kind, factory->type, *name ? "/" : "", name) < 0)
		return toll_fail(reterr, TOLL_ENOMEM, "%s: out of memory", factory->type);
	p->own_text = text;
	p->who = text;
	p->id.type = factory->type;
	p->id.text = text + strlen(kind) + 1;
	p->id.name = *name ? p->id.text + strlen(factory->type) + 1 : "";
	p->config = config;
	return create(g, p, reterr);
}

static const struct toll_factory *find_extension(const struct toll_config *config, const char *type)
{
	for (const struct toll_config_type *t = config->types; t && t->type; t++)
		if (t->section == TOLL_SECTION_EXTENSIONS && strcmp(t->type, type) == 0)
			return t->owner;
	return NULL;
}

/* ---- extensions ---- */

/* The extensions that a processor's settings bring along. */
static int add_implied(struct toll_graph *g, const struct toll_config_component *c,
                       struct toll_error *reterr)
{
	const struct toll_factory *factory = c->type->owner, *extension;
	const void *config = factory->implied ? factory->implied(c->settings) : NULL;

	if (!config)
		return 0;
	extension = find_extension(g->config, factory->implied_type);
	if (!extension)
		return toll_fail(reterr, TOLL_ECONFIG, "%s: this program has no extension \"%s\"",
		                 c->who, factory->implied_type);
	return add_unnamed(g, extension, c->id, config, reterr);
}

static int add_extensions(struct toll_graph *g, struct toll_error *reterr)
{
	const struct toll_config *config = g->config;
	const struct toll_factory *telemetry = find_extension(config, "telemetry");
	int err = 0;

	for (size_t i = 0; i < config->extension_count; i++)
		if (!add_named(g, config->extensions[i], reterr))
			return reterr->code;
	for (size_t i = 0; i < config->component_count[TOLL_SECTION_PROCESSORS] && !err; i++)
		if (config->components[TOLL_SECTION_PROCESSORS][i].used)
			err = add_implied(g, &config->components[TOLL_SECTION_PROCESSORS][i],
			                  reterr);
	if (!err && telemetry && telemetry->internal)
		err = add_unnamed(g, telemetry, "", &config->telemetry, reterr);
	return err;
}

/* ---- exporters ---- */

static int add_exporter(struct toll_graph *g, const struct toll_config_component *c,
                        struct toll_error *reterr)
{
	const struct toll_factory *factory = c->type->owner;
	struct toll_graph_part *p;

	if (factory->kind != TOLL_EXPORTER)
		return toll_fail(reterr, TOLL_ECONFIG, "%s: connectors are not supported yet",
		                 c->who);
	p = add_named(g, c, reterr);
	if (!p)
		return reterr->code;
	memcpy(&p->set, (const char *)p->config + factory->exporter_settings, sizeof(p->set));
	return 0;
}

/* A pipeline's batch processor decides for its exporters, but not over what they say themselves. */
static void fold(struct toll_graph_part *exporter, const struct toll_config_component *batch,
                 const struct toll_graph_part *by)
{
	struct toll_batch_settings *set = &exporter->set.sending_queue.batch, new = *set;
	const struct toll_factory *factory = batch->type->owner;

	if (set->enabled && !exporter->folded_by) {
		TOLL_WARN(exporter->who, "keeps its own sending_queue::batch, not that of %s",
		          batch->who);
		return;
	}
	factory->fold(batch->settings, &new);
	if (exporter->folded_by && exporter->folded_by != by) {
		TOLL_WARN(exporter->who, "is in two pipelines: %s decides its batches, not %s",
		          exporter->folded_by->who, batch->who);
		return;
	}
	*set = new;
	exporter->folded_by = by;
}

static int fold_pipeline(struct toll_graph *g, const struct toll_config_pipeline *pipeline,
                         struct toll_error *reterr)
{
	for (size_t i = 0; i < pipeline->processor_count; i++) {
		const struct toll_config_component *c = pipeline->processors[i];
		const struct toll_factory *factory = c->type->owner;
		struct toll_graph_part *by;

		if (!factory->fold)
			continue;
		by = add_named(g, c, reterr);
		if (!by)
			return reterr->code;
		for (size_t j = 0; j < pipeline->exporter_count; j++) {
			struct toll_graph_part *e =
				find_part(g, TOLL_EXPORTER, pipeline->exporters[j]->id);

			if (e)
				fold(e, c, by);
		}
	}
	return 0;
}

static int add_runners(struct toll_graph *g, struct toll_error *reterr)
{
	for (struct toll_graph_part *p = g->parts[TOLL_EXPORTER]; p; p = p->next) {
		struct toll_exporter *e =
			toll_container_of(p->component, struct toll_exporter, super);

		p->runner = toll_runner_new(e, &p->set);
		if (!p->runner)
			return toll_fail(reterr, TOLL_ENOMEM, "%s: out of memory", p->who);
	}
	return 0;
}

static int add_exporters(struct toll_graph *g, struct toll_error *reterr)
{
	const struct toll_config *config = g->config;
	int err = 0;

	for (size_t i = 0; i < config->pipeline_count; i++)
		for (size_t j = 0; j < config->pipelines[i].exporter_count && !err; j++)
			err = add_exporter(g, config->pipelines[i].exporters[j], reterr);
	for (size_t i = 0; i < config->pipeline_count && !err; i++)
		err = fold_pipeline(g, &config->pipelines[i], reterr);
	return err ? err : add_runners(g, reterr);
}

/* ---- processors ---- */

static int build_chain(struct toll_graph *g, const struct toll_config_pipeline *pipeline,
                       struct toll_chain *chain, struct toll_error *reterr)
{
	chain->id = pipeline->id;
	chain->tally = &g->tallies[chain - g->chains];
	toll_tally_init(chain->tally, pipeline->id);
	chain->stages = calloc(pipeline->processor_count + 1, sizeof(*chain->stages));
	if (!chain->stages)
		return toll_fail(reterr, TOLL_ENOMEM, "%s: out of memory", pipeline->id);
	for (size_t i = 0; i < pipeline->processor_count; i++) {
		struct toll_graph_part *p = add_named(g, pipeline->processors[i], reterr);

		if (!p)
			return reterr->code;
		if (p->component)
			chain->stages[chain->count++] = (struct toll_stage){
				toll_container_of(p->component, struct toll_processor, super),
				&p->stats,
			};
	}
	return 0;
}

static void write_tallies(struct toll_metrics_source *self, struct toll_metrics_writer *w)
{
	struct toll_graph *g = toll_container_of(self, struct toll_graph, metrics);

	toll_tally_write(w, g->tallies, g->chain_count);
}

static int build_chains(struct toll_graph *g, struct toll_error *reterr)
{
	const struct toll_config *config = g->config;
	int err = 0;

	g->chains = calloc(config->pipeline_count + 1, sizeof(*g->chains));
	g->tallies = calloc(config->pipeline_count + 1, sizeof(*g->tallies));
	if (!g->chains || !g->tallies)
		return toll_fail(reterr, TOLL_ENOMEM, "pipelines: out of memory");
	g->chain_count = config->pipeline_count;
	for (size_t i = 0; i < config->pipeline_count && !err; i++)
		err = build_chain(g, &config->pipelines[i], &g->chains[i], reterr);
	return err;
}

/* ---- receivers ---- */

static bool reads_from(const struct toll_config_pipeline *pipeline, const char *receiver)
{
	for (size_t i = 0; i < pipeline->receiver_count; i++)
		if (strcmp(pipeline->receivers[i]->id, receiver) == 0)
			return true;
	return false;
}

static int add_targets(struct toll_graph *g, const struct toll_config_pipeline *pipeline,
                       struct toll_graph_part *receiver, struct toll_error *reterr)
{
	struct toll_fanout *f = &receiver->inlet.fanout;

	for (size_t i = 0; i < pipeline->exporter_count; i++) {
		const struct toll_graph_part *e =
			find_part(g, TOLL_EXPORTER, pipeline->exporters[i]->id);

		if (f->count == TOLL_FANOUT_MAX)
			return toll_fail(reterr, TOLL_ECONFIG,
			                 "%s: more than %d exporters behind one receiver",
			                 receiver->who, TOLL_FANOUT_MAX);
		if (!e)
			continue;
		f->targets[f->count++] =
			(struct toll_fanout_target){ e->runner, e->set.required,
			                             (uint32_t)receiver->inlet.count };
	}
	return 0;
}

/* A pipeline without exporters cannot be: as many pipelines as targets at most. */
static int connect_receiver(struct toll_graph *g, struct toll_graph_part *receiver,
                            struct toll_error *reterr)
{
	const struct toll_config *config = g->config;

	for (size_t i = 0; i < config->pipeline_count; i++) {
		struct toll_inlet *in = &receiver->inlet;
		int err;

		if (!reads_from(&config->pipelines[i], receiver->id.text))
			continue;
		if (in->count == TOLL_FANOUT_MAX)
			return toll_fail(reterr, TOLL_ECONFIG, "%s: is in too many pipelines",
			                 receiver->who);
		err = add_targets(g, &config->pipelines[i], receiver, reterr);
		if (err)
			return err;
		in->chains[in->count++] = &g->chains[i];
	}
	return 0;
}

static int add_receivers(struct toll_graph *g, struct toll_error *reterr)
{
	const struct toll_config *config = g->config;
	int err = 0;

	for (size_t i = 0; i < config->pipeline_count; i++)
		for (size_t j = 0; j < config->pipelines[i].receiver_count; j++)
			if (!add_named(g, config->pipelines[i].receivers[j], reterr))
				return reterr->code;
	for (struct toll_graph_part *p = g->parts[TOLL_RECEIVER]; p && !err; p = p->next)
		err = connect_receiver(g, p, reterr);
	return err;
}

/* ---- all of it ---- */

int toll_graph_build(const struct toll_config *config, struct toll_host *host,
                     struct toll_graph **ret, struct toll_error *reterr)
{
	struct toll_graph *g = calloc(1, sizeof(*g));
	struct toll_error own;
	int err;

	if (!reterr)
		reterr = &own;
	if (!g)
		return toll_fail(reterr, TOLL_ENOMEM, "graph: out of memory");
	g->host = host;
	g->config = config;
	err = add_extensions(g, reterr);
	if (!err)
		err = add_exporters(g, reterr);
	if (!err)
		err = build_chains(g, reterr);
	if (!err)
		err = add_receivers(g, reterr);
	if (err)
		return toll_graph_free(g), err;
	g->metrics.collect = write_tallies;
	toll_host_metrics_add(host, &g->metrics);
	*ret = g;
	return 0;
}

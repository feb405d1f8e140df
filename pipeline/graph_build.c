/* SPDX-License-Identifier: Apache-2.0 */
/* graph_build.c - configuration -> components and chains; nothing is opened. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "config/config.h"
#include "pipeline/graph_private.h"
#include "pipeline/host.h"

/* ---- parts: planned, then created or moved from the running graph ---- */

struct toll_graph_part *toll_graph_find(const struct toll_graph *g, enum toll_kind kind,
                                        const char *id)
{
	struct toll_graph_part *p;

	TOLL_EACH_PART(p, g, kind)
	if (strcmp(p->id.text, id) == 0)
		return p;
	return NULL;
}

bool toll_graph_has(const struct toll_graph *g, const struct toll_graph_part *part)
{
	const struct toll_graph_part *p;

	for (int kind = 0; kind < TOLL_KIND_COUNT; kind++)
		TOLL_EACH_PART(p, g, kind)
	if (p == part)
		return true;
	return false;
}

/* Appended, without id and component; the graph owns it. */
static struct toll_graph_part *plan(struct toll_graph *g, const struct toll_factory *factory,
                                    const void *config)
{
	struct toll_graph_parts *list = &g->parts[factory->kind];
	size_t room = list->room ? 2 * list->room : 8;
	struct toll_graph_part **grown;

	if (list->count == list->room) {
		grown = realloc(list->at, room * sizeof(struct toll_graph_part *));
		if (!grown)
			return NULL;
		list->at = grown;
		list->room = room;
	}
	list->at[list->count] = toll_graph_part_new(g->host, g->config, factory, config);
	return list->at[list->count] ? list->at[list->count++] : NULL;
}

/* A component of the file, once per id. NULL: reterr tells. */
static struct toll_graph_part *
plan_named(struct toll_graph *g, const struct toll_config_component *c, struct toll_error *reterr)
{
	const struct toll_factory *factory = c->type->owner;
	struct toll_graph_part *p = toll_graph_find(g, factory->kind, c->id);

	if (p)
		return p;
	p = plan(g, factory, c->settings);
	if (!p) {
		toll_fail(reterr, TOLL_ENOMEM, "%s: out of memory", c->who);
		return NULL;
	}
	p->id = (struct toll_id){ c->type_name, c->name, c->id };
	p->who = c->who;
	return p;
}

static int plan_list(struct toll_graph *g, struct toll_config_component *const *list, size_t count,
                     struct toll_error *reterr)
{
	for (size_t i = 0; i < count; i++)
		if (!plan_named(g, list[i], reterr))
			return reterr->code;
	return 0;
}

/* A component that no file names. name: "" for none. */
static int plan_unnamed(struct toll_graph *g, const struct toll_factory *factory, const char *name,
                        const void *config, struct toll_error *reterr)
{
	const char *kind = toll_kind_name(factory->kind);
	struct toll_graph_part *p;
	char *text = NULL;

	if (asprintf(&text, "%s/%s%s%s", kind, factory->type, *name ? "/" : "", name) < 0)
		return toll_fail(reterr, TOLL_ENOMEM, "%s: out of memory", factory->type);
	p = plan(g, factory, config);
	if (!p) {
		free(text);
		return toll_fail(reterr, TOLL_ENOMEM, "%s: out of memory", factory->type);
	}
	p->own_text = text;
	p->who = text;
	p->id.type = factory->type;
	p->id.text = text + strlen(kind) + 1;
	p->id.name = *name ? p->id.text + strlen(factory->type) + 1 : "";
	return 0;
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
static int plan_implied(struct toll_graph *g, const struct toll_config_component *c,
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
	return plan_unnamed(g, extension, c->id, config, reterr);
}

static int plan_extensions(struct toll_graph *g, struct toll_error *reterr)
{
	const struct toll_config *config = g->config;
	const struct toll_factory *telemetry = find_extension(config, "telemetry");
	int err = plan_list(g, config->extensions, config->extension_count, reterr);

	for (size_t i = 0; i < config->component_count[TOLL_SECTION_PROCESSORS] && !err; i++)
		if (config->components[TOLL_SECTION_PROCESSORS][i].used)
			err = plan_implied(g, &config->components[TOLL_SECTION_PROCESSORS][i],
			                   reterr);
	if (!err && telemetry && telemetry->internal)
		err = plan_unnamed(g, telemetry, "", &config->telemetry, reterr);
	return err;
}

/* ---- batches ---- */

/* A pipeline's batch processor decides for its exporters, but not over what they say themselves. */
static void fold(struct toll_graph_part *exporter, const struct toll_graph_part *batch)
{
	struct toll_batch_settings *set = &exporter->set.sending_queue.batch, new = *set;

	if (set->enabled && !exporter->folded_by) {
		TOLL_WARN(exporter->who, "keeps its own sending_queue::batch, not that of %s",
		          batch->who);
		return;
	}
	batch->factory->fold(batch->config, &new);
	if (exporter->folded_by && exporter->folded_by != batch) {
		TOLL_WARN(exporter->who, "is in two pipelines: %s decides its batches, not %s",
		          exporter->folded_by->who, batch->who);
		return;
	}
	*set = new;
	exporter->folded_by = batch;
}

static void fold_pipeline(struct toll_graph *g, const struct toll_config_pipeline *pipeline)
{
	for (size_t i = 0; i < pipeline->processor_count; i++) {
		struct toll_graph_part *p =
			toll_graph_find(g, TOLL_PROCESSOR, pipeline->processors[i]->id);

		if (!p || !p->factory->fold)
			continue;
		for (size_t j = 0; j < pipeline->exporter_count; j++) {
			struct toll_graph_part *e =
				toll_graph_find(g, TOLL_EXPORTER, pipeline->exporters[j]->id);

			if (e)
				fold(e, p);
		}
	}
}

/* ---- the plan, and making it true ---- */

static int plan_all(struct toll_graph *g, struct toll_error *reterr)
{
	const struct toll_config *config = g->config;
	int err = plan_extensions(g, reterr);

	for (size_t i = 0; i < config->pipeline_count && !err; i++) {
		const struct toll_config_pipeline *p = &config->pipelines[i];

		err = plan_list(g, p->exporters, p->exporter_count, reterr);
		if (!err)
			err = plan_list(g, p->processors, p->processor_count, reterr);
		if (!err)
			err = plan_list(g, p->receivers, p->receiver_count, reterr);
	}
	for (size_t i = 0; i < config->pipeline_count && !err; i++)
		fold_pipeline(g, &config->pipelines[i]);
	return err;
}

static int create_parts(struct toll_graph *g, const struct toll_graph *prev, enum toll_kind kind,
                        struct toll_error *reterr)
{
	struct toll_graph_parts *list = &g->parts[kind];
	int err = 0;

	for (size_t i = 0; i < list->count && !err; i++) {
		struct toll_graph_part *old = toll_graph_adoptable(g, prev, list->at[i]);

		if (!old) {
			err = toll_graph_part_create(list->at[i], reterr);
			continue;
		}
		toll_graph_part_unref(list->at[i]);
		list->at[i] = old;
		old->refs++;
	}
	return err;
}

static int create_all(struct toll_graph *g, const struct toll_graph *prev,
                      struct toll_error *reterr)
{
	int err = 0;

	for (size_t i = 0; i < TOLL_KIND_COUNT && !err; i++)
		err = create_parts(g, prev, toll_graph_start_order[i], reterr);
	return err;
}

/* ---- chains ---- */

/* A pipeline that keeps its id goes on counting. */
static struct toll_tally *find_tally(const struct toll_graph *prev, const char *pipeline)
{
	for (size_t i = 0; prev && i < prev->chain_count; i++)
		if (strcmp(prev->tallies[i]->pipeline, pipeline) == 0)
			return toll_tally_ref(prev->tallies[i]);
	return toll_tally_new(pipeline);
}

static int build_chain(struct toll_graph *g, const struct toll_graph *prev,
                       const struct toll_config_pipeline *pipeline, struct toll_error *reterr)
{
	struct toll_chain *chain = &g->chains[g->chain_count];

	chain->id = pipeline->id;
	chain->tally = g->tallies[g->chain_count] = find_tally(prev, pipeline->id);
	chain->stages = calloc(pipeline->processor_count + 1, sizeof(*chain->stages));
	if (!chain->tally || !chain->stages) {
		toll_tally_unref(chain->tally);
		free(chain->stages);
		return toll_fail(reterr, TOLL_ENOMEM, "%s: out of memory", pipeline->id);
	}
	g->chain_count++;
	for (size_t i = 0; i < pipeline->processor_count; i++) {
		const struct toll_graph_part *p =
			toll_graph_find(g, TOLL_PROCESSOR, pipeline->processors[i]->id);

		if (p && p->component)
			chain->stages[chain->count++] = (struct toll_stage){
				toll_container_of(p->component, struct toll_processor, super),
				p->stats,
			};
	}
	return 0;
}

static void write_tallies(struct toll_metrics_source *self, struct toll_metrics_writer *w)
{
	struct toll_graph *g = toll_container_of(self, struct toll_graph, metrics);

	toll_tally_write(w, g->tallies, g->chain_count);
	toll_graph_write_repeats(g, w);
}

static int print_view(struct toll_host_view *self, enum toll_view_format format, FILE *out)
{
	return toll_graph_print(toll_container_of(self, struct toll_graph, view), format, out);
}

static int build_chains(struct toll_graph *g, const struct toll_graph *prev,
                        struct toll_error *reterr)
{
	const struct toll_config *config = g->config;
	int err = 0;

	g->chains = calloc(config->pipeline_count + 1, sizeof(*g->chains));
	g->tallies = calloc(config->pipeline_count + 1, sizeof(struct toll_tally *));
	if (!g->chains || !g->tallies)
		return toll_fail(reterr, TOLL_ENOMEM, "pipelines: out of memory");
	for (size_t i = 0; i < config->pipeline_count && !err; i++)
		err = build_chain(g, prev, &config->pipelines[i], reterr);
	return err;
}

/* ---- all of it ---- */

int toll_graph_build_next(struct toll_config *config, struct toll_host *host,
                          const struct toll_graph *prev, struct toll_graph **ret,
                          struct toll_error *reterr)
{
	struct toll_graph *g = calloc(1, sizeof(*g));
	struct toll_error own;
	int err;

	if (!reterr)
		reterr = &own;
	if (!g)
		return toll_fail(reterr, TOLL_ENOMEM, "graph: out of memory");
	g->host = host;
	g->config = toll_config_ref(config);
	g->metrics.collect = write_tallies;
	g->view.print = print_view;
	err = plan_all(g, reterr);
	if (!err)
		err = toll_graph_plan_spools(g, reterr);
	if (!err)
		err = toll_graph_plan_sources(g, reterr);
	if (!err)
		err = create_all(g, prev, reterr);
	if (!err)
		err = build_chains(g, prev, reterr);
	if (!err)
		err = toll_graph_build_routes(g, reterr);
	if (err)
		return toll_graph_dissolve(g), err;
	*ret = g;
	return 0;
}

int toll_graph_build(struct toll_config *config, struct toll_host *host, struct toll_graph **ret,
                     struct toll_error *reterr)
{
	return toll_graph_build_next(config, host, NULL, ret, reterr);
}

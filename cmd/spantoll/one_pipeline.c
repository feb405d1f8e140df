/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/spantoll/one_pipeline.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "pipeline/factory.h"
#include "pipeline/graph.h"
#include "pipeline/host.h"
#include "pipeline/recent.h"
#include "prices/settings.h"
#include "proto/otlp_decode.h"
#include "proto/otlp_json_decode.h"

#define READY_NS (15 * TOLL_S) /* prices by network have 5 s an attempt */
#define KEPT     ((size_t)1 << 30)

struct toll_one_pipeline {
	struct toll_config_pipeline pipeline;
	struct toll_config_component *receivers[1], *exporters[1];
	struct toll_config_component **extensions;
	struct toll_host *host;
	struct toll_graph *graph;
	struct toll_consumer *inlet;
};

/* ---- in place of receivers: hands out its consumer ---- */

static int inlet_start(struct toll_component *c, struct toll_error *reterr)
{
	struct toll_receiver *r = toll_container_of(c, struct toll_receiver, super);
	int err = toll_host_publish(c->host, "inlet", c->id.text, r->next);

	return err ? toll_fail(reterr, err, "out of memory") : 0;
}

static void inlet_shutdown(struct toll_component *c, uint64_t deadline_mono_ns TOLL_UNUSED)
{
	toll_host_withdraw(c->host, toll_container_of(c, struct toll_receiver, super)->next);
}

static void inlet_free(struct toll_component *c)
{
	free(toll_container_of(c, struct toll_receiver, super));
}

static int inlet_create(const struct toll_settings *set, const void *config TOLL_UNUSED,
                        struct toll_component **ret, struct toll_error *reterr)
{
	static const struct toll_component_ops ops = { inlet_start, inlet_shutdown, inlet_free };
	struct toll_receiver *r = calloc(1, sizeof(*r));

	if (!r)
		return toll_fail(reterr, TOLL_ENOMEM, "out of memory");
	toll_component_init(&r->super, &ops, set);
	r->next = set->next;
	*ret = &r->super;
	return 0;
}

static const struct toll_field no_fields[] = { TOLL_FIELD_END };

static const struct toll_factory inlet_factory = { .kind = TOLL_RECEIVER,
	                                           .type = "inlet",
	                                           .internal = true,
	                                           .fields = no_fields,
	                                           .create = inlet_create };

static const struct toll_config_type inlet_type = { .section = TOLL_SECTION_RECEIVERS,
	                                            .type = "inlet",
	                                            .fields = no_fields,
	                                            .owner = &inlet_factory,
	                                            .internal = true };

/* ---- the configuration, cut down ---- */

static bool has_cost(const struct toll_config_pipeline *p)
{
	for (size_t i = 0; i < p->processor_count; i++)
		if (strcmp(p->processors[i]->type_name, "cost") == 0)
			return true;
	return false;
}

static const struct toll_config_pipeline *choose(const struct toll_config *c, const char *id)
{
	for (size_t i = 0; i < c->pipeline_count; i++)
		if (id ? strcmp(c->pipelines[i].id, id) == 0 : has_cost(&c->pipelines[i]))
			return &c->pipelines[i];
	return NULL;
}

static const struct toll_config_type *type_named(const struct toll_config *c,
                                                 enum toll_section section, const char *name)
{
	const struct toll_config_type *t = c->types;

	while (t->type && (t->section != section || strcmp(t->type, name) != 0))
		t++;
	return t->type ? t : NULL;
}

static int keep_pricebooks(struct toll_one_pipeline *p, struct toll_config *c)
{
	size_t kept = 0;

	p->extensions = calloc(c->extension_count + 1, sizeof(struct toll_config_component *));
	if (!p->extensions)
		return TOLL_ENOMEM;
	for (size_t i = 0; i < c->extension_count; i++)
		if (strcmp(c->extensions[i]->type_name, "pricebook") == 0)
			p->extensions[kept++] = c->extensions[i];
	c->extensions = p->extensions;
	c->extension_count = kept;
	return 0;
}

static int cut_down(struct toll_one_pipeline *p, struct toll_config *c, const char *id,
                    struct toll_error *reterr)
{
	const struct toll_config_pipeline *chosen = choose(c, id);

	if (!chosen)
		return toll_fail(reterr, TOLL_ECONFIG,
		                 id ? "there is no pipeline \"%s\""
		                    : "no pipeline has a processor cost",
		                 id);
	p->pipeline = *chosen;
	p->receivers[0] = toll_config_implicit(c, &inlet_type, "");
	p->exporters[0] = toll_config_implicit(c, type_named(c, TOLL_SECTION_EXPORTERS, "nop"), "");
	if (!p->receivers[0] || !p->exporters[0] || keep_pricebooks(p, c) < 0)
		return toll_fail(reterr, TOLL_ENOMEM, "out of memory");
	p->pipeline.receivers = p->receivers;
	p->pipeline.exporters = p->exporters;
	p->pipeline.receiver_count = p->pipeline.exporter_count = 1;
	c->pipelines = &p->pipeline;
	c->pipeline_count = 1;
	c->telemetry.metrics_enabled = false;
	return 0;
}

/* ---- life ---- */

static bool comes_by_network(const void *settings)
{
	const struct toll_prices_settings *prices = settings;

	return prices && prices->endpoint.len;
}

/* Files have been read when the graph has started, or never will be. */
static bool any_by_network(const struct toll_one_pipeline *p, const struct toll_config *c)
{
	for (size_t i = 0; i < c->extension_count; i++)
		if (comes_by_network(p->extensions[i]->settings))
			return true;
	for (size_t i = 0; i < p->pipeline.processor_count; i++) {
		const struct toll_factory *f = p->pipeline.processors[i]->type->owner;

		if (f->implied && comes_by_network(f->implied(p->pipeline.processors[i]->settings)))
			return true;
	}
	return false;
}

/* Nothing tells of it outside the loop, which does not run here. */
static int wait_for_prices(struct toll_one_pipeline *p, const struct toll_config *c,
                           struct toll_error *reterr)
{
	uint64_t deadline = toll_clock_mono_ns() + (any_by_network(p, c) ? READY_NS : 0);

	toll_host_set_started(p->host, true);
	while (!toll_host_ready(p->host)) {
		if (toll_clock_mono_ns() > deadline)
			return toll_fail(reterr, TOLL_ETIMEOUT, "there are no prices, see above");
		nanosleep(&(struct timespec){ .tv_nsec = 10L * 1000 * 1000 }, NULL);
	}
	return 0;
}

static int start(struct toll_one_pipeline *p, struct toll_config *c, struct toll_error *reterr)
{
	int err;

	p->host = toll_host_new();
	if (!p->host)
		return toll_fail(reterr, TOLL_ENOMEM, "out of memory");
	toll_recent_watch(toll_host_recent(p->host), KEPT);
	err = toll_graph_build(c, p->host, &p->graph, reterr);
	if (!err)
		err = toll_graph_start(p->graph, reterr);
	if (err)
		return err;
	p->inlet = toll_host_find(p->host, "inlet", NULL);
	return wait_for_prices(p, c, reterr);
}

int toll_one_pipeline_new(struct toll_config *config, const char *id,
                          struct toll_one_pipeline **ret, struct toll_error *reterr)
{
	struct toll_one_pipeline *p = calloc(1, sizeof(*p));
	int err;

	if (!p)
		return toll_fail(reterr, TOLL_ENOMEM, "out of memory");
	err = cut_down(p, config, id, reterr);
	if (!err)
		err = start(p, config, reterr);
	if (err) {
		toll_one_pipeline_free(p);
		return err;
	}
	*ret = p;
	return 0;
}

struct toll_one_pipeline *toll_one_pipeline_free(struct toll_one_pipeline *p)
{
	if (!p)
		return NULL;
	if (p->graph) {
		toll_graph_shutdown(p->graph, toll_clock_mono_ns() + TOLL_S);
		toll_graph_free(p->graph);
	}
	toll_host_free(p->host);
	free(p->extensions);
	free(p);
	return NULL;
}

/* ---- one request ---- */

static int batch_of(struct toll_slice wire, struct toll_batch **ret, struct toll_error *reterr)
{
	const char *why = NULL;
	char *room;
	int err = toll_batch_new(wire.len, NULL, &room, ret);

	if (err)
		return toll_fail(reterr, err, "out of memory");
	if (wire.len)
		memcpy(room, wire.ptr, wire.len);
	(*ret)->received_wall_ms = toll_clock_wall_ns() / TOLL_MS;
	err = toll_otlp_decode(*ret, &why);
	if (!err)
		return 0;
	*ret = toll_batch_unref(*ret);
	return toll_fail(reterr, err, "not an OTLP request: %s", why ? why : toll_err_text(err));
}

static int batch_of_json(struct toll_slice json, struct toll_batch **ret, struct toll_error *reterr)
{
	size_t room = TOLL_OTLP_JSON_ROOM(json.len), len = 0;
	char *text = malloc(json.len + 1), *wire = malloc(room);
	int err = text && wire ? 0 : TOLL_ENOMEM;

	if (err) {
		toll_fail(reterr, err, "out of memory");
	} else {
		memcpy(text, json.ptr, json.len);
		err = toll_otlp_json_decode(text, json.len, wire, room, &len, reterr);
	}
	if (!err)
		err = batch_of(toll_slice(wire, len), ret, reterr);
	free(text);
	free(wire);
	return err;
}

static bool take_newest(void *ctx, struct toll_batch *b)
{
	*(struct toll_batch **)ctx = toll_batch_ref(b);
	return false;
}

struct waiting {
	struct toll_ack ack;
	int err;
};

/* Admission to the queue of nop: before consume() returns. */
static void admitted(struct toll_ack *ack, int err)
{
	toll_container_of(ack, struct waiting, ack)->err = err;
}

int toll_one_pipeline_run(struct toll_one_pipeline *p, struct toll_slice request,
                          struct toll_batch **ret_batch, struct toll_error *reterr)
{
	struct waiting w = { .ack = { .done = admitted } };
	struct toll_batch *arrived;
	int err = request.len && request.ptr[0] == '{' ? batch_of_json(request, &arrived, reterr)
	                                               : batch_of(request, &arrived, reterr);

	if (err)
		return err;
	p->inlet->consume(p->inlet, arrived, &w.ack);
	toll_batch_unref(arrived);
	if (w.err)
		return toll_fail(reterr, w.err, "a processor refused it: %s", toll_err_text(w.err));
	*ret_batch = NULL;
	toll_recent_each(toll_host_recent(p->host), take_newest, ret_batch);
	return *ret_batch ? 0 : toll_fail(reterr, TOLL_ETOOBIG, "the request is too large");
}

/* SPDX-License-Identifier: Apache-2.0 */
/* graph_part.c - one component's life: created, started, shut down, freed with the last graph. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "config/config.h"
#include "pipeline/graph_private.h"

/* So that the operator reads which component failed, whatever it says itself. */
static int blame(const struct toll_graph_part *p, int err, const struct toll_error *why,
                 struct toll_error *reterr)
{
	if (strncmp(why->text, p->who, strlen(p->who)) == 0)
		return toll_fail(reterr, err, "%s", why->text);
	return toll_fail(reterr, err, "%s: %s", p->who,
	                 why->text[0] ? why->text : toll_err_text(err));
}

struct toll_graph_part *toll_graph_part_new(struct toll_host *h, struct toll_config *lender,
                                            const struct toll_factory *factory, const void *config)
{
	struct toll_graph_part *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->refs = 1;
	p->host = h;
	p->factory = factory;
	p->lender = toll_config_ref(lender);
	p->config = config;
	toll_inlet_init(&p->inlet);
	if (factory->kind == TOLL_EXPORTER)
		memcpy(&p->set, (const char *)config + factory->exporter_settings, sizeof(p->set));
	return p;
}

static int create_runner(struct toll_graph_part *p, struct toll_error *reterr)
{
	struct toll_exporter *e = toll_container_of(p->component, struct toll_exporter, super);

	p->runner = toll_runner_new(e, &p->set);
	return p->runner ? 0 : toll_fail(reterr, TOLL_ENOMEM, "%s: out of memory", p->who);
}

int toll_graph_part_create(struct toll_graph_part *p, struct toll_error *reterr)
{
	struct toll_settings set = {
		.id = p->id,
		.who = p->who,
		.host = p->host,
		.next = p->factory->kind == TOLL_RECEIVER ? &p->inlet.consumer : NULL,
		.source = p->source,
	};
	struct toll_error why = { 0 };
	int err;

	if (!p->factory->create)
		return 0;
	p->stats = toll_host_stats_ref(p->host, p->factory->kind, p->id.text, p->who);
	if (!p->stats)
		return toll_fail(reterr, TOLL_ENOMEM, "%s: out of memory", p->who);
	set.stats = p->stats;
	err = p->factory->create(&set, p->config, &p->component, &why);
	if (err)
		return blame(p, err, &why, reterr);
	return p->factory->kind == TOLL_EXPORTER ? create_runner(p, reterr) : 0;
}

int toll_graph_part_start(struct toll_graph_part *p, struct toll_error *reterr)
{
	struct toll_component *c = p->component;
	struct toll_error why = { 0 };
	int err = 0;

	if (!c || p->started)
		return 0;
	p->started = true; /* also when it fails: what it has begun is undone by shutdown */
	toll_host_speaks(p->host, c);
	toll_host_starts(p->host, &p->tag);
	if (c->ops->start)
		err = c->ops->start(c, &why);
	if (!err && p->runner)
		err = toll_runner_start(p->runner);
	toll_host_starts(p->host, NULL);
	return err ? blame(p, err, &why, reterr) : 0;
}

void toll_graph_part_shutdown(struct toll_graph_part *p, uint64_t deadline_mono_ns)
{
	if (p->started && p->component->ops->shutdown &&
	    !(p->runner && toll_runner_stuck(p->runner)))
		p->component->ops->shutdown(p->component, deadline_mono_ns);
	p->started = false;
}

void toll_graph_part_unref(struct toll_graph_part *p)
{
	if (--p->refs)
		return;
	if (p->runner && toll_runner_stuck(p->runner))
		return; /* its thread may use any of it */
	toll_inlet_set(&p->inlet, NULL);
	if (p->runner)
		toll_runner_drain(p->runner, 0); /* over, or never begun */
	if (p->component)
		p->component->ops->free(p->component);
	p->runner = toll_runner_free(p->runner);
	if (p->stats)
		toll_host_stats_unref(p->host, p->stats);
	free(p->lanes);
	free(p->source);
	free(p->own_text);
	toll_config_free(p->lender);
	free(p);
}

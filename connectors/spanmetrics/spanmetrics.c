/* SPDX-License-Identifier: Apache-2.0 */
/* spanmetrics - calls, durations and dollars of what passes, on the daemon's metrics page. */
#include <stdlib.h>

#include "base/clock.h"
#include "connectors/spanmetrics/plan.h"
#include "connectors/spanmetrics/series.h"
#include "connectors/spanmetrics/text.h"
#include "pipeline/factory.h"
#include "pipeline/host.h"
#include "proto/sampling.h"

#define SERIES_MAX 10000

struct spanmetrics {
	struct toll_connector super;
	struct toll_metrics_source metrics;
	struct toll_spanmetrics_plan *plan;
	struct toll_span_series_store *store;
	bool listed; /* metrics, with the host */
};

static void observe(struct toll_connector *c, const struct toll_batch *b)
{
	struct spanmetrics *m = toll_container_of(c, struct spanmetrics, super);
	uint64_t now = toll_clock_mono_ns();
	char key[TOLL_SPANMETRICS_KEY_MAX];

	for (uint32_t i = 0; i < b->span_count; i++) {
		const struct toll_span *s = &b->spans[i];
		bool forward = s->end_unix_nano > s->start_unix_nano;
		const struct toll_observation o = {
			.duration_ns = forward ? s->end_unix_nano - s->start_unix_nano : 0,
			.weight = s->adjusted_count ? s->adjusted_count : 1,
			.mono_ns = now,
			.cost_pico =
				s->cost_state == TOLL_COST_PRICED ? toll_span_total_pico(s) : 0,
		};

		if (!s->dropped)
			toll_span_series_add(
				m->store, toll_slice(key, toll_spanmetrics_key(m->plan, b, s, key)),
				&o);
	}
}

static void collect(struct toll_metrics_source *source, struct toll_metrics_writer *w)
{
	struct spanmetrics *m = toll_container_of(source, struct spanmetrics, metrics);
	const struct toll_id *id = &m->super.super.id;

	/* Series of a second connector would be the first one's once more without a label. */
	toll_spanmetrics_write(w, m->plan, m->store, id->text, *id->name ? id->text : "",
	                       toll_clock_mono_ns());
}

static int start(struct toll_component *c, struct toll_error *reterr TOLL_UNUSED)
{
	struct spanmetrics *m = toll_container_of(c, struct spanmetrics, super.super);

	toll_host_metrics_add(c->host, &m->metrics);
	m->listed = true;
	return 0;
}

static void spanmetrics_free(struct toll_component *c)
{
	struct spanmetrics *m = toll_container_of(c, struct spanmetrics, super.super);

	if (m->listed)
		toll_host_metrics_remove(c->host, &m->metrics);
	m->store = toll_span_series_store_free(m->store);
	m->plan = toll_spanmetrics_plan_free(m->plan);
	free(m);
}

static const struct toll_component_ops ops = { .start = start, .free = spanmetrics_free };

static int create(const struct toll_settings *set, const void *config, struct toll_component **ret,
                  struct toll_error *reterr)
{
	const struct toll_spanmetrics_config *c = config;
	int64_t limit = c->aggregation_cardinality_limit;
	struct spanmetrics *m = calloc(1, sizeof(*m));

	if (!m)
		return toll_fail(reterr, TOLL_ENOMEM, "%s: out of memory", set->who);
	toll_component_init(&m->super.super, &ops, set);
	m->super.observe = observe;
	m->metrics.collect = collect;
	m->plan = toll_spanmetrics_plan_new(c);
	if (m->plan)
		m->store = toll_span_series_store_new((uint32_t)(limit ? limit : SERIES_MAX),
		                                      m->plan->bounds_ns, m->plan->bound_count,
		                                      c->metrics_expiration);
	if (!m->store) {
		spanmetrics_free(&m->super.super);
		return toll_fail(reterr, TOLL_ENOMEM, "%s: out of memory", set->who);
	}
	*ret = &m->super.super;
	return 0;
}

const struct toll_factory toll_connector_spanmetrics = {
	.kind = TOLL_CONNECTOR,
	.stability = TOLL_ALPHA,
	.type = "spanmetrics",
	.alias = "span_metrics",
	.help = "Calls, durations and dollars of spans by dimensions, on the daemon's metrics "
		"page.",
	.ends = true,
	.config_size = sizeof(struct toll_spanmetrics_config),
	.fields = toll_spanmetrics_fields,
	.validate = toll_spanmetrics_validate,
	.create = create,
};

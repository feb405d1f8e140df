/* SPDX-License-Identifier: Apache-2.0 */
/* otlp_trouble.c - what the operator hears: log lines when something changes, /status, lost spans.
 */
#include <stdio.h>

#include "base/log.h"
#include "pipeline/otlp_out.h"

/* A server's sentence is cut to this in logs and /status. */
enum { SHOWN = 160 };

void toll_otlp_out_trouble(struct toll_otlp_out *o, const char *status, struct toll_slice message)
{
	struct toll_component *c = &o->super.super;
	struct toll_slice shown = toll_slice_cut(message, SHOWN);
	char why[sizeof(o->why)];
	bool first, news;

	snprintf(why, sizeof(why), "%s%s%.*s", status, shown.len ? ": " : "", TOLL_FMT(shown));
	pthread_mutex_lock(&o->lock);
	first = !o->degraded;
	news = first || strcmp(why, o->why) != 0;
	o->degraded = true;
	memcpy(o->why, why, sizeof(why));
	if (news)
		toll_host_set_health(c->host, c, TOLL_HEALTH_DEGRADED, why);
	pthread_mutex_unlock(&o->lock);
	if (first)
		TOLL_WARN(c->who, "cannot deliver to %s: %s", o->target, why);
}

void toll_otlp_out_well(struct toll_otlp_out *o)
{
	struct toll_component *c = &o->super.super;
	bool news;

	pthread_mutex_lock(&o->lock);
	news = o->degraded;
	o->degraded = false;
	if (news)
		toll_host_set_health(c->host, c, TOLL_HEALTH_OK, "");
	pthread_mutex_unlock(&o->lock);
	if (news)
		TOLL_INFO(c->who, "delivers to %s again", o->target);
}

void toll_otlp_out_collect(struct toll_metrics_source *self, struct toll_metrics_writer *w)
{
	static const char *const reasons[] = { "rejected", "refused", "too_large" };
	struct toll_otlp_out *o = toll_container_of(self, struct toll_otlp_out, metrics);

	toll_metrics_family(w, "spantoll_otlp_lost_spans", TOLL_METRIC_COUNTER,
	                    "Spans that the OTLP destination will not take, by reason.");
	for (size_t i = 0; i < TOLL_OTLP_OUT_LOSSES; i++) {
		const struct toll_label labels[] = {
			{ "exporter", toll_slice_str(o->super.super.id.text) },
			{ "reason", toll_slice_str(reasons[i]) },
		};

		toll_metrics_sample(w, labels, TOLL_COUNT(labels),
		                    atomic_load_explicit(&o->lost[i], memory_order_relaxed));
	}
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "connectors/spanmetrics/plan.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "config/scalar.h"

static const struct {
	const char *name, *label;
} intrinsic[] = {
	[TOLL_SPANMETRICS_SERVICE] = { "service.name", "service_name" },
	[TOLL_SPANMETRICS_NAME] = { "span.name", "span_name" },
	[TOLL_SPANMETRICS_KIND] = { "span.kind", "span_kind" },
	[TOLL_SPANMETRICS_STATUS] = { "status.code", "status_code" },
};

/* ---- settings ---- */

static const char *const units[] = { "ms", "s", NULL };

static const struct toll_field dimension_fields[] = {
	TOLL_FIELD(struct toll_spanmetrics_dimension_settings, name, STRING, NULL,
	           "An attribute of the span, or else of its resource.", .required = true),
	TOLL_FIELD_AS("default", struct toll_spanmetrics_dimension_settings, preset, STRING, NULL,
	              "Its value where a span has none; without it the label is left out."),
	TOLL_FIELD_END,
};

static const struct toll_field explicit_fields[] = {
	TOLL_FIELD(struct toll_spanmetrics_explicit, buckets, LIST,
	           "[2ms, 4ms, 6ms, 8ms, 10ms, 50ms, 100ms, 200ms, 400ms, 800ms, 1s, 1400ms, 2s, "
	           "5s, 10s, 15s]",
	           "Upper bounds, ascending."),
	TOLL_FIELD_END,
};

static const struct toll_field histogram_fields[] = {
	TOLL_FIELD(struct toll_spanmetrics_histogram, disable, BOOL, "false", "No histogram."),
	TOLL_FIELD(struct toll_spanmetrics_histogram, unit, ENUM, "ms",
	           "Of bounds and sums, and in the metric's name.", .choices = units),
	TOLL_FIELD(struct toll_spanmetrics_histogram, explicit, GROUP, NULL, "Fixed bounds.",
	           .group = explicit_fields),
	TOLL_FIELD_LATER("exponential", "has no form in Prometheus text: explicit bounds are used"),
	TOLL_FIELD_LATER("dimensions", "all metrics have the same dimensions here"),
	TOLL_FIELD_END,
};

const struct toll_field toll_spanmetrics_fields[] = {
	TOLL_FIELD(struct toll_spanmetrics_config, namespace, STRING, "traces.span.metrics",
	           "In front of every metric's name."),
	TOLL_FIELD(struct toll_spanmetrics_config, dimensions, GROUPS, NULL,
	           "Labels besides service_name, span_name, span_kind and status_code.",
	           .group = dimension_fields,
	           .group_size = sizeof(struct toll_spanmetrics_dimension_settings)),
	TOLL_FIELD(struct toll_spanmetrics_config, exclude_dimensions, LIST, NULL,
	           "Which of service.name, span.name, span.kind and status.code to leave out."),
	TOLL_FIELD(struct toll_spanmetrics_config, histogram, GROUP, NULL, "Of durations.",
	           .group = histogram_fields),
	TOLL_FIELD(struct toll_spanmetrics_config, metrics_expiration, DURATION, "0s",
	           "A series without spans for so long is forgotten; 0: never."),
	TOLL_FIELD(struct toll_spanmetrics_config, aggregation_cardinality_limit, INT, "0",
	           "Most series; further ones are one series with otel_metric_overflow=\"true\". "
	           "0: 10,000.",
	           .min = 0, .max = 1000000),
	TOLL_FIELD_LATER("dimensions_cache_size",
	                 "nothing is cached here: aggregation_cardinality_limit bounds the series"),
	TOLL_FIELD_LATER("resource_metrics_cache_size",
	                 "nothing is cached here: aggregation_cardinality_limit bounds the series"),
	TOLL_FIELD_LATER("metrics_flush_interval", "metrics are current whenever they are scraped"),
	TOLL_FIELD_LATER("aggregation_temporality", "metrics for Prometheus are cumulative"),
	TOLL_FIELD_LATER("resource_metrics_key_attributes",
	                 "series have the labels named here only"),
	TOLL_FIELD_LATER("calls_dimensions", "all metrics have the same dimensions here"),
	TOLL_FIELD_LATER("include_instrumentation_scope", "spans of all scopes are counted"),
	TOLL_FIELD_LATER("exemplars", "exemplars are not supported"),
	TOLL_FIELD_LATER("events", "events are not counted"),
	TOLL_FIELD_END,
};

static uint64_t bound_of(struct toll_slice text)
{
	uint64_t ns = 0;

	return toll_scalar_duration(text, &ns) ? 0 : ns;
}

static void check_bounds(const struct toll_slice_list *l, struct toll_reporter *r)
{
	uint64_t before = 0;

	if (l->count > TOLL_SPANMETRICS_BOUNDS_MAX)
		toll_report_error(r, "histogram::explicit::buckets", "has more than %d bounds",
		                  TOLL_SPANMETRICS_BOUNDS_MAX);
	for (size_t i = 0; i < l->count; i++) {
		uint64_t bound = bound_of(l->at[i]);

		if (bound <= before) {
			toll_report_error(r, "histogram::explicit::buckets",
			                  "must be durations that ascend; \"%.*s\" is none, or not "
			                  "above the one before it",
			                  TOLL_FMT(l->at[i]));
			return;
		}
		before = bound;
	}
}

/* As a label: letters, digits and underscores, no digit in front. */
static void write_label(struct toll_slice name, char *out)
{
	if (name.len && isdigit((unsigned char)name.ptr[0])) {
		memcpy(out, "key_", 4);
		out += 4;
	}
	for (size_t i = 0; i < name.len; i++)
		*out++ = (char)(isalnum((unsigned char)name.ptr[i]) ? name.ptr[i] : '_');
	*out = '\0';
}

static char *label_of(struct toll_slice name)
{
	char *label = malloc(name.len + 5);

	if (label)
		write_label(name, label);
	return label;
}

/* Two labels of one name would make a scraper refuse the whole page. */
static bool same_label(struct toll_slice a, struct toll_slice b)
{
	for (size_t i = 0; i < a.len && a.len == b.len; i++) {
		bool odd = !isalnum((unsigned char)a.ptr[i]) && !isalnum((unsigned char)b.ptr[i]);

		if (!odd && a.ptr[i] != b.ptr[i])
			return false;
	}
	return a.len == b.len;
}

static void check_dimensions(const struct toll_group_list *l, struct toll_reporter *r)
{
	const struct toll_spanmetrics_dimension_settings *d = l->at;

	if (l->count + TOLL_COUNT(intrinsic) > TOLL_SPANMETRICS_DIMENSIONS_MAX)
		toll_report_error(r, "dimensions", "has more than %zu entries",
		                  TOLL_SPANMETRICS_DIMENSIONS_MAX - TOLL_COUNT(intrinsic));
	for (size_t i = 0; i < l->count; i++) {
		bool twice = same_label(d[i].name, TOLL_SLICE("connector")) ||
		             same_label(d[i].name, TOLL_SLICE("le"));

		if (!d[i].name.len)
			toll_report_error(r, "dimensions", "has an entry without name");
		for (size_t k = 0; k < TOLL_COUNT(intrinsic); k++)
			twice |= same_label(d[i].name, toll_slice_str(intrinsic[k].name));
		for (size_t k = 0; k < i; k++)
			twice |= same_label(d[i].name, d[k].name);
		if (twice)
			toll_report_error(r, "dimensions",
			                  "\"%.*s\" would be a label that is there already",
			                  TOLL_FMT(d[i].name));
	}
}

static bool is_intrinsic(struct toll_slice name)
{
	for (size_t i = 0; i < TOLL_COUNT(intrinsic); i++)
		if (toll_slice_is(name, intrinsic[i].name))
			return true;
	return false;
}

void toll_spanmetrics_validate(const void *config, struct toll_reporter *r)
{
	const struct toll_spanmetrics_config *c = config;

	check_bounds(&c->histogram.explicit.buckets, r);
	check_dimensions(&c->dimensions, r);
	for (size_t i = 0; i < c->exclude_dimensions.count; i++)
		if (!is_intrinsic(c->exclude_dimensions.at[i]))
			toll_report_error(r, "exclude_dimensions",
			                  "\"%.*s\" is none of service.name, span.name, span.kind, "
			                  "status.code",
			                  TOLL_FMT(c->exclude_dimensions.at[i]));
}

/* ---- what follows ---- */

static bool is_excluded(const struct toll_spanmetrics_config *c, const char *name)
{
	for (size_t i = 0; i < c->exclude_dimensions.count; i++)
		if (toll_slice_is(c->exclude_dimensions.at[i], name))
			return true;
	return false;
}

static bool add_dimension(struct toll_spanmetrics_plan *p, enum toll_spanmetrics_source source,
                          struct toll_slice name, struct toll_slice preset)
{
	char *label = label_of(name);

	if (!label)
		return false;
	p->dimensions[p->dimension_count++] =
		(struct toll_spanmetrics_dimension){ source, name, preset, label };
	return true;
}

static bool add_dimensions(struct toll_spanmetrics_plan *p, const struct toll_spanmetrics_config *c)
{
	const struct toll_spanmetrics_dimension_settings *d = c->dimensions.at;
	bool ok = true;

	for (size_t i = 0; i < TOLL_COUNT(intrinsic) && ok; i++)
		if (!is_excluded(c, intrinsic[i].name))
			ok = add_dimension(p, (enum toll_spanmetrics_source)i,
			                   toll_slice_str(intrinsic[i].name), TOLL_SLICE(""));
	for (size_t i = 0; i < c->dimensions.count && ok; i++)
		ok = add_dimension(p, TOLL_SPANMETRICS_ATTRIBUTE, d[i].name, d[i].preset);
	return ok;
}

/* "traces.span.metrics", "calls_total": "traces_span_metrics_calls_total" */
static char *metric_name(struct toll_slice namespace, const char *rest)
{
	char *name = NULL, *label = label_of(namespace);

	if (label && asprintf(&name, "%s%s%s", label, *label ? "_" : "", rest) < 0)
		name = NULL;
	free(label);
	return name;
}

struct toll_spanmetrics_plan *toll_spanmetrics_plan_new(const struct toll_spanmetrics_config *c)
{
	const struct toll_slice_list *buckets = &c->histogram.explicit.buckets;
	struct toll_spanmetrics_plan *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->histogram = !c->histogram.disable;
	p->seconds = c->histogram.unit == TOLL_SPANMETRICS_S;
	for (size_t i = 0; i < buckets->count && p->histogram; i++)
		p->bounds_ns[p->bound_count++] = bound_of(buckets->at[i]);
	p->calls = metric_name(c->namespace, "calls_total");
	p->cost = metric_name(c->namespace, "cost_usd_total");
	p->duration = metric_name(c->namespace,
	                          p->seconds ? "duration_seconds" : "duration_milliseconds");
	if (!p->calls || !p->cost || !p->duration || !add_dimensions(p, c))
		return toll_spanmetrics_plan_free(p);
	return p;
}

struct toll_spanmetrics_plan *toll_spanmetrics_plan_free(struct toll_spanmetrics_plan *p)
{
	if (!p)
		return NULL;
	for (size_t i = 0; i < p->dimension_count; i++)
		free(p->dimensions[i].label);
	free(p->calls);
	free(p->duration);
	free(p->cost);
	free(p);
	return NULL;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "connectors/spanmetrics/text.h"

#include <string.h>

#define LABELS_MAX (TOLL_SPANMETRICS_DIMENSIONS_MAX + 2)

struct page {
	struct toll_metrics_writer *w;
	const struct toll_spanmetrics_plan *plan;
	const char *owner;
};

/* A label without value is no label. */
static size_t labels_of(const struct page *p, const struct toll_span_series *one,
                        struct toll_label labels[LABELS_MAX])
{
	const char *at = one->key.ptr;
	size_t n = 0;

	if (*p->owner)
		labels[n++] = (struct toll_label){ "connector", toll_slice_str(p->owner) };
	if (!at) {
		labels[n++] = (struct toll_label){ "otel_metric_overflow", TOLL_SLICE("true") };
		return n;
	}
	for (size_t i = 0; i < p->plan->dimension_count; i++) {
		size_t len = (unsigned char)*at++;

		if (len)
			labels[n++] = (struct toll_label){ p->plan->dimensions[i].label,
				                           toll_slice(at, len) };
		at += len;
	}
	return n;
}

static void write_calls(void *ctx, const struct toll_span_series *one)
{
	const struct page *p = ctx;
	struct toll_label labels[LABELS_MAX];
	size_t n = labels_of(p, one, labels);

	toll_metrics_sample(p->w, labels, n, one->calls);
}

static void write_cost(void *ctx, const struct toll_span_series *one)
{
	const struct page *p = ctx;
	struct toll_label labels[LABELS_MAX];
	size_t n = labels_of(p, one, labels);
	char text[TOLL_MONEY_TEXT];
	int len = toll_money_print_wide(one->cost_pico, text);

	toll_metrics_sample_text(p->w, labels, n, toll_slice(text, (size_t)len));
}

/* Nanoseconds in the histogram's unit, exactly: money has twelve places, too. */
static struct toll_slice unit_text(const struct page *p, toll_i128 ns, char text[TOLL_MONEY_TEXT])
{
	int len = toll_money_print_wide(ns * (p->plan->seconds ? 1000 : 1000000), text);

	return toll_slice(text, (size_t)len);
}

static void write_duration(void *ctx, const struct toll_span_series *one)
{
	const struct page *p = ctx;
	struct toll_label labels[LABELS_MAX];
	size_t n = labels_of(p, one, labels);
	char text[TOLL_MONEY_TEXT];
	uint64_t sum = 0;

	toll_metrics_part(p->w, "_bucket");
	for (uint32_t i = 0; i < p->plan->bound_count; i++) {
		sum += one->buckets[i];
		labels[n] = (struct toll_label){ "le", unit_text(p, p->plan->bounds_ns[i], text) };
		toll_metrics_sample(p->w, labels, n + 1, sum);
	}
	labels[n] = (struct toll_label){ "le", TOLL_SLICE("+Inf") };
	toll_metrics_sample(p->w, labels, n + 1, one->calls);
	toll_metrics_part(p->w, "_sum");
	toll_metrics_sample_text(p->w, labels, n, unit_text(p, one->duration_ns, text));
	toll_metrics_part(p->w, "_count");
	toll_metrics_sample(p->w, labels, n, one->calls);
}

static void write_own(struct toll_metrics_writer *w, struct toll_span_series_store *store,
                      const char *id)
{
	const struct toll_label label = { "connector", toll_slice_str(id) };

	toll_metrics_family(w, "spantoll_spanmetrics_series", TOLL_METRIC_GAUGE,
	                    "Series of a spanmetrics connector now.");
	toll_metrics_sample(w, &label, 1, toll_span_series_count(store));
	toll_metrics_family(w, "spantoll_spanmetrics_overflow_spans", TOLL_METRIC_COUNTER,
	                    "Spans counted under otel_metric_overflow: "
	                    "aggregation_cardinality_limit was reached.");
	toll_metrics_sample(w, &label, 1, toll_span_series_overflowed(store));
}

void toll_spanmetrics_write(struct toll_metrics_writer *w, const struct toll_spanmetrics_plan *plan,
                            struct toll_span_series_store *store, const char *id, const char *owner,
                            uint64_t now_mono_ns)
{
	struct page p = { w, plan, owner };

	toll_metrics_family(w, plan->calls, TOLL_METRIC_COUNTER, "Spans.");
	toll_span_series_each(store, now_mono_ns, write_calls, &p);
	toll_metrics_family(w, plan->cost, TOLL_METRIC_COUNTER,
	                    "Exact cost in USD of the spans that have a price.");
	toll_span_series_each(store, now_mono_ns, write_cost, &p);
	if (plan->histogram) {
		toll_metrics_family(w, plan->duration, TOLL_METRIC_HISTOGRAM,
		                    "Durations of spans.");
		toll_span_series_each(store, now_mono_ns, write_duration, &p);
	}
	write_own(w, store, id);
}

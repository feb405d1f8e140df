/* SPDX-License-Identifier: Apache-2.0 */
/* metrics.c - how requests ended, by protocol; who was not let in; spans of unverified services. */
#include "receivers/otlp/otlp.h"

static uint64_t requests(const struct toll_otlp_engine *e, enum toll_outcome outcome)
{
	uint64_t n = atomic_load_explicit(&e->outcomes[outcome], memory_order_relaxed);

	return outcome == TOLL_OUTCOME_FAILURE ? n + e->ops->failures(e) : n;
}

void toll_otlp_keep_failures(struct toll_otlp_engine *e)
{
	atomic_fetch_add_explicit(&e->outcomes[TOLL_OUTCOME_FAILURE], e->ops->failures(e),
	                          memory_order_relaxed);
}

static void write_outcomes(const struct toll_otlp_engine *e, struct toll_metrics_writer *w)
{
	static const char *const names[] = { "success", "refused", "failure" };
	const char *receiver = e->receiver->super.super.id.text;

	for (size_t i = 0; i < TOLL_OUTCOME_COUNT; i++) {
		const struct toll_label labels[] = {
			{ "receiver", toll_slice_str(receiver) },
			{ "transport", toll_slice_str(e->ops->transport) },
			{ "outcome", toll_slice_str(names[i]) },
		};

		toll_metrics_sample(w, labels, TOLL_COUNT(labels),
		                    requests(e, (enum toll_outcome)i));
	}
}

static void write_denied(const struct toll_otlp_engine *e, struct toll_metrics_writer *w)
{
	const struct toll_label labels[] = {
		{ "receiver", toll_slice_str(e->receiver->super.super.id.text) },
		{ "transport", toll_slice_str(e->ops->transport) },
	};

	toll_metrics_sample(w, labels, TOLL_COUNT(labels),
	                    atomic_load_explicit(&e->security.denied, memory_order_relaxed));
}

static void write_unverified(const struct toll_otlp *o, const char *reason, uint64_t spans,
                             struct toll_metrics_writer *w)
{
	const struct toll_label labels[] = {
		{ "receiver", toll_slice_str(o->super.super.id.text) },
		{ "reason", toll_slice_str(reason) },
	};

	toll_metrics_sample(w, labels, TOLL_COUNT(labels), spans);
}

void toll_otlp_collect(struct toll_metrics_source *self, struct toll_metrics_writer *w)
{
	struct toll_otlp *o = toll_container_of(self, struct toll_otlp, metrics);

	toll_metrics_family(w, "otelcol_receiver_requests", TOLL_METRIC_COUNTER,
	                    "Requests by how they ended.");
	for (size_t i = 0; i < o->engine_count; i++)
		write_outcomes(o->engines[i], w);
	toll_metrics_family(w, "spantoll_receiver_denied_requests", TOLL_METRIC_COUNTER,
	                    "Requests of clients that did not show who they are.");
	for (size_t i = 0; i < o->engine_count; i++)
		write_denied(o->engines[i], w);
	toll_metrics_family(w, "spantoll_receiver_unverified_spans", TOLL_METRIC_COUNTER,
	                    "Spans of services that their client may not bill, booked to "
	                    "unverified:<client>.");
	write_unverified(o, "not_allowed",
	                 atomic_load_explicit(&o->not_allowed, memory_order_relaxed), w);
	write_unverified(o, "reserved_name",
	                 atomic_load_explicit(&o->reserved, memory_order_relaxed), w);
}

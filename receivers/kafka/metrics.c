/* SPDX-License-Identifier: Apache-2.0 */
/* metrics.c - counters and positions, by the Collector's names where it has them. */
#include <inttypes.h>
#include <stdio.h>

#include "receivers/kafka/consumer.h"

void toll_kafkain_show(struct toll_kafkain *k)
{
	for (struct toll_kafkain_partition *p = k->partitions; p; p = p->next) {
		int64_t low, high;

		if (p->done < 0)
			continue;
		atomic_store_explicit(&p->shown_offset, p->done, memory_order_relaxed);
		if (rd_kafka_get_watermark_offsets(k->rk, k->topic, p->id, &low, &high) ==
		            RD_KAFKA_RESP_ERR_NO_ERROR &&
		    high >= 0)
			atomic_store_explicit(&p->shown_lag, high > p->done ? high - p->done : 0,
			                      memory_order_relaxed);
	}
}

static void count(const struct toll_kafkain *k, struct toll_metrics_writer *w, const char *name,
                  const char *help, const _Atomic uint64_t *value)
{
	const struct toll_label label = { "name", toll_slice_str(k->super.super.id.text) };

	toll_metrics_family(w, name, TOLL_METRIC_COUNTER, help);
	toll_metrics_sample(w, &label, 1, atomic_load_explicit(value, memory_order_relaxed));
}

static void write_skipped(const struct toll_kafkain *k, struct toll_metrics_writer *w)
{
	static const char *const reasons[] = { "empty", "malformed" };

	toll_metrics_family(w, "spantoll_receiver_skipped_messages", TOLL_METRIC_COUNTER,
	                    "Messages that are no record of a span: passed over.");
	for (size_t i = 0; i < TOLL_SKIP_COUNT; i++) {
		const struct toll_label labels[] = {
			{ "receiver", toll_slice_str(k->super.super.id.text) },
			{ "reason", toll_slice_str(reasons[i]) },
		};

		toll_metrics_sample(
			w, labels, TOLL_COUNT(labels),
			atomic_load_explicit(&k->counters->skipped[i], memory_order_relaxed));
	}
}

static void write_partition(const struct toll_kafkain *k, struct toll_metrics_writer *w,
                            const struct toll_kafkain_partition *p, int64_t value)
{
	char id[16];
	const struct toll_label labels[] = {
		{ "name", toll_slice_str(k->super.super.id.text) },
		{ "partition",
		  toll_slice(id, (size_t)snprintf(id, sizeof(id), "%" PRId32, p->id)) },
	};

	if (value >= 0)
		toll_metrics_sample(w, labels, TOLL_COUNT(labels), (uint64_t)value);
}

static void write_positions(struct toll_kafkain *k, struct toll_metrics_writer *w)
{
	const struct toll_kafkain_partition *p;

	pthread_mutex_lock(&k->lock);
	toll_metrics_family(w, "otelcol_kafka_receiver_current_offset", TOLL_METRIC_GAUGE,
	                    "Everything before it is exported.");
	for (p = k->partitions; p; p = p->next)
		write_partition(k, w, p,
		                atomic_load_explicit(&p->shown_offset, memory_order_relaxed));
	toll_metrics_family(w, "otelcol_kafka_receiver_offset_lag", TOLL_METRIC_GAUGE,
	                    "Messages of the partition that are not exported yet.");
	for (p = k->partitions; p; p = p->next)
		write_partition(k, w, p, atomic_load_explicit(&p->shown_lag, memory_order_relaxed));
	pthread_mutex_unlock(&k->lock);
}

void toll_kafkain_collect(struct toll_metrics_source *source, struct toll_metrics_writer *w)
{
	struct toll_kafkain *k = toll_container_of(source, struct toll_kafkain, metrics);
	const struct toll_kafkain_counters *c = k->counters;

	count(k, w, "otelcol_kafka_receiver_messages", "Messages that came.", &c->messages);
	count(k, w, "spantoll_kafka_receiver_bytes", "Their bytes.", &c->bytes);
	count(k, w, "otelcol_kafka_receiver_partition_start",
	      "Partitions that the group gave to this receiver.", &c->opened);
	count(k, w, "otelcol_kafka_receiver_partition_close", "Partitions that it gave back.",
	      &c->closed);
	count(k, w, "spantoll_kafka_receiver_commits", "Commits of offsets.", &c->commits);
	count(k, w, "spantoll_kafka_receiver_failed_commits",
	      "Commits of offsets that failed; they are repeated.", &c->commit_failures);
	write_skipped(k, w);
	write_positions(k, w);
}

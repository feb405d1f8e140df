/* SPDX-License-Identifier: Apache-2.0 */
/* exporter_fields.c - the settings every exporter has: the Collector's names and defaults. */
#include "pipeline/runner.h"

#define BATCH struct toll_batch_settings
#define QUEUE struct toll_queue_settings
#define RETRY struct toll_retry_settings

static const char *const sizers[] = { "requests", "items", "bytes", NULL };

static const struct toll_field batch_fields[] = {
	TOLL_FIELD(BATCH, flush_timeout, DURATION, "200ms",
	           "Longest wait of a span for min_size others."),
	TOLL_FIELD(BATCH, min_size, INT, "8192", "Spans that make a delivery go at once.",
	           .max = UINT32_MAX),
	TOLL_FIELD(BATCH, max_size, INT, "0", "Most spans of a delivery; 0: no limit.",
	           .max = UINT32_MAX),
	TOLL_FIELD_LATER("sizer", "batches are measured in spans (items)"),
	TOLL_FIELD_LATER("partition", "batches are not partitioned by client metadata"),
	TOLL_FIELD_END,
};

const struct toll_field toll_queue_fields[] = {
	TOLL_FIELD(QUEUE, enabled, BOOL, "true",
	           "false: num_consumers requests at once, each client waits for the result."),
	TOLL_FIELD(QUEUE, num_consumers, INT, "10", "Deliveries in flight at once.", .min = 1,
	           .max = 1000),
	TOLL_FIELD(QUEUE, queue_size, INT, "1000", "Room of the queue, in units of the sizer.",
	           .min = 1, .max = INT64_MAX),
	TOLL_FIELD(QUEUE, sizer, ENUM, "requests", "What queue_size counts.", .choices = sizers),
	TOLL_FIELD(QUEUE, block_on_overflow, BOOL, "false",
	           "Not supported: a full queue always refuses, and the client tries again."),
	TOLL_FIELD(QUEUE, wait_for_result, BOOL, "false",
	           "The client hears OK only when the destination has acknowledged."),
	TOLL_FIELD(
		QUEUE, storage, STRING, NULL,
		"Id of an extension file_storage: what waits is in a journal and survives a crash.",
		.extension = "storage"),
	TOLL_FIELD(QUEUE, batch, GROUP, NULL, "Put several requests into one delivery.",
	           .group = batch_fields, .present = offsetof(QUEUE, batch.enabled)),
	TOLL_FIELD_END,
};

const char *toll_exporter_storage(const struct toll_exporter_settings *set)
{
	const struct toll_queue_settings *q = &set->sending_queue;

	return q->enabled && q->storage.len ? q->storage.ptr : NULL;
}

void toll_exporter_settings_check(const struct toll_exporter_settings *set, struct toll_reporter *r)
{
	const struct toll_queue_settings *q = &set->sending_queue;

	if (q->block_on_overflow)
		toll_report_warning(r, "sending_queue::block_on_overflow",
		                    "is not supported: a full queue always refuses, and the client "
		                    "tries again");
	if (q->storage.len && !q->enabled)
		toll_report_warning(r, "sending_queue::storage",
		                    "has no effect: sending_queue::enabled is false");
	if (q->batch.enabled && q->batch.max_size && q->batch.max_size < q->batch.min_size)
		toll_report_error(r, "sending_queue::batch::max_size",
		                  "must be 0 or at least min_size (%lld)",
		                  (long long)q->batch.min_size);
	if (set->retry_on_failure.max_interval < set->retry_on_failure.initial_interval)
		toll_report_error(r, "retry_on_failure::max_interval",
		                  "must be at least initial_interval");
}

const struct toll_field toll_retry_fields[] = {
	TOLL_FIELD(RETRY, enabled, BOOL, "true", "false: what fails once is lost."),
	TOLL_FIELD(RETRY, initial_interval, DURATION, "5s", "First wait."),
	TOLL_FIELD(RETRY, randomization_factor, RATIO, "0.5",
	           "Each wait is drawn from this share around it.", .max = 1000),
	TOLL_FIELD(RETRY, multiplier, RATIO, "1.5", "Growth of the wait.", .min = 1000,
	           .max = 1000000),
	TOLL_FIELD(RETRY, max_interval, DURATION, "30s", "Longest wait."),
	TOLL_FIELD(RETRY, max_elapsed_time, DURATION, "300s",
	           "What has failed for so long is lost; 0: never, as is the default behind a "
	           "journal."),
	TOLL_FIELD_END,
};

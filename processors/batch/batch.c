/* SPDX-License-Identifier: Apache-2.0 */
/* batch - the Collector's name for how many spans go out together. It is no stage: its settings
 * become sending_queue.batch of the pipeline's exporters, so that nothing waits on a receiver's
 * thread. */
#include "pipeline/factory.h"
#include "pipeline/runner.h"

struct batch_config {
	uint64_t timeout; /* ns */
	int64_t send_batch_size, send_batch_max_size;
};

static bool is_inverted(const struct batch_config *b)
{
	return b->send_batch_max_size && b->send_batch_max_size < b->send_batch_size;
}

static void batch_fold(const void *config, struct toll_batch_settings *set)
{
	const struct batch_config *b = config;

	set->enabled = true;
	set->flush_timeout = b->timeout;
	set->min_size = is_inverted(b) ? b->send_batch_max_size : b->send_batch_size;
	set->max_size = b->send_batch_max_size;
	if (!b->timeout)
		set->min_size = 0; /* as in the Collector: nothing waits */
}

static void batch_validate(const void *config, struct toll_reporter *r)
{
	const struct batch_config *b = config;

	if (is_inverted(b))
		toll_report_warning(r, "send_batch_max_size",
		                    "is less than send_batch_size (%lld): %lld is used for both",
		                    (long long)b->send_batch_size,
		                    (long long)b->send_batch_max_size);
}

static const struct toll_field batch_fields[] = {
	TOLL_FIELD(struct batch_config, timeout, DURATION, "200ms",
	           "Longest wait of a span for others; 0: none waits."),
	TOLL_FIELD(struct batch_config, send_batch_size, INT, "8192",
	           "Spans that make a delivery go at once.", .max = UINT32_MAX),
	TOLL_FIELD(struct batch_config, send_batch_max_size, INT, "0",
	           "Most spans of a delivery; 0: no limit.", .max = UINT32_MAX),
	TOLL_FIELD_LATER("metadata_keys", "batches are not kept apart by client metadata"),
	TOLL_FIELD_LATER("metadata_cardinality_limit",
	                 "batches are not kept apart by client metadata"),
	TOLL_FIELD_END,
};

const struct toll_factory toll_processor_batch = {
	.kind = TOLL_PROCESSOR,
	.stability = TOLL_BETA,
	.type = "batch",
	.help = "Sets how many spans the pipeline's exporters send together.",
	.config_size = sizeof(struct batch_config),
	.fields = batch_fields,
	.validate = batch_validate,
	.fold = batch_fold,
};

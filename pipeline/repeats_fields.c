/* SPDX-License-Identifier: Apache-2.0 */
/* repeats_fields.c - deduplicate: what a receiver may be told of requests that come again. */
#include "base/clock.h"
#include "config/schema.h"
#include "pipeline/repeats.h"

#define REPEATS struct toll_repeats_settings

const struct toll_field toll_repeats_fields[] = {
	TOLL_FIELD(
		REPEATS, enabled, BOOL, "true",
		"A request that comes again with the same bytes is answered OK and counts once."),
	TOLL_FIELD(REPEATS, max_age, DURATION, "10m",
	           "How long a request is remembered; of several receivers of a pipeline, the "
	           "longest.",
	           .min = (int64_t)TOLL_S, .max = INT64_C(86400) * (int64_t)TOLL_S),
	TOLL_FIELD(REPEATS, max_bytes, SIZE, "16MiB",
	           "Memory of a pipeline for that, 28 to 56 bytes a request; the oldest go first.",
	           .min = (int64_t)64 << 10, .max = (int64_t)1 << 30),
	TOLL_FIELD(REPEATS, fingerprints, BOOL, "false",
	           "Spans too are known, by their ids, with as much memory again: for Collectors "
	           "before it "
	           "that batch anew what they send again."),
	TOLL_FIELD_END,
};

/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/fingerprints.h"

#include <string.h>

#include "proto/batch.h"

static void fingerprint(const struct toll_repeats *known, const struct toll_span *s,
                        uint64_t ret[2])
{
	char ids[24];

	memcpy(ids, s->trace_id, 16);
	memcpy(ids + 16, s->span_id, 8);
	toll_repeats_digest(known, toll_slice(ids, sizeof(ids)), 0, 0, ret);
}

void toll_fingerprints_drop(struct toll_repeats *known, struct toll_batch *b)
{
	for (uint32_t i = 0; i < b->span_count; i++) {
		struct toll_span *s = &b->spans[i];
		uint64_t print[2];

		if (s->dropped)
			continue;
		fingerprint(known, s, print);
		if (toll_repeats_knows(known, print))
			toll_span_drop(b, s, TOLL_DROP_REPEATED);
	}
}

void toll_fingerprints_remember(struct toll_repeats *known, const struct toll_batch *b)
{
	for (uint32_t i = 0; i < b->span_count; i++) {
		const struct toll_span *s = &b->spans[i];
		uint64_t print[2];

		if (s->dropped && s->dropped != TOLL_DROP_FILTERED)
			continue;
		fingerprint(known, s, print);
		toll_repeats_remember(known, print, 0);
	}
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "exporters/enforcer/fold.h"

#include "proto/sampling.h"

/* 2^63 picodollars x 2^32 x 100,000 spans of a request stay far inside 128 bits. */
#define ADJUSTED_MAX UINT32_MAX

static void add_span(struct toll_run *run, const struct toll_span *s)
{
	if (s->dropped)
		return;
	run->spans++;
	if (s->cost_state == TOLL_COST_UNPRICED) {
		run->unpriced++;
		return;
	}
	if (toll_unlikely(s->cost_pico < 0 || s->adjusted_count > ADJUSTED_MAX)) {
		run->refused++;
		return;
	}
	run->priced++;
	run->pico += toll_span_total_pico(s);
}

void toll_fold_part(struct toll_totals *t, const struct toll_part *part, uint64_t received_ms)
{
	const struct toll_batch *b = part->batch;
	uint32_t at = part->first, end = part->first + part->count;

	toll_totals_lock(t);
	while (at < end) {
		uint32_t resource = b->spans[at].resource;
		struct toll_run run = { 0 };

		for (; at < end && b->spans[at].resource == resource; at++)
			add_span(&run, &b->spans[at]);
		if (run.spans)
			toll_totals_fold(t, b->resources[resource].service, received_ms, &run);
	}
	toll_totals_unlock(t);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "processors/cost/adjust.h"

#include "processors/cost/charge.h"
#include "proto/trace_state.h"

static bool adjust(struct toll_span *s, uint64_t most)
{
	struct toll_trace_state ts;
	uint64_t kept, count;

	if (!toll_trace_state_parse(s->trace_state, &ts) || !ts.has_threshold)
		return true;
	kept = TOLL_SAMPLING_NEVER - ts.threshold;
	count = kept ? (TOLL_SAMPLING_NEVER + kept / 2) / kept : UINT64_MAX;
	if (count > most) {
		toll_cost_unpriced(s, TOLL_UNPRICED_INVALID_QUANTITY,
		                   TOLL_SLICE("invalid sampling threshold"));
		return false;
	}
	s->adjusted_count = count;
	return true;
}

bool toll_cost_adjust(struct toll_span *s, uint64_t most)
{
	s->adjusted_count = 1;
	return !most || !s->trace_state.len || adjust(s, most);
}

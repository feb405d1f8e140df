/* SPDX-License-Identifier: Apache-2.0 */
#include "processors/cost/adjust.h"

#include "processors/cost/charge.h"
#include "proto/sampling.h"

bool toll_cost_adjust(struct toll_span *s, uint64_t most)
{
	s->threshold = 0;
	s->adjusted_count = 1;
	if (!most || !s->trace_state.len || toll_span_adjust(s, most))
		return true;
	toll_cost_unpriced(s, TOLL_UNPRICED_INVALID_QUANTITY, TOLL_SLICE("invalid adjusted_count"));
	return false;
}

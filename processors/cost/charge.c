/* SPDX-License-Identifier: Apache-2.0 */
#include "processors/cost/charge.h"

#include "prices/charge.h"

enum { SHOWN = 200 }; /* bytes of a name in a sentence */

void toll_cost_unpriced(struct toll_span *s, enum toll_unpriced why, struct toll_slice sentence)
{
	s->cost_state = TOLL_COST_UNPRICED;
	s->unpriced = (uint8_t)why;
	s->cost_error = sentence;
	s->cost_pico = 0;
}

static void tell(struct toll_batch *b, struct toll_span *s, const struct toll_refusal *no)
{
	struct toll_slice name = toll_slice_cut(no->name, SHOWN), text = toll_slice_str(no->text);

	if (name.len)
		text = toll_arena_printf(&b->arena, "%s%.*s", no->text, TOLL_FMT(name));
	if (text.ptr)
		toll_cost_unpriced(s, no->why, text);
	else
		toll_cost_unpriced(s, TOLL_UNPRICED_NO_MEMORY, TOLL_SLICE("out of memory"));
}

void toll_cost_charge(struct toll_batch *b, struct toll_span *s, struct toll_bill *bill)
{
	struct toll_span_cost cost TOLL_UNINITIALIZED;

	if (!s->price) {
		if (!s->cost_error.len)
			toll_cost_unpriced(s, TOLL_UNPRICED_NO_BOOK,
			                   TOLL_SLICE("no pricing processor before cost"));
		return;
	}
	if (!toll_span_charge(b, s, bill, &cost)) {
		tell(b, s, &cost.refusal);
		return;
	}
	s->cost_pico = cost.pico;
	s->cost_state = cost.free ? TOLL_COST_FREE : TOLL_COST_PRICED;
}

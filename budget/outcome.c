/* SPDX-License-Identifier: Apache-2.0 */
#include "budget/outcome.h"

bool toll_outcome_needs_place(const struct toll_verdict *v, const struct toll_circumstances *now)
{
	return v->want && !now->killed && now->override == TOLL_OVERRIDE_NONE;
}

struct toll_outcome toll_outcome_of(const struct toll_verdict *v,
                                    const struct toll_circumstances *now)
{
	struct toll_outcome o = { .throttled = v->want,
		                  .shadow = v->shadow,
		                  .reason = v->fast ? "fast_trip" : "budget" };

	if (now->killed) {
		o.shadow = v->shadow || v->want;
		o.throttled = false;
		o.reason = "kill";
	} else if (now->override != TOLL_OVERRIDE_NONE) {
		o.throttled = now->override == TOLL_OVERRIDE_DENY;
		o.reason = "override";
	} else if (v->want && now->held) {
		o.throttled = false;
		o.capped = true;
		o.reason = "cap";
	}
	return o;
}

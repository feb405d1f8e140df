/* SPDX-License-Identifier: Apache-2.0 */
/* outcome.h - what becomes of a verdict: kill switch > override > fraction cap > rule. Pure, the
 * same for every store. */
#ifndef TOLL_BUDGET_OUTCOME_H
#define TOLL_BUDGET_OUTCOME_H

#include "budget/control.h"
#include "budget/decision.h"

/* What people say, and what the cap says. */
struct toll_circumstances {
	bool killed;
	enum toll_override override;
	bool held; /* no place under max_throttled_fraction; asked only when the rule wants a flag
	            */
};

struct toll_outcome {
	bool throttled, capped;
	bool shadow; /* under the kill switch enforcing budgets say what they would do as well */
	const char *reason; /* of throttled as it is: "budget", "override", "kill", "cap" */
};

struct toll_outcome toll_outcome_of(const struct toll_verdict *v,
                                    const struct toll_circumstances *now);

/* Does the flag depend on a place under the cap? */
bool toll_outcome_needs_place(const struct toll_verdict *v, const struct toll_circumstances *now);

#endif

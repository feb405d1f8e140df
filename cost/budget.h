/* SPDX-License-Identifier: Apache-2.0 */
/* budget.h - the throttle decision of one budget: EMA against a limit, streaks, hysteresis.
 *
 * Pure: the same rule decides in every store and in the simulator. Evaluated once per window; the
 * window's index comes with the value. The EMA is a statistic, not money, so it is a double: its
 * relative error stays under 1e-12 over years of windows, and comparisons are plain `>` and `<` on
 * doubles. A constant input equal to the limit never drifts over it. */
#ifndef TOLL_COST_BUDGET_H
#define TOLL_COST_BUDGET_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/slice.h"

struct toll_budget_rule {
	double limit_usd;
	double alpha;     /* 0 < alpha <= 1: weight of the current value */
	double release;   /* 0..1: released below release x limit */
	uint32_t windows; /* >= 1: how many in a row set or release */
};

#define TOLL_BUDGET_NEVER INT64_C(-1)

struct toll_budget_state {
	int64_t window;       /* index of the last evaluation, or TOLL_BUDGET_NEVER */
	double ema;           /* USD */
	uint32_t over, under; /* evaluations in a row above the limit, below release x limit */
	bool on;              /* tripped */
};

#define TOLL_BUDGET_STATE_INIT              \
	{                                   \
		.window = TOLL_BUDGET_NEVER \
	}

/* Evaluates one window, once. False, and nothing changed, when this window (or a later one) was
 * evaluated before. The first value seeds the EMA; skipped windows count as if the current value
 * had been there all along; a gap longer than the streak is no evidence and resets both streaks. A
 * state from more than 60 windows ahead was written under a clock that ran wild: it is taken up
 * again. */
bool toll_budget_step(const struct toll_budget_rule *rule, struct toll_budget_state *state,
                      int64_t window, double current_usd);

/* Text that lives in Redis, "window ema over under on": an exact round trip. Returns the length. */
#define TOLL_BUDGET_TEXT 96
int toll_budget_print(const struct toll_budget_state *state, char buf[TOLL_BUDGET_TEXT]);
/* TOLL_EINVALID when it is not such a text (it came from outside); *ret then stays as it was. */
int toll_budget_parse(struct toll_slice text, struct toll_budget_state *ret) TOLL_MUST_CHECK;

#endif

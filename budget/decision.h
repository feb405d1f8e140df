/* SPDX-License-Identifier: Apache-2.0 */
/* decision.h - one service's decision over all budgets that match it.
 *
 * Pure, and the same for every store. Each matching budget has its own state; the flag is wanted
 * when any budget in mode enforce has tripped, the shadow flag when any in mode shadow has. */
#ifndef TOLL_BUDGET_DECISION_H
#define TOLL_BUDGET_DECISION_H

#include "budget/slot.h"

/* What a store knows of one window's sum. */
struct toll_reading {
	toll_i128 nano;
	uint64_t asof_ms; /* the store's clock */
	bool settled;     /* false: unknown or being rebuilt; decides nothing */
};

struct toll_verdict {
	bool evaluated;    /* a window was decided, or a state must go: commit */
	bool want, shadow; /* flags */
	/* The budget that is nearest to its limit or furthest over it, for log lines and gauges;
	 * NULL when none matches. Of the tripped enforcing ones first, then of the tripped, then of
	 * all. */
	const struct toll_rule *rule;
	toll_i128 rule_nano;
	double rule_ema;
	bool fast; /* it is tripped by recent spend alone */
};

/* Steps every matching budget whose window is new and settled. readings: one per window; the latest
 * of them tells the time. Slots of other configurations count for the flags while they are fresh.
 */
void toll_rules_decide(const struct toll_rules *r, const uint16_t *matching,
                       uint32_t matching_count, const struct toll_reading *readings,
                       struct toll_slots *slots, struct toll_verdict *ret);

/* Is there a matching budget whose window at now_ms nobody has decided yet? */
bool toll_rules_due(const struct toll_rules *r, const uint16_t *matching, uint32_t matching_count,
                    const struct toll_slots *slots, uint64_t now_ms);

/* "[COST_ENFORCEMENT] payment-svc exceeded budget: $512.40/$500" without the service:
 * writes "$512.40/$500". */
#define TOLL_VERDICT_TEXT 112
void toll_verdict_amounts(const struct toll_verdict *v, char buf[TOLL_VERDICT_TEXT]);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* rules.h - the budgets of a configuration, checked and named. Pure. */
#ifndef TOLL_BUDGET_RULES_H
#define TOLL_BUDGET_RULES_H

#include "base/error.h"
#include "budget/settings.h"
#include "cost/budget.h"
#include "cost/window.h"

#define TOLL_RULES_MAX   64
#define TOLL_WINDOWS_MAX 8
#define TOLL_RULE_ID     20

struct toll_rule {
	struct toll_slice glob;
	int64_t limit_pico;
	uint32_t window; /* index into windows */
	enum toll_budget_mode mode;
	struct toll_budget_rule rule;
	char id[TOLL_RULE_ID]; /* "b:" and a hash of all that makes the rule: daemons with different
	                          rules do not disturb each other's state */
	char before[TOLL_RULE_ID]; /* the rule that this one has replaced here; "": none */
};

struct toll_rules {
	struct toll_rule at[TOLL_RULES_MAX];
	uint32_t count;
	struct toll_window windows[TOLL_WINDOWS_MAX]; /* [0] is 24h: published for every service */
	uint32_t window_count;
	uint64_t evaluation_ms, ttl_ms;
	uint64_t settle_ms; /* sums younger than this may still be under reconstruction */
};

/* TOLL_ECONFIG with a sentence. The globs are borrowed from the configuration. */
int toll_rules_init(struct toll_rules *r, const struct toll_budget_settings *set,
                    struct toll_error *reterr) TOLL_MUST_CHECK;

/* Rules that a reload puts in the place of others for the same services and window take up their
 * averages and flags: notes whose. */
void toll_rules_succeed(struct toll_rules *r, const struct toll_rules *before);

/* Indexes of the rules that match, most TOLL_RULES_MAX; returns their number. Unverified spend
 * (cost/name.h) has none. */
uint32_t toll_rules_match(const struct toll_rules *r, struct toll_slice service, uint16_t *ret);

#endif

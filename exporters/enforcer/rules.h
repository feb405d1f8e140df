/* SPDX-License-Identifier: Apache-2.0 */
/* rules.h - the budgets of a configuration, and one service's decision over all that match it.
 *
 * Pure, and the same for every store. Each matching budget has its own state; the flag is wanted
 * when any budget in mode enforce has tripped, the shadow flag when any in mode shadow has. */
#ifndef TOLL_ENFORCER_RULES_H
#define TOLL_ENFORCER_RULES_H

#include "cost/budget.h"
#include "cost/window.h"
#include "exporters/enforcer/config.h"

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
int toll_rules_init(struct toll_rules *r, const struct toll_enforcer_config *conf,
                    struct toll_error *reterr) TOLL_MUST_CHECK;

/* Rules that a reload puts in the place of others for the same services and window take up their
 * averages and flags: notes whose. */
void toll_rules_succeed(struct toll_rules *r, const struct toll_rules *before);

/* Indexes of the rules that match, most TOLL_RULES_MAX; returns their number. Unverified spend
 * (cost/name.h) has none. */
uint32_t toll_rules_match(const struct toll_rules *r, struct toll_slice service, uint16_t *ret);

/* One budget's state, as kept by a store. */
struct toll_slot {
	char id[TOLL_RULE_ID];
	struct toll_budget_state state;
	uint64_t until_ms; /* a tripped budget that nobody evaluates any more holds nothing after
	                      this */
	uint64_t at_ms;    /* last evaluation ... */
	toll_i128 nano;    /* ... and the sum that it saw */
	enum toll_budget_mode mode;
	/* What the last toll_rules_decide() asks of the store. */
	bool changed; /* to be written */
	bool gone;    /* to be deleted */
};

#define TOLL_SLOTS_MAX (TOLL_RULES_MAX + 32)
struct toll_slots {
	struct toll_slot at[TOLL_SLOTS_MAX];
	uint32_t count;
};

/* "window ema over under on until mode at nanodollars"; TOLL_EINVALID. */
#define TOLL_SLOT_TEXT (TOLL_BUDGET_TEXT + TOLL_NANO_TEXT + 64)
int toll_slot_print(const struct toll_slot *s, char buf[TOLL_SLOT_TEXT]);
int toll_slot_parse(struct toll_slice text, struct toll_slot *ret) TOLL_MUST_CHECK;

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
};

/* Steps every matching budget whose window is new and settled. readings: one per window. Slots of
 * other configurations count for the flags while they are fresh. */
void toll_rules_decide(const struct toll_rules *r, const uint16_t *matching,
                       uint32_t matching_count, const struct toll_reading *readings,
                       struct toll_slots *slots, struct toll_verdict *ret);

/* For a store that keeps the slots as they are. */
void toll_slots_drop_gone(struct toll_slots *slots);

/* Is there a matching budget whose window at now_ms nobody has decided yet? */
bool toll_rules_due(const struct toll_rules *r, const uint16_t *matching, uint32_t matching_count,
                    const struct toll_slots *slots, uint64_t now_ms);

/* "[COST_ENFORCEMENT] payment-svc exceeded budget: $512.40/$500" without the service:
 * writes "$512.40/$500". */
#define TOLL_VERDICT_TEXT 112
void toll_verdict_amounts(const struct toll_verdict *v, char buf[TOLL_VERDICT_TEXT]);

#endif

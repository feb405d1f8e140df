/* SPDX-License-Identifier: Apache-2.0 */
/* slot.h - the state of one budget of one service, as stores keep it and as text in Redis. Pure. */
#ifndef TOLL_BUDGET_SLOT_H
#define TOLL_BUDGET_SLOT_H

#include "budget/rules.h"

/* One budget's state, as kept by a store. */
struct toll_slot {
	char id[TOLL_RULE_ID];
	struct toll_budget_state state;
	uint64_t until_ms; /* a tripped budget that nobody evaluates any more holds nothing after
	                      this */
	uint64_t at_ms;    /* last evaluation ... */
	toll_i128 nano;    /* ... and the sum that it saw */
	enum toll_budget_mode mode;
	bool fast;           /* tripped by recent spend alone */
	uint32_t fast_under; /* evaluations in a row with recent spend below the release */
	/* What the last toll_rules_decide() asks of the store. */
	bool changed; /* to be written */
	bool gone;    /* to be deleted */
};

#define TOLL_SLOTS_MAX (TOLL_RULES_MAX + 32)
struct toll_slots {
	struct toll_slot at[TOLL_SLOTS_MAX];
	uint32_t count;
};

static inline bool toll_slot_is_on(const struct toll_slot *s)
{
	return s->state.on || s->fast;
}

/* "window ema over under on until mode at nanodollars", and while it is tripped by recent spend
 * " fast under"; TOLL_EINVALID. */
#define TOLL_SLOT_TEXT (TOLL_BUDGET_TEXT + TOLL_NANO_TEXT + 80)
int toll_slot_print(const struct toll_slot *s, char buf[TOLL_SLOT_TEXT]);
int toll_slot_parse(struct toll_slice text, struct toll_slot *ret) TOLL_MUST_CHECK;

/* NULL: there is none of this rule, or it is gone; "" names no rule. */
struct toll_slot *toll_slots_find(struct toll_slots *slots, const char *id);

/* For a store that keeps the slots as they are. */
void toll_slots_drop_gone(struct toll_slots *slots);

#endif

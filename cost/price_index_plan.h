/* SPDX-License-Identifier: Apache-2.0 */
/* price_index_plan.h - by which of its conditions each rule of a book is found. Private to cost/.
 */
#ifndef TOLL_COST_PRICE_INDEX_PLAN_H
#define TOLL_COST_PRICE_INDEX_PLAN_H

#include "cost/price_index.h"

/* A condition whose texts take part in the keys of its rule. */
struct toll_index_anchor {
	const struct toll_condition *condition;
	struct toll_index_part part;
	uint8_t index; /* of the condition */
};

/* How a rule is found: in which group, by which conditions. */
struct toll_index_plan {
	struct toll_index_anchor anchors[TOLL_INDEX_PARTS];
	uint32_t anchor_count;
	uint32_t group;
};

/* Keys of all rules together, at most. */
#define TOLL_INDEX_KEYS UINT32_C(8000000)

/* Fills plans (by rank) and the groups of x. TOLL_ENOMEM. */
int toll_index_plan_all(const struct toll_price *prices, uint32_t count,
                        struct toll_index_plan *plans, struct toll_price_index *x) TOLL_MUST_CHECK;
/* How many keys a rule has: one for each combination of the texts; over TOLL_INDEX_KEYS: any. */
size_t toll_index_plan_keys(const struct toll_index_plan *p);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* describe.h - a decision in words: events for whoever reads of a change, flags for the copy that
 * meshes are answered from. The same for every store. */
#ifndef TOLL_ENFORCER_DESCRIBE_H
#define TOLL_ENFORCER_DESCRIBE_H

#include "budget/event.h"
#include "budget/outcome.h"
#include "exporters/enforcer/config.h"
#include "exporters/enforcer/totals/totals.h"

struct toll_about {
	const struct toll_rules *rules;
	const struct toll_throttle_config *throttle;
	const struct toll_service *service;
	const struct toll_verdict *verdict;
};

/* All but what, time_ms, change_id, until_ms. by: instance. */
void toll_describe_event(const struct toll_about *a, const struct toll_outcome *o, const char *by,
                         struct toll_budget_event *ret);

/* As the service's override and flag are. until_ms: this machine's clock. */
struct toll_flag toll_describe_flag(const struct toll_about *a, uint64_t until_ms);

/* Of the service's shown rule, for its rows; they stay where no slot tells. */
void toll_describe_streaks(struct toll_service *s, const struct toll_slots *slots);

#endif

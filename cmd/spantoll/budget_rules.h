/* SPDX-License-Identifier: Apache-2.0 */
/* budget_rules.h - the budgets themselves, as a table. */
#ifndef TOLL_CMD_BUDGET_RULES_H
#define TOLL_CMD_BUDGET_RULES_H

struct toll_budget_flags;

/* An enum toll_exit. */
int toll_budget_list_rules(const struct toll_budget_flags *f);

#endif

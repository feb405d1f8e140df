/* SPDX-License-Identifier: Apache-2.0 */
/* overlay.h - budgets that were set at run time, over those of a configuration. */
#ifndef TOLL_BUDGET_OVERLAY_H
#define TOLL_BUDGET_OVERLAY_H

#include "budget/rules.h"

/* One entry of `budgets`, as JSON or YAML. */
struct toll_budget_text {
	struct toll_slice name; /* replaces the configured one of this name, else comes on top */
	struct toll_slice text;
};

/* The rules of base with these over it. TOLL_ECONFIG, TOLL_ENOMEM; then there is nothing to
 * release, and the sentence begins with the name, and line, column and key of what is wrong:
 * "trial: 1:12: limit: ...". One that is not usable makes all of it unusable: whoever sets one
 * tries it first. */
int toll_rules_overlay(struct toll_rules *r, const struct toll_budget_settings *base,
                       const struct toll_budget_text *texts, size_t count,
                       struct toll_error *reterr) TOLL_MUST_CHECK;

/* Is the text a budget that base can take? As above. */
int toll_budget_text_check(const struct toll_budget_settings *base,
                           const struct toll_budget_text *text,
                           struct toll_error *reterr) TOLL_MUST_CHECK;

#endif

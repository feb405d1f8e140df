/* SPDX-License-Identifier: Apache-2.0 */
/* rules_saved.h - rules as they were, written down: what a process that comes later must know of
 * them to tell whether its own are the same, and to put its own in their place. */
#ifndef TOLL_BUDGET_RULES_SAVED_H
#define TOLL_BUDGET_RULES_SAVED_H

#include "budget/rules.h"
#include "proto/wire_out.h"

void toll_rules_save(const struct toll_rules *r, struct toll_wire_out *out);

/* Good for toll_rules_equal(), toll_rules_succeed() and the names and sizes of windows; they match
 * nothing, and calendars are not here. Any bytes may come: TOLL_EINVALID; TOLL_ENOMEM; then there
 * is nothing to release. */
int toll_rules_restore(struct toll_slice bytes, struct toll_rules *ret) TOLL_MUST_CHECK;

#endif

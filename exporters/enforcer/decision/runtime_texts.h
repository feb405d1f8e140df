/* SPDX-License-Identifier: Apache-2.0 */
/* runtime_texts.h - the budgets that people set at run time, as the store told them last. They
 * outlive one enforcer of an id: who has the turn may change them, with the lock of the totals. */
#ifndef TOLL_ENFORCER_RUNTIME_TEXTS_H
#define TOLL_ENFORCER_RUNTIME_TEXTS_H

#include "budget/overlay.h"

struct toll_runtime_texts {
	struct toll_budget_text at[TOLL_RULES_MAX];
	uint32_t count;
	char *memory; /* what they lie in; owned */
};

void toll_runtime_texts_release(struct toll_runtime_texts *t);
/* Empty, with room for so many bytes of names and texts. */
int toll_runtime_texts_init(struct toll_runtime_texts *t, size_t bytes) TOLL_MUST_CHECK;
/* Copied into that room, which the caller has counted. */
void toll_runtime_texts_add(struct toll_runtime_texts *t, struct toll_slice name,
                            struct toll_slice text);

#endif

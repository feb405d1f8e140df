/* SPDX-License-Identifier: Apache-2.0 */
/* rules_inside.h - the memory that rules share with their copies. Private to rules*.c. */
#ifndef TOLL_BUDGET_RULES_INSIDE_H
#define TOLL_BUDGET_RULES_INSIDE_H

#include <stdatomic.h>

#include "budget/rules.h"

struct toll_rules_memory {
	atomic_uint refs;
	struct toll_arena arena;
};

/* One reference; NULL: out of memory. */
struct toll_rules_memory *toll_rules_memory_new(void);

#endif

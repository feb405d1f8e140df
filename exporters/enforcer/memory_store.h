/* SPDX-License-Identifier: Apache-2.0 */
/* memory_store.h - the same windows and the same rule without Redis: this process alone. */
#ifndef TOLL_ENFORCER_MEMORY_STORE_H
#define TOLL_ENFORCER_MEMORY_STORE_H

#include "exporters/enforcer/clock.h"
#include "exporters/enforcer/counters.h"
#include "exporters/enforcer/totals.h"

struct toll_memory_store {
	struct toll_totals *totals;
	const struct toll_rules *rules;
	struct toll_counters *counters;
	const char *who;
	int64_t window; /* the last one decided; -1: none */
	const struct toll_test_clock *clock;
};

/* Rolls the sums and, once per evaluation window of the wall clock, decides. Cheap when there is
 * nothing to do; call often. */
void toll_memory_store_tick(struct toll_memory_store *m);

#endif

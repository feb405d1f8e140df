/* SPDX-License-Identifier: Apache-2.0 */
/* counters.h - what the enforcer counts about itself; counters.def is the list. Any thread. */
#ifndef TOLL_ENFORCER_COUNTERS_H
#define TOLL_ENFORCER_COUNTERS_H

#include <stdatomic.h>
#include <stdint.h>

enum toll_counter {
#define TOLL_COUNTER(id, name, type, help) TOLL_COUNTER_##id,
#include "exporters/enforcer/counters.def"
	TOLL_COUNTER_COUNT
};

struct toll_counters {
	_Atomic uint64_t at[TOLL_COUNTER_COUNT];
};

static inline void toll_counter_add(struct toll_counters *c, enum toll_counter which, uint64_t n)
{
	atomic_fetch_add_explicit(&c->at[which], n, memory_order_relaxed);
}

static inline void toll_counter_set(struct toll_counters *c, enum toll_counter which, uint64_t n)
{
	atomic_store_explicit(&c->at[which], n, memory_order_relaxed);
}

static inline uint64_t toll_counter_get(const struct toll_counters *c, enum toll_counter which)
{
	return atomic_load_explicit(&c->at[which], memory_order_relaxed);
}

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* stats.h - the counters every component has, and how a component exposes its own metrics.
 *
 * Counters are added to once per batch, never once per span, so one relaxed atomic each is enough.
 */
#ifndef TOLL_PIPELINE_STATS_H
#define TOLL_PIPELINE_STATS_H

#include <stdatomic.h>
#include <stdint.h>

enum toll_stat {
#define TOLL_STAT(id, name, type, kinds, unit, help) TOLL_STAT_##id,
#include "pipeline/stats.def"
	TOLL_STAT_COUNT
};

struct toll_stats {
	_Atomic uint64_t at[TOLL_STAT_COUNT];
};

static inline void toll_stat_add(struct toll_stats *s, enum toll_stat which, uint64_t n)
{
	atomic_fetch_add_explicit(&s->at[which], n, memory_order_relaxed);
}

static inline void toll_stat_set(struct toll_stats *s, enum toll_stat which, uint64_t n)
{
	atomic_store_explicit(&s->at[which], n, memory_order_relaxed);
}

static inline uint64_t toll_stat_get(const struct toll_stats *s, enum toll_stat which)
{
	return atomic_load_explicit(&s->at[which], memory_order_relaxed);
}

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* memory.h - the process's one byte budget for data in flight: charged on receipt, given back when
 * the last user lets go. Any thread; never allocates. */
#ifndef TOLL_BASE_MEMORY_H
#define TOLL_BASE_MEMORY_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/macro.h"

struct toll_memory {
	atomic_size_t used;
	atomic_size_t limit; /* bytes; 0: none */
};

/* False, and nothing charged, when it would go over the limit. m may be NULL: always true. */
static inline bool toll_memory_charge(struct toll_memory *m, size_t bytes)
{
	size_t limit, used;

	if (!m)
		return true;
	limit = atomic_load_explicit(&m->limit, memory_order_relaxed);
	used = atomic_fetch_add_explicit(&m->used, bytes, memory_order_relaxed) + bytes;
	if (toll_likely(!limit || used <= limit))
		return true;
	atomic_fetch_sub_explicit(&m->used, bytes, memory_order_relaxed);
	return false;
}

static inline void toll_memory_release(struct toll_memory *m, size_t bytes)
{
	if (m)
		atomic_fetch_sub_explicit(&m->used, bytes, memory_order_relaxed);
}

#endif

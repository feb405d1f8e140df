/* SPDX-License-Identifier: Apache-2.0 */
/* process.h - what the kernel says about this process: CPU time, memory, the limits of its cgroup.
 */
#ifndef TOLL_PIPELINE_PROCESS_H
#define TOLL_PIPELINE_PROCESS_H

#include <stddef.h>
#include <stdint.h>

uint64_t toll_process_cpu_ns(void);
size_t toll_process_rss(void); /* resident bytes; 0: unknown */

/* What this process may use: the cgroup's memory.max (v2), else the machine's memory. */
size_t toll_process_memory_total(void);

/* The cgroup's working set (memory.current without inactive page cache) and limit; both 0 where
 * there is no cgroup v2 or no limit. */
void toll_process_cgroup(size_t *ret_used, size_t *ret_limit);

#endif

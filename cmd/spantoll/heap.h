/* SPDX-License-Identifier: Apache-2.0 */
/* heap.h - what the C library's allocator is told: keep memory while spans flow, give it back when
 * they stop. Main thread only. */
#ifndef TOLL_CMD_HEAP_H
#define TOLL_CMD_HEAP_H

struct toll_heap;
struct toll_host;

/* Before other threads run. The timer lives as long as the host; NULL: out of memory. */
struct toll_heap *toll_heap_new(struct toll_host *host);
struct toll_heap *toll_heap_free(struct toll_heap *h); /* always returns NULL */

#endif

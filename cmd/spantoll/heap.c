/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/spantoll/heap.h"

#include <malloc.h>
#include <stdlib.h>

#include "base/clock.h"
#include "pipeline/host.h"
#include "pipeline/process.h"

/* A batch of 512 spans takes about 1 MiB in one piece. Left alone, glibc returns such pieces to the
 * kernel when they are freed and pays for fresh pages with the next request. */
#define MMAP_FROM_BYTES  (32 * 1024 * 1024)
#define TRIM_FROM_BYTES  (64 * 1024 * 1024)
#define LOOK_EVERY       (5 * TOLL_S)
#define IDLE_BELOW_BYTES ((size_t)1024 * 1024)
#define WORTH_BYTES      ((size_t)16 * 1024 * 1024)

struct toll_heap {
	struct toll_host *host;
	struct toll_timer *timer;
	size_t rss; /* after memory was last given back */
};

/* Nothing is in flight: a pause of a few milliseconds disturbs nobody. */
static void look(void *ctx)
{
	struct toll_heap *h = ctx;
	size_t used = atomic_load_explicit(&toll_host_memory(h->host)->used, memory_order_relaxed);

	if (used > IDLE_BELOW_BYTES || toll_process_rss() < h->rss + WORTH_BYTES)
		return;
	malloc_trim(0);
	h->rss = toll_process_rss();
}

struct toll_heap *toll_heap_new(struct toll_host *host)
{
	struct toll_heap *h = calloc(1, sizeof(*h));

	if (!h)
		return NULL;
	mallopt(M_MMAP_THRESHOLD, MMAP_FROM_BYTES);
	mallopt(M_TRIM_THRESHOLD, TRIM_FROM_BYTES);
	h->host = host;
	h->rss = toll_process_rss();
	h->timer = toll_host_timer(host, LOOK_EVERY, LOOK_EVERY, look, h);
	return h->timer ? h : toll_heap_free(h);
}

struct toll_heap *toll_heap_free(struct toll_heap *h)
{
	if (h)
		toll_host_timer_stop(h->timer);
	free(h);
	return NULL;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* host.c - one process: its parts, its identity, its byte budget. */
#include "pipeline/host.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

#include "base/clock.h"
#include "pipeline/host_private.h"
#include "pipeline/process.h"
#include "pipeline/recent.h"
#include "pipeline/trace.h"
#include "pipeline/unpriced.h"

/* 128 random bits. The kernel's pool is ready long before a daemon runs; should it ever refuse,
 * clock and process keep two daemons apart. */
static void make_instance(char *text)
{
	static const char hex[] = "0123456789abcdef";
	unsigned char bits[16];
	size_t have = 0;

	while (have < sizeof(bits)) {
		ssize_t n = getrandom(bits + have, sizeof(bits) - have, 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		have += (size_t)n;
	}
	for (; have < sizeof(bits); have++)
		bits[have] = (unsigned char)(toll_clock_wall_ns() >> (have % 8 * 8));
	for (size_t i = 0; i < sizeof(bits); i++) {
		*text++ = hex[bits[i] >> 4];
		*text++ = hex[bits[i] & 15];
	}
	*text = '\0';
}

#define BUDGET_MAX ((size_t)512 << 20)

static size_t default_budget(void)
{
	size_t quarter = toll_process_memory_total() / 4;

	return quarter && quarter < BUDGET_MAX ? quarter : BUDGET_MAX;
}

void toll_host_memory_limit(struct toll_host *h, struct toll_memory_wish *wish, size_t bytes)
{
	struct toll_memory_wish **at = &h->wishes;
	size_t limit = default_budget();

	while (*at && *at != wish)
		at = &(*at)->next;
	if (*at)
		*at = wish->next;
	while (*at)
		at = &(*at)->next;
	*wish = (struct toll_memory_wish){ NULL, bytes };
	if (bytes)
		*at = wish;
	for (const struct toll_memory_wish *w = h->wishes; w; w = w->next)
		limit = w->bytes;
	atomic_store(&h->memory.limit, limit);
}

static void free_views(struct toll_host *h)
{
	toll_trace_free(h->trace);
	toll_recent_free(h->recent);
	toll_unpriced_table_free(h->unpriced);
}

struct toll_host *toll_host_new(void)
{
	struct toll_host *h = calloc(1, sizeof(*h));

	if (!h)
		return NULL;
	h->trace = toll_trace_new();
	h->recent = toll_recent_new(&h->memory);
	h->unpriced = toll_unpriced_table_new();
	if (!h->trace || !h->recent || !h->unpriced)
		goto fail_views;
	if (toll_host_status_init(&h->status))
		goto fail_views;
	if (toll_host_metrics_init(&h->metrics))
		goto fail_metrics;
	if (toll_host_loop_init(&h->loop))
		goto fail_loop;
	pthread_mutex_init(&h->services_lock, NULL);
	pthread_cond_init(&h->services_dropped, NULL);
	pthread_mutex_init(&h->view_lock, NULL);
	atomic_init(&h->memory.limit, default_budget());
	h->started_mono_ns = toll_clock_mono_ns();
	h->started_wall_ns = toll_clock_wall_ns();
	make_instance(h->instance);
	return h;
fail_loop:
	toll_host_metrics_release(&h->metrics);
fail_metrics:
	toll_host_status_release(&h->status);
fail_views:
	free_views(h);
	free(h);
	return NULL;
}

struct toll_host *toll_host_free(struct toll_host *h)
{
	if (!h)
		return NULL;
	toll_host_loop_release(&h->loop);
	toll_host_services_release(h);
	pthread_cond_destroy(&h->services_dropped);
	pthread_mutex_destroy(&h->services_lock);
	pthread_mutex_destroy(&h->view_lock);
	toll_host_metrics_release(&h->metrics);
	toll_host_status_release(&h->status);
	free_views(h);
	free(h);
	return NULL;
}

struct toll_memory *toll_host_memory(struct toll_host *h)
{
	return &h->memory;
}

const char *toll_host_instance(const struct toll_host *h)
{
	return h->instance;
}

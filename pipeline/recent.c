/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/recent.h"

#include <pthread.h>
#include <stdlib.h>

struct toll_recent {
	const struct toll_memory *memory; /* the budget the batches are charged to, or NULL */
	_Atomic size_t limit;             /* bytes; 0: nobody watches */
	pthread_mutex_t lock;             /* guards the rest */
	unsigned watchers;
	struct toll_batch *ring[TOLL_RECENT_BATCHES];
	uint32_t first, count;
	size_t bytes;
};

struct toll_recent *toll_recent_new(const struct toll_memory *memory)
{
	struct toll_recent *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->memory = memory;
	pthread_mutex_init(&r->lock, NULL);
	return r;
}

/* Never more than a small part of the budget, however small that is. */
static size_t limit_of(struct toll_recent *r)
{
	size_t limit = atomic_load_explicit(&r->limit, memory_order_relaxed), most;

	most = r->memory ? atomic_load_explicit(&r->memory->limit, memory_order_relaxed) : 0;
	most /= TOLL_RECENT_PART;
	return most && most < limit ? most : limit;
}

static size_t size_of(const struct toll_batch *b)
{
	return b->arena.held + (b->parent ? b->parent->arena.held : 0);
}

static void drop_oldest(struct toll_recent *r)
{
	struct toll_batch *oldest = r->ring[r->first];

	r->bytes -= size_of(oldest);
	r->first = (r->first + 1) % TOLL_RECENT_BATCHES;
	r->count--;
	toll_batch_unref(oldest);
}

static void shrink(struct toll_recent *r, size_t limit, uint32_t count)
{
	while (r->count && (r->bytes > limit || r->count > count))
		drop_oldest(r);
}

struct toll_recent *toll_recent_free(struct toll_recent *r)
{
	if (!r)
		return NULL;
	shrink(r, 0, 0);
	pthread_mutex_destroy(&r->lock);
	free(r);
	return NULL;
}

void toll_recent_watch(struct toll_recent *r, size_t bytes)
{
	pthread_mutex_lock(&r->lock);
	r->watchers++;
	atomic_store(&r->limit, bytes);
	shrink(r, bytes, TOLL_RECENT_BATCHES);
	pthread_mutex_unlock(&r->lock);
}

void toll_recent_unwatch(struct toll_recent *r)
{
	pthread_mutex_lock(&r->lock);
	if (--r->watchers == 0) {
		atomic_store(&r->limit, 0);
		shrink(r, 0, 0);
	}
	pthread_mutex_unlock(&r->lock);
}

void toll_recent_add(struct toll_recent *r, struct toll_batch *batch)
{
	size_t size = size_of(batch), limit;

	if (size > limit_of(r))
		return;
	pthread_mutex_lock(&r->lock);
	limit = limit_of(r);
	if (size <= limit) {
		shrink(r, limit - size, TOLL_RECENT_BATCHES - 1);
		r->ring[(r->first + r->count++) % TOLL_RECENT_BATCHES] = toll_batch_ref(batch);
		r->bytes += size;
	}
	pthread_mutex_unlock(&r->lock);
}

void toll_recent_forget(struct toll_recent *r)
{
	pthread_mutex_lock(&r->lock);
	shrink(r, 0, 0);
	pthread_mutex_unlock(&r->lock);
}

/* ---- looking ---- */

/* Newest first, each with a reference; NULL: out of memory. */
static struct toll_batch **copy_all(struct toll_recent *r, uint32_t *ret_count)
{
	struct toll_batch **all;

	pthread_mutex_lock(&r->lock);
	all = calloc(r->count + 1, sizeof(struct toll_batch *));
	*ret_count = all ? r->count : 0;
	for (uint32_t i = 0; i < *ret_count; i++) {
		uint32_t at = (r->first + r->count - 1 - i) % TOLL_RECENT_BATCHES;

		all[i] = toll_batch_ref(r->ring[at]);
	}
	pthread_mutex_unlock(&r->lock);
	return all;
}

void toll_recent_each(struct toll_recent *r, bool (*batch)(void *ctx, struct toll_batch *b),
                      void *ctx)
{
	uint32_t count;
	struct toll_batch **all = copy_all(r, &count);
	bool more = true;

	for (uint32_t i = 0; i < count; i++) {
		more = more && batch(ctx, all[i]);
		toll_batch_unref(all[i]);
	}
	free(all);
}

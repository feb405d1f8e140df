/* SPDX-License-Identifier: Apache-2.0 */
#include "connectors/spanmetrics/series.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"

/* So many workers seldom meet. */
#define SHARDS 16

struct shard {
	pthread_mutex_t lock;            /* guards the slots and the series in them */
	struct toll_span_series **slots; /* chains */
};

struct toll_span_series_store {
	struct shard shards[SHARDS];
	uint64_t slot_mask;
	uint32_t limit, bound_count;
	const uint64_t *bounds_ns;
	uint64_t expiration_ns;
	atomic_uint count;
	pthread_mutex_t overflow_lock; /* guards what overflow points to */
	struct toll_span_series *overflow;
};

static struct toll_span_series *series_new(const struct toll_span_series_store *s,
                                           struct toll_slice key, uint64_t hash)
{
	size_t buckets = s->bound_count * sizeof(uint64_t);
	struct toll_span_series *one = calloc(1, sizeof(*one) + buckets + key.len);
	char *copy;

	if (!one)
		return NULL;
	copy = (char *)one->buckets + buckets;
	if (key.len)
		memcpy(copy, key.ptr, key.len);
	one->hash = hash;
	one->key = toll_slice(copy, key.len);
	return one;
}

static void add(const struct toll_span_series_store *s, struct toll_span_series *one,
                const struct toll_observation *o)
{
	uint32_t at = 0;

	one->seen_mono_ns = o->mono_ns;
	one->calls += o->weight;
	one->duration_ns += (toll_i128)o->duration_ns * o->weight;
	one->cost_pico += o->cost_pico;
	while (at < s->bound_count && o->duration_ns > s->bounds_ns[at])
		at++;
	if (at < s->bound_count)
		one->buckets[at] += o->weight;
}

static struct toll_span_series *find(struct toll_span_series *first, struct toll_slice key,
                                     uint64_t hash)
{
	while (first && (first->hash != hash || !toll_slice_eq(first->key, key)))
		first = first->next;
	return first;
}

/* NULL: no room. The shard's lock is held. */
static struct toll_span_series *insert(struct toll_span_series_store *s,
                                       struct toll_span_series **slot, struct toll_slice key,
                                       uint64_t hash)
{
	struct toll_span_series *one = NULL;

	if (atomic_fetch_add_explicit(&s->count, 1, memory_order_relaxed) < s->limit)
		one = series_new(s, key, hash);
	if (!one) {
		atomic_fetch_sub_explicit(&s->count, 1, memory_order_relaxed);
		return NULL;
	}
	one->next = *slot;
	*slot = one;
	return one;
}

void toll_span_series_add(struct toll_span_series_store *s, struct toll_slice key,
                          const struct toll_observation *o)
{
	uint64_t hash = toll_hash(key);
	struct shard *shard = &s->shards[hash % SHARDS];
	struct toll_span_series **slot = &shard->slots[hash / SHARDS & s->slot_mask], *one;

	pthread_mutex_lock(&shard->lock);
	one = find(*slot, key, hash);
	if (!one)
		one = insert(s, slot, key, hash);
	if (one)
		add(s, one, o);
	pthread_mutex_unlock(&shard->lock);
	if (one)
		return;
	pthread_mutex_lock(&s->overflow_lock);
	add(s, s->overflow, o);
	pthread_mutex_unlock(&s->overflow_lock);
}

/* ---- reading ---- */

static bool has_expired(const struct toll_span_series_store *s, const struct toll_span_series *one,
                        uint64_t now)
{
	return s->expiration_ns && now > one->seen_mono_ns &&
	       now - one->seen_mono_ns > s->expiration_ns;
}

static void each_of_slot(struct toll_span_series_store *s, struct toll_span_series **link,
                         uint64_t now, void (*fn)(void *ctx, const struct toll_span_series *one),
                         void *ctx)
{
	struct toll_span_series *next;

	for (struct toll_span_series *one = *link; one; one = next) {
		next = one->next;
		if (has_expired(s, one, now)) {
			*link = next;
			free(one);
			atomic_fetch_sub_explicit(&s->count, 1, memory_order_relaxed);
			continue;
		}
		fn(ctx, one);
		link = &one->next;
	}
}

void toll_span_series_each(struct toll_span_series_store *s, uint64_t now_mono_ns,
                           void (*fn)(void *ctx, const struct toll_span_series *one), void *ctx)
{
	for (size_t i = 0; i < SHARDS; i++) {
		pthread_mutex_lock(&s->shards[i].lock);
		for (uint64_t slot = 0; slot <= s->slot_mask; slot++)
			each_of_slot(s, &s->shards[i].slots[slot], now_mono_ns, fn, ctx);
		pthread_mutex_unlock(&s->shards[i].lock);
	}
	pthread_mutex_lock(&s->overflow_lock);
	if (s->overflow->calls)
		fn(ctx, s->overflow);
	pthread_mutex_unlock(&s->overflow_lock);
}

uint64_t toll_span_series_overflowed(struct toll_span_series_store *s)
{
	uint64_t calls;

	pthread_mutex_lock(&s->overflow_lock);
	calls = s->overflow->calls;
	pthread_mutex_unlock(&s->overflow_lock);
	return calls;
}

uint32_t toll_span_series_count(struct toll_span_series_store *s)
{
	unsigned n = atomic_load_explicit(&s->count, memory_order_relaxed);

	return n < s->limit ? n : s->limit; /* one that finds no room shows for a moment */
}

/* ---- life ---- */

static bool init_shards(struct toll_span_series_store *s)
{
	bool ok = true;

	for (size_t i = 0; i < SHARDS; i++) {
		pthread_mutex_init(&s->shards[i].lock, NULL);
		s->shards[i].slots = calloc(s->slot_mask + 1, sizeof(struct toll_span_series *));
		ok &= s->shards[i].slots != NULL;
	}
	return ok;
}

struct toll_span_series_store *toll_span_series_store_new(uint32_t limit, const uint64_t *bounds_ns,
                                                          uint32_t bound_count,
                                                          uint64_t expiration_ns)
{
	struct toll_span_series_store *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->limit = limit;
	s->bounds_ns = bounds_ns;
	s->bound_count = bound_count;
	s->expiration_ns = expiration_ns;
	while (s->slot_mask < limit / SHARDS)
		s->slot_mask = s->slot_mask * 2 + 1;
	pthread_mutex_init(&s->overflow_lock, NULL);
	s->overflow = series_new(s, TOLL_SLICE(""), 0);
	if (!init_shards(s) || !s->overflow)
		return toll_span_series_store_free(s);
	s->overflow->key.ptr = NULL;
	return s;
}

static void free_shard(const struct toll_span_series_store *s, struct shard *shard)
{
	for (uint64_t i = 0; shard->slots && i <= s->slot_mask; i++)
		while (shard->slots[i]) {
			struct toll_span_series *one = shard->slots[i];

			shard->slots[i] = one->next;
			free(one);
		}
	free(shard->slots);
	pthread_mutex_destroy(&shard->lock);
}

struct toll_span_series_store *toll_span_series_store_free(struct toll_span_series_store *s)
{
	if (!s)
		return NULL;
	for (size_t i = 0; i < SHARDS; i++)
		free_shard(s, &s->shards[i]);
	pthread_mutex_destroy(&s->overflow_lock);
	free(s->overflow);
	free(s);
	return NULL;
}

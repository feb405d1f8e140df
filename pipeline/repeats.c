/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/repeats.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/random.h>

#include "base/clock.h"
#include "base/hash.h"
#include "pipeline/repeats_ring.h"

#define PENDING_LISTS 32

struct shard {
	pthread_mutex_t lock; /* all of what follows */
	struct toll_repeats_ring known;
	struct toll_repeat *pending[PENDING_LISTS];
	uint64_t pending_count, cut, hits;
};

struct toll_repeats {
	uint64_t seed;
	_Atomic uint32_t max_age_s;
	struct shard shards[TOLL_REPEATS_SHARDS];
};

/* Whole seconds do: an age of minutes may be one off. */
static uint32_t now_s(void)
{
	return (uint32_t)(toll_clock_mono_ns() / TOLL_S);
}

static struct shard *shard_of(struct toll_repeats *r, const uint64_t digest[2])
{
	return &r->shards[digest[1] % TOLL_REPEATS_SHARDS];
}

static struct toll_repeat **list_of(struct shard *s, const uint64_t digest[2])
{
	return &s->pending[digest[1] / TOLL_REPEATS_SHARDS % PENDING_LISTS];
}

void toll_repeats_digest(const struct toll_repeats *r, struct toll_slice bytes, uint64_t sender,
                         uint64_t salt, uint64_t ret[2])
{
	const uint64_t whose[] = { sender, salt };
	uint64_t seed = toll_hash_seeded(toll_slice((const char *)whose, sizeof(whose)), r->seed);

	toll_hash_128(bytes, seed, ret);
}

/* ---- under the lock ---- */

static void expire(const struct toll_repeats *r, struct shard *s, uint32_t now)
{
	uint32_t max_age = atomic_load_explicit(&r->max_age_s, memory_order_relaxed);

	if (now > max_age)
		toll_repeats_ring_expire(&s->known, now - max_age);
}

static void remember(struct shard *s, const uint64_t digest[2], uint32_t second)
{
	uint32_t before = s->known.count;

	if (toll_repeats_ring_has(&s->known, digest))
		return;
	if (!toll_repeats_ring_put(&s->known, digest, second) || s->known.count == before)
		s->cut++;
}

static struct toll_repeat *find_pending(struct shard *s, const uint64_t digest[2])
{
	struct toll_repeat *p = *list_of(s, digest);

	while (p && (p->digest[0] != digest[0] || p->digest[1] != digest[1]))
		p = p->next;
	return p;
}

static enum toll_repeats_state wait_for(struct toll_repeat *first, const void *way,
                                        struct toll_ack *ack)
{
	if (first->way != way || first->waiter_count == TOLL_REPEATS_WAITERS_MAX)
		return TOLL_REPEATS_BUSY;
	ack->next = first->waiters;
	first->waiters = ack;
	first->waiter_count++;
	return TOLL_REPEATS_WAITS;
}

static enum toll_repeats_state look_up(struct shard *s, struct toll_repeat *take,
                                       struct toll_ack *ack)
{
	struct toll_repeat **list = list_of(s, take->digest);
	struct toll_repeat *first;

	if (toll_repeats_ring_has(&s->known, take->digest))
		return TOLL_REPEATS_KNOWN;
	first = find_pending(s, take->digest);
	if (first)
		return wait_for(first, take->way, ack);
	take->waiters = NULL;
	take->waiter_count = 0;
	take->next = *list;
	*list = take;
	s->pending_count++;
	return TOLL_REPEATS_NEW;
}

static void unlink_pending(struct shard *s, struct toll_repeat *p)
{
	struct toll_repeat **link = list_of(s, p->digest);

	while (*link != p)
		link = &(*link)->next;
	*link = p->next;
	s->pending_count--;
}

/* ---- a request ---- */

enum toll_repeats_state toll_repeats_begin(struct toll_repeats *r, struct toll_repeat *take,
                                           struct toll_ack *ack)
{
	struct shard *s = shard_of(r, take->digest);
	uint32_t now = now_s();
	enum toll_repeats_state state;

	pthread_mutex_lock(&s->lock);
	expire(r, s, now);
	state = look_up(s, take, ack);
	pthread_mutex_unlock(&s->lock);
	return state;
}

struct toll_ack *toll_repeats_settle(struct toll_repeats *r, struct toll_repeat *p, bool taken)
{
	struct shard *s = shard_of(r, p->digest);

	pthread_mutex_lock(&s->lock);
	unlink_pending(s, p);
	if (taken)
		remember(s, p->digest, now_s());
	pthread_mutex_unlock(&s->lock);
	return p->waiters;
}

void toll_repeats_answer(struct toll_ack *waiters, int err)
{
	while (waiters) {
		struct toll_ack *next = waiters->next;

		waiters->repeated = true;
		waiters->done(waiters, err);
		waiters = next;
	}
}

bool toll_repeats_knows(struct toll_repeats *r, const uint64_t digest[2])
{
	struct shard *s = shard_of(r, digest);
	bool known;

	pthread_mutex_lock(&s->lock);
	expire(r, s, now_s());
	known = toll_repeats_ring_has(&s->known, digest);
	s->hits += known;
	pthread_mutex_unlock(&s->lock);
	return known;
}

void toll_repeats_remember(struct toll_repeats *r, const uint64_t digest[2], uint64_t age_ns)
{
	struct shard *s = shard_of(r, digest);
	uint32_t now = now_s();
	uint64_t age = age_ns / TOLL_S;

	pthread_mutex_lock(&s->lock);
	remember(s, digest, age < now ? now - (uint32_t)age : 0);
	expire(r, s, now);
	pthread_mutex_unlock(&s->lock);
}

/* ---- life ---- */

/* The kernel's pool is ready long before a daemon runs; should it ever refuse, the ring is no less
 * right, only easier to mislead for a client that knows the time. */
uint64_t toll_repeats_seed(void)
{
	uint64_t seed;
	ssize_t n;

	do
		n = getrandom(&seed, sizeof(seed), 0);
	while (n < 0 && errno == EINTR);
	return n == (ssize_t)sizeof(seed) ? seed : toll_clock_wall_ns();
}

struct toll_repeats *toll_repeats_new(uint64_t seed)
{
	struct toll_repeats *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->seed = seed;
	for (size_t i = 0; i < TOLL_REPEATS_SHARDS; i++) {
		pthread_mutex_init(&r->shards[i].lock, NULL);
		toll_repeats_ring_init(&r->shards[i].known, 0);
	}
	return r;
}

struct toll_repeats *toll_repeats_free(struct toll_repeats *r)
{
	for (size_t i = 0; r && i < TOLL_REPEATS_SHARDS; i++) {
		assert(!r->shards[i].pending_count);
		toll_repeats_ring_release(&r->shards[i].known);
		pthread_mutex_destroy(&r->shards[i].lock);
	}
	free(r);
	return NULL;
}

void toll_repeats_limit(struct toll_repeats *r, uint64_t max_age_ns, uint64_t max_bytes)
{
	uint64_t seconds = (max_age_ns + TOLL_S - 1) / TOLL_S;

	atomic_store_explicit(&r->max_age_s, seconds < UINT32_MAX ? (uint32_t)seconds : UINT32_MAX,
	                      memory_order_relaxed);
	for (size_t i = 0; i < TOLL_REPEATS_SHARDS; i++) {
		struct shard *s = &r->shards[i];

		pthread_mutex_lock(&s->lock);
		toll_repeats_ring_limit(&s->known, max_bytes / TOLL_REPEATS_SHARDS);
		pthread_mutex_unlock(&s->lock);
	}
}

void toll_repeats_count(struct toll_repeats *r, struct toll_repeats_counts *ret)
{
	*ret = (struct toll_repeats_counts){ 0 };
	for (size_t i = 0; i < TOLL_REPEATS_SHARDS; i++) {
		struct shard *s = &r->shards[i];

		pthread_mutex_lock(&s->lock);
		ret->known += s->known.count;
		ret->pending += s->pending_count;
		ret->bytes += toll_repeats_ring_bytes(&s->known);
		ret->cut += s->cut;
		ret->hits += s->hits;
		pthread_mutex_unlock(&s->lock);
	}
}

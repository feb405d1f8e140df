/* SPDX-License-Identifier: Apache-2.0 */
#include "cost/pricebook.h"

#include <stdlib.h>

#include "base/arena.h"
#include "base/hash.h"

#define FIRST_CAPACITY 64u
#define TEXT_LIMIT     ((size_t)256 * 1024 * 1024)

/* One row; free while service.ptr is NULL. Open addressing, at most half full. */
struct slot {
	uint64_t hash;
	struct toll_slice service, operation;
	struct toll_price price;
};

struct toll_pricebook {
	struct toll_shared shared;
	struct toll_arena texts;
	const char *version;
	_Atomic uint64_t sync_wall_ns;
	struct slot *slots;
	uint32_t mask, count;
};

_Static_assert(offsetof(struct toll_pricebook, shared) == 0, "toll_pricebook_of casts");

static void destroy(struct toll_shared *shared)
{
	struct toll_pricebook *b = toll_container_of(shared, struct toll_pricebook, shared);

	toll_arena_release(&b->texts);
	free(b->slots);
	free(b);
}

struct toll_pricebook *toll_pricebook_new(struct toll_slice version)
{
	struct toll_pricebook *b = calloc(1, sizeof(*b));

	if (!b)
		return NULL;
	toll_shared_init(&b->shared, destroy);
	toll_arena_init(&b->texts, TEXT_LIMIT);
	b->version = toll_arena_strdup(&b->texts, version);
	b->slots = calloc(FIRST_CAPACITY, sizeof(*b->slots));
	b->mask = FIRST_CAPACITY - 1;
	if (b->version && b->slots)
		return b;
	toll_shared_unref(&b->shared);
	return NULL;
}

static uint64_t hash_of(struct toll_slice service, struct toll_slice operation)
{
	return toll_hash_seeded(operation, toll_hash(service));
}

/* The row's slot, or the free one where it belongs. */
static struct slot *probe(const struct toll_pricebook *b, uint64_t hash, struct toll_slice service,
                          struct toll_slice operation)
{
	struct slot *s = &b->slots[hash & b->mask];

	while (s->service.ptr && (s->hash != hash || !toll_slice_eq(s->operation, operation) ||
	                          !toll_slice_eq(s->service, service)))
		s = &b->slots[(uint32_t)(s - b->slots + 1) & b->mask];
	return s;
}

static int grow(struct toll_pricebook *b)
{
	struct slot *old = b->slots;
	uint32_t old_mask = b->mask;

	b->slots = calloc((size_t)old_mask * 2 + 2, sizeof(*b->slots));
	if (!b->slots) {
		b->slots = old;
		return TOLL_ENOMEM;
	}
	b->mask = old_mask * 2 + 1;
	for (uint32_t i = 0; i <= old_mask; i++)
		if (old[i].service.ptr)
			*probe(b, old[i].hash, old[i].service, old[i].operation) = old[i];
	free(old);
	return 0;
}

int toll_pricebook_add(struct toll_pricebook *b, struct toll_slice service,
                       struct toll_slice operation, const struct toll_price *price)
{
	uint64_t hash = hash_of(service, operation);
	const char *service_copy, *operation_copy;
	struct slot *s;

	if (b->count >= TOLL_PRICEBOOK_MAX)
		return TOLL_EFULL;
	if ((b->count + 1) * 2 > b->mask + 1 && grow(b) < 0)
		return TOLL_ENOMEM;
	s = probe(b, hash, service, operation);
	if (s->service.ptr)
		return TOLL_EINVALID;
	/* With its terminator, so that an empty name has a pointer too. */
	service_copy = toll_arena_strdup(&b->texts, service);
	operation_copy = toll_arena_strdup(&b->texts, operation);
	if (!service_copy || !operation_copy)
		return b->texts.err;
	s->hash = hash;
	s->service = toll_slice(service_copy, service.len);
	s->operation = toll_slice(operation_copy, operation.len);
	s->price = *price;
	b->count++;
	return 0;
}

void toll_pricebook_set_sync(struct toll_pricebook *b, uint64_t wall_ns)
{
	b->sync_wall_ns = wall_ns;
}

struct toll_shared *toll_pricebook_shared(struct toll_pricebook *b)
{
	return &b->shared;
}

const struct toll_pricebook *toll_pricebook_of(const struct toll_shared *shared)
{
	return (const struct toll_pricebook *)shared; /* its first member */
}

const struct toll_price *toll_pricebook_find(const struct toll_pricebook *b,
                                             struct toll_slice service, struct toll_slice operation)
{
	const uint64_t seed = toll_hash(service);
	const struct toll_slice others = TOLL_SLICE("*");
	const struct slot *s = probe(b, toll_hash_seeded(operation, seed), service, operation);

	if (!s->service.ptr)
		s = probe(b, toll_hash_seeded(others, seed), service, others);
	return s->service.ptr ? &s->price : NULL;
}

const char *toll_pricebook_version(const struct toll_pricebook *b)
{
	return b->version;
}

uint64_t toll_pricebook_sync(const struct toll_pricebook *b)
{
	return b->sync_wall_ns;
}

uint32_t toll_pricebook_count(const struct toll_pricebook *b)
{
	return b->count;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "base/hash.h"

#include <stdlib.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#define FIRST_CAPACITY 64

static const char empty_key[1];

uint64_t toll_hash(struct toll_slice s)
{
	return XXH3_64bits(s.ptr ? s.ptr : empty_key, s.len);
}

uint64_t toll_hash_seeded(struct toll_slice s, uint64_t seed)
{
	return XXH3_64bits_withSeed(s.ptr ? s.ptr : empty_key, s.len, seed);
}

void toll_hash_128(struct toll_slice s, uint64_t seed, uint64_t ret[2])
{
	XXH128_hash_t h = XXH3_128bits_withSeed(s.ptr ? s.ptr : empty_key, s.len, seed);

	ret[0] = h.low64;
	ret[1] = h.high64;
	if (!ret[0] && !ret[1])
		ret[0] = 1;
}

int toll_table_init(struct toll_table *t, uint32_t limit)
{
	*t = (struct toll_table){ .limit = limit };
	t->slots = calloc(FIRST_CAPACITY, sizeof(*t->slots));
	if (!t->slots)
		return TOLL_ENOMEM;
	t->mask = FIRST_CAPACITY - 1;
	return 0;
}

void toll_table_release(struct toll_table *t)
{
	free(t->slots);
	*t = (struct toll_table){ 0 };
}

void toll_table_reset(struct toll_table *t)
{
	if (t->slots)
		memset(t->slots, 0, ((size_t)t->mask + 1) * sizeof(*t->slots));
	t->count = 0;
}

/* The slot that holds the key, or the free one where it belongs. */
static struct toll_table_slot *probe(const struct toll_table *t, struct toll_slice key,
                                     uint64_t hash)
{
	uint32_t i = (uint32_t)hash & t->mask;

	while (t->slots[i].key.ptr &&
	       (t->slots[i].hash != hash || !toll_slice_eq(t->slots[i].key, key)))
		i = (i + 1) & t->mask;
	return &t->slots[i];
}

uint32_t *toll_table_find(const struct toll_table *t, struct toll_slice key)
{
	struct toll_table_slot *s = t->slots ? probe(t, key, toll_hash(key)) : NULL;

	return s && s->key.ptr ? &s->value : NULL;
}

static int grow(struct toll_table *t)
{
	struct toll_table bigger = *t;
	size_t capacity = ((size_t)t->mask + 1) * 2;

	bigger.slots = calloc(capacity, sizeof(*bigger.slots));
	if (!bigger.slots)
		return TOLL_ENOMEM;
	bigger.mask = (uint32_t)(capacity - 1);
	for (uint32_t i = 0; i <= t->mask; i++)
		if (t->slots[i].key.ptr)
			*probe(&bigger, t->slots[i].key, t->slots[i].hash) = t->slots[i];
	free(t->slots);
	*t = bigger;
	return 0;
}

int toll_table_insert(struct toll_table *t, struct toll_slice key, uint32_t **ret, bool *ret_added)
{
	uint64_t hash = toll_hash(key);
	struct toll_table_slot *s = probe(t, key, hash);

	if (ret_added)
		*ret_added = !s->key.ptr;
	if (!s->key.ptr) {
		if (t->count >= t->limit)
			return TOLL_EFULL;
		if ((t->count + 1) * 2 > t->mask + 1) {
			if (grow(t) < 0)
				return TOLL_ENOMEM;
			s = probe(t, key, hash);
		}
		s->key = key.ptr ? key : toll_slice(empty_key, 0);
		s->hash = hash;
		s->value = 0;
		t->count++;
	}
	*ret = &s->value;
	return 0;
}

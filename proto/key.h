/* SPDX-License-Identifier: Apache-2.0 */
/* key.h - which of the well-known attribute keys (semconv.def) a key is. Private to proto/. */
#ifndef TOLL_PROTO_KEY_H
#define TOLL_PROTO_KEY_H

#include "proto/attr.h"

#define TOLL_KEY_BUCKETS 512u

/* Chains of keys with the same length, middle and last byte. */
struct toll_key_table {
	uint16_t first[TOLL_KEY_BUCKETS]; /* TOLL_KEY_OTHER ends a chain */
	uint16_t next[TOLL_KEY_COUNT];
	struct toll_slice text[TOLL_KEY_COUNT];
};

/* Made once, at first use; any thread. */
const struct toll_key_table *toll_key_table(void);

static inline uint32_t toll_key_bucket(struct toll_slice key)
{
	uint32_t middle = (uint8_t)key.ptr[key.len / 2], last = (uint8_t)key.ptr[key.len - 1];

	return ((uint32_t)key.len * 7 + middle * 31 + last) % TOLL_KEY_BUCKETS;
}

static inline uint16_t toll_key_lookup(const struct toll_key_table *t, struct toll_slice key)
{
	uint16_t id = key.len ? t->first[toll_key_bucket(key)] : TOLL_KEY_OTHER;

	while (id != TOLL_KEY_OTHER && !toll_slice_eq(t->text[id], key))
		id = t->next[id];
	return id;
}

static inline bool toll_key_begins(struct toll_slice key, struct toll_slice head)
{
	return key.len > head.len && memcmp(key.ptr, head.ptr, head.len) == 0;
}

/* Of an attribute: the key it has, or the family of keys it belongs to. */
static inline uint16_t toll_key_classify(const struct toll_key_table *t, struct toll_slice key)
{
	uint16_t id = toll_key_lookup(t, key);

	if (id != TOLL_KEY_OTHER || !toll_key_begins(key, TOLL_SLICE("cost.")))
		return id;
	if (toll_key_begins(key, TOLL_SLICE("cost.units.")))
		return TOLL_KEY_COST_UNITS;
	return toll_key_begins(key, TOLL_SLICE("cost.breakdown.")) ? TOLL_KEY_COST_BREAKDOWN : id;
}

static inline uint64_t toll_key_bit(uint16_t id)
{
	return id == TOLL_KEY_OTHER ? 0 : TOLL_KNOWN(id);
}

#endif

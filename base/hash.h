/* SPDX-License-Identifier: Apache-2.0 */
/* hash.h - the one hash function (XXH3, by the xxhash library) and a bounded table over slices. */
#ifndef TOLL_BASE_HASH_H
#define TOLL_BASE_HASH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/slice.h"

uint64_t toll_hash(struct toll_slice s);
uint64_t toll_hash_seeded(struct toll_slice s, uint64_t seed);
/* 128 bits (XXH3), never both words 0: that may stand for "none". Who knows the seed can find two
 * texts with one hash. */
void toll_hash_128(struct toll_slice s, uint64_t seed, uint64_t ret[2]);

/* Slice -> uint32_t, open addressing, power-of-two capacity, load <= 1/2. Keys are borrowed. */
struct toll_table_slot {
	struct toll_slice key; /* ptr == NULL: free */
	uint64_t hash;
	uint32_t value;
};

struct toll_table {
	struct toll_table_slot *slots;
	uint32_t mask; /* capacity - 1 */
	uint32_t count;
	uint32_t limit; /* count never exceeds this */
};

int toll_table_init(struct toll_table *t, uint32_t limit) TOLL_MUST_CHECK;
void toll_table_release(struct toll_table *t);
void toll_table_reset(struct toll_table *t);

/* NULL when absent. */
uint32_t *toll_table_find(const struct toll_table *t, struct toll_slice key);

/* Adds, or finds what is there. *ret points at the value, valid until the next insert; *ret_added
 * (may be NULL) tells which. TOLL_EFULL at the limit, TOLL_ENOMEM. The key must outlive the table.
 */
int toll_table_insert(struct toll_table *t, struct toll_slice key, uint32_t **ret,
                      bool *ret_added) TOLL_MUST_CHECK;

#endif

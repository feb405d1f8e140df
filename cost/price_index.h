/* SPDX-License-Identifier: Apache-2.0 */
/* price_index.h - which rule a span finds, without trying them all. Private to cost/.
 *
 * Tuple space search, as in packet classifiers: rules that ask for exact values of the same fields
 * are a group; a look-up makes one key of the span's values for each group, and probes one hash
 * table with it. A prefix takes part by its first bytes (a few fixed lengths, so that there are few
 * groups); what a key does not cover is verified. Groups whose fields the span lacks are skipped,
 * and groups are in order of their best rule: the search ends as soon as none can be better.
 * docs/adr: "price rules are found by tuple space search". */
#ifndef TOLL_COST_PRICE_INDEX_H
#define TOLL_COST_PRICE_INDEX_H

#include "base/arena.h"
#include "cost/pricebook.h"

enum {
	TOLL_INDEX_PARTS = 5,
	TOLL_INDEX_GROUPS = 128,
	TOLL_INDEX_NEAR = 40, /* bytes of a key that lie in its cell */
};

#define TOLL_INDEX_NONE UINT32_MAX

/* A field that takes part in a key: its value, or the first bytes of it. */
struct toll_index_part {
	uint8_t field;
	uint8_t head; /* bytes; 0: the whole value */
};

struct toll_index_group {
	uint64_t needs; /* bits of the fields */
	uint32_t first; /* rank of its best rule */
	uint8_t part_count;
	struct toll_index_part parts[TOLL_INDEX_PARTS];
};

/* One key, in one line of the cache: open addressing, at most 2/3 full. */
struct toll_index_cell {
	uint32_t tag;  /* of the hash; 0: free */
	uint32_t rank; /* the best rule with this key */
	uint32_t next; /* 1 + index of the next one in chain; 0: none */
	uint8_t group;
	bool check; /* the key is not all there is to verify */
	uint16_t lens[TOLL_INDEX_PARTS];
	union {
		char near[TOLL_INDEX_NEAR];
		const char *far;
	} text; /* the values, one behind the other; near if they fit */
};

_Static_assert(sizeof(struct toll_index_cell) == 64, "one line of the cache");

struct toll_index_link {
	uint32_t rank, next;
	bool check;
};

struct toll_price_index {
	struct toll_index_cell *cells;
	uint32_t mask;
	const struct toll_index_link *chain;
	const uint16_t *to_check; /* by rank: bit per condition that no key covers */
	uint32_t group_count;
	struct toll_index_group groups[TOLL_INDEX_GROUPS];
};

static inline uint64_t toll_index_mix(uint64_t hash, uint64_t value)
{
	toll_u128 product = (toll_u128)(hash ^ value) * UINT64_C(0x9e3779b97f4a7c15);

	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static inline uint64_t toll_index_seed(uint32_t group)
{
	return (group + 1) * UINT64_C(0xd1342543de82ef95);
}

static inline uint32_t toll_index_tag(uint64_t hash)
{
	return (uint32_t)(hash >> 32) | 1;
}

/* prices: in the order in which they are tried. Everything lies in the arena. TOLL_EFULL: too many
 * combinations of texts; TOLL_ENOMEM. */
int toll_price_index_build(struct toll_arena *arena, const struct toll_price *prices,
                           uint32_t count, struct toll_price_index **ret) TOLL_MUST_CHECK;

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/repeats_ring.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_ROOM 16

void toll_repeats_ring_init(struct toll_repeats_ring *r, size_t max_bytes)
{
	*r = (struct toll_repeats_ring){ .max_bytes = max_bytes };
}

void toll_repeats_ring_release(struct toll_repeats_ring *r)
{
	free(r->digests);
	*r = (struct toll_repeats_ring){ .max_bytes = r->max_bytes };
}

size_t toll_repeats_ring_bytes(const struct toll_repeats_ring *r)
{
	return (size_t)r->room * TOLL_REPEATS_RING_ENTRY;
}

/* ---- the index ---- */

static uint32_t mask_of(const struct toll_repeats_ring *r)
{
	return 2 * r->room - 1;
}

static uint32_t home(const struct toll_repeats_ring *r, const uint64_t digest[2])
{
	return (uint32_t)digest[0] & mask_of(r);
}

/* Where it is, or the free slot where it belongs. */
static uint32_t probe(const struct toll_repeats_ring *r, const uint64_t digest[2])
{
	uint32_t i = home(r, digest);

	while (r->slots[i] && (r->digests[r->slots[i] - 1][0] != digest[0] ||
	                       r->digests[r->slots[i] - 1][1] != digest[1]))
		i = (i + 1) & mask_of(r);
	return i;
}

/* What comes behind moves up, so that no search ends at the hole too early. */
static void clear_slot(struct toll_repeats_ring *r, uint32_t hole)
{
	uint32_t mask = mask_of(r), i = hole;

	for (;;) {
		i = (i + 1) & mask;
		if (!r->slots[i])
			break;
		if (((i - home(r, r->digests[r->slots[i] - 1])) & mask) >= ((i - hole) & mask)) {
			r->slots[hole] = r->slots[i];
			hole = i;
		}
	}
	r->slots[hole] = 0;
}

bool toll_repeats_ring_has(const struct toll_repeats_ring *r, const uint64_t digest[2])
{
	return r->count && r->slots[probe(r, digest)];
}

/* ---- first in, first out ---- */

static void forget_oldest(struct toll_repeats_ring *r)
{
	clear_slot(r, probe(r, r->digests[r->first]));
	r->first = (r->first + 1) & (r->room - 1);
	r->count--;
}

static void append(struct toll_repeats_ring *r, const uint64_t digest[2], uint32_t second)
{
	uint32_t at = (r->first + r->count) & (r->room - 1);

	r->digests[at][0] = digest[0];
	r->digests[at][1] = digest[1];
	r->seconds[at] = second;
	r->slots[probe(r, digest)] = at + 1;
	r->count++;
}

/* ---- the allocation ---- */

static bool allocate(struct toll_repeats_ring *r, uint32_t room)
{
	char *memory = calloc(room, TOLL_REPEATS_RING_ENTRY);

	if (!memory)
		return false;
	*r = (struct toll_repeats_ring){
		.digests = (void *)memory,
		.seconds = (void *)(memory + (size_t)room * 16),
		.slots = (void *)(memory + (size_t)room * (16 + 4)),
		.room = room,
		.max_bytes = r->max_bytes,
	};
	return true;
}

/* Into an allocation of its own, which has room for all. False: as it was. */
static bool resize(struct toll_repeats_ring *r, uint32_t room)
{
	struct toll_repeats_ring next = *r;

	if (!allocate(&next, room))
		return false;
	for (uint32_t i = 0; i < r->count; i++) {
		uint32_t at = (r->first + i) & (r->room - 1);

		append(&next, r->digests[at], r->seconds[at]);
	}
	free(r->digests);
	*r = next;
	return true;
}

static bool may_have(const struct toll_repeats_ring *r, uint32_t room)
{
	return room <= UINT32_MAX / 4 && (size_t)room * TOLL_REPEATS_RING_ENTRY <= r->max_bytes;
}

bool toll_repeats_ring_put(struct toll_repeats_ring *r, const uint64_t digest[2], uint32_t second)
{
	uint32_t more = r->room ? 2 * r->room : FIRST_ROOM;

	if (r->count == r->room && !(may_have(r, more) && resize(r, more))) {
		if (!r->count)
			return false;
		forget_oldest(r);
	}
	append(r, digest, second);
	return true;
}

void toll_repeats_ring_expire(struct toll_repeats_ring *r, uint32_t before)
{
	while (r->count && r->seconds[r->first] < before)
		forget_oldest(r);
	/* Half of what is kept then is free, so that it does not grow again at once. */
	if (r->room > FIRST_ROOM && r->count < r->room / 8)
		resize(r, r->room / 4 < FIRST_ROOM ? FIRST_ROOM : r->room / 4);
}

void toll_repeats_ring_limit(struct toll_repeats_ring *r, size_t max_bytes)
{
	uint32_t room = r->room;

	r->max_bytes = max_bytes;
	while (room && !may_have(r, room))
		room /= 2;
	if (room == r->room)
		return;
	while (r->count > room)
		forget_oldest(r);
	if (!room || !resize(r, room))
		toll_repeats_ring_release(r);
}

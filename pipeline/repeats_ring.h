/* SPDX-License-Identifier: Apache-2.0 */
/* repeats_ring.h - the last digests: found by value, forgotten by age. Everything lies in one
 * allocation, which follows what has to be kept. One thread at a time. */
#ifndef TOLL_PIPELINE_REPEATS_RING_H
#define TOLL_PIPELINE_REPEATS_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Of one digest: itself, when it came, and two slots of the index, half of which stay free. */
#define TOLL_REPEATS_RING_ENTRY (16 + 4 + 2 * 4)

struct toll_repeats_ring {
	uint64_t (*digests)[2]; /* room of them, the oldest at first; begins the allocation */
	uint32_t *seconds;      /* when each came, on the caller's clock */
	uint32_t *slots;        /* open addressing: place in digests + 1; 0: free */
	uint32_t room;          /* a power of two; 0: nothing is allocated yet */
	uint32_t first, count;
	size_t max_bytes; /* of the allocation */
};

void toll_repeats_ring_init(struct toll_repeats_ring *r, size_t max_bytes);
void toll_repeats_ring_release(struct toll_repeats_ring *r);

bool toll_repeats_ring_has(const struct toll_repeats_ring *r, const uint64_t digest[2]);
/* One that is not in yet, not older than the one before. Where there is no room for another one the
 * oldest goes. False: there is no memory for any. */
bool toll_repeats_ring_put(struct toll_repeats_ring *r, const uint64_t digest[2], uint32_t second);
/* Forgets what came before, and gives back memory that is not needed any more. */
void toll_repeats_ring_expire(struct toll_repeats_ring *r, uint32_t before);
/* Another limit: the oldest go where it is lower. */
void toll_repeats_ring_limit(struct toll_repeats_ring *r, size_t max_bytes);
size_t toll_repeats_ring_bytes(const struct toll_repeats_ring *r); /* allocated */

#endif

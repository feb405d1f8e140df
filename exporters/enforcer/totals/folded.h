/* SPDX-License-Identifier: Apache-2.0 */
/* folded.h - how far each journal has been added up: a record that comes again is not counted
 * again. Guarded by the lock of the totals. */
#ifndef TOLL_ENFORCER_FOLDED_H
#define TOLL_ENFORCER_FOLDED_H

#include "pipeline/component.h"
#include "proto/batch.h"

#define TOLL_FOLDED_MAX 256 /* journals; beyond that the one longest unheard of is forgotten */

struct toll_folded_at {
	char epoch[33];
	uint64_t seq;  /* of the next record ... */
	uint32_t span; /* ... of which so many are added up: dropped ones, which no record has,
	                  not counted */
	uint64_t used; /* the higher, the later */
};

struct toll_folded {
	struct toll_folded_at at[TOLL_FOLDED_MAX];
	uint32_t count;
	uint64_t uses;
};

/* The index of the first span of the part that is not added up yet; its end: all of them are. */
uint32_t toll_folded_begin(const struct toll_folded *f, const struct toll_part *part);
/* The part is added up. */
void toll_folded_note(struct toll_folded *f, const struct toll_part *part);

/* The first record that is not wholly added up; 0: nothing of that journal is. */
uint64_t toll_folded_seq(const struct toll_folded *f, const char *epoch);
/* As it was told before. */
void toll_folded_set(struct toll_folded *f, const char *epoch, uint64_t seq, uint32_t span);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* places.h - who is throttled when max_throttled_fraction does not let everybody be: a price
 * mistake must not black out a cluster. Pure. */
#ifndef TOLL_BUDGET_PLACES_H
#define TOLL_BUDGET_PLACES_H

#include "budget/flags.h"

/* One subject that is over its budget. */
struct toll_contender {
	void *subject;         /* the caller's */
	struct toll_slice key; /* borrowed */
	uint64_t kind;         /* places are counted per kind */
	double ratio;          /* average / limit */
	enum toll_criticality criticality;
	bool mine;       /* the caller's: to be committed once its place is known */
	uint32_t places; /* of its kind; the caller's */
	bool placed;     /* the caller's */
};

/* max(1, ceil(fraction x subjects)): of so many subjects of one kind with spend so many may be
 * throttled at once. */
uint32_t toll_places(double fraction, uint32_t subjects);

/* The kind of a key: a hash of its dimensions' names; 0: a plain service. */
uint64_t toll_places_kind(struct toll_slice key);

/* Orders them: by kind, then lower criticality first (unknown as medium), then the highest ratio,
 * ties by key. */
void toll_places_rank(struct toll_contender *at, uint32_t count);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* pricebook.h - an immutable, versioned price table, and where components find the current one. */
#ifndef TOLL_COST_PRICEBOOK_H
#define TOLL_COST_PRICEBOOK_H

#include "base/snapshot.h"
#include "cost/money.h"

/* What a matching rule charges. More meters come with the full price book format. */
struct toll_price {
	struct toll_rate per_ns; /* duration */
	bool free;               /* explicit 0 or null */
};

struct toll_pricebook; /* begins with struct toll_shared */

#define TOLL_PRICEBOOK_MAX 1000000u /* rows */

/* ---- building (prices/ and tests), one thread ---- */

struct toll_pricebook *toll_pricebook_new(struct toll_slice version); /* NULL: out of memory */
/* A later row for the same service and operation is TOLL_EINVALID (named twice); TOLL_EFULL over
 * TOLL_PRICEBOOK_MAX; TOLL_ENOMEM. Copies its texts. */
int toll_pricebook_add(struct toll_pricebook *b, struct toll_slice service,
                       struct toll_slice operation, const struct toll_price *price) TOLL_MUST_CHECK;
/* Any thread, also while the book is read: its source said again that these prices hold. */
void toll_pricebook_set_sync(struct toll_pricebook *b, uint64_t wall_ns);

/* ---- reading, any thread ---- */

struct toll_shared *toll_pricebook_shared(struct toll_pricebook *b);
const struct toll_pricebook *toll_pricebook_of(const struct toll_shared *shared); /* NULL: NULL */
/* Exact service:operation; then the service's default (operation "*"); NULL: no pricing data. */
const struct toll_price *toll_pricebook_find(const struct toll_pricebook *b,
                                             struct toll_slice service,
                                             struct toll_slice operation);
const char *toll_pricebook_version(const struct toll_pricebook *b);
uint64_t toll_pricebook_sync(const struct toll_pricebook *b); /* wall ns of the last good refresh */
uint32_t toll_pricebook_count(const struct toll_pricebook *b);

/* ---- the named service "pricebook" of the host ---- */

/* current holds a toll_pricebook, NULL until one was loaded. ttl_ns: a book older than that since
 * its sync is stale (0: never, e.g. a file). Any thread. */
struct toll_pricebook_source {
	struct toll_snapshot current;
	uint64_t ttl_ns;
};

#endif

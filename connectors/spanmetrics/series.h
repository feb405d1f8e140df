/* SPDX-License-Identifier: Apache-2.0 */
/* series.h - calls, durations and dollars per set of dimensions, in memory that has an end. */
#ifndef TOLL_CONNECTORS_SPANMETRICS_SERIES_H
#define TOLL_CONNECTORS_SPANMETRICS_SERIES_H

#include <stdint.h>

#include "base/macro.h"
#include "base/slice.h"
#include "cost/money.h"

struct toll_span_series {
	struct toll_span_series *next;
	uint64_t hash;
	uint64_t seen_mono_ns;
	uint64_t calls;
	toll_i128 duration_ns, cost_pico; /* sums */
	struct toll_slice key;            /* behind the buckets; ptr NULL: of all that overflowed */
	uint64_t buckets[];               /* one per bound, not cumulative */
};

/* One span, or the `weight` spans it stands for. */
struct toll_observation {
	uint64_t duration_ns, weight, mono_ns;
	toll_i128 cost_pico; /* of all of them */
};

struct toll_span_series_store;

/* limit: most series. bounds_ns: borrowed. NULL: out of memory. */
struct toll_span_series_store *toll_span_series_store_new(uint32_t limit, const uint64_t *bounds_ns,
                                                          uint32_t bound_count,
                                                          uint64_t expiration_ns);
struct toll_span_series_store *
toll_span_series_store_free(struct toll_span_series_store *s); /* returns NULL */

/* Any thread. Allocates for a series that is new only; one that has no room left is counted in the
 * one for all of those. */
void toll_span_series_add(struct toll_span_series_store *s, struct toll_slice key,
                          const struct toll_observation *o);

/* Any thread: every series, those that have expired are freed instead. fn must be quick: writers
 * of some of the series wait. */
void toll_span_series_each(struct toll_span_series_store *s, uint64_t now_mono_ns,
                           void (*fn)(void *ctx, const struct toll_span_series *one), void *ctx);
/* Spans without a series of their own, and series there are now. */
uint64_t toll_span_series_overflowed(struct toll_span_series_store *s);
uint32_t toll_span_series_count(struct toll_span_series_store *s);

#endif

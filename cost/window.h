/* SPDX-License-Identifier: Apache-2.0 */
/* window.h - rolling windows cut into buckets, periods of a calendar, and the absolute totals one
 * daemon keeps per bucket.
 *
 * A total only grows. It is counted in nanodollars, because that is what Redis holds; picodollars
 * that do not yet make one are carried to the next amount, so the sum over time is exact. 128 bits
 * hold both. Pure: no clock, no threads. The index of a rolling bucket is time in ms / bucket_ms; a
 * period of a calendar is one bucket, and its index counts periods. */
#ifndef TOLL_COST_WINDOW_H
#define TOLL_COST_WINDOW_H

#include <stdbool.h>
#include <string.h>

#include "cost/money.h"

#define TOLL_WINDOW_BUCKETS_MAX 1000u
#define TOLL_WINDOW_NAME        48

/* Where the periods of a calendar begin. Before and after what is known they go on as long as the
 * first and the last one are. */
struct toll_periods {
	int64_t first;          /* index of the period that begins at starts[0] */
	uint32_t count;         /* of starts, at least 2 */
	const uint64_t *starts; /* Unix ms, rising */
};

int64_t toll_periods_index(const struct toll_periods *p, uint64_t ms);
uint64_t toll_periods_start_ms(const struct toll_periods *p, int64_t index);

struct toll_window {
	uint64_t window_ms, bucket_ms; /* of a calendar: about so long is a period */
	uint32_t buckets;              /* live at a time, the current one included */
	/* "24h", "90m", "45s": whole hours, else minutes, else seconds; "month",
	 * "day@Europe/Berlin" */
	char name[TOLL_WINDOW_NAME];
	const struct toll_periods *periods; /* NULL: it rolls */
};

static inline int64_t toll_window_index(const struct toll_window *w, uint64_t ms)
{
	return w->periods ? toll_periods_index(w->periods, ms) : (int64_t)(ms / w->bucket_ms);
}

/* How long the window or period is that ms lies in. */
uint64_t toll_window_length_ms(const struct toll_window *w, uint64_t ms);

/* bucket_ns 0: the largest count of equal buckets up to 96 that are at least 1 s and whole ms.
 * TOLL_EINVALID: the window is not whole seconds >= 1 s; the bucket is under 1 s, not whole ms,
 * over the window, or cuts it into more than TOLL_WINDOW_BUCKETS_MAX. */
int toll_window_init(struct toll_window *w, uint64_t window_ns, uint64_t bucket_ns) TOLL_MUST_CHECK;

static inline bool toll_window_equal(const struct toll_window *a, const struct toll_window *b)
{
	return a->window_ms == b->window_ms && a->bucket_ms == b->bucket_ms &&
	       strcmp(a->name, b->name) == 0;
}

struct toll_bucket {
	int64_t index;
	toll_i128 nano;  /* total so far */
	toll_i128 sent;  /* what the store has acknowledged of it */
	toll_i128 saved; /* what the owner has written down of it */
};

struct toll_series {
	struct toll_bucket *at; /* by index, rising */
	uint32_t count, room;
	uint32_t carry_pico; /* 0..999 */
	int64_t unsaved;     /* the first that changed since the owner last wrote down all */
	toll_i128 lost; /* left the window, or made way, before it was sent; the owner counts it */
};

int toll_series_init(struct toll_series *s) TOLL_MUST_CHECK;
void toll_series_release(struct toll_series *s);

/* More than any bucket may hold: what the store's numbers can say exactly, 10^15 USD. */
#define TOLL_SERIES_NANO_MAX ((toll_i128)1000000000000 * 1000000000000)

/* pico >= 0. TOLL_ETOOBIG: older than everything live and no room, or over TOLL_SERIES_NANO_MAX;
 * then nothing was added. Out of memory never loses money: it goes to a neighbouring bucket. */
int toll_series_add(struct toll_series *s, const struct toll_window *w, int64_t index,
                    toll_i128 pico) TOLL_MUST_CHECK;

/* Drops what has left the window that ends at bucket `current`. */
void toll_series_prune(struct toll_series *s, const struct toll_window *w, int64_t current);
/* Sum of the live buckets, one ahead of `current` included (another clock); of a calendar the
 * period alone. */
toll_i128 toll_series_sum(const struct toll_series *s, const struct toll_window *w,
                          int64_t current);

/* Exact decimal dollars with at most nine places, as Redis holds them -> nanodollars. TOLL_EINVALID
 * for anything else, TOLL_ETOOBIG over 10^24 dollars. */
int toll_nano_parse(struct toll_slice text, toll_i128 *ret) TOLL_MUST_CHECK;
/* Digits only, no sign (nano >= 0). Returns the length. */
#define TOLL_NANO_TEXT 48
int toll_nano_print(toll_i128 nano, char buf[TOLL_NANO_TEXT]);
/* For the budget rule: the double nearest to the dollars, give or take its last place. */
double toll_nano_to_usd(toll_i128 nano);

#endif

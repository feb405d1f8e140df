/* SPDX-License-Identifier: Apache-2.0 */
/* charge.h - what a span costs by the price that was found for it, or why that cannot be said.
 * Changes nothing: processors/cost writes the result down, `spantoll explain` shows how it came. */
#ifndef TOLL_PRICES_CHARGE_H
#define TOLL_PRICES_CHARGE_H

#include "cost/price_charge.h"
#include "proto/batch.h"

/* The sentence is text and name, in one. */
struct toll_refusal {
	enum toll_unpriced why;
	const char *text;       /* static */
	struct toll_slice name; /* in the batch or the book; may be empty */
};

struct toll_span_cost {
	int64_t pico;
	bool free;           /* pico is 0 and is meant to be */
	struct toll_sum sum; /* before the rounding */
	struct toll_refusal refusal;
};

/* By s->price, which is there, units included. bill: NULL, or {0}: gets the lines. False: it has no
 * price after all, see refusal; what bill has then is good for nothing. Any thread. */
bool toll_span_charge(const struct toll_batch *b, const struct toll_span *s, struct toll_bill *bill,
                      struct toll_span_cost *ret) TOLL_MUST_CHECK;

#endif

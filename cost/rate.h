/* SPDX-License-Identifier: Apache-2.0 */
/* rate.h - prices per quantity and their exact sum (docs/adr: "rates keep their divisor").
 *
 * A rate is a price in 1e-24 USD per so many base units, in lowest terms: 1.66667e-5 USD per GiB s
 * is an integer over 2^25, 1/3 of a cent an hour one over 27. A sum is an integer and a proper
 * fraction. Nothing is rounded until the sum of a whole span is, once. */
#ifndef TOLL_COST_RATE_H
#define TOLL_COST_RATE_H

#include "cost/money.h"
#include "cost/quantity.h"

/* No rate is higher, in USD for whatever quantity it is given for. */
#define TOLL_RATE_MAX_USD INT64_C(1000000000000)

/* price x 1e-24 USD per `per` base units (ns, token, byte, ...). {0}: nothing is charged. */
struct toll_rate {
	toll_u128 price;
	uint64_t per;
};

/* whole + part / den, in 1e-24 USD; part < den. Starts as {0}. */
struct toll_sum {
	toll_u128 whole, part, den;
};

/* text dollars per `per` base units: cost_per_ms is per = 1,000,000 (ns). Dollars are taken to 24
 * places, half to even. TOLL_EINVALID: no number, negative, per is 0; TOLL_ETOOBIG: more than
 * TOLL_RATE_MAX_USD. */
int toll_rate_parse(struct toll_slice text, uint64_t per, struct toll_rate *ret) TOLL_MUST_CHECK;
/* *rate x num / den, exactly (a discount of 12 % is 88 / 100); TOLL_ETOOBIG where that has more
 * digits than a rate holds, *rate is then as it was. */
int toll_rate_scale(struct toll_rate *rate, uint64_t num, uint64_t den) TOLL_MUST_CHECK;
bool toll_rate_is_zero(const struct toll_rate *rate);
bool toll_rate_equal(const struct toll_rate *a, const struct toll_rate *b);

/* sum += rate x quantity, exactly; TOLL_ETOOBIG where that cannot be held (sum unchanged). */
int toll_sum_add(struct toll_sum *sum, const struct toll_rate *rate,
                 struct toll_quantity quantity) TOLL_MUST_CHECK;
/* To picodollars, half to even: the one rounding. TOLL_ETOOBIG over 9.2 million USD. */
int toll_sum_round(const struct toll_sum *sum, int64_t *ret_pico) TOLL_MUST_CHECK;

#endif

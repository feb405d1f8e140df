/* SPDX-License-Identifier: Apache-2.0 */
/* money.h - picodollars: parse and print. No floating point holds money.
 *
 * An amount is int64_t picodollars (1e-12 USD, +-9.2 million USD); sums that can pass that use
 * toll_i128. What amounts are made of: rate.h. */
#ifndef TOLL_COST_MONEY_H
#define TOLL_COST_MONEY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/slice.h"
#include "cost/decimal.h"

#define TOLL_PICO_PER_USD INT64_C(1000000000000)

/* Decimal text, exponent allowed ("8e-7", "0.0000004", "-5"), exactly representable or rounded half
 * to even at the last place. TOLL_EINVALID: not a number (NaN, Inf, hex, empty); TOLL_ETOOBIG. */
int toll_money_parse(struct toll_slice text, int64_t *ret_pico) TOLL_MUST_CHECK;

/* Exact decimal, no exponent, no trailing zeros: "0.0000004", "12", "-3.5". buf: >= 32 bytes (48
 * for the wide form). Returns the length. */
#define TOLL_MONEY_TEXT 48
int toll_money_print(int64_t pico, char buf[TOLL_MONEY_TEXT]);
int toll_money_print_wide(toll_i128 pico, char buf[TOLL_MONEY_TEXT]);
/* For people: "$512.40", "-$0.07"; below a cent two significant digits: "$0.0000004". */
int toll_money_print_usd(toll_i128 pico, char buf[TOLL_MONEY_TEXT]);

/* The double nearest to the exact value. */
double toll_money_to_double(int64_t pico);

#endif

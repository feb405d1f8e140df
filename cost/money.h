/* SPDX-License-Identifier: Apache-2.0 */
/* money.h - picodollars: parse, print, checked add, rate x quantity. No floating point holds money.
 *
 * An amount is int64_t picodollars (1e-12 USD, +-9.2 million USD). A rate is 1e-24 USD per base
 * unit in 128 bits (per ns, token, byte, call). Sums that can pass the range are toll_money_sum. */
#ifndef TOLL_COST_MONEY_H
#define TOLL_COST_MONEY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/slice.h"

#define TOLL_PICO_PER_USD INT64_C(1000000000000)
/* No rate is higher, in USD for whatever quantity it is given for. */
#define TOLL_RATE_MAX_USD INT64_C(1000000000000)

__extension__ typedef __int128 toll_i128;

struct toll_rate {
	toll_i128 yocto; /* 1e-24 USD per base unit, >= 0 */
};

/* Decimal text, exponent allowed ("8e-7", "0.0000004", "-5"), exactly representable or rounded half
 * to even at the last place. TOLL_EINVALID: not a number (NaN, Inf, hex, empty); TOLL_ETOOBIG. */
int toll_money_parse(struct toll_slice text, int64_t *ret_pico) TOLL_MUST_CHECK;
/* text dollars per `per` base units: cost_per_ms is per = 1,000,000 (ns). Refuses negative; more
 * than TOLL_RATE_MAX_USD is TOLL_ETOOBIG. */
int toll_rate_parse(struct toll_slice text, uint64_t per, struct toll_rate *ret) TOLL_MUST_CHECK;

/* sum += rate x quantity, at 1e-24 USD; TOLL_ETOOBIG on overflow (sum unchanged). */
int toll_rate_charge(toll_i128 *yocto_sum, struct toll_rate rate,
                     uint64_t quantity) TOLL_MUST_CHECK;
/* Rounds once, half to even, to picodollars. */
int toll_money_from_yocto(toll_i128 yocto, int64_t *ret_pico) TOLL_MUST_CHECK;

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

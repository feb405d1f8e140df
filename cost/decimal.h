/* SPDX-License-Identifier: Apache-2.0 */
/* decimal.h - decimals by their text, and division that rounds half to even. For money, rates and
 * quantities; nobody else needs it. */
#ifndef TOLL_COST_DECIMAL_H
#define TOLL_COST_DECIMAL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/slice.h"

__extension__ typedef __int128 toll_i128;
__extension__ typedef unsigned __int128 toll_u128;

#define TOLL_U128_MAX (~(toll_u128)0)

/* digits x 10^exponent; exact while !more, else a little larger than that. */
struct toll_decimal {
	toll_u128 digits;
	int64_t exponent;
	bool more, negative;
};

/* "8e-7", "0.0000004", "-5"; false: not a number (NaN, Inf, hex, empty). */
bool toll_decimal_read(struct toll_slice text, struct toll_decimal *ret) TOLL_MUST_CHECK;
/* |d| x 10^places, rounded half to even; TOLL_ETOOBIG over limit (1e36 at most). */
int toll_decimal_scale(const struct toll_decimal *d, int places, toll_u128 limit,
                       toll_u128 *ret) TOLL_MUST_CHECK;

/* more: the dividend was a little larger than num; den is then even. */
toll_u128 toll_divide_half_even(toll_u128 num, toll_u128 den, bool more);
toll_u128 toll_power_of_ten(unsigned places); /* <= 38 */
/* The greatest number that divides both; one of them may be 0. */
toll_u128 toll_common_divisor(toll_u128 a, toll_u128 b);

/* v / 10^places as text, without trailing zeros; buf: >= 64 bytes. Returns the length. */
int toll_decimal_print(toll_u128 v, unsigned places, bool negative, char *buf);

#endif

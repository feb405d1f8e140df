/* SPDX-License-Identifier: Apache-2.0 */
/* burn.h - how fast a sum grows, and when it reaches a limit at that rate. Pure.
 *
 * Of a rolling window it is the sum that counts: what leaves the window slows it down. */
#ifndef TOLL_COST_BURN_H
#define TOLL_COST_BURN_H

#include <stdbool.h>

#include "cost/money.h"

#define TOLL_BURN_SAMPLES 3 /* 150 s apart or more: the first is soon 5 minutes old, or more */

struct toll_burn {
	struct {
		uint64_t ms;
		toll_i128 nano;
	} at[TOLL_BURN_SAMPLES];
	uint32_t count;
};

/* What the sum was at ms, in nanodollars; in order of time. A clock that goes back begins anew. */
void toll_burn_add(struct toll_burn *b, uint64_t ms, toll_i128 nano);

/* USD per hour up to this reading; 0: it does not grow, or is known for less than a minute. */
double toll_burn_usd_per_hour(const struct toll_burn *b, uint64_t ms, toll_i128 nano);

/* Seconds until nano grows to limit_pico at this rate; 0: it is there. < 0: never, or not within
 * ten years. */
double toll_burn_reaches_s(double usd_per_hour, toll_i128 nano, int64_t limit_pico);

#endif

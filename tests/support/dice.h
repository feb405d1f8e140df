/* SPDX-License-Identifier: Apache-2.0 */
/* dice.h - random numbers that are the same in every run: xorshift64 (Marsaglia, 2003). */
#ifndef TOLL_TESTS_DICE_H
#define TOLL_TESTS_DICE_H

#include <stdint.h>

static uint64_t random_state = 88172645463325252; /* never 0 */

static inline uint32_t pick(uint32_t below)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (uint32_t)(random_state >> 32) % below;
}

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* traffic_random.h - repeatable random numbers (the splitmix64 sequence): not for secrets. */
#ifndef TOLL_CMD_TRAFFIC_RANDOM_H
#define TOLL_CMD_TRAFFIC_RANDOM_H

#include <stdint.h>

static inline uint64_t toll_random_next(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

/* [0, limit) */
static inline uint32_t toll_random_below(uint64_t *state, uint32_t limit)
{
	return (uint32_t)(((toll_random_next(state) >> 32) * limit) >> 32);
}

/* [from, to), small values more often: the shape latencies have. */
static inline uint64_t toll_random_skewed(uint64_t *state, uint64_t from, uint64_t to)
{
	double u = (double)(toll_random_next(state) >> 11) * 0x1p-53;

	return from + (uint64_t)((double)(to - from) * u * u * u);
}

#endif

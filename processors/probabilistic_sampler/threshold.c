/* SPDX-License-Identifier: Apache-2.0 */
#include "processors/probabilistic_sampler/threshold.h"

#include <math.h>

#include "proto/trace_state.h"

enum { HEX_DIGITS = 14, HASH_BITS = 14, HASH_STEPS = 1 << HASH_BITS };

/* Near 0 and near 1 leading digits are all f or 0: those do not count as precision. */
static int widen(double probability, int precision)
{
	int kept, rejected;

	frexp(probability, &kept);
	frexp(1 - probability, &rejected);
	kept = precision + kept / -4;
	rejected = precision + rejected / -4;
	precision = kept > rejected ? kept : rejected;
	return precision < HEX_DIGITS ? precision : HEX_DIGITS;
}

uint64_t toll_threshold_of(double probability, int precision)
{
	uint64_t threshold;
	unsigned shift;

	if (!(probability >= 0x1p-56))
		return TOLL_SAMPLING_NEVER;
	if (probability >= 1)
		return 0;
	threshold = TOLL_SAMPLING_NEVER - (uint64_t)round(probability * 0x1p56);
	shift = 4 * (unsigned)(HEX_DIGITS - widen(probability, precision));
	if (shift)
		threshold = (threshold + (UINT64_C(1) << (shift - 1))) >> shift << shift;
	return threshold;
}

double toll_threshold_probability(uint64_t threshold)
{
	return (double)(TOLL_SAMPLING_NEVER - threshold) / 0x1p56;
}

uint64_t toll_threshold_of_percentage(float percentage)
{
	/* In single precision and rounded down, as ever. */
	uint32_t steps = (uint32_t)((percentage < 100 ? percentage : 100.0F) * 163.84F);

	return steps ? (uint64_t)(HASH_STEPS - steps) << 42 : TOLL_SAMPLING_NEVER;
}

uint64_t toll_random_of_trace(const uint8_t trace_id[16])
{
	uint64_t v = 0;

	for (int i = 9; i < 16; i++)
		v = v << 8 | trace_id[i];
	return v;
}

static uint32_t fnv1a(uint32_t hash, uint8_t byte)
{
	return (hash ^ byte) * UINT32_C(16777619);
}

uint64_t toll_random_by_hash(const uint8_t trace_id[16], uint32_t seed)
{
	uint32_t hash = UINT32_C(2166136261);
	uint64_t low, high, mixed;

	for (int i = 0; i < 4; i++)
		hash = fnv1a(hash, (uint8_t)(seed >> (8 * i)));
	for (int i = 0; i < 16; i++)
		hash = fnv1a(hash, trace_id[i]);
	/* A small hash was kept always: it becomes large randomness. */
	low = hash & (HASH_STEPS - 1);
	high = hash >> (32 - HASH_BITS);
	mixed = high ^ (high << 10);
	return (HASH_STEPS - 1 - low) << 42 | mixed << 14 | low;
}

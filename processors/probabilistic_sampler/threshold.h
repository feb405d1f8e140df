/* SPDX-License-Identifier: Apache-2.0 */
/* threshold.h - probabilities as 56-bit thresholds, and randomness from trace ids: the arithmetic
 * of the Collector (pkg/sampling), so that both decide alike. */
#ifndef TOLL_PROCESSORS_PROBABILISTIC_SAMPLER_THRESHOLD_H
#define TOLL_PROCESSORS_PROBABILISTIC_SAMPLER_THRESHOLD_H

#include <stdbool.h>
#include <stdint.h>

/* precision: significant hex digits, 1 to 14. TOLL_SAMPLING_NEVER for less than 2^-56. */
uint64_t toll_threshold_of(double probability, int precision);
double toll_threshold_probability(uint64_t threshold);

/* Of the mode hash_seed, which knows 2^14 steps; TOLL_SAMPLING_NEVER below the first. */
uint64_t toll_threshold_of_percentage(float percentage);

/* The last 56 bits, which W3C Trace Context level 2 asks to be random. */
uint64_t toll_random_of_trace(const uint8_t trace_id[16]);

/* FNV-1a of the seed and the id, spread over 56 bits. */
uint64_t toll_random_by_hash(const uint8_t trace_id[16], uint32_t seed);

#endif

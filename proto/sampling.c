/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/sampling.h"

#include <inttypes.h>
#include <stdio.h>

#include "proto/trace_state.h"

enum { TRACE_ID_LEN = 16, RANDOM_BYTES = 7 };

/* The last 56 bits of the trace id (W3C Trace Context, level 2). */
static uint64_t random_of(const struct toll_span *s, const struct toll_trace_state *ts)
{
	uint64_t random = 0;

	if (ts->has_random)
		return ts->random;
	for (int i = TRACE_ID_LEN - RANDOM_BYTES; i < TRACE_ID_LEN; i++)
		random = random << 8 | s->trace_id[i];
	return random;
}

/* Of the spans that a threshold keeps the randomness is spread evenly over what is not below it. */
static uint64_t whole_count(uint64_t threshold, uint64_t random)
{
	uint64_t kept = TOLL_SAMPLING_NEVER - threshold;
	uint64_t count = TOLL_SAMPLING_NEVER / kept, rest = TOLL_SAMPLING_NEVER % kept;

	if (random < threshold) /* who sampled did not follow the rule */
		return count + (rest > kept - rest);
	return count + (random - threshold < rest);
}

bool toll_span_adjust(struct toll_span *s, uint64_t most)
{
	struct toll_trace_state ts;

	s->threshold = 0;
	s->adjusted_count = 1;
	if (!s->trace_state.len || !toll_trace_state_parse(s->trace_state, &ts) ||
	    !ts.has_threshold || !ts.threshold)
		return true;
	if ((toll_u128)most * (TOLL_SAMPLING_NEVER - ts.threshold) < TOLL_SAMPLING_NEVER)
		return false;
	s->threshold = ts.threshold;
	s->adjusted_count = whole_count(ts.threshold, random_of(s, &ts));
	return true;
}

toll_i128 toll_span_weigh(const struct toll_span *s)
{
	toll_u128 cost = s->cost_pico < 0 ? 0 : (toll_u128)s->cost_pico;

	if (!s->threshold)
		return (toll_i128)(cost * (s->adjusted_count ? s->adjusted_count : 1));
	return (toll_i128)toll_divide_half_even(cost * TOLL_SAMPLING_NEVER,
	                                        TOLL_SAMPLING_NEVER - s->threshold, false);
}

int toll_threshold_print(uint64_t threshold, char buf[TOLL_THRESHOLD_TEXT])
{
	int len = snprintf(buf, TOLL_THRESHOLD_TEXT, "%014" PRIx64,
	                   threshold & (TOLL_SAMPLING_NEVER - 1));

	while (len > 1 && buf[len - 1] == '0')
		buf[--len] = '\0';
	return len;
}

uint64_t toll_threshold_of_adjusted(toll_u128 adjusted)
{
	const toll_u128 one = toll_power_of_ten(TOLL_ADJUSTED_PLACES);
	const toll_u128 all = TOLL_SAMPLING_NEVER * one;

	if (adjusted <= one || adjusted > all)
		return 0;
	for (int digits = 1; digits <= 14; digits++) {
		toll_u128 unit = (toll_u128)1 << (4 * (14 - digits));
		toll_u128 kept = (all / adjusted + unit / 2) / unit * unit;
		bool exact = kept * adjusted == all;

		if (kept && toll_divide_half_even(all, kept, false) == adjusted)
			return exact || adjusted % one ? TOLL_SAMPLING_NEVER - (uint64_t)kept : 0;
	}
	return 0;
}

int toll_span_print_adjusted(const struct toll_span *s, char buf[TOLL_ADJUSTED_TEXT])
{
	toll_u128 scaled = (toll_u128)TOLL_SAMPLING_NEVER * toll_power_of_ten(TOLL_ADJUSTED_PLACES);

	if (!s->threshold)
		return snprintf(buf, TOLL_ADJUSTED_TEXT, "%" PRIu64,
		                s->adjusted_count ? s->adjusted_count : 1);
	return toll_decimal_print(
		toll_divide_half_even(scaled, TOLL_SAMPLING_NEVER - s->threshold, false),
		TOLL_ADJUSTED_PLACES, false, buf);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* sampling.h - how many spans one stands for that came through sampling, and what they cost.
 *
 * A rejection threshold T of 56 bits (ot=th in the tracestate) means that one span in
 * 2^56 / (2^56 - T) was kept: its adjusted count. Money is multiplied by that ratio exactly and
 * rounded once per span, half to even, so that no share of sampling makes totals drift. Where spans
 * are counted, a whole number is needed: the ratio's fraction is decided by the trace's own
 * randomness, so that counts are right on average and every process decides alike. Source:
 * OpenTelemetry specification, "TraceState: Probability Sampling". */
#ifndef TOLL_PROTO_SAMPLING_H
#define TOLL_PROTO_SAMPLING_H

#include "cost/decimal.h"
#include "proto/batch.h"

enum {
	TOLL_ADJUSTED_TEXT = 64,
	TOLL_THRESHOLD_TEXT = 15,
	TOLL_ADJUSTED_PLACES = 9, /* decimals of an adjusted count that is no whole number */
};

/* Sets threshold and adjusted_count from the tracestate; one that is malformed or tells nothing
 * leaves the span to stand for itself. False: it would stand for more than `most` spans, and stands
 * for itself. */
bool toll_span_adjust(struct toll_span *s, uint64_t most) TOLL_MUST_CHECK;
toll_i128 toll_span_weigh(const struct toll_span *s); /* see toll_span_total_pico() */
/* "4", "3.333333333". Returns the length. */
int toll_span_print_adjusted(const struct toll_span *s, char buf[TOLL_ADJUSTED_TEXT]);

/* As in the tracestate: "c" of 2^55 + 2^54. Returns the length. */
int toll_threshold_print(uint64_t threshold, char buf[TOLL_THRESHOLD_TEXT]);
/* The shortest threshold that toll_span_print_adjusted() prints as this count x 10^-9; 0: one span
 * or less, or a whole number that no threshold makes. */
uint64_t toll_threshold_of_adjusted(toll_u128 adjusted);

/* What the spans it stands for cost together, for totals. */
static inline toll_i128 toll_span_total_pico(const struct toll_span *s)
{
	return toll_likely(!s->threshold && s->adjusted_count <= 1) ? s->cost_pico
	                                                            : toll_span_weigh(s);
}

#endif

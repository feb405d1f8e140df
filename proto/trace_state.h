/* SPDX-License-Identifier: Apache-2.0 */
/* trace_state.h - what the tracestate of a span says about sampling: "ot=th:c;rv:9b8233f7e3a151".
 *
 * th is the rejection threshold (1 to 14 hex digits, trailing zeros left out), rv explicit
 * randomness (14 hex digits). A span is kept where randomness >= threshold. Sources: W3C Trace
 * Context, "tracestate"; OpenTelemetry specification, "TraceState: Probability Sampling". */
#ifndef TOLL_PROTO_TRACE_STATE_H
#define TOLL_PROTO_TRACE_STATE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

/* One more than the greatest threshold: nothing is kept. */
#define TOLL_SAMPLING_NEVER (UINT64_C(1) << 56)

enum {
	TOLL_TRACE_STATE_MAX = 1024, /* bytes that are looked at; longer is malformed */
	/* Bytes that toll_trace_state_write() adds at most: "ot=rv:<14>;th:<14>;" and a comma. */
	TOLL_TRACE_STATE_MORE = 48,
};

struct toll_trace_state {
	bool has_threshold, has_random;
	uint64_t threshold, random; /* 56 bits */
};

/* False: malformed, and *ret says nothing. "" is well-formed. */
bool toll_trace_state_parse(struct toll_slice text, struct toll_trace_state *ret);

/* text (well-formed) with the th and rv of *ts: these first, then whatever else it held, in order.
 * out: text.len + TOLL_TRACE_STATE_MORE bytes. Returns the end. */
char *toll_trace_state_write(struct toll_slice text, const struct toll_trace_state *ts, char *out);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* usage_inside.h - the parts of usage.c. Private to proto/. */
#ifndef TOLL_PROTO_USAGE_INSIDE_H
#define TOLL_PROTO_USAGE_INSIDE_H

#include "proto/usage.h"

/* What attributes are asked for. Texts before TOLL_USAGE_COUNTS: an empty one counts as absent. */
enum toll_usage_slot {
	TOLL_USAGE_PROVIDER = 0,
	TOLL_USAGE_MODEL,
	TOLL_USAGE_OPERATION,
	TOLL_USAGE_OPENINFERENCE_KIND,
	TOLL_USAGE_REQUEST_TYPE,
	TOLL_USAGE_TRACELOOP_KIND,
	TOLL_USAGE_AI_OPERATION,
	TOLL_USAGE_LANGFUSE_TYPE,
	TOLL_USAGE_LANGSMITH_KIND,
	TOLL_USAGE_AGENT,
	TOLL_USAGE_COUNTS,
	TOLL_USAGE_INPUT = TOLL_USAGE_COUNTS,
	TOLL_USAGE_OUTPUT,
	TOLL_USAGE_TOTAL,
	TOLL_USAGE_UNCACHED,
	TOLL_USAGE_CACHED,
	TOLL_USAGE_CACHE_WRITE,
	TOLL_USAGE_REASONING,
	TOLL_USAGE_INPUT_AUDIO,
	TOLL_USAGE_OUTPUT_AUDIO,
	TOLL_USAGE_COUNTS_END,
	TOLL_USAGE_USAGE_JSON = TOLL_USAGE_COUNTS_END,
	TOLL_USAGE_INPUT_JSON,
	TOLL_USAGE_OUTPUT_JSON,
	TOLL_USAGE_REQUEST_BYTES,
	TOLL_USAGE_RESPONSE_BYTES,
	TOLL_USAGE_MEMORY,
	TOLL_USAGE_INVOCATION,
	TOLL_USAGE_CAPACITY,
	TOLL_USAGE_SLOT_COUNT
};
_Static_assert(TOLL_USAGE_SLOT_COUNT <= 32, "a bit each");

/* The attributes that count, by slot; attrs[slot] is there where its bit is set. */
struct toll_usage_found {
	uint32_t has;
	const struct toll_attr *attrs[TOLL_USAGE_SLOT_COUNT];
};

static inline const struct toll_attr *toll_usage_attr(const struct toll_usage_found *f,
                                                      enum toll_usage_slot slot)
{
	return f->has & 1u << slot ? f->attrs[slot] : NULL;
}

enum toll_usage_number {
	TOLL_NUMBER_NONE = 0, /* no number at all */
	TOLL_NUMBER_VALID,
	TOLL_NUMBER_INVALID, /* negative, NaN, Inf, a fraction, more than most */
};

/* A whole number: an int, a double, a string of digits (the first of an array). */
enum toll_usage_number toll_usage_number(const struct toll_attr *a, uint64_t most, uint64_t *ret);
/* The same of a text. */
enum toll_usage_number toll_usage_digits(struct toll_slice text, uint64_t most, uint64_t *ret);

static inline void toll_usage_put(struct toll_span_usage *u, enum toll_quantity_kind kind,
                                  toll_u128 n)
{
	u->quantities[kind] = toll_quantity_of(n);
	u->has |= 1u << kind;
}

/* Agents, chains, workflows and tools repeat what their children used (semantics, "Leaf rule"). */
bool toll_usage_is_aggregate(const struct toll_usage_found *f);
/* After provider. scope: the name of the instrumentation scope. */
void toll_usage_tokens(const struct toll_usage_found *f, struct toll_slice scope,
                       struct toll_span_usage *u);
void toll_usage_measured(const struct toll_batch *b, const struct toll_span *s,
                         const struct toll_usage_found *f, struct toll_span_usage *u);

#endif

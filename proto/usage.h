/* SPDX-License-Identifier: Apache-2.0 */
/* usage.h - what a span used, out of its attributes: tokens, bytes, memory x time, capacity.
 *
 * One pass over the attributes, in all the conventions that instrumentations follow (usage.def,
 * docs/semconv.md). Pure but for the arena, which holds a model's name where it had to be lowered.
 * Never negative, never more than the span says: the kinds of input tokens together are the prompt.
 *
 * Providers are called by the ids of cost/provider.def (aws, azure, google, openai, ...); one that
 * is not listed there keeps its name, lower-cased. Models keep their whole name, lower-cased: also
 * the region or "global." in front of a Bedrock profile (us.anthropic.claude-...), whose price may
 * differ; just "models/" (Gemini) and the path of an ARN are cut off. */
#ifndef TOLL_PROTO_USAGE_H
#define TOLL_PROTO_USAGE_H

#include "cost/quantity.h"
#include "proto/batch.h"

/* More tokens than any span has: poison. */
#define TOLL_TOKENS_MAX UINT64_C(100000000)

struct toll_span_usage {
	struct toll_slice provider, model; /* lower case; empty: unknown */
	bool known;                        /* any count of tokens */
	bool aggregate; /* agent, chain, workflow, tool: repeats what its children used */
	/* NULL, or what is invalid: "tokens", "bytes", "memory", "capacity"; has is then 0. */
	const char *poison;
	uint32_t has; /* bit per toll_quantity_kind; a count of 0 is there for input and output only
	               */
	struct toll_quantity quantities[TOLL_QUANTITY_COUNT];
};

/* Quantities without a bit in has are left as they were. calls and duration are not set. */
void toll_usage_read(struct toll_batch *b, const struct toll_span *s, struct toll_span_usage *ret);
/* The same but for the names, which are not lowered: any thread, also of a sealed batch. */
void toll_usage_count(const struct toll_batch *b, const struct toll_span *s,
                      struct toll_span_usage *ret);

#endif

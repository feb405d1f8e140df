/* SPDX-License-Identifier: Apache-2.0 */
/* From the counts that a span reports to the kinds of tokens that are priced: which counts are part
 * of which. docs/semconv.md tells the rules and where they come from. */
#include "proto/attr.h"
#include "proto/json_flat.h"
#include "proto/usage_inside.h"

/* Counts that only JSON details have. */
enum {
	CACHE_WRITE_5M = TOLL_USAGE_COUNTS_END,
	CACHE_WRITE_1H,
	COUNTS_END,
};

struct counts {
	uint64_t n[COUNTS_END]; /* by slot; 0 where it is not there */
	uint32_t has;
	bool apart;   /* input and output are told without their cached and reasoning parts */
	bool invalid; /* a count that no span has */
	bool odd;     /* a text that is no count: not 0 where others are told */
};

static bool has(const struct counts *c, unsigned slot)
{
	return c->has & 1u << slot;
}

static void set(struct counts *c, unsigned slot, uint64_t n)
{
	c->n[slot] = n;
	c->has |= 1u << slot;
}

static void read_attrs(const struct toll_usage_found *f, struct counts *c)
{
	for (unsigned slot = TOLL_USAGE_COUNTS; slot < TOLL_USAGE_COUNTS_END; slot++) {
		const struct toll_attr *a = toll_usage_attr(f, (enum toll_usage_slot)slot);
		enum toll_usage_number got = TOLL_NUMBER_NONE;
		uint64_t n = 0;

		if (a)
			got = toll_usage_number(a, TOLL_TOKENS_MAX, &n);
		if (got == TOLL_NUMBER_VALID)
			set(c, slot, n);
		c->invalid |= got == TOLL_NUMBER_INVALID;
		c->odd |= got == TOLL_NUMBER_NONE && toll_attr_text(a).len;
	}
}

/* ---- JSON details ---- */

static const struct detail {
	const char *name;
	uint8_t json; /* slot of the attribute */
	uint8_t slot;
	bool apart;
} details[] = {
	{ "input", TOLL_USAGE_USAGE_JSON, TOLL_USAGE_INPUT, true },
	{ "output", TOLL_USAGE_USAGE_JSON, TOLL_USAGE_OUTPUT, true },
	{ "total", TOLL_USAGE_USAGE_JSON, TOLL_USAGE_TOTAL, false },
	{ "prompt_tokens", TOLL_USAGE_USAGE_JSON, TOLL_USAGE_INPUT, false },
	{ "completion_tokens", TOLL_USAGE_USAGE_JSON, TOLL_USAGE_OUTPUT, false },
	{ "total_tokens", TOLL_USAGE_USAGE_JSON, TOLL_USAGE_TOTAL, false },
	{ "input_tokens", TOLL_USAGE_USAGE_JSON, TOLL_USAGE_INPUT, false },
	{ "output_tokens", TOLL_USAGE_USAGE_JSON, TOLL_USAGE_OUTPUT, false },
	{ "cached_tokens", TOLL_USAGE_USAGE_JSON, TOLL_USAGE_CACHED, false },
	{ "input_cached_tokens", TOLL_USAGE_USAGE_JSON, TOLL_USAGE_CACHED, false },
	{ "cache_read_input_tokens", TOLL_USAGE_USAGE_JSON, TOLL_USAGE_CACHED, false },
	{ "input_cache_read", TOLL_USAGE_USAGE_JSON, TOLL_USAGE_CACHED, false },
	{ "cache_creation_input_tokens", TOLL_USAGE_USAGE_JSON, TOLL_USAGE_CACHE_WRITE, false },
	{ "input_cache_creation", TOLL_USAGE_USAGE_JSON, TOLL_USAGE_CACHE_WRITE, false },
	{ "reasoning_tokens", TOLL_USAGE_USAGE_JSON, TOLL_USAGE_REASONING, false },
	{ "output_reasoning_tokens", TOLL_USAGE_USAGE_JSON, TOLL_USAGE_REASONING, false },
	{ "output_reasoning", TOLL_USAGE_USAGE_JSON, TOLL_USAGE_REASONING, false },
	{ "cache_read", TOLL_USAGE_INPUT_JSON, TOLL_USAGE_CACHED, false },
	{ "cache_creation", TOLL_USAGE_INPUT_JSON, TOLL_USAGE_CACHE_WRITE, false },
	{ "ephemeral_5m_input_tokens", TOLL_USAGE_INPUT_JSON, CACHE_WRITE_5M, false },
	{ "ephemeral_1h_input_tokens", TOLL_USAGE_INPUT_JSON, CACHE_WRITE_1H, false },
	{ "audio", TOLL_USAGE_INPUT_JSON, TOLL_USAGE_INPUT_AUDIO, false },
	{ "reasoning", TOLL_USAGE_OUTPUT_JSON, TOLL_USAGE_REASONING, false },
	{ "audio", TOLL_USAGE_OUTPUT_JSON, TOLL_USAGE_OUTPUT_AUDIO, false },
};

/* What an attribute says stays. */
static void take_detail(const struct toll_json_member *m, unsigned json, struct counts *c)
{
	uint64_t n;

	for (size_t i = 0; i < TOLL_COUNT(details); i++) {
		const struct detail *d = &details[i];

		if (d->json != json || has(c, d->slot) || !toll_slice_is(m->name, d->name))
			continue;
		switch (toll_usage_digits(m->value, TOLL_TOKENS_MAX, &n)) {
		case TOLL_NUMBER_VALID:
			set(c, d->slot, n);
			c->apart |= d->apart;
			break;
		case TOLL_NUMBER_INVALID:
			c->invalid = true;
			break;
		default:
			/* A negative one; null and objects are no count. */
			c->invalid |= m->value.len && *m->value.ptr == '-';
		}
		return;
	}
}

/* One level deep: {"prompt_tokens_details": {"cached_tokens": 1}}. */
static void read_json(const struct toll_usage_found *f, enum toll_usage_slot slot, struct counts *c)
{
	const struct toll_attr *a = toll_usage_attr(f, slot);
	struct toll_json_flat outer, inner;
	struct toll_json_member m, deeper;

	if (!a)
		return;
	outer = toll_json_flat_of(toll_attr_text(a));
	while (toll_json_flat_next(&outer, &m)) {
		take_detail(&m, slot, c);
		inner = toll_json_flat_of(m.value);
		while (toll_json_flat_next(&inner, &deeper))
			take_detail(&deeper, slot, c);
	}
}

/* ---- what is part of what ---- */

/* Instrumentations that report what the API says, where the API counts cached tokens beside the
 * input. The convention says that they are part of it. */
static const struct {
	struct toll_slice scope; /* its name begins so */
	const char *provider;    /* of this one only; NULL: of any */
} raw_scopes[] = {
	{ { "opentelemetry.instrumentation.botocore", 38 }, NULL },
	{ { "openlit", 7 }, "anthropic" },
};

static bool is_raw(const struct toll_usage_found *f, struct toll_slice scope,
                   const struct toll_span_usage *u)
{
	const struct toll_attr *cached = toll_usage_attr(f, TOLL_USAGE_CACHED);

	for (size_t i = 0; i < TOLL_COUNT(raw_scopes); i++)
		if (scope.len >= raw_scopes[i].scope.len &&
		    memcmp(scope.ptr, raw_scopes[i].scope.ptr, raw_scopes[i].scope.len) == 0 &&
		    (!raw_scopes[i].provider || toll_slice_is(u->provider, raw_scopes[i].provider)))
			return true;
	/* Vercel AI SDK before 6. */
	return cached && cached->key_id == TOLL_KEY_AI_CACHED_INPUT &&
	       !toll_usage_attr(f, TOLL_USAGE_UNCACHED) &&
	       (toll_slice_is(u->provider, "anthropic") || toll_slice_is(u->provider, "aws"));
}

/* Cached tokens come on top of the input: the numbers say so, or what wrote them is known to. */
static bool is_cache_on_top(const struct toll_usage_found *f, struct toll_slice scope,
                            const struct toll_span_usage *u, const struct counts *c)
{
	uint64_t cache = c->n[TOLL_USAGE_CACHED] + c->n[TOLL_USAGE_CACHE_WRITE];
	uint64_t sum = c->n[TOLL_USAGE_INPUT] + c->n[TOLL_USAGE_OUTPUT];

	if (!cache)
		return false;
	if (cache > c->n[TOLL_USAGE_INPUT] || c->apart)
		return true;
	if (has(c, TOLL_USAGE_TOTAL) && c->n[TOLL_USAGE_TOTAL] == sum + cache)
		return true;
	return is_raw(f, scope, u);
}

static bool is_reasoning_on_top(const struct counts *c, uint64_t prompt)
{
	uint64_t sum = prompt + c->n[TOLL_USAGE_OUTPUT] + c->n[TOLL_USAGE_REASONING];

	if (!c->n[TOLL_USAGE_REASONING])
		return false;
	return c->n[TOLL_USAGE_REASONING] > c->n[TOLL_USAGE_OUTPUT] || c->apart ||
	       (has(c, TOLL_USAGE_TOTAL) && c->n[TOLL_USAGE_TOTAL] == sum);
}

/* What is left of two when the third is known. Only a total tells nothing of a price. */
static void complete(struct counts *c)
{
	uint64_t total = c->n[TOLL_USAGE_TOTAL];

	if (!has(c, TOLL_USAGE_TOTAL))
		return;
	if (has(c, TOLL_USAGE_INPUT) && !has(c, TOLL_USAGE_OUTPUT) &&
	    total > c->n[TOLL_USAGE_INPUT])
		set(c, TOLL_USAGE_OUTPUT, total - c->n[TOLL_USAGE_INPUT]);
	else if (has(c, TOLL_USAGE_OUTPUT) && !has(c, TOLL_USAGE_INPUT) &&
	         total > c->n[TOLL_USAGE_OUTPUT])
		set(c, TOLL_USAGE_INPUT, total - c->n[TOLL_USAGE_OUTPUT]);
}

/* At most what is left of the whole: the parts of a prompt are never more than the prompt. */
static void put_part(struct toll_span_usage *u, enum toll_quantity_kind kind, uint64_t n,
                     uint64_t *left)
{
	if (n > *left)
		n = *left;
	*left -= n;
	if (n)
		toll_usage_put(u, kind, n);
}

static void put_input(struct toll_span_usage *u, const struct counts *c, uint64_t prompt)
{
	uint64_t left = prompt, write = c->n[TOLL_USAGE_CACHE_WRITE], hour = c->n[CACHE_WRITE_1H];

	toll_usage_put(u, TOLL_QUANTITY_CONTEXT_TOKENS, prompt);
	put_part(u, TOLL_QUANTITY_CACHED_TOKENS, c->n[TOLL_USAGE_CACHED], &left);
	put_part(u, TOLL_QUANTITY_CACHE_WRITE_1H_TOKENS, hour, &left);
	put_part(u, TOLL_QUANTITY_CACHE_WRITE_TOKENS, write > hour ? write - hour : 0, &left);
	put_part(u, TOLL_QUANTITY_INPUT_AUDIO_TOKENS, c->n[TOLL_USAGE_INPUT_AUDIO], &left);
	toll_usage_put(u, TOLL_QUANTITY_INPUT_TOKENS, left);
}

static void put_output(struct toll_span_usage *u, const struct counts *c, uint64_t answer)
{
	uint64_t left = answer, text;

	put_part(u, TOLL_QUANTITY_OUTPUT_AUDIO_TOKENS, c->n[TOLL_USAGE_OUTPUT_AUDIO], &left);
	text = left; /* reasoning is part of it: rules say whether it is charged on its own */
	put_part(u, TOLL_QUANTITY_REASONING_TOKENS, c->n[TOLL_USAGE_REASONING], &left);
	toll_usage_put(u, TOLL_QUANTITY_OUTPUT_TOKENS, text);
}

void toll_usage_tokens(const struct toll_usage_found *f, struct toll_slice scope,
                       struct toll_span_usage *u)
{
	struct counts c = { .has = 0 };
	uint64_t prompt, answer, written;

	read_attrs(f, &c);
	read_json(f, TOLL_USAGE_USAGE_JSON, &c);
	read_json(f, TOLL_USAGE_INPUT_JSON, &c);
	read_json(f, TOLL_USAGE_OUTPUT_JSON, &c);
	if (c.invalid)
		u->poison = "tokens";
	complete(&c);
	if (!has(&c, TOLL_USAGE_INPUT) && !has(&c, TOLL_USAGE_OUTPUT))
		return;
	u->known = true;
	if (c.odd)
		u->poison = "tokens";
	written = c.n[CACHE_WRITE_5M] + c.n[CACHE_WRITE_1H];
	if (c.n[TOLL_USAGE_CACHE_WRITE] < written)
		c.n[TOLL_USAGE_CACHE_WRITE] = written;
	prompt = c.n[TOLL_USAGE_INPUT];
	if (is_cache_on_top(f, scope, u, &c))
		prompt += c.n[TOLL_USAGE_CACHED] + c.n[TOLL_USAGE_CACHE_WRITE];
	answer = c.n[TOLL_USAGE_OUTPUT];
	if (is_reasoning_on_top(&c, prompt))
		answer += c.n[TOLL_USAGE_REASONING];
	put_input(u, &c, prompt);
	put_output(u, &c, answer);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_usage.c - whatever attributes say, usage is what usage.h promises: the kinds of input tokens
 * are the prompt, parts are never more than the whole, poison leaves nothing.
 *
 * Input: attributes of one span, each a byte that picks the key, one that picks the type, and for a
 * number 8 bytes, else a length and that many bytes. */
#include <assert.h>
#include <stdlib.h>

#include "proto/attr.h"
#include "proto/usage.h"
#include "tests/support/otlp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
	const uint8_t *at, *end;
};

static struct toll_slice take(struct input *in, size_t n)
{
	struct toll_slice s;

	if (n > (size_t)(in->end - in->at))
		n = (size_t)(in->end - in->at);
	s = toll_slice(in->at, n);
	in->at += n;
	return s;
}

static uint8_t take_byte(struct input *in)
{
	return in->at < in->end ? *in->at++ : 0;
}

static uint64_t take_number(struct input *in)
{
	struct toll_slice s = take(in, 8);
	uint64_t v = 0;

	memcpy(&v, s.ptr, s.len);
	return v;
}

static char *put_attr(struct input *in, char *out)
{
	uint32_t tag = TOLL_TAG(9, TOLL_WIRE_BYTES);
	enum toll_key id = (enum toll_key)(1 + take_byte(in) % (TOLL_KEY_COUNT - 1));
	struct toll_slice key = toll_key_text(id), text;
	char inner[128], array[136], any[144], *end;
	uint64_t bits;
	double number;

	switch (take_byte(in) % 4) {
	case 0:
		return toll_write_kv_int(out, tag, key, (int64_t)take_number(in));
	case 1:
		bits = take_number(in);
		memcpy(&number, &bits, sizeof(number));
		return toll_write_kv_double(out, tag, key, number, NULL);
	case 2:
		return toll_write_kv_str(out, tag, key, take(in, take_byte(in)));
	default:
		/* AnyValue {ArrayValue {AnyValue {string}}} */
		end = toll_write_bytes(inner, TOLL_TAG(1, TOLL_WIRE_BYTES),
		                       take(in, take_byte(in) % 120));
		text = toll_slice(inner, (size_t)(end - inner));
		end = toll_write_bytes(array, TOLL_TAG(1, TOLL_WIRE_BYTES), text);
		text = toll_slice(array, (size_t)(end - array));
		end = toll_write_bytes(any, TOLL_TAG(5, TOLL_WIRE_BYTES), text);
		return toll_write_kv_any(out, tag, key, toll_slice(any, (size_t)(end - any)));
	}
}

static toll_u128 count(const struct toll_span_usage *u, enum toll_quantity_kind kind)
{
	if (!(u->has & 1u << kind))
		return 0;
	assert(u->quantities[kind].places <= TOLL_QUANTITY_PLACES);
	return u->quantities[kind].units;
}

static void check(const struct toll_span_usage *u)
{
	toll_u128 prompt = count(u, TOLL_QUANTITY_CONTEXT_TOKENS);

	if (u->poison) {
		assert(!u->has);
		return;
	}
	assert(u->known == !!(u->has & 1u << TOLL_QUANTITY_INPUT_TOKENS));
	assert(u->known == !!(u->has & 1u << TOLL_QUANTITY_OUTPUT_TOKENS));
	assert(prompt <= 4 * TOLL_TOKENS_MAX);
	assert(prompt == count(u, TOLL_QUANTITY_INPUT_TOKENS) +
	                         count(u, TOLL_QUANTITY_CACHED_TOKENS) +
	                         count(u, TOLL_QUANTITY_CACHE_WRITE_TOKENS) +
	                         count(u, TOLL_QUANTITY_CACHE_WRITE_1H_TOKENS) +
	                         count(u, TOLL_QUANTITY_INPUT_AUDIO_TOKENS));
	assert(count(u, TOLL_QUANTITY_REASONING_TOKENS) <= count(u, TOLL_QUANTITY_OUTPUT_TOKENS));
	assert(count(u, TOLL_QUANTITY_GB_SECONDS) < (toll_u128)1 << 114);
	for (size_t i = 0; i < u->provider.len; i++)
		assert(u->provider.ptr[i] < 'A' || u->provider.ptr[i] > 'Z');
	for (size_t i = 0; i < u->model.len; i++)
		assert(u->model.ptr[i] < 'A' || u->model.ptr[i] > 'Z');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, data + size };
	struct toll_batch *b;
	struct toll_span_usage u;
	struct msg *span;

	if (size > 4096)
		return 0;
	span = span_new("GetItem", 1, 1000);
	while (in.at < in.end)
		span->len = (size_t)(put_attr(&in, span->bytes + span->len) - span->bytes);
	b = batch_of_request(request_of("shop", &span, 1));
	toll_usage_read(b, &b->spans[0], &u);
	check(&u);
	toll_batch_unref(b);
	return 0;
}

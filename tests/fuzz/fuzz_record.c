/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_record.c - records of a journal. An even first byte: the rest is a record, anything but
 * ours; what decodes is a batch like any other, and is the same when it has been a record again. An
 * odd one: the rest is a request; whatever decodes, with edits and drops, comes back from its
 * record whole. */
#include "pipeline/record.h"
#include "proto/cost_record.h"
#include "proto/edit.h"
#include "proto/operation.h"
#include "proto/otlp_json.h"
#include "tests/support/otlp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct toll_slice payload_of(const struct toll_batch *b)
{
	struct toll_journal_entry e;
	void *memory;
	char *bytes;

	if (toll_record_new(b, &e, &memory) < 0)
		abort();
	bytes = malloc(e.parts[0].len + e.parts[1].len);
	if (!bytes)
		abort();
	toll_write_raw(toll_write_raw(bytes, e.parts[0]), e.parts[1]);
	free(memory);
	return toll_slice(bytes, e.parts[0].len + e.parts[1].len);
}

static struct toll_batch *decode(struct toll_slice payload, int *ret_err)
{
	const struct toll_journal_record r = { .payload = payload, .type = TOLL_RECORD_BATCH };
	struct toll_batch *b = NULL;

	*ret_err = toll_record_decode(&r, "00112233445566778899aabbccddeeff", NULL, &b);
	return b;
}

static void use(const struct toll_batch *b)
{
	struct toll_buffer json = { 0 };

	for (uint32_t i = 0; i < b->span_count; i++) {
		char *out = malloc(toll_cost_record_bound(b, &b->spans[i]));

		if (!out)
			abort();
		toll_cost_record(b, &b->spans[i], out);
		free(out);
	}
	toll_otlp_json(&(struct toll_selection){ b, 0, b->span_count }, &json);
	toll_buffer_release(&json);
}

static void comes_back(const struct toll_batch *b)
{
	struct toll_slice first = payload_of(b), second;
	struct toll_batch *again;
	int err;

	again = decode(first, &err);
	if (err || again->span_count != b->kept_count)
		abort();
	second = payload_of(again);
	if (!toll_slice_eq(first, second))
		abort();
	toll_batch_unref(again);
	free((void *)(uintptr_t)first.ptr);
	free((void *)(uintptr_t)second.ptr);
}

static void any_record(struct toll_slice payload)
{
	int err;
	struct toll_batch *b = decode(payload, &err);

	if (err) {
		if (err != TOLL_EINVALID && err != TOLL_EUNSUPPORTED && err != TOLL_ENOMEM)
			abort();
		return;
	}
	use(b);
	comes_back(b);
	toll_batch_unref(b);
}

static void edit_some(struct toll_batch *b)
{
	for (uint32_t i = 0; i < b->span_count; i++) {
		struct toll_span *s = &b->spans[i];
		uint32_t count = s->node.attr_count;

		if (s->dropped)
			continue;
		for (uint32_t a = 0; a < count; a++)
			if (a % 2 == 0 && toll_attr_delete(b, &s->node, &s->node.attrs[a]) < 0)
				return;
		if (toll_node_set_int(b, &s->node, TOLL_SLICE("added"), (int64_t)i - 1) < 0)
			return;
		s->cost_state = (uint8_t)(i % 3);
		s->cost_pico = s->cost_state == TOLL_COST_PRICED ? 1 + (int64_t)i : 0;
		if (i % 5 == 4)
			toll_span_drop(b, s, TOLL_DROP_FILTERED);
	}
}

static void any_request(struct toll_slice wire)
{
	int err;
	struct toll_batch *b = batch_of(wire, &err, NULL);

	if (!err) {
		edit_some(b);
		toll_batch_derive_operations(b, NULL);
		toll_batch_seal(b);
		comes_back(b);
	}
	toll_batch_unref(b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct toll_slice rest = toll_slice(data + 1, size - 1);

	if (size == 0)
		return 0;
	if (data[0] & 1)
		any_request(rest);
	else
		any_record(rest);
	return 0;
}

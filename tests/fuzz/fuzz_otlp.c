/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_otlp - whatever decodes must survive edits, encode to the promised size, and decode again to
 * as many spans. */
#include "proto/edit.h"
#include "proto/otlp_encode.h"
#include "proto/otlp_json.h"
#include "tests/support/otlp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void edit_some(struct toll_batch *b)
{
	for (uint32_t i = 0; i < b->span_count; i++) {
		struct toll_node *n = &b->spans[i].node;
		uint32_t count = n->attr_count;

		if (b->spans[i].dropped)
			continue;
		for (uint32_t a = 0; a < count; a++)
			if ((a % 3 == 0 && toll_attr_delete(b, n, &n->attrs[a]) < 0) ||
			    (a % 3 == 1 &&
			     toll_attr_set_str(b, n, &n->attrs[a], TOLL_SLICE("x")) < 0))
				return;
		if (toll_node_set_int(b, n, TOLL_SLICE("added"), (int64_t)i - 1) < 0)
			return;
	}
	for (uint32_t i = 0; i < b->resource_count; i++)
		if (toll_node_set_str(b, &b->resources[i].node, TOLL_SLICE("service.name"),
		                      TOLL_SLICE("fuzz")) < 0)
			return;
}

static void round_trip(const struct toll_batch *b, uint32_t first, uint32_t count)
{
	struct toll_selection sel = { b, first, count == b->span_count ? TOLL_WHOLE_BATCH : count };
	size_t size = toll_otlp_size(&sel);
	char *out = malloc(size + 1);
	struct toll_batch *again;
	uint32_t kept = 0;
	int err;

	if (toll_otlp_encode(&sel, out) != out + size)
		abort();
	for (uint32_t i = first; i < first + count; i++)
		kept += !b->spans[i].dropped;
	again = batch_of(toll_slice(out, size), &err, NULL);
	if (err == 0 && again->kept_count != kept)
		abort();
	if (err && err != TOLL_EINVALID && err != TOLL_ENOMEM)
		abort();
	toll_batch_unref(again);
	free(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int err;
	struct toll_batch *b = batch_of(toll_slice(data, size), &err, NULL);
	struct toll_buffer json = { 0 };

	if (!err) {
		edit_some(b);
		round_trip(b, 0, b->span_count);
		if (b->span_count > 1)
			round_trip(b, 1, b->span_count - 1);
		toll_otlp_json(&(struct toll_selection){ b, 0, b->span_count }, &json);
	}
	toll_buffer_release(&json);
	toll_batch_unref(b);
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* splice - the other end of test_splice_oracle.py: edits and encodes requests as told, frame by
 * frame.
 *
 * in:  u32 length, u8 edits (bits below), u32 first, u32 count (0xffffffff: the whole batch),
 * request out: i32 error, u32 kept spans, u32 length, encoded request (with EDIT_JSON: OTLP/JSON)
 */
#include <stdio.h>

#include "proto/edit.h"
#include "proto/otlp_encode.h"
#include "proto/otlp_json.h"
#include "tests/support/otlp.h"

enum {
	EDIT_APPEND_COST = 1,  /* five cost.* attributes in one go */
	EDIT_REPLACE_PATH = 2, /* "url.path" gets a new value where it is there */
	EDIT_DELETE_FIRST = 4, /* the first attribute of every span */
	EDIT_DROP_THIRD = 8,   /* spans 2, 5, 8 and so on */
	EDIT_RESOURCE = 16, /* resource attribute "edited" = 7, scope attribute "edited" = true */
	EDIT_CLONE = 32,    /* edits go to a clone; the original must stay as it was */
	EDIT_JSON = 64,
};

static void must(int err)
{
	if (err)
		abort();
}

static void append_cost(struct toll_batch *b, struct toll_node *n)
{
	char bytes[256];
	char *end =
		toll_write_kv_double(bytes, n->attr_tag, TOLL_SLICE("cost.amount"), 0.125, NULL);

	end = toll_write_kv_str(end, n->attr_tag, TOLL_SLICE("cost.currency"), TOLL_SLICE("USD"));
	must(toll_node_append(b, n, toll_slice(bytes, (size_t)(end - bytes)), NULL));
}

static void edit_span(struct toll_batch *b, struct toll_span *s, unsigned edits)
{
	struct toll_node *n = &s->node;

	if (edits & EDIT_APPEND_COST)
		append_cost(b, n);
	if (edits & EDIT_REPLACE_PATH)
		for (uint32_t a = 0; a < n->attr_count; a++)
			if (toll_slice_is(toll_attr_key(&n->attrs[a]), "url.path"))
				must(toll_attr_set_str(b, n, &n->attrs[a], TOLL_SLICE("/x/*")));
	if (edits & EDIT_DELETE_FIRST && n->attr_count)
		must(toll_attr_delete(b, n, &n->attrs[0]));
}

static void edit(struct toll_batch *b, unsigned edits)
{
	for (uint32_t i = 0; i < b->span_count; i++) {
		if (edits & EDIT_DROP_THIRD && i % 3 == 2)
			toll_span_drop(b, &b->spans[i], TOLL_DROP_FILTERED);
		else if (!b->spans[i].dropped)
			edit_span(b, &b->spans[i], edits);
	}
	for (uint32_t i = 0; edits & EDIT_RESOURCE && i < b->resource_count; i++)
		must(toll_node_set_int(b, &b->resources[i].node, TOLL_SLICE("edited"), 7));
	for (uint32_t i = 0; edits & EDIT_RESOURCE && i < b->scope_count; i++)
		must(toll_node_set_bool(b, &b->scopes[i].node, TOLL_SLICE("edited"), true));
}

static void put(const void *bytes, size_t len)
{
	if (fwrite(bytes, 1, len, stdout) != len)
		exit(1);
}

static void answer(int err, uint32_t kept, struct toll_slice bytes)
{
	uint32_t len = (uint32_t)bytes.len;

	put(&err, 4);
	put(&kept, 4);
	put(&len, 4);
	put(bytes.ptr, bytes.len);
}

static void write_selection(const struct toll_batch *b, uint32_t first, uint32_t count,
                            unsigned edits)
{
	struct toll_selection sel = { b, first, count };
	struct toll_buffer json = { 0 };
	size_t size = toll_otlp_size(&sel);
	char *out = malloc(size + 1);

	if (toll_otlp_encode(&sel, out) != out + size)
		abort();
	toll_otlp_json(&sel, &json);
	if (edits & EDIT_JSON)
		answer(0, b->kept_count, toll_slice(json.ptr, json.len));
	else
		answer(0, b->kept_count, toll_slice(out, size));
	toll_buffer_release(&json);
	free(out);
}

static void serve(struct toll_slice wire, unsigned edits, uint32_t first, uint32_t count)
{
	int err;
	struct toll_batch *original = batch_of(wire, &err, NULL), *b = original, *clone = NULL;

	if (err) {
		answer(err, 0, toll_slice("", 0));
		toll_batch_unref(original);
		return;
	}
	if (edits & EDIT_CLONE) {
		must(toll_batch_clone(original, &clone));
		b = clone;
	}
	edit(b, edits);
	write_selection(b, first, count, edits);
	if (clone)
		write_selection(original, 0, TOLL_WHOLE_BATCH, 0);
	toll_batch_unref(clone);
	toll_batch_unref(original);
}

int main(void)
{
	uint32_t len, first, count;
	uint8_t edits;

	while (fread(&len, 4, 1, stdin) == 1) {
		char *wire = malloc(len + 1);

		if (!wire || fread(&edits, 1, 1, stdin) != 1 || fread(&first, 4, 1, stdin) != 1 ||
		    fread(&count, 4, 1, stdin) != 1 || fread(wire, 1, len, stdin) != len)
			return 1;
		serve(toll_slice(wire, len), edits, first, count);
		fflush(stdout);
		free(wire);
	}
	return 0;
}

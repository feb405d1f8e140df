/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/otlp_encode.h"

#include "proto/attr.h"
#include "proto/edit.h"
#include "tests/support/otlp.h"
#include "tests/unit/unit.h"

/* Encodes a selection, checks the promised size, decodes the result. */
static struct toll_batch *again(const struct toll_batch *b, uint32_t first, uint32_t count)
{
	struct toll_selection sel = { b, first, count == b->span_count ? TOLL_WHOLE_BATCH : count };
	size_t size = toll_otlp_size(&sel);
	char *out = malloc(size + 1);
	struct toll_batch *copy;
	int err;

	assert_ptr_equal(toll_otlp_encode(&sel, out), out + size);
	copy = batch_of(toll_slice(out, size), &err, NULL);
	assert_int_equal(err, 0);
	free(out);
	return copy;
}

static struct toll_slice text_of(const struct toll_node *n, const char *key)
{
	return toll_attr_text(toll_node_find_name(n, toll_slice_str(key)));
}

static struct toll_batch *shop(uint64_t spans)
{
	struct msg *list[64];

	for (uint64_t i = 0; i < spans; i++) {
		list[i] = span_new("op", i, i);
		msg_attr_str(list[i], 9, "url.path", "/users/1");
		msg_attr_str(list[i], 9, "keep", "me");
		msg_attr_str(list[i], 9, "drop", "me");
	}
	return batch_of_request(request_of("shop", list, spans));
}

static void untouched_is_copied_byte_for_byte(void **state TOLL_UNUSED)
{
	struct toll_batch *b = shop(3), *c = again(b, 0, 3);

	assert_true(toll_slice_eq(b->wire, c->wire));
	toll_batch_unref(b);
	toll_batch_unref(c);
}

static void edits_show_in_views_and_on_the_wire(void **state TOLL_UNUSED)
{
	struct toll_batch *b = shop(3), *c;
	struct toll_node *n = &b->spans[1].node, *got;
	char long_text[300];

	memset(long_text, 'x', sizeof(long_text));
	assert_int_equal(toll_node_set_str(b, n, TOLL_SLICE("url.path"), TOLL_SLICE("/users/*")),
	                 0);
	assert_int_equal(toll_node_set_str(b, n, TOLL_SLICE("new"), toll_slice(long_text, 300)), 0);
	assert_int_equal(toll_node_set_int(b, n, TOLL_SLICE("n"), -1), 0);
	assert_int_equal(toll_node_set_bool(b, n, TOLL_SLICE("b"), true), 0);
	assert_int_equal(toll_attr_delete(b, n, &n->attrs[2]), 0);
	assert_true(toll_slice_is(text_of(n, "url.path"), "/users/*"));
	assert_null(toll_node_find_name(n, TOLL_SLICE("drop")));

	c = again(b, 0, 3);
	got = &c->spans[1].node;
	assert_int_equal(got->attr_count, 5);
	assert_true(toll_slice_is(text_of(got, "url.path"), "/users/*"));
	assert_true(toll_slice_is(text_of(got, "keep"), "me"));
	assert_int_equal(text_of(got, "new").len, 300);
	assert_null(toll_node_find_name(got, TOLL_SLICE("drop")));
	assert_true(toll_slice_is(text_of(&c->spans[0].node, "drop"), "me"));
	toll_batch_unref(b);
	toll_batch_unref(c);
}

static void edits_can_be_edited(void **state TOLL_UNUSED)
{
	struct toll_batch *b = shop(1), *c;
	struct toll_node *n = &b->spans[0].node;
	char encoded[64];
	char *end = toll_write_kv_str(encoded, n->attr_tag, TOLL_SLICE("a"), TOLL_SLICE("1"));

	end = toll_write_kv_str(end, n->attr_tag, TOLL_SLICE("b"), TOLL_SLICE("2"));
	end = toll_write_kv_str(end, n->attr_tag, TOLL_SLICE("c"), TOLL_SLICE("3"));
	assert_int_equal(toll_node_append(b, n, toll_slice(encoded, (size_t)(end - encoded)), NULL),
	                 0);
	assert_int_equal(toll_node_set_str(b, n, TOLL_SLICE("b"), TOLL_SLICE("twenty")), 0);
	assert_int_equal(toll_node_set_str(b, n, TOLL_SLICE("url.path"), TOLL_SLICE("/x")), 0);
	assert_int_equal(toll_node_set_str(b, n, TOLL_SLICE("url.path"), TOLL_SLICE("/longer/y")),
	                 0);
	assert_int_equal(toll_attr_delete(b, n, &n->attrs[3]), 0); /* a */
	assert_int_equal(toll_attr_delete(b, n, &n->attrs[0]), 0); /* url.path, changed before */
	assert_int_equal(toll_node_set_str(b, n, TOLL_SLICE("a"), TOLL_SLICE("again")), 0);

	c = again(b, 0, 1);
	n = &c->spans[0].node;
	assert_int_equal(n->attr_count, 5);
	assert_true(toll_slice_is(text_of(n, "b"), "twenty"));
	assert_true(toll_slice_is(text_of(n, "c"), "3"));
	assert_true(toll_slice_is(text_of(n, "a"), "again"));
	assert_null(toll_node_find_name(n, TOLL_SLICE("url.path")));
	toll_batch_unref(b);
	toll_batch_unref(c);
}

static void resources_and_absent_scopes_can_be_edited(void **state TOLL_UNUSED)
{
	struct msg *req = msg_new(), *rs = msg_new(), *ss = msg_new();
	struct toll_batch *b, *c;

	msg_add(ss, 2, span_new("op", 1, 1));
	msg_add(rs, 2, ss);
	msg_text(rs, 3, "https://schema");
	msg_add(req, 1, rs);
	b = batch_of_request(req);
	assert_true(toll_slice_is(b->resources[0].service, "unknown_service"));
	assert_int_equal(toll_node_set_str(b, &b->resources[0].node, TOLL_SLICE("service.name"),
	                                   TOLL_SLICE("given")),
	                 0);
	assert_int_equal(toll_node_set_str(b, &b->scopes[0].node, TOLL_SLICE("k"), TOLL_SLICE("v")),
	                 0);
	c = again(b, 0, 1);
	assert_true(toll_slice_is(c->resources[0].service, "given"));
	assert_true(toll_slice_is(text_of(&c->scopes[0].node, "k"), "v"));
	toll_batch_unref(b);
	toll_batch_unref(c);
}

static void dropped_spans_stay_out(void **state TOLL_UNUSED)
{
	struct toll_batch *b = shop(4), *c;

	toll_span_drop(b, &b->spans[0], TOLL_DROP_FILTERED);
	toll_span_drop(b, &b->spans[2], TOLL_DROP_FILTERED);
	c = again(b, 0, 4);
	assert_int_equal(c->span_count, 2);
	assert_int_equal(c->spans[0].end_unix_nano - c->spans[0].start_unix_nano, 1);
	assert_int_equal(c->spans[1].end_unix_nano - c->spans[1].start_unix_nano, 3);
	toll_batch_unref(c);
	toll_span_drop(b, &b->spans[1], TOLL_DROP_FILTERED);
	toll_span_drop(b, &b->spans[3], TOLL_DROP_FILTERED);
	c = again(b, 0, 4);
	assert_int_equal(c->resource_count, 0);
	toll_batch_unref(c);
	toll_batch_unref(b);
}

/* Two resources, the first with two scopes; 3 spans per scope. */
static struct toll_batch *mixed(void)
{
	struct msg *req = msg_new();
	uint64_t n = 0;

	for (int r = 0; r < 2; r++) {
		struct msg *rs = msg_new();

		msg_add(rs, 1, resource_new(r ? "second" : "first"));
		for (int s = 0; s < 2 - r; s++) {
			struct msg *ss = scope_spans_new("scope");

			for (int i = 0; i < 3; i++, n++)
				msg_add(ss, 2, span_new("op", n, n));
			msg_text(ss, 3, "schema");
			msg_add(rs, 2, ss);
		}
		msg_add(req, 1, rs);
	}
	return batch_of_request(req);
}

static void every_selection_has_its_spans(void **state TOLL_UNUSED)
{
	struct toll_batch *b = mixed();

	for (uint32_t first = 0; first < 9; first++)
		for (uint32_t count = 1; first + count <= 9; count++) {
			struct toll_batch *c = again(b, first, count);

			assert_int_equal(c->span_count, count);
			for (uint32_t i = 0; i < count; i++)
				assert_int_equal(c->spans[i].end_unix_nano,
				                 b->spans[first + i].end_unix_nano);
			assert_int_equal(c->resource_count, 1 + (first < 6 && first + count > 6));
			toll_batch_unref(c);
		}
	toll_batch_unref(b);
}

static void cutting_respects_the_limit(void **state TOLL_UNUSED)
{
	struct toll_batch *b = mixed();

	for (size_t limit = 0; limit < 1200; limit += 7) {
		size_t size;
		uint32_t n = toll_otlp_fit(b, 2, 9, limit, &size);
		struct toll_selection more = { b, 2, n + 1 };

		assert_true(n == 0 ? size == 0 : size <= limit);
		/* Lengths are taken to need five bytes: 4 too many for each of 5 wrappers. */
		assert_true(n == 7 || toll_otlp_size(&more) + 20 > limit);
	}
	toll_batch_unref(b);
}

/* What is nobody's must not get into the message of somebody: it would be over every limit. */
static void unknown_fields_go_with_the_whole_batch_only(void **state TOLL_UNUSED)
{
	struct msg *span = span_new("op", 1, 1), *req = request_of("s", &span, 1);
	struct toll_selection whole = { .count = TOLL_WHOLE_BATCH }, all = { .count = 1 };
	char junk[5000] = { 0 };
	struct toll_batch *b;
	size_t size;

	msg_bytes(req, 7, junk, sizeof(junk));
	b = batch_of_request(req);
	whole.batch = all.batch = b;
	assert_true(toll_otlp_size(&whole) == b->wire.len);
	assert_true(toll_otlp_size(&all) < 200);
	assert_int_equal(toll_otlp_fit(b, 0, 1, 1000, &size), 1);
	assert_true(size <= 1000);
	toll_batch_unref(b);
}

static void a_clone_has_its_own_edits(void **state TOLL_UNUSED)
{
	struct toll_batch *b = shop(2), *clone, *c;

	assert_int_equal(
		toll_node_set_str(b, &b->spans[0].node, TOLL_SLICE("both"), TOLL_SLICE("1")), 0);
	assert_int_equal(toll_batch_clone(b, &clone), 0);
	assert_int_equal(toll_node_set_str(clone, &clone->spans[0].node, TOLL_SLICE("keep"),
	                                   TOLL_SLICE("you")),
	                 0);
	toll_batch_seal(b);
	toll_batch_seal(clone);
	assert_true(toll_slice_is(text_of(&b->spans[0].node, "keep"), "me"));
	b = toll_batch_unref(b);
	c = again(clone, 0, 2);
	assert_true(toll_slice_is(text_of(&c->spans[0].node, "keep"), "you"));
	assert_true(toll_slice_is(text_of(&c->spans[0].node, "both"), "1"));
	toll_batch_unref(clone);
	toll_batch_unref(c);
}

/* Few spans with much text need little memory for views: none of it may be taken for the text. */
static void clones_of_clones_are_made_as_deep_as_pipelines_go(void **state TOLL_UNUSED)
{
	static char text[100000];
	struct msg *s = span_new("op", 1, 1);
	struct toll_batch *b, *clone;

	memset(text, 'x', sizeof(text) - 1);
	msg_attr_str(s, 9, "text", text);
	b = batch_of_request(request_of("shop", &s, 1));
	for (int depth = 0; depth < 16; depth++) {
		assert_int_equal(toll_batch_clone(b, &clone), 0);
		toll_batch_seal(b);
		toll_batch_unref(b);
		b = clone;
	}
	assert_int_equal(
		toll_attr_text(toll_node_find_name(&b->spans[0].node, TOLL_SLICE("text"))).len,
		sizeof(text) - 1);
	toll_batch_unref(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(untouched_is_copied_byte_for_byte),
		cmocka_unit_test(edits_show_in_views_and_on_the_wire),
		cmocka_unit_test(edits_can_be_edited),
		cmocka_unit_test(resources_and_absent_scopes_can_be_edited),
		cmocka_unit_test(dropped_spans_stay_out),
		cmocka_unit_test(every_selection_has_its_spans),
		cmocka_unit_test(cutting_respects_the_limit),
		cmocka_unit_test(unknown_fields_go_with_the_whole_batch_only),
		cmocka_unit_test(a_clone_has_its_own_edits),
		cmocka_unit_test(clones_of_clones_are_made_as_deep_as_pipelines_go),
	};

	return cmocka_run_group_tests_name("otlp_encode", tests, NULL, NULL);
}

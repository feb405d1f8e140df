/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/operation.h"

#include "proto/attr.h"
#include "proto/edit.h"
#include "tests/support/otlp.h"
#include "tests/unit/unit.h"

#define PAIRS 6

/* One span named "name" with these attributes. */
static struct toll_batch *batch_with(const char *const attrs[PAIRS])
{
	struct msg *span = span_new("name", 1, 1000);

	for (int i = 0; i < PAIRS && attrs[i]; i += 2)
		msg_attr_str(span, 9, attrs[i], attrs[i + 1]);
	return batch_of_request(request_of("shop", &span, 1));
}

static void the_first_that_is_there_wins(void **state TOLL_UNUSED)
{
	static const struct {
		const char *attrs[PAIRS];
		const char *operation;
	} cases[] = {
		{ { "url.path", "/u/1", "url.template", "/t/{id}", "http.route", "/r/{id}" },
		  "/r/{id}" },
		{ { "url.path", "/u/1", "url.template", "/t/7" }, "/t/7" },
		{ { "http.target", "/t/1?x", "url.path", "/u/1" }, "/u/*" },
		{ { "url.full", "http://h/f/1", "http.target", "/t/1?x" }, "/t/*" },
		{ { "http.url", "http://h/u/1", "url.full", "http://h:1/f/1?q=2" }, "/f/*" },
		{ { "http.url", "http://h" }, "/" },
		{ { "url.path", "", "http.url", "http://h/u/1" }, "/u/*" },
		{ { "url.path", "?x", "http.url", "http://h/u/1" }, "/u/*" },
		{ { "rpc.service", "shop.Cart", "rpc.method", "Get" }, "shop.Cart/Get" },
		{ { "rpc.service", "shop.Cart", "rpc.method", "shop.v2.Cart/Get" },
		  "shop.v2.Cart/Get" },
		{ { "rpc.method", "Get" }, "Get" },
		{ { "rpc.service", "shop.Cart" }, "name" },
		{ { "http.request.method", "GET" }, "name" },
		{ { NULL }, "name" },
	};

	for (size_t i = 0; i < TOLL_COUNT(cases); i++) {
		struct toll_batch *b = batch_with(cases[i].attrs);

		toll_batch_derive_operations(b, NULL);
		if (!toll_slice_is(b->spans[0].operation, cases[i].operation))
			fail_msg("case %zu: %.*s", i, TOLL_FMT(b->spans[0].operation));
		toll_batch_unref(b);
	}
}

static void the_name_is_not_folded(void **state TOLL_UNUSED)
{
	struct msg *span = span_new("GET /users/123", 1, 1);
	struct toll_batch *b = batch_of_request(request_of("shop", &span, 1));

	toll_batch_derive_operations(b, NULL);
	assert_true(toll_slice_is(b->spans[0].operation, "GET /users/123"));
	toll_batch_unref(b);
}

static void what_is_there_stays(void **state TOLL_UNUSED)
{
	struct toll_batch *b = batch_with((const char *const[PAIRS]){ "url.path", "/u/1" });

	b->spans[0].operation = TOLL_SLICE("given");
	toll_batch_derive_operations(b, NULL);
	assert_true(toll_slice_is(b->spans[0].operation, "given"));
	toll_span_derive_operation(b, &b->spans[0], NULL);
	assert_true(toll_slice_is(b->spans[0].operation, "/u/*"));
	toll_batch_unref(b);
}

static void edits_are_seen(void **state TOLL_UNUSED)
{
	struct toll_batch *b = batch_with((const char *const[PAIRS]){ "url.path", "/u/1" });

	assert_int_equal(
		toll_node_set_str(b, &b->spans[0].node, TOLL_SLICE("http.route"), TOLL_SLICE("/r")),
		0);
	toll_batch_derive_operations(b, NULL);
	assert_true(toll_slice_is(b->spans[0].operation, "/r"));
	toll_batch_unref(b);
}

static void long_operations_are_cut_at_a_character(void **state TOLL_UNUSED)
{
	char route[700], segments[4000];
	struct toll_batch *b;

	for (size_t i = 0; i < 697; i += 2)
		memcpy(route + i, "\xc3\xa9", 3);
	b = batch_with((const char *const[PAIRS]){ "http.route", route });
	toll_batch_derive_operations(b, NULL);
	assert_int_equal(b->spans[0].operation.len, 512);
	toll_batch_unref(b);

	route[0] = '/'; /* now the limit is in the middle of a character */
	memmove(route + 1, route + 2, 690);
	b = batch_with((const char *const[PAIRS]){ "http.route", route });
	toll_batch_derive_operations(b, NULL);
	assert_int_equal(b->spans[0].operation.len, 511);
	toll_batch_unref(b);

	for (size_t i = 0; i + 2 < sizeof(segments); i += 2)
		memcpy(segments + i, "/1", 3);
	b = batch_with((const char *const[PAIRS]){ "url.path", segments });
	toll_batch_derive_operations(b, NULL);
	assert_int_equal(b->spans[0].operation.len, 512);
	assert_int_equal(memcmp(b->spans[0].operation.ptr, "/*/*", 4), 0);
	toll_batch_unref(b);
}

static void without_memory_it_is_the_name(void **state TOLL_UNUSED)
{
	struct toll_batch *b = batch_with((const char *const[PAIRS]){ "url.path", "/u/1" });

	b->arena.limit = b->arena.held;
	b->arena.next = b->arena.end;
	toll_batch_derive_operations(b, NULL);
	assert_true(toll_slice_is(b->spans[0].operation, "name"));
	toll_batch_unref(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_that_is_there_wins),
		cmocka_unit_test(the_name_is_not_folded),
		cmocka_unit_test(what_is_there_stays),
		cmocka_unit_test(edits_are_seen),
		cmocka_unit_test(long_operations_are_cut_at_a_character),
		cmocka_unit_test(without_memory_it_is_the_name),
	};

	return cmocka_run_group_tests_name("operation", tests, NULL, NULL);
}

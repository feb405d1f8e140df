/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/otlp_decode.h"

#include "proto/attr.h"
#include "tests/support/otlp.h"
#include "tests/unit/unit.h"

static void views_point_into_the_request(void **state TOLL_UNUSED)
{
	struct msg *span = span_new("GET /cart", 0, 1000), *plain = span_new("b", 1, 5);
	struct toll_batch *b;

	msg_attr_str(span, 9, "http.route", "/cart/{id}");
	msg_attr_int(span, 9, "retries", 3);
	b = batch_of_request(request_of("cart", (struct msg *[]){ span, plain }, 2));
	assert_int_equal(b->span_count, 2);
	assert_int_equal(b->kept_count, 2);
	assert_true(toll_slice_is(b->resources[0].service, "cart"));
	assert_true(toll_slice_is(b->spans[0].name, "GET /cart"));
	assert_int_equal(b->spans[0].end_unix_nano - b->spans[0].start_unix_nano, 1000);
	assert_int_equal(b->spans[0].kind, 2);
	assert_true(toll_slice_is(
		toll_attr_text(toll_node_find(&b->spans[0].node, TOLL_KEY_HTTP_ROUTE)),
		"/cart/{id}"));
	assert_null(toll_node_find(&b->spans[1].node, TOLL_KEY_HTTP_ROUTE));
	assert_int_equal(toll_value_decode(toll_attr_value(toll_node_find_name(
						   &b->spans[0].node, TOLL_SLICE("retries"))))
	                         .integer,
	                 3);
	assert_non_null(toll_span_find(b, &b->spans[1], TOLL_KEY_SERVICE_NAME));
	toll_batch_unref(b);
}

static void an_empty_request_is_fine(void **state TOLL_UNUSED)
{
	int err;
	struct toll_batch *b = batch_of(TOLL_SLICE(""), &err, NULL);

	assert_int_equal(err, 0);
	assert_int_equal(b->span_count, 0);
	toll_batch_unref(b);
}

static void spans_without_ids_are_rejected_alone(void **state TOLL_UNUSED)
{
	struct msg *bad = msg_new(), *good = span_new("ok", 1, 1), *zero = msg_new();
	char zeros[16] = { 0 };
	struct toll_batch *b;

	msg_bytes(bad, 1, "short", 5);
	msg_bytes(zero, 1, zeros, 16);
	msg_bytes(zero, 2, "12345678", 8);
	b = batch_of_request(request_of("s", (struct msg *[]){ bad, good, zero }, 3));
	assert_int_equal(b->kept_count, 1);
	assert_int_equal(b->dropped_count, 2);
	assert_int_equal(b->spans[0].dropped, TOLL_DROP_BAD_ID);
	assert_int_equal(b->spans[1].dropped, TOLL_DROP_NOT);
	toll_batch_unref(b);
}

static void a_malformed_span_is_rejected_alone(void **state TOLL_UNUSED)
{
	struct msg *bad = span_new("bad", 0, 1), *good = span_new("ok", 1, 1);
	struct toll_batch *b;

	msg_bytes(bad, 9, "\x0a\x7f", 2); /* a key longer than the attribute */
	b = batch_of_request(request_of("s", (struct msg *[]){ bad, good }, 2));
	assert_int_equal(b->spans[0].dropped, TOLL_DROP_UNDECODABLE);
	assert_int_equal(b->kept_count, 1);
	toll_batch_unref(b);
}

/* AnyValue nested `levels` deep: ArrayValue {values = 1} in AnyValue {array = 5}. */
static struct msg *nested_span(int levels)
{
	struct msg *any = msg_new(), *kv = msg_new(), *span = span_new("deep", 0, 1);

	for (int i = 0; i < levels; i++) {
		struct msg *array = msg_new(), *outer = msg_new();

		msg_add(array, 1, any);
		msg_add(outer, 5, array);
		any = outer;
	}
	msg_text(kv, 1, "k");
	msg_add(kv, 2, any);
	msg_add(span, 9, kv);
	return span;
}

static void nesting_has_a_limit(void **state TOLL_UNUSED)
{
	struct toll_batch *b = batch_of_request(request_of(
		"s", (struct msg *[]){ nested_span(31), nested_span(32), nested_span(10000) }, 3));

	assert_int_equal(b->spans[0].dropped, TOLL_DROP_NOT);
	assert_int_equal(b->spans[1].dropped, TOLL_DROP_TOO_DEEP);
	assert_int_equal(b->spans[2].dropped, TOLL_DROP_TOO_DEEP);
	toll_batch_unref(b);
}

static void empty_resources_are_refused_by_count(void **state TOLL_UNUSED)
{
	size_t len = 4u << 20;
	char *wire = malloc(len);
	const char *why;
	struct toll_batch *b;
	int err;

	for (size_t i = 0; i < len; i += 2)
		memcpy(wire + i, "\x0a\x00", 2);
	b = batch_of(toll_slice(wire, len), &err, &why);
	assert_int_equal(err, TOLL_EINVALID);
	assert_string_equal(why, "more than 10000 resources in one request");
	toll_batch_unref(b);
	free(wire);
}

static void empty_attributes_are_refused_by_memory(void **state TOLL_UNUSED)
{
	size_t len = 200000;
	char *attrs = malloc(len);
	struct msg *span = span_new("s", 0, 1), *req;
	struct toll_batch *b;
	const char *why;
	int err;

	for (size_t i = 0; i < len; i += 2)
		memcpy(attrs + i, "\x4a\x00", 2);
	memcpy(span->bytes + span->len, attrs, len);
	span->len += len;
	req = request_of("s", &span, 1);
	b = batch_of(toll_slice(req->bytes, req->len), &err, &why);
	assert_int_equal(err, TOLL_EINVALID);
	assert_true(b->arena.held < 4u << 20);
	toll_batch_unref(b);
	free(req);
	free(attrs);
}

static void every_truncation_is_refused_or_decodes(void **state TOLL_UNUSED)
{
	struct msg *span = span_new("GET /cart", 0, 1000), *req;

	msg_attr_str(span, 9, "http.route", "/cart/{id}");
	req = request_of("cart", &span, 1);
	for (size_t len = 0; len < req->len; len++) {
		int err;
		struct toll_batch *b = batch_of(toll_slice(req->bytes, len), &err, NULL);

		assert_int_equal(err, len ? TOLL_EINVALID : 0);
		toll_batch_unref(b);
	}
	free(req);
}

static void the_budget_refuses(void **state TOLL_UNUSED)
{
	struct toll_memory memory = { .limit = 10000 };
	struct toll_batch *b;
	char *at;

	assert_int_equal(toll_batch_new(100000, &memory, &at, &b), TOLL_EFULL);
	assert_int_equal(memory.used, 0);
	assert_int_equal(toll_batch_new(1000, &memory, &at, &b), 0);
	assert_true(memory.used >= 1000);
	toll_batch_unref(b);
	assert_int_equal(memory.used, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(views_point_into_the_request),
		cmocka_unit_test(an_empty_request_is_fine),
		cmocka_unit_test(spans_without_ids_are_rejected_alone),
		cmocka_unit_test(a_malformed_span_is_rejected_alone),
		cmocka_unit_test(nesting_has_a_limit),
		cmocka_unit_test(empty_resources_are_refused_by_count),
		cmocka_unit_test(empty_attributes_are_refused_by_memory),
		cmocka_unit_test(every_truncation_is_refused_or_decodes),
		cmocka_unit_test(the_budget_refuses),
	};

	return cmocka_run_group_tests_name("otlp_decode", tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "prices/json.h"

#include <stdlib.h>

#include "tests/support/prices.h"
#include "tests/unit/unit.h"

struct loaded {
	struct toll_pricebook *book;
	struct toll_prices_notes notes;
	struct toll_error why;
	int err;
};

static struct loaded load_slice(struct toll_slice text)
{
	struct toll_pricebook_builder *builder = toll_pricebook_builder_new();
	struct loaded l = { 0 };

	assert_non_null(builder);
	l.err = toll_prices_json_read(text, "prices.json", 1, builder, &l.notes, &l.why);
	l.book = finish_book(builder, "v1");
	return l;
}

static struct loaded load(const char *text)
{
	return load_slice(toll_slice_str(text));
}

static void release(struct loaded *l)
{
	free_book(l->book);
}

static const struct toll_price *find(const struct loaded *l, const char *service,
                                     const char *operation)
{
	return find_price(l->book, service, operation);
}

static bool costs(const struct toll_price *p, uint64_t yocto, uint64_t per_ns)
{
	struct toll_rate r = { 0 };

	if (p->rule->meter_count)
		r = p->rule->meters[0].rate;
	return r.price * per_ns == (toll_u128)yocto * (r.per ? r.per : 1);
}

static void the_seed_document_is_read(void **state TOLL_UNUSED)
{
	struct loaded l = load("{\"payment:/charge\": {\"service\": \"payment\","
	                       " \"operation\": \"/charge\", \"cost_per_ms\": 0.0000125},"
	                       " \"search:*\": {\"service\": \"search\", \"operation\": \"*\","
	                       " \"cost_per_ms\": null}}");

	assert_int_equal(l.err, 0);
	assert_int_equal(toll_pricebook_count(l.book), 2);
	assert_true(costs(find(&l, "payment", "/charge"), UINT64_C(12500000000000000000), 1000000));
	assert_false(find(&l, "payment", "/charge")->free);
	assert_true(find(&l, "search", "anything")->free);
	assert_null(find(&l, "payment", "/other"));
	release(&l);
}

static void numbers_are_taken_by_their_text(void **state TOLL_UNUSED)
{
	static const struct {
		const char *number;
		uint64_t yocto_per_ms;
	} cases[] = {
		{ "1e-18", 1000000 },
		{ "1E-17", 10000000 },
		{ "0.000000000000000123", 123000000 },
		{ "0.00000000000012345678901234567890", UINT64_C(123456789012) },
		{ "1.5e-24", 2 },
		{ "2.5e-24", 2 },
		{ "9007199254740993e-24", 9007199254740993 },
		{ "0.000005", UINT64_C(5000000000000000000) },
		{ "0", 0 },
		{ "-0", 0 },
		{ "0.0e5", 0 },
	};
	char text[128];

	for (size_t i = 0; i < TOLL_COUNT(cases); i++) {
		struct loaded l;

		snprintf(text, sizeof(text), "{\"a:b\": {\"cost_per_ms\": %s}}", cases[i].number);
		l = load(text);
		assert_int_equal(l.err, 0);
		assert_true(costs(find(&l, "a", "b"), cases[i].yocto_per_ms, 1000000));
		assert_int_equal(find(&l, "a", "b")->free, cases[i].yocto_per_ms == 0);
		release(&l);
	}
}

static void keys_are_cut_at_their_first_colon(void **state TOLL_UNUSED)
{
	struct loaded l = load("{\"a:b:c\": {\"cost_per_ms\": 1}, \"x:y\": null,"
	                       "\"p:q:r\": {\"service\": \"p:q\", \"operation\": \"r\","
	                       " \"cost_per_ms\": 2}}");

	assert_int_equal(l.err, 0);
	assert_non_null(find(&l, "a", "b:c"));
	assert_non_null(find(&l, "p:q", "r"));
	assert_true(find(&l, "x", "y")->free);
	release(&l);
}

static void what_is_no_price_is_ignored_and_counted(void **state TOLL_UNUSED)
{
	struct loaded l =
		load("{\"version\": \"7\", \"currency\": \"USD\", \"a:b\":"
	             " {\"cost_per_ms\": 1, \"currency\": \"USD\", \"note\": {\"x\": []}}}");

	assert_int_equal(l.err, 0);
	assert_int_equal(l.notes.ignored, 2);
	assert_string_equal(l.notes.first, "version");
	release(&l);
}

/* Each sentence names the document, the row and what to do. */
static void one_bad_row_refuses_the_document(void **state TOLL_UNUSED)
{
	static const struct {
		const char *text, *part;
	} cases[] = {
		{ "{\"a:b\": {\"cost_per_ms\": -1}}", "row \"a:b\": cost_per_ms must be" },
		{ "{\"a:b\": {\"cost_per_ms\": NaN}}", "cost_per_ms must be" },
		{ "{\"a:b\": {\"cost_per_ms\": Infinity}}", "" },
		{ "{\"a:b\": {\"cost_per_ms\": \"1\"}}", "without quotes" },
		{ "{\"a:b\": {\"cost_per_ms\": true}}", "without quotes" },
		{ "{\"a:b\": {\"cost_per_ms\": [1]}}", "without quotes" },
		{ "{\"a:b\": {\"cost_per_ms\": 1e300}}", "1e12" },
		{ "{\"a:b\": {\"cost_per_ms\": 99999999999999999999}}", "" },
		{ "{\"a:b\": {}}", "cost_per_ms is missing" },
		{ "{\"a:b\": 5}", "must be an object" },
		{ "{\"ab\": {\"cost_per_ms\": 1}}", "row \"ab\": name service and operation" },
		{ "{\":b\": {\"cost_per_ms\": 1}}", "name service" },
		{ "{\"a:\": {\"cost_per_ms\": 1}}", "name service" },
		{ "{\"a:b\": {\"service\": \"c\", \"cost_per_ms\": 1}}", "differ" },
		{ "{\"a:b\": {\"operation\": \"c\", \"cost_per_ms\": 1}}", "differ" },
		{ "{\"a:b\": {\"service\": 1, \"cost_per_ms\": 1}}", "must be a string" },
		{ "{\"a:b\": {\"operation\": null, \"cost_per_ms\": 1}}", "must be a string" },
		{ "{\"a:b\": {\"cost_per_ms\": 1, \"currency\": \"EUR\"}}", "USD" },
		{ "{\"currency\": \"EUR\", \"a:b\": null}", "USD" },
		{ "{\"a:b\": null, \"a:b\": null}", "row \"a:b\" comes twice" },
		{ "{\"a:b\": null, \"a\\u003ab\": null, \"c:d\": null}", "" },
		{ "{\"a:b\": {\"service\": \"a\", \"service\": \"a\", \"cost_per_ms\": 1}}", NULL },
		{ "{}", "has no price in it" },
		{ "[]", "must be a JSON object" },
		{ "null ", "must be a JSON object" },
		{ "", "in the middle" },
		{ "{\"a:b\": {\"cost_per_ms\": 1}", "in the middle" },
		{ "{\"a:b\": {\"cost_per_ms\": 1}}}", "no JSON" },
		{ "{\n\n\"a:b\" 1}", "line 3" },
		{ "{/* */}", "no JSON" },
		{ "{'a:b': null}", "no JSON" },
		{ "{\"a:b\": {\"x\": [[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]}}", "no JSON" },
		{ "{\"a\xff:b\": null}", "no JSON" },
	};

	for (size_t i = 0; i < TOLL_COUNT(cases); i++) {
		struct loaded l = load(cases[i].text);

		if (!cases[i].part) {
			assert_int_equal(l.err, 0);
			release(&l);
			continue;
		}
		if (l.err >= 0 || !strstr(l.why.text, cases[i].part) ||
		    strncmp(l.why.text, "prices.json: ", 13) != 0)
			fail_msg("%s: %d %s", cases[i].text, l.err, l.err ? l.why.text : "");
		release(&l);
	}
}

static void long_names_are_refused(void **state TOLL_UNUSED)
{
	char text[700] = "{\"a:";
	struct loaded l;

	memset(text + 4, 'x', 513);
	memcpy(text + 517, "\": null}", 9);
	l = load(text);
	assert_int_equal(l.err, TOLL_EINVALID);
	release(&l);
}

static void too_large_a_document_is_refused_unread(void **state TOLL_UNUSED)
{
	struct loaded l = load_slice(toll_slice("x", TOLL_PRICES_MAX_BYTES + 1));

	assert_int_equal(l.err, TOLL_ETOOBIG);
	release(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_seed_document_is_read),
		cmocka_unit_test(numbers_are_taken_by_their_text),
		cmocka_unit_test(keys_are_cut_at_their_first_colon),
		cmocka_unit_test(what_is_no_price_is_ignored_and_counted),
		cmocka_unit_test(one_bad_row_refuses_the_document),
		cmocka_unit_test(long_names_are_refused),
		cmocka_unit_test(too_large_a_document_is_refused_unread),
	};

	return cmocka_run_group_tests_name("prices_json", tests, NULL, NULL);
}

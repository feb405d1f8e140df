/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/documents.h"
#include "tests/unit/unit.h"

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
	return rate_is(&r, yocto, per_ns);
}

static void the_seed_document_is_read(void **state TOLL_UNUSED)
{
	struct loaded l = load_json("{\"payment:/charge\": {\"service\": \"payment\","
	                            " \"operation\": \"/charge\", \"cost_per_ms\": 0.0000125},"
	                            " \"search:*\": {\"service\": \"search\", \"operation\": \"*\","
	                            " \"cost_per_ms\": null}}");

	assert_int_equal(l.err, 0);
	assert_int_equal(toll_pricebook_count(l.book), 2);
	assert_true(costs(find(&l, "payment", "/charge"), UINT64_C(12500000000000000000), 1000000));
	assert_true(toll_slice_is(find(&l, "payment", "/charge")->rule->id, "payment:/charge"));
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
		l = load_json(text);
		assert_int_equal(l.err, 0);
		assert_true(costs(find(&l, "a", "b"), cases[i].yocto_per_ms, 1000000));
		assert_int_equal(find(&l, "a", "b")->free, cases[i].yocto_per_ms == 0);
		release(&l);
	}
}

static void keys_are_cut_at_their_first_colon(void **state TOLL_UNUSED)
{
	struct loaded l = load_json("{\"a:b:c\": {\"cost_per_ms\": 1}, \"x:y\": null,"
	                            "\"p:q:r\": {\"service\": \"p:q\", \"operation\": \"r\","
	                            " \"cost_per_ms\": 2}}");

	assert_int_equal(l.err, 0);
	assert_non_null(find(&l, "a", "b:c"));
	assert_non_null(find(&l, "p:q", "r"));
	assert_true(find(&l, "x", "y")->free);
	release(&l);
}

static void what_is_no_price_is_read_over_and_told_once(void **state TOLL_UNUSED)
{
	struct loaded l =
		load_json("{\"version\": \"7\", \"currency\": \"USD\", \"a:b\":"
	                  " {\"cost_per_ms\": 1, \"currency\": \"USD\", \"note\": {\"x\": []}}}");

	assert_int_equal(l.err, 0);
	assert_int_equal(l.findings.count, 1);
	assert_int_equal(l.findings.at[0].severity, TOLL_FINDING_WARNING);
	assert_string_equal(l.findings.at[0].path, "version");
	release(&l);
}

static void a_seed_document_may_be_yaml(void **state TOLL_UNUSED)
{
	struct loaded l = load_yaml("shop:/cart: {cost_per_ms: 2e-6}\n");

	assert_int_equal(l.err, 0);
	assert_true(costs(find(&l, "shop", "/cart"), UINT64_C(2000000000000000000), 1000000));
	release(&l);
}

/* Each finding has its place and says what to do. */
static void one_bad_row_refuses_the_document(void **state TOLL_UNUSED)
{
	static const struct {
		const char *text, *part;
		unsigned column;
	} cases[] = {
		{ "{\"a:b\": {\"cost_per_ms\": -1}}", "must be a finite number", 25 },
		{ "{\"a:b\": {\"cost_per_ms\": NaN}}", "not valid JSON", 26 },
		{ "{\"a:b\": {\"cost_per_ms\": 1e400}}", "1e12", 25 },
		{ "{\"a:b\": {\"cost_per_ms\": \"1\"}}", "without quotes", 25 },
		{ "{\"a:b\": {\"cost_per_ms\": true}}", "must be a finite number", 25 },
		{ "{\"a:b\": {\"cost_per_ms\": [1]}}", "must be a finite number", 25 },
		{ "{\"a:b\": {\"cost_per_ms\": 99999999999999999999}}", "1e12", 25 },
		{ "{\"a:b\": {}}", "cost_per_ms is missing", 2 },
		{ "{\"a:b\": 5}", "must be an object", 9 },
		{ "{\"ab\": {\"cost_per_ms\": 1}}", "name service and operation", 2 },
		{ "{\":b\": {\"cost_per_ms\": 1}}", "name service", 2 },
		{ "{\"a:\": {\"cost_per_ms\": 1}}", "name service", 2 },
		{ "{\"a:b\": {\"service\": \"c\", \"cost_per_ms\": 1}}", "differ", 2 },
		{ "{\"a:b\": {\"operation\": \"c\", \"cost_per_ms\": 1}}", "differ", 2 },
		{ "{\"a:b\": {\"service\": {}, \"cost_per_ms\": 1}}", "single value", 21 },
		{ "{\"a:b\": {\"cost_per_ms\": 1, \"currency\": \"EUR\"}}", "USD", 40 },
		{ "{\"currency\": \"EUR\", \"a:b\": null}", "USD", 14 },
		{ "{\"a:b\": null, \"a:b\": null}", "second time", 15 },
		{ "{\"a:b\": null, \"a\\u003ab\": null}", "second time", 15 },
		{ "{}", "has no price in it", 1 },
		{ "[]", "must be a mapping", 1 },
		{ "{'a:b': null}", "not valid JSON", 3 },
		{ "{\"a:b\": {\"cost_per_ms\": 1}", "not valid JSON", 27 },
	};

	for (size_t i = 0; i < TOLL_COUNT(cases); i++) {
		struct loaded l = load_json(cases[i].text);

		if (l.err != TOLL_EINVALID || l.findings.errors != 1 ||
		    !strstr(l.findings.at[0].text, cases[i].part) || l.findings.at[0].line != 1 ||
		    l.findings.at[0].column != cases[i].column) {
			toll_findings_print(&l.findings, stderr);
			fail_msg("%s: %d", cases[i].text, l.err);
		}
		release(&l);
	}
}

static void all_bad_rows_are_told_of(void **state TOLL_UNUSED)
{
	struct loaded l = load_json("{\"a:b\": {\"cost_per_ms\": -1},\n\"c:d\": 5,\n\"e:f\": {}}");
	struct toll_error why;

	assert_int_equal(l.findings.errors, 3);
	assert_int_equal(l.findings.at[2].line, 3);
	assert_int_equal(toll_prices_fail(&l.findings, l.err, &why), TOLL_EINVALID);
	assert_string_equal(why.text, "prices.json:1:25: a:b::cost_per_ms: must be a finite number "
	                              "without quotes, 0 or more; null means free (and 2 more)");
	release(&l);
}

static void long_names_are_refused(void **state TOLL_UNUSED)
{
	char text[700] = "{\"a:";
	struct loaded l;

	memset(text + 4, 'x', 513);
	memcpy(text + 517, "\": null}", 9);
	l = load_json(text);
	assert_int_equal(l.err, TOLL_EINVALID);
	release(&l);
}

static void too_large_a_document_is_refused_unread(void **state TOLL_UNUSED)
{
	struct loaded l = load_slice(toll_slice("x", TOLL_PRICES_MAX_BYTES + 1), "prices.json");

	assert_int_equal(l.err, TOLL_ETOOBIG);
	assert_int_equal(l.findings.errors, 1);
	release(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_seed_document_is_read),
		cmocka_unit_test(numbers_are_taken_by_their_text),
		cmocka_unit_test(keys_are_cut_at_their_first_colon),
		cmocka_unit_test(what_is_no_price_is_read_over_and_told_once),
		cmocka_unit_test(a_seed_document_may_be_yaml),
		cmocka_unit_test(one_bad_row_refuses_the_document),
		cmocka_unit_test(all_bad_rows_are_told_of),
		cmocka_unit_test(long_names_are_refused),
		cmocka_unit_test(too_large_a_document_is_refused_unread),
	};

	return cmocka_run_group_tests_name("document_seed", tests, NULL, NULL);
}

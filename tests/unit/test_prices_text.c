/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/spantoll/prices_text.h"

#include "cmd/spantoll/prices_why.h"
#include "tests/support/documents.h"
#include "tests/unit/unit.h"

#define V1 "format: spantoll.prices/v1\n"

static void rates_are_told_as_a_document_would(void **state TOLL_UNUSED)
{
	static const struct {
		const char *usd;
		uint64_t per;
		enum toll_quantity_kind kind;
		uint64_t step;
		const char *says_usd, *says_per;
	} cases[] = {
		{ "2.50", 1000000, TOLL_QUANTITY_INPUT_TOKENS, 0, "2.5", "1M" },
		{ "0.000001", 1, TOLL_QUANTITY_OUTPUT_TOKENS, 0, "1", "1M" },
		{ "0.4", 1000000, TOLL_QUANTITY_CALLS, 0, "0.4", "1M" },
		{ "0.01", 1, TOLL_QUANTITY_CALLS, 0, "0.01", "1" },
		{ "12", 1, TOLL_QUANTITY_CALLS, 0, "12", "1" },
		{ "0", 1, TOLL_QUANTITY_CALLS, 0, "0", "1" },
		{ "0.0000125", 1000000, TOLL_QUANTITY_DURATION, 0, "0.0125", "1s" },
		{ "0.096", UINT64_C(3600000000000), TOLL_QUANTITY_DURATION, 0, "0.096", "1h" },
		{ "0.09", 1000000000, TOLL_QUANTITY_RESPONSE_BYTES, 0, "0.09", "1GB" },
		{ "0.09", UINT64_C(1) << 30, TOLL_QUANTITY_RESPONSE_BYTES, 0, "0.09", "1GiB" },
		{ "0.0000166667", UINT64_C(1000000000000000000), TOLL_QUANTITY_GB_SECONDS, 0,
		  "0.0000166667", "1GBs" },
		{ "0.0000166667", (UINT64_C(1) << 30) * 1000000000, TOLL_QUANTITY_GB_SECONDS, 0,
		  "0.0000166667", "1GiBs" },
		{ "0.4", UINT64_C(65536000000), TOLL_QUANTITY_ATTRIBUTE, 65536, "0.4", "1M steps" },
		{ "1", 3, TOLL_QUANTITY_CALLS, 0, "1", "3" },
	};

	for (size_t i = 0; i < TOLL_COUNT(cases); i++) {
		struct toll_rate_text text;
		struct toll_rate rate;

		assert_int_equal(toll_rate_parse(toll_slice_str(cases[i].usd), cases[i].per, &rate),
		                 0);
		toll_rate_text(&rate, cases[i].kind, cases[i].step, &text);
		if (strcmp(text.usd, cases[i].says_usd) != 0 ||
		    strcmp(text.per, cases[i].says_per) != 0)
			fail_msg("%s per %s", text.usd, text.per);
	}
}

static void rows_are_told_in_a_line(void **state TOLL_UNUSED)
{
	struct loaded l =
		load_yaml(V1 "rules:\n"
	                     "  - {id: a, match: {model: {one_of: [x, y]}, a.b: {prefix: p}, c: "
	                     "{suffix: s}, d: {glob: \"g*\"},"
	                     " e: {exists: true}, f: {exists: false}}, valid_from: 2026-01-01,"
	                     " price: [{meter: calls, usd: 1}, {meter: attribute, attribute: n.x, "
	                     "usd: 2, per: 1k}]}\n");
	char *match = toll_prices_text(toll_prices_print_match, row_of(&l, "a"));
	char *price = toll_prices_text(toll_prices_print_price, row_of(&l, "a"));
	char *valid = toll_prices_text(toll_prices_print_valid, row_of(&l, "a"));

	assert_string_equal(match, "model=x|y a.b=p... c=...s d~g* e !f");
	assert_string_equal(price, "calls 1/1, n.x 2/1k");
	assert_string_equal(valid, "from 2026-01-01");
	free(match);
	free(price);
	free(valid);
	release(&l);
}

/* Each rule comes after the one above it for one reason, which is told. */
static void the_order_is_told_in_sentences(void **state TOLL_UNUSED)
{
	static const char *const says[] = {
		"priority 0 is lower than 5",      "class 2 (an operation or a pattern)",
		"class 3 (the service's default)", "class 4 (provider, model, attributes)",
		"1 exact conditions are fewer",    "2 conditions are fewer than 3",
		"shorter (6 bytes, not 7)",        "later in its document",
	};
	struct loaded l = load_yaml(
		V1 "rules:\n"
		   "  - {id: r0, match: {x: y}, free: true, priority: 5}\n"
		   "  - {id: r1, match: {service: s, operation: o}, free: true}\n"
		   "  - {id: r2, match: {service: s, operation: {prefix: o}}, free: true}\n"
		   "  - {id: r3, match: {service: s}, free: true}\n"
		   "  - {id: r4, match: {a: b, c: d, e: {exists: true}}, free: true}\n"
		   "  - {id: r5, match: {a: b, c: {prefix: d}, e: {exists: true}}, free: "
		   "true}\n"
		   "  - {id: r6, match: {a: bbbbbb, c: {prefix: d}}, free: true}\n"
		   "  - {id: r7, match: {a: bbbbb, c: {prefix: d}}, free: true}\n"
		   "  - {id: r8, match: {a: ccccc, c: {prefix: d}}, free: true}\n");

	assert_int_equal(l.err, 0);
	for (uint32_t i = 0; i < TOLL_COUNT(says); i++) {
		const struct toll_price *first = toll_pricebook_rule(l.book, i);
		const struct toll_price *next = toll_pricebook_rule(l.book, i + 1);
		char why[TOLL_WHY_TEXT], id[8];

		snprintf(id, sizeof(id), "r%u", i + 1);
		assert_true(toll_slice_is(next->rule->id, id));
		if (!strstr(toll_prices_why_after(first, next, why), says[i]))
			fail_msg("%s: %s", id, why);
	}
	release(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rates_are_told_as_a_document_would),
		cmocka_unit_test(rows_are_told_in_a_line),
		cmocka_unit_test(the_order_is_told_in_sentences),
	};

	return cmocka_run_group_tests_name("prices_text", tests, NULL, NULL);
}

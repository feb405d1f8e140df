/* SPDX-License-Identifier: Apache-2.0 */
#include "cost/quantity.h"

#include "tests/unit/unit.h"

static void decimals_count_by_their_text(void **state TOLL_UNUSED)
{
	static const struct {
		const char *text, *want;
		uint8_t places;
	} cases[] = {
		{ "0", "0", 0 },
		{ "12", "12", 0 },
		{ "0.5", "0.5", 1 },
		{ "1.50", "1.5", 1 },
		{ "1e6", "1000000", 0 },
		{ "2.5e-3", "0.0025", 4 },
		{ "10737418240000000000000", "10737418240000000000000", 0 },
		{ "0.0000000000000000005", "0", 0 }, /* to the even one of 18 places */
		{ "0.0000000000000000015", "0.000000000000000002", 18 },
		{ "-0", "0", 0 },
	};

	for (size_t i = 0; i < TOLL_COUNT(cases); i++) {
		struct toll_quantity q;
		char text[TOLL_QUANTITY_TEXT];

		assert_int_equal(toll_quantity_parse(toll_slice_str(cases[i].text), &q), 0);
		toll_quantity_print(q, text);
		assert_string_equal(text, cases[i].want);
		assert_int_equal(q.places, cases[i].places);
	}
}

static void what_is_no_quantity_is_refused(void **state TOLL_UNUSED)
{
	static const char *const invalid[] = { "", "-1", "nan", "inf", "0x10", "12 ", "1e", "a" };
	struct toll_quantity q;

	for (size_t i = 0; i < TOLL_COUNT(invalid); i++)
		assert_int_equal(toll_quantity_parse(toll_slice_str(invalid[i]), &q),
		                 TOLL_EINVALID);
	assert_int_equal(toll_quantity_parse(TOLL_SLICE("1e37"), &q), TOLL_ETOOBIG);
}

static void doubles_count_by_their_shortest_decimal(void **state TOLL_UNUSED)
{
	static const struct {
		double number;
		const char *want;
	} cases[] = {
		{ 0, "0" },
		{ 0.5, "0.5" },
		{ 0.1, "0.1" },
		{ 1.0 / 3, "0.3333333333333333" },
		{ 12345.678901, "12345.678901" },
		{ 1e15, "1000000000000000" },
		{ 9007199254740993.0, "9007199254740992" },
		{ 1e22, "10000000000000000000000" },
		{ 5e-324, "0" },
	};

	for (size_t i = 0; i < TOLL_COUNT(cases); i++) {
		struct toll_quantity q;
		char text[TOLL_QUANTITY_TEXT];

		assert_int_equal(toll_quantity_from_double(cases[i].number, &q), 0);
		toll_quantity_print(q, text);
		assert_string_equal(text, cases[i].want);
	}
}

static void doubles_that_are_no_quantity_are_refused(void **state TOLL_UNUSED)
{
	struct toll_quantity q;

	assert_int_equal(toll_quantity_from_double(-0.1, &q), TOLL_EINVALID);
	assert_int_equal(toll_quantity_from_double(__builtin_nan(""), &q), TOLL_EINVALID);
	assert_int_equal(toll_quantity_from_double(__builtin_inf(), &q), TOLL_EINVALID);
	assert_int_equal(toll_quantity_from_double(1e300, &q), TOLL_ETOOBIG);
	assert_int_equal(toll_quantity_from_double(-0.0, &q), 0);
}

static void quantities_have_names(void **state TOLL_UNUSED)
{
	assert_int_equal(toll_quantity_named(TOLL_SLICE("gb_seconds")), TOLL_QUANTITY_GB_SECONDS);
	assert_int_equal(toll_quantity_named(TOLL_SLICE("gb_second")), TOLL_QUANTITY_COUNT);
	assert_int_equal(toll_quantity_info(TOLL_QUANTITY_CONTEXT_TOKENS)->family,
	                 TOLL_FAMILY_TIER);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(decimals_count_by_their_text),
		cmocka_unit_test(what_is_no_quantity_is_refused),
		cmocka_unit_test(doubles_count_by_their_shortest_decimal),
		cmocka_unit_test(doubles_that_are_no_quantity_are_refused),
		cmocka_unit_test(quantities_have_names),
	};

	return cmocka_run_group_tests_name("quantity", tests, NULL, NULL);
}

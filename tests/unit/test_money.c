/* SPDX-License-Identifier: Apache-2.0 */
#include "cost/money.h"

#include <string.h>

#include "tests/unit/unit.h"

static void amounts_are_read_exactly(void **state TOLL_UNUSED)
{
	static const struct {
		const char *text;
		int err;
		int64_t pico;
	} cases[] = {
		{ "0", 0, 0 },
		{ "-0.0", 0, 0 },
		{ "500", 0, 500 * TOLL_PICO_PER_USD },
		{ "+1.5", 0, 1500000000000 },
		{ "-5", 0, -5 * TOLL_PICO_PER_USD },
		{ "8e-7", 0, 800000 },
		{ "0.0000004", 0, 400000 },
		{ "4E-7", 0, 400000 },
		{ ".5", 0, 500000000000 },
		{ "5.", 0, 5000000000000 },
		{ "1e+3", 0, 1000000000000000 },
		{ "0.000000000001", 0, 1 },
		/* half to even at the last place */
		{ "0.0000000000005", 0, 0 },
		{ "0.0000000000015", 0, 2 },
		{ "0.0000000000025", 0, 2 },
		{ "-0.0000000000025", 0, -2 },
		{ "0.00000000000250000000000000000000000000000000000000000000001", 0, 3 },
		{ "0.00000000000249999999999999999999999999999999999999999999999", 0, 2 },
		{ "1e-999999999999999999999", 0, 0 },
		{ "0e999999999999999999999", 0, 0 },
		{ "0.00000000000000000000000000000000000000000000000000000000000001e62", 0,
		  TOLL_PICO_PER_USD },
		{ "9223372.036854775807", 0, INT64_MAX },
		{ "9223372.0368547758074", 0, INT64_MAX },
		{ "-9223372.036854775807", 0, -INT64_MAX },
		{ "9223372.0368547758075", TOLL_ETOOBIG, 0 },
		{ "9223372.036854775808", TOLL_ETOOBIG, 0 },
		{ "1e7", TOLL_ETOOBIG, 0 },
		{ "1e999999999999999999999", TOLL_ETOOBIG, 0 },
		{ "123456789012345678901234567890123456789012345678901234567890", TOLL_ETOOBIG, 0 },
		{ "", TOLL_EINVALID, 0 },
		{ "-", TOLL_EINVALID, 0 },
		{ ".", TOLL_EINVALID, 0 },
		{ "e5", TOLL_EINVALID, 0 },
		{ "1e", TOLL_EINVALID, 0 },
		{ "1e-", TOLL_EINVALID, 0 },
		{ "1e5x", TOLL_EINVALID, 0 },
		{ "1.2.3", TOLL_EINVALID, 0 },
		{ " 1", TOLL_EINVALID, 0 },
		{ "1 ", TOLL_EINVALID, 0 },
		{ "1,5", TOLL_EINVALID, 0 },
		{ "0x10", TOLL_EINVALID, 0 },
		{ "NaN", TOLL_EINVALID, 0 },
		{ "Infinity", TOLL_EINVALID, 0 },
		{ "--1", TOLL_EINVALID, 0 },
	};

	for (size_t i = 0; i < TOLL_COUNT(cases); i++) {
		int64_t pico = 0;

		assert_int_equal(toll_money_parse(toll_slice_str(cases[i].text), &pico),
		                 cases[i].err);
		assert_int_equal(pico, cases[i].pico);
	}
}

static void amounts_end_where_the_slice_ends(void **state TOLL_UNUSED)
{
	int64_t pico;

	assert_int_equal(toll_money_parse(toll_slice("12e3", 2), &pico), 0);
	assert_int_equal(pico, 12 * TOLL_PICO_PER_USD);
	assert_int_equal(toll_money_parse(toll_slice(NULL, 0), &pico), TOLL_EINVALID);
}

static void amounts_print_as_exact_decimals(void **state TOLL_UNUSED)
{
	static const struct {
		int64_t pico;
		const char *text;
	} cases[] = {
		{ 0, "0" },
		{ 400000, "0.0000004" },
		{ 12 * TOLL_PICO_PER_USD, "12" },
		{ 100 * TOLL_PICO_PER_USD, "100" },
		{ -3500000000000, "-3.5" },
		{ 1, "0.000000000001" },
		{ -1, "-0.000000000001" },
		{ 1000000000001, "1.000000000001" },
		{ 10100000000000, "10.1" },
		{ INT64_MAX, "9223372.036854775807" },
		{ INT64_MIN, "-9223372.036854775808" },
	};
	char buf[TOLL_MONEY_TEXT];

	for (size_t i = 0; i < TOLL_COUNT(cases); i++) {
		assert_int_equal(toll_money_print(cases[i].pico, buf), strlen(cases[i].text));
		assert_string_equal(buf, cases[i].text);
		assert_int_equal(toll_money_print_wide(cases[i].pico, buf), strlen(cases[i].text));
		assert_string_equal(buf, cases[i].text);
	}
}

static void wide_sums_print_to_the_last_place(void **state TOLL_UNUSED)
{
	const toll_i128 most = (toll_i128)(~(unsigned __int128)0 >> 1);
	char buf[TOLL_MONEY_TEXT];

	toll_money_print_wide(most, buf);
	assert_string_equal(buf, "170141183460469231731687303.715884105727");
	toll_money_print_wide(-most - 1, buf);
	assert_string_equal(buf, "-170141183460469231731687303.715884105728");
	toll_money_print_usd(-most - 1, buf);
	assert_string_equal(buf, "-$170141183460469231731687303.72");
}

static void people_read_dollars_and_cents(void **state TOLL_UNUSED)
{
	static const struct {
		int64_t pico;
		const char *text;
	} cases[] = {
		{ 0, "$0.00" },
		{ 512400000000000, "$512.40" },
		{ -70000000000, "-$0.07" },
		{ 10000000000, "$0.01" },
		{ 15000000000, "$0.02" },
		{ 25000000000, "$0.02" },
		{ 400000, "$0.0000004" },
		{ 1, "$0.000000000001" },
		{ 123456, "$0.00000012" },
		{ 9960000000, "$0.01" },
		{ 9940000000, "$0.0099" },
		{ 5000000000, "$0.005" },
	};
	char buf[TOLL_MONEY_TEXT];

	for (size_t i = 0; i < TOLL_COUNT(cases); i++) {
		assert_int_equal(toll_money_print_usd(cases[i].pico, buf), strlen(cases[i].text));
		assert_string_equal(buf, cases[i].text);
	}
}

static void doubles_are_the_nearest(void **state TOLL_UNUSED)
{
	assert_true(toll_money_to_double(0) == 0.0);
	assert_true(toll_money_to_double(400000) == 0.0000004);
	assert_true(toll_money_to_double(-3500000000000) == -3.5);
	assert_true(toll_money_to_double(100000000000) == 0.1);
	assert_true(toll_money_to_double(INT64_MAX) == 9223372.036854775807);
	assert_true(toll_money_to_double(INT64_MIN) == -9223372.036854775808);
	assert_true(toll_money_to_double(9007199254740993) == 9007.199254740993);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(amounts_are_read_exactly),
		cmocka_unit_test(amounts_end_where_the_slice_ends),
		cmocka_unit_test(amounts_print_as_exact_decimals),
		cmocka_unit_test(wide_sums_print_to_the_last_place),
		cmocka_unit_test(people_read_dollars_and_cents),
		cmocka_unit_test(doubles_are_the_nearest),
	};

	return cmocka_run_group_tests_name("money", tests, NULL, NULL);
}

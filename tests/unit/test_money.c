/* SPDX-License-Identifier: Apache-2.0 */
#include "cost/money.h"

#include "tests/unit/unit.h"

static void texts_become_picodollars(void **state TOLL_UNUSED)
{
	static const struct {
		const char *text;
		int err;
		int64_t pico;
	} cases[] = {
		{ "0", 0, 0 },
		{ "500", 0, 500 * TOLL_PICO_PER_USD },
		{ "0.0000004", 0, 400000 },
		{ "8e-7", 0, 800000 },
		{ "8E-7", 0, 800000 },
		{ "+1.5e+0", 0, 1500000000000 },
		{ "-5", 0, -5 * TOLL_PICO_PER_USD },
		{ ".5", 0, TOLL_PICO_PER_USD / 2 },
		{ "0.0000000000005", 0, 0 }, /* half a picodollar: to even */
		{ "0.0000000000015", 0, 2 },
		{ "0.00000000000050000000000000000000001", 0, 1 },
		{ "1e-400", 0, 0 },
		{ "0e999999999", 0, 0 },
		{ "9223372.036854775807", 0, INT64_MAX },
		{ "9223372.036854775808", TOLL_ETOOBIG, 0 },
		{ "1e400", TOLL_ETOOBIG, 0 },
		{ "1e999999999999999", TOLL_ETOOBIG, 0 },
		{ "", TOLL_EINVALID, 0 },
		{ "-", TOLL_EINVALID, 0 },
		{ ".", TOLL_EINVALID, 0 },
		{ "1e", TOLL_EINVALID, 0 },
		{ "1.2.3", TOLL_EINVALID, 0 },
		{ "NaN", TOLL_EINVALID, 0 },
		{ "Infinity", TOLL_EINVALID, 0 },
		{ "0x10", TOLL_EINVALID, 0 },
		{ "1 ", TOLL_EINVALID, 0 },
	};

	for (size_t i = 0; i < TOLL_COUNT(cases); i++) {
		int64_t pico = 0;

		assert_int_equal(toll_money_parse(toll_slice_str(cases[i].text), &pico),
		                 cases[i].err);
		assert_int_equal(pico, cases[i].pico);
	}
}

static int64_t cost_of(const char *rate, uint64_t per, uint64_t quantity)
{
	struct toll_rate r;
	toll_i128 sum = 0;
	int64_t pico;

	assert_int_equal(toll_rate_parse(toll_slice_str(rate), per, &r), 0);
	assert_int_equal(toll_rate_charge(&sum, r, quantity), 0);
	assert_int_equal(toll_money_from_yocto(sum, &pico), 0);
	return pico;
}

static void rates_times_quantities_are_exact(void **state TOLL_UNUSED)
{
	assert_int_equal(cost_of("0.0001", 1000000, 1500000),
	                 150000000);                              /* 1.5 ms at $0.0001 per ms */
	assert_int_equal(cost_of("2.5e-6", 1, 1234), 3085000000); /* tokens */
	assert_int_equal(cost_of("4e-7", 1, 1), 400000);          /* one S3 GET is not $0 */
	assert_int_equal(cost_of("0.0001", 1000000, 0), 0);
	assert_int_equal(cost_of("1", 3, 3), TOLL_PICO_PER_USD);
	assert_int_equal(cost_of("0.1", 1000000, UINT64_C(86400) * 1000000000),
	                 INT64_C(8640000) * TOLL_PICO_PER_USD);
}

static void overflow_is_refused_not_wrapped(void **state TOLL_UNUSED)
{
	struct toll_rate r;
	toll_i128 sum = 5;
	int64_t pico;

	assert_int_equal(toll_rate_parse(TOLL_SLICE("1e12"), 1, &r), 0);
	assert_int_equal(toll_rate_charge(&sum, r, UINT64_MAX), TOLL_ETOOBIG);
	assert_true(sum == 5);
	assert_int_equal(toll_money_from_yocto((toll_i128)1 << 120, &pico), TOLL_ETOOBIG);
	assert_int_equal(toll_rate_parse(TOLL_SLICE("-1"), 1, &r), TOLL_EINVALID);
	assert_int_equal(toll_rate_parse(TOLL_SLICE("-0"), 1, &r), 0);
	assert_int_equal(toll_rate_parse(TOLL_SLICE("1e20"), 1, &r), TOLL_ETOOBIG);
}

static void halves_go_to_even(void **state TOLL_UNUSED)
{
	const toll_i128 half = 500000000000, one = 2 * half, big = (toll_i128)1 << 70;
	int64_t pico;

	assert_int_equal(toll_money_from_yocto(half, &pico), 0);
	assert_int_equal(pico, 0);
	assert_int_equal(toll_money_from_yocto(half + 1, &pico), 0);
	assert_int_equal(pico, 1);
	assert_int_equal(toll_money_from_yocto(one + half, &pico), 0);
	assert_int_equal(pico, 2);
	assert_int_equal(toll_money_from_yocto(big / one * one + half, &pico), 0);
	assert_int_equal(pico, (int64_t)(big / one) + (int64_t)(big / one) % 2);
}

static void amounts_print_exactly(void **state TOLL_UNUSED)
{
	static const struct {
		int64_t pico;
		const char *text, *usd;
	} cases[] = {
		{ 0, "0", "$0.00" },
		{ 400000, "0.0000004", "$0.0000004" },
		{ 1, "0.000000000001", "$0.000000000001" },
		{ 123456, "0.000000123456", "$0.00000012" },
		{ 9960000000, "0.00996", "$0.01" },
		{ 12 * TOLL_PICO_PER_USD, "12", "$12.00" },
		{ -3500000000000, "-3.5", "-$3.50" },
		{ 512396000000000, "512.396", "$512.40" },
		{ INT64_MAX, "9223372.036854775807", "$9223372.04" },
		{ INT64_MIN, "-9223372.036854775808", "-$9223372.04" },
	};
	char text[TOLL_MONEY_TEXT];

	for (size_t i = 0; i < TOLL_COUNT(cases); i++) {
		assert_int_equal(toll_money_print(cases[i].pico, text), strlen(cases[i].text));
		assert_string_equal(text, cases[i].text);
		toll_money_print_usd(cases[i].pico, text);
		assert_string_equal(text, cases[i].usd);
	}
	toll_money_print_wide((toll_i128)INT64_MAX * 1000, text);
	assert_string_equal(text, "9223372036.854775807");
}

static void doubles_are_the_nearest(void **state TOLL_UNUSED)
{
	assert_true(toll_money_to_double(400000) == 4e-7);
	assert_true(toll_money_to_double(INT64_MAX) == 9223372.036854775807);
	assert_true(toll_money_to_double(-1) == -1e-12);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(texts_become_picodollars),
		cmocka_unit_test(rates_times_quantities_are_exact),
		cmocka_unit_test(overflow_is_refused_not_wrapped),
		cmocka_unit_test(halves_go_to_even),
		cmocka_unit_test(amounts_print_exactly),
		cmocka_unit_test(doubles_are_the_nearest),
	};

	return cmocka_run_group_tests_name("money", tests, NULL, NULL);
}

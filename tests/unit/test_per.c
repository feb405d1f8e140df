/* SPDX-License-Identifier: Apache-2.0 */
#include "prices/per.h"

#include "tests/unit/unit.h"

static void amounts_have_a_unit(void **state TOLL_UNUSED)
{
	static const struct {
		const char *text;
		enum toll_per_unit unit;
		uint64_t base;
	} cases[] = {
		{ "1", TOLL_PER_COUNT, 1 },
		{ "1000000", TOLL_PER_COUNT, 1000000 },
		{ "1k", TOLL_PER_COUNT, 1000 },
		{ "10M", TOLL_PER_COUNT, 10000000 },
		{ "1G", TOLL_PER_COUNT, 1000000000 },
		{ "1ms", TOLL_PER_TIME, 1000000 },
		{ "1min", TOLL_PER_TIME, UINT64_C(60000000000) },
		{ "1h", TOLL_PER_TIME, UINT64_C(3600000000000) },
		{ "64KiB", TOLL_PER_BYTES, 65536 },
		{ "1GB", TOLL_PER_BYTES, 1000000000 },
		{ "1GiBs", TOLL_PER_BYTE_TIME, UINT64_C(1073741824000000000) },
		{ "1GBs", TOLL_PER_BYTE_TIME, UINT64_C(1000000000000000000) },
		{ "1M steps", TOLL_PER_STEPS, 1000000 },
		{ "1 step", TOLL_PER_STEPS, 1 },
	};

	for (size_t i = 0; i < TOLL_COUNT(cases); i++) {
		char text[TOLL_PER_TEXT];
		struct toll_per per, again;

		assert_null(toll_per_read(toll_slice_str(cases[i].text), &per));
		assert_int_equal(per.unit, cases[i].unit);
		assert_int_equal(per.base, cases[i].base);
		assert_null(toll_per_read(toll_slice_str(toll_per_print(per, text)), &again));
		assert_int_equal(again.unit, per.unit);
		assert_int_equal(again.base, per.base);
	}
}

static void what_is_no_amount_is_told(void **state TOLL_UNUSED)
{
	static const struct {
		const char *text, *says;
	} cases[] = {
		{ "", "whole number" },
		{ "M", "whole number" },
		{ "0", "whole number" },
		{ "-1", "whole number" },
		{ "1.5M", "unknown unit" },
		{ "1 M", "unknown unit" },
		{ "1e6", "unknown unit" },
		{ "1m", "unknown unit" },
		{ "1ms steps", "unknown" },
		{ "1GiB*s", "unknown unit" },
		{ "99999999999999999999", "whole number" },
		{ "99999999T", "too large" },
		{ "20GiBs", "too large" },
	};

	for (size_t i = 0; i < TOLL_COUNT(cases); i++) {
		struct toll_per per;
		const char *why = toll_per_read(toll_slice_str(cases[i].text), &per);

		assert_non_null(why);
		assert_non_null(strstr(why, cases[i].says));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(amounts_have_a_unit),
		cmocka_unit_test(what_is_no_amount_is_told),
	};

	return cmocka_run_group_tests_name("per", tests, NULL, NULL);
}

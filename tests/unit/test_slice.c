/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers and words in bytes that somebody else wrote. */
#include "base/slice.h"

#include <inttypes.h>

#include "base/macro.h"
#include "tests/unit/unit.h"

static void only_digits_up_to_the_largest_are_a_number(void **state TOLL_UNUSED)
{
	static const struct {
		const char *text;
		uint64_t max, n;
	} good[] = {
		{ "0", 0, 0 },
		{ "0", 9, 0 },
		{ "00042", 65535, 42 },
		{ "65535", 65535, 65535 },
		{ "999999999999999999", 999999999999999999, 999999999999999999 },
		{ "18446744073709551615", UINT64_MAX, UINT64_MAX },
	};
	static const struct {
		const char *text;
		uint64_t max;
	} bad[] = {
		{ "", 9 },
		{ " 1", 99 },
		{ "1 ", 99 },
		{ "+1", 99 },
		{ "-1", 99 },
		{ "0x1", 9999 },
		{ "1e3", 9999 },
		{ "1.0", 9999 },
		{ "\xb2", 9 },
		{ "1", 0 },
		{ "00", 0 },
		{ "000042", 65535 },
		{ "65536", 65535 },
		{ "99999", 65535 },
		{ "18446744073709551616", UINT64_MAX },
		{ "99999999999999999999", UINT64_MAX },
		{ "000000000000000000001", UINT64_MAX },
	};
	uint64_t n;

	for (size_t i = 0; i < TOLL_COUNT(good); i++) {
		n = 7;
		assert_true(toll_slice_digits(toll_slice_str(good[i].text), good[i].max, &n));
		assert_int_equal(n, good[i].n);
	}
	for (size_t i = 0; i < TOLL_COUNT(bad); i++) {
		n = 7;
		if (toll_slice_digits(toll_slice_str(bad[i].text), bad[i].max, &n))
			fail_msg("\"%s\" up to %" PRIu64, bad[i].text, bad[i].max);
		assert_int_equal(n, 7);
	}
	assert_false(toll_slice_digits(toll_slice(NULL, 0), 9, &n));
	assert_false(toll_slice_digits(toll_slice("1\0", 2), 99, &n));
}

static void both_ends_are_trimmed_and_nothing_between(void **state TOLL_UNUSED)
{
	static const struct {
		const char *text, *any_of, *want;
	} cases[] = {
		{ "a b", TOLL_BLANKS, "a b" },
		{ " \ta b\t ", TOLL_BLANKS, "a b" },
		{ "\na\r", TOLL_BLANKS, "\na\r" },
		{ " \t\n\v\f\ra b\r\f\v\n\t ", TOLL_SPACES, "a b" },
		{ "\ta ", " ", "\ta" },
		{ " \n ", TOLL_SPACES, "" },
		{ "", TOLL_SPACES, "" },
	};
	const struct toll_slice nul = toll_slice("\0a\0", 3);

	for (size_t i = 0; i < TOLL_COUNT(cases); i++) {
		struct toll_slice got =
			toll_slice_trim(toll_slice_str(cases[i].text), cases[i].any_of);

		assert_true(toll_slice_is(got, cases[i].want));
	}
	assert_true(toll_slice_eq(toll_slice_trim(nul, TOLL_SPACES), nul));
	assert_int_equal(toll_slice_trim(toll_slice(NULL, 0), TOLL_SPACES).len, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_digits_up_to_the_largest_are_a_number),
		cmocka_unit_test(both_ends_are_trimmed_and_nothing_between),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

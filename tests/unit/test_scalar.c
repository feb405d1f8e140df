/* SPDX-License-Identifier: Apache-2.0 */
#include "config/scalar.h"

#include "base/clock.h"
#include "tests/unit/unit.h"

static void ints_are_exact(void **state)
{
	int64_t n = 7;

	(void)state;
	assert_null(toll_scalar_int(TOLL_SLICE("-9223372036854775808"), &n));
	assert_true(n == INT64_MIN);
	assert_null(toll_scalar_int(TOLL_SLICE("9223372036854775807"), &n));
	assert_true(n == INT64_MAX);
	assert_non_null(toll_scalar_int(TOLL_SLICE("9223372036854775808"), &n));
	assert_non_null(toll_scalar_int(TOLL_SLICE("1.0"), &n));
	assert_non_null(toll_scalar_int(TOLL_SLICE("1e6"), &n));
	assert_non_null(toll_scalar_int(TOLL_SLICE("-"), &n));
	assert_non_null(toll_scalar_int(TOLL_SLICE(""), &n));
	assert_true(n == INT64_MAX);
}

static void durations_are_gos(void **state)
{
	static const struct {
		const char *text;
		uint64_t ns;
	} good[] = { { "0", 0 },
		     { "0s", 0 },
		     { "200ms", 200 * TOLL_MS },
		     { "1h30m", 5400 * TOLL_S },
		     { "1.5s", 1500 * TOLL_MS },
		     { "0.000000001s", 1 },
		     { "5µs", 5000 },
		     { "1d", 86400 * TOLL_S },
		     { "100ns", 100 } };
	static const char *const bad[] = { "",
		                           "5",
		                           "-1s",
		                           "s",
		                           "1x",
		                           "1s5",
		                           ".5s",
		                           "1h 30m",
		                           "300y",
		                           "99999999999h",
		                           "99999999999999999999s" };
	uint64_t ns = 0;

	(void)state;
	for (size_t i = 0; i < TOLL_COUNT(good); i++) {
		assert_null(toll_scalar_duration(toll_slice_str(good[i].text), &ns));
		assert_true(ns == good[i].ns);
	}
	for (size_t i = 0; i < TOLL_COUNT(bad); i++)
		assert_non_null(toll_scalar_duration(toll_slice_str(bad[i]), &ns));
}

static void sizes_take_units(void **state)
{
	uint64_t n = 0;

	(void)state;
	assert_null(toll_scalar_size(TOLL_SLICE("1000000"), &n));
	assert_true(n == 1000000);
	assert_null(toll_scalar_size(TOLL_SLICE("4MiB"), &n));
	assert_true(n == 4u << 20);
	assert_null(toll_scalar_size(TOLL_SLICE("64KB"), &n));
	assert_true(n == 64000);
	assert_null(toll_scalar_size(TOLL_SLICE("1 GiB"), &n));
	assert_true(n == 1u << 30);
	assert_non_null(toll_scalar_size(TOLL_SLICE("1.5MiB"), &n));
	assert_non_null(toll_scalar_size(TOLL_SLICE("1e6"), &n));
	assert_non_null(toll_scalar_size(TOLL_SLICE("9999999999TiB"), &n));
	assert_non_null(toll_scalar_size(TOLL_SLICE("-1"), &n));
}

static void money_is_never_rounded(void **state)
{
	int64_t pico = 0;

	(void)state;
	assert_null(toll_scalar_money(TOLL_SLICE("500"), &pico));
	assert_true(pico == 500000000000000);
	assert_null(toll_scalar_money(TOLL_SLICE("0.000000000001"), &pico));
	assert_true(pico == 1);
	assert_null(toll_scalar_money(TOLL_SLICE("0.25000000000000"), &pico));
	assert_true(pico == 250000000000);
	assert_null(toll_scalar_money(TOLL_SLICE("9223372.036854775807"), &pico));
	assert_true(pico == INT64_MAX);
	assert_non_null(toll_scalar_money(TOLL_SLICE("9223372.036854775808"), &pico));
	assert_non_null(toll_scalar_money(TOLL_SLICE("0.0000000000001"), &pico));
	assert_non_null(toll_scalar_money(TOLL_SLICE("-1"), &pico));
	assert_non_null(toll_scalar_money(TOLL_SLICE("1e3"), &pico));
	assert_non_null(toll_scalar_money(TOLL_SLICE("NaN"), &pico));
}

static void ratios_are_finite(void **state)
{
	double d = 0;

	(void)state;
	assert_null(toll_scalar_ratio(TOLL_SLICE("0.1"), &d));
	assert_true(d > 0.0999 && d < 0.1001);
	assert_non_null(toll_scalar_ratio(TOLL_SLICE("nan"), &d));
	assert_non_null(toll_scalar_ratio(TOLL_SLICE("inf"), &d));
	assert_non_null(toll_scalar_ratio(TOLL_SLICE("1e400"), &d));
	assert_non_null(toll_scalar_ratio(TOLL_SLICE("0x1p3"), &d));
	assert_non_null(toll_scalar_ratio(TOLL_SLICE("."), &d));
}

static void bools_are_yamls(void **state)
{
	bool b = false, odd = false;

	(void)state;
	assert_null(toll_scalar_bool(TOLL_SLICE("TRUE"), &b, &odd));
	assert_true(b && !odd);
	assert_null(toll_scalar_bool(TOLL_SLICE("no"), &b, &odd));
	assert_true(!b && odd);
	assert_non_null(toll_scalar_bool(TOLL_SLICE("1"), &b, &odd));
	assert_non_null(toll_scalar_bool(TOLL_SLICE("tRUE"), &b, &odd));
	assert_true(toll_scalar_is_null(TOLL_SLICE("~")));
	assert_false(toll_scalar_is_null(TOLL_SLICE("nil")));
}

static void writing_is_the_inverse(void **state)
{
	char buf[TOLL_SCALAR_TEXT];
	static const uint64_t numbers[] = {
		0, 1, 999, 1000, 1024, 4u << 20, 1500000000, UINT32_MAX, 86400 * TOLL_S, INT64_MAX
	};

	(void)state;
	for (size_t i = 0; i < TOLL_COUNT(numbers); i++) {
		uint64_t n = 1;
		int64_t money = 1;

		toll_scalar_duration_text(numbers[i], buf);
		assert_null(toll_scalar_duration(toll_slice_str(buf), &n));
		assert_true(n == numbers[i]);
		toll_scalar_size_text(numbers[i], buf);
		assert_null(toll_scalar_size(toll_slice_str(buf), &n));
		assert_true(n == numbers[i]);
		toll_scalar_money_text((int64_t)numbers[i], buf);
		assert_null(toll_scalar_money(toll_slice_str(buf), &money));
		assert_true(money == (int64_t)numbers[i]);
	}
	assert_string_equal(toll_scalar_duration_text(5400 * TOLL_S, buf), "1h30m");
	assert_string_equal(toll_scalar_size_text(4u << 20, buf), "4MiB");
	assert_string_equal(toll_scalar_ratio_text(0.1, buf), "0.1");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ints_are_exact),         cmocka_unit_test(durations_are_gos),
		cmocka_unit_test(sizes_take_units),       cmocka_unit_test(money_is_never_rounded),
		cmocka_unit_test(ratios_are_finite),      cmocka_unit_test(bools_are_yamls),
		cmocka_unit_test(writing_is_the_inverse),
	};

	return cmocka_run_group_tests_name("scalar", tests, NULL, NULL);
}

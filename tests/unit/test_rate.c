/* SPDX-License-Identifier: Apache-2.0 */
#include "cost/rate.h"

#include "tests/unit/unit.h"

static struct toll_rate rate_of(const char *usd, uint64_t per)
{
	struct toll_rate rate;

	assert_int_equal(toll_rate_parse(toll_slice_str(usd), per, &rate), 0);
	return rate;
}

static void check_rate(const char *usd, uint64_t per, const char *price, uint64_t divisor)
{
	struct toll_rate rate = rate_of(usd, per);
	char text[64];

	toll_decimal_print(rate.price, 0, false, text);
	assert_string_equal(text, price);
	assert_int_equal(rate.per, divisor);
}

static void rates_are_in_lowest_terms(void **state TOLL_UNUSED)
{
	check_rate("0.000012", 1000000, "12000000000000", 1);
	check_rate("2.50", 1000000, "2500000000000000000", 1);
	check_rate("0.5e-24", 1, "0", 1);
	check_rate("1.5e-24", 1, "2", 1);
	check_rate("1", 3, "1000000000000000000000000", 3);
	check_rate("-0", 1, "0", 1);
	/* A GiB second: nothing of it is lost. */
	check_rate("0.0000166667", UINT64_C(1073741824) * 1000000000, "520834375", 33554432);
	check_rate("0.031611", UINT64_C(3600000000000), "26342500000", 3);
}

static void what_is_no_rate_is_refused(void **state TOLL_UNUSED)
{
	struct toll_rate rate;

	assert_int_equal(toll_rate_parse(TOLL_SLICE("1000000000000"), 1, &rate), 0);
	assert_int_equal(toll_rate_parse(TOLL_SLICE("1000000000001"), 1, &rate), TOLL_ETOOBIG);
	assert_int_equal(toll_rate_parse(TOLL_SLICE("1e400"), 1000000, &rate), TOLL_ETOOBIG);
	assert_int_equal(toll_rate_parse(TOLL_SLICE("-1e-9"), 1, &rate), TOLL_EINVALID);
	assert_int_equal(toll_rate_parse(TOLL_SLICE("nan"), 1, &rate), TOLL_EINVALID);
	assert_int_equal(toll_rate_parse(TOLL_SLICE("1"), 0, &rate), TOLL_EINVALID);
}

static void a_discount_is_exact_or_refused(void **state TOLL_UNUSED)
{
	struct toll_rate rate = rate_of("0.0000166667", UINT64_C(1073741824) * 1000000000),
			 most = rate_of("1e12", 1), before, wanted;

	assert_int_equal(toll_rate_scale(&rate, 88, 100), 0);
	wanted = rate_of("0.000014666696", UINT64_C(1073741824) * 1000000000);
	assert_true(toll_rate_equal(&rate, &wanted));
	before = most;
	assert_int_equal(toll_rate_scale(&most, 2, 1), TOLL_ETOOBIG);
	assert_true(toll_rate_equal(&most, &before));
	rate = rate_of("1e-24", UINT64_MAX);
	assert_int_equal(toll_rate_scale(&rate, 7, 11), TOLL_ETOOBIG);
	assert_int_equal(toll_rate_scale(&rate, 1, 0), TOLL_EINVALID);
}

static int64_t rounded(const struct toll_sum *sum)
{
	int64_t pico = -1;

	assert_int_equal(toll_sum_round(sum, &pico), 0);
	return pico;
}

static void add(struct toll_sum *sum, const char *usd, uint64_t per, struct toll_quantity q)
{
	struct toll_rate rate = rate_of(usd, per);

	assert_int_equal(toll_sum_add(sum, &rate, q), 0);
}

static void a_sum_is_rounded_once_half_to_even(void **state TOLL_UNUSED)
{
	static const struct {
		uint64_t per, count;
		const char *usd;
		int64_t pico;
	} cases[] = {
		{ 1, 3, "4e-13", 1 }, /* 1.2, not 0 */
		{ 1, 1, "1.5e-12", 2 }, { 1, 1, "2.5e-12", 2 }, { 1, 1, "2.500000000001e-12", 3 },
		{ 3, 3, "1e-12", 1 },   { 6, 3, "5e-12", 2 }, /* 2.5 of three sixths */
		{ 6, 3, "7e-12", 4 },                         /* 3.5 */
		{ 7, 7, "25e-13", 2 },                        /* 2.5 of seven sevenths */
	};

	for (size_t i = 0; i < TOLL_COUNT(cases); i++) {
		struct toll_sum sum = { 0 };

		for (uint64_t n = 0; n < cases[i].count; n++)
			add(&sum, cases[i].usd, cases[i].per, toll_quantity_of(1));
		assert_int_equal(rounded(&sum), cases[i].pico);
	}
}

/* A third, a quarter and five twelfths of a picodollar and a half: a tie of unlike fractions. */
static void unlike_fractions_are_added_exactly(void **state TOLL_UNUSED)
{
	struct toll_sum sum = { 0 };

	add(&sum, "1e-12", 3, toll_quantity_of(1));
	add(&sum, "1e-12", 4, toll_quantity_of(1));
	add(&sum, "5e-12", 12, toll_quantity_of(1));
	assert_int_equal(rounded(&sum), 1);
	add(&sum, "1e-12", 2, toll_quantity_of(1));
	assert_int_equal(rounded(&sum), 2); /* 1.5 */
	add(&sum, "1e-24", UINT64_MAX, toll_quantity_of(1));
	assert_int_equal(rounded(&sum), 2);
	add(&sum, "1e-12", 1, toll_quantity_of(1));
	assert_int_equal(rounded(&sum), 3); /* 2.5 and a trace */
}

static void quantities_may_have_places(void **state TOLL_UNUSED)
{
	struct toll_sum sum = { 0 };

	add(&sum, "0.25", 1000000, (struct toll_quantity){ 5, 1 }); /* half a unit */
	assert_int_equal(rounded(&sum), 125000);
	sum = (struct toll_sum){ 0 };
	/* 10 GiB for 15 minutes: more than 64 bits of byte nanoseconds. */
	add(&sum, "0.0000166667", UINT64_C(1073741824) * 1000000000,
	    toll_quantity_of((toll_u128)10737418240 * 900000000000));
	assert_int_equal(rounded(&sum), INT64_C(150000300000));
}

static void overflow_is_told_and_changes_nothing(void **state TOLL_UNUSED)
{
	struct toll_rate most = rate_of("1e12", 1),
			 odd = rate_of("1e-12", UINT64_C(18446744073709551557)),
			 other = rate_of("1e-12", UINT64_C(18446744073709551533));
	struct toll_sum sum = { .whole = 7 };
	int64_t pico = 7;

	assert_int_equal(toll_sum_add(&sum, &most, toll_quantity_of(171)), TOLL_ETOOBIG);
	assert_int_equal(toll_sum_add(&sum, &most, toll_quantity_of(UINT64_MAX)), TOLL_ETOOBIG);
	assert_true(sum.whole == 7);
	assert_int_equal(toll_sum_add(&sum, &most, toll_quantity_of(100)), 0);
	assert_int_equal(toll_sum_add(&sum, &most, toll_quantity_of(100)), TOLL_ETOOBIG);
	assert_true(sum.whole == most.price * 100 + 7);
	assert_int_equal(toll_sum_round(&sum, &pico), TOLL_ETOOBIG);
	assert_int_equal(pico, 7);
	/* Two primes near 2^64: their fractions have no common denominator that fits. */
	sum = (struct toll_sum){ 0 };
	assert_int_equal(toll_sum_add(&sum, &odd, toll_quantity_of(1)), 0);
	assert_int_equal(toll_sum_add(&sum, &other, toll_quantity_of(1)), TOLL_ETOOBIG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rates_are_in_lowest_terms),
		cmocka_unit_test(what_is_no_rate_is_refused),
		cmocka_unit_test(a_discount_is_exact_or_refused),
		cmocka_unit_test(a_sum_is_rounded_once_half_to_even),
		cmocka_unit_test(unlike_fractions_are_added_exactly),
		cmocka_unit_test(quantities_may_have_places),
		cmocka_unit_test(overflow_is_told_and_changes_nothing),
	};

	return cmocka_run_group_tests_name("rate", tests, NULL, NULL);
}

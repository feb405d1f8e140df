/* SPDX-License-Identifier: Apache-2.0 */
#include "cost/window.h"

#include <stdlib.h>
#include <string.h>

#include "tests/unit/unit.h"

#define SECOND UINT64_C(1000000000)

static struct toll_window window(uint64_t seconds, uint64_t bucket_seconds)
{
	struct toll_window w;

	assert_int_equal(toll_window_init(&w, seconds * SECOND, bucket_seconds * SECOND), 0);
	return w;
}

static void windows_are_named_and_cut(void **state TOLL_UNUSED)
{
	static const struct {
		uint64_t seconds;
		const char *name;
		uint64_t bucket_ms;
		uint32_t buckets;
	} cases[] = {
		{ 86400, "24h", 900000, 96 }, { 7 * 86400, "168h", 6300000, 96 },
		{ 3600, "1h", 37500, 96 },    { 5400, "90m", 56250, 96 },
		{ 60, "1m", 1000, 60 },       { 45, "45s", 1000, 45 },
		{ 97, "97s", 1940, 50 },      { 1, "1s", 1000, 1 },
	};

	for (size_t i = 0; i < TOLL_COUNT(cases); i++) {
		struct toll_window w = window(cases[i].seconds, 0);

		assert_string_equal(w.name, cases[i].name);
		assert_int_equal(w.bucket_ms, cases[i].bucket_ms);
		assert_int_equal(w.buckets, cases[i].buckets);
	}
	assert_int_equal(window(10, 3).buckets, 4);
}

static void impossible_windows_are_refused(void **state TOLL_UNUSED)
{
	static const struct {
		uint64_t window_ns, bucket_ns;
	} bad[] = {
		{ 0, 0 },
		{ SECOND / 2, 0 },
		{ SECOND * 3 / 2, 0 },
		{ 10 * SECOND, SECOND / 2 },
		{ 10 * SECOND, 11 * SECOND },
		{ 10 * SECOND, SECOND + 1 },
		{ 1001 * SECOND, SECOND },
	};
	struct toll_window w;

	for (size_t i = 0; i < TOLL_COUNT(bad); i++)
		assert_int_equal(toll_window_init(&w, bad[i].window_ns, bad[i].bucket_ns),
		                 TOLL_EINVALID);
}

static void the_remainder_is_carried(void **state TOLL_UNUSED)
{
	struct toll_window w = window(10, 1);
	struct toll_series s;

	assert_int_equal(toll_series_init(&s), 0);
	for (int i = 0; i < 10000; i++)
		assert_int_equal(toll_series_add(&s, &w, 100 + i / 2500, 333), 0);
	assert_int_equal(s.count, 4);
	assert_int_equal((int64_t)toll_series_sum(&s, &w, 103), 10000 * 333 / 1000);
	assert_int_equal(s.carry_pico, 0);
	toll_series_release(&s);
}

/* An independent ledger: one counter per bucket index, nothing shared with the code under test. */
static void random_amounts_against_a_plain_ledger(void **state TOLL_UNUSED)
{
	struct toll_window w = window(20, 2);
	toll_i128 pico = 0, live_before = 0, nano_seen = 0;
	struct toll_series s;

	srand(7);
	assert_int_equal(toll_series_init(&s), 0);
	for (int64_t now = 1000; now < 1400; now++) {
		for (int i = 0; i < 20; i++) {
			toll_i128 amount = (toll_i128)rand() * rand();

			assert_int_equal(toll_series_add(&s, &w, now + rand() % 3 - 1, amount), 0);
			pico += amount;
		}
		live_before = 0;
		for (uint32_t i = 0; i < s.count; i++) {
			assert_true(i == 0 || s.at[i - 1].index < s.at[i].index);
			if (s.at[i].index <= now - 10)
				live_before += s.at[i].nano;
			s.at[i].sent = s.at[i].nano;
		}
		nano_seen += live_before;
		toll_series_prune(&s, &w, now);
		assert_true(s.count <= 12);
	}
	assert_true(nano_seen + toll_series_sum(&s, &w, 1399) == pico / 1000);
	assert_true(s.lost == 0);
	toll_series_release(&s);
}

static void what_was_never_sent_is_told(void **state TOLL_UNUSED)
{
	struct toll_window w = window(4, 1);
	struct toll_series s;

	assert_int_equal(toll_series_init(&s), 0);
	for (int64_t i = 0; i < 20; i++)
		assert_int_equal(toll_series_add(&s, &w, i, 5000), 0);
	assert_int_equal(s.count, 8);
	assert_int_equal((int64_t)s.lost, 12 * 5);
	assert_int_equal(toll_series_add(&s, &w, 3, 5000), TOLL_ETOOBIG);
	toll_series_prune(&s, &w, 100);
	assert_int_equal(s.count, 0);
	assert_int_equal((int64_t)s.lost, 20 * 5);
	toll_series_release(&s);
}

static void a_clock_that_ran_ahead_does_not_hide_the_present(void **state TOLL_UNUSED)
{
	struct toll_window w = window(4, 1);
	struct toll_series s;

	assert_int_equal(toll_series_init(&s), 0);
	assert_int_equal(toll_series_add(&s, &w, 1000000, 1000), 0);
	assert_int_equal(toll_series_add(&s, &w, 50, 2000), 0);
	assert_int_equal((int64_t)toll_series_sum(&s, &w, 50), 2);
	toll_series_release(&s);
}

static void a_sum_is_of_the_live_buckets_and_one_ahead(void **state TOLL_UNUSED)
{
	struct toll_window w = window(5, 1);
	struct toll_series s;

	assert_int_equal(toll_series_init(&s), 0);
	for (int64_t i = 10; i < 17; i++)
		assert_int_equal(toll_series_add(&s, &w, i, 1000), 0);
	assert_int_equal((int64_t)toll_series_sum(&s, &w, 15), 6); /* 11 to 15, and 16 */
	assert_int_equal((int64_t)toll_series_sum(&s, &w, 14), 6); /* 10 to 14, and 15 */
	toll_series_release(&s);
}

static void sums_hold_more_than_64_bits(void **state TOLL_UNUSED)
{
	struct toll_window w = window(4, 1);
	struct toll_series s;
	char text[TOLL_NANO_TEXT];

	assert_int_equal(toll_series_init(&s), 0);
	for (int i = 0; i < 100000; i++)
		assert_int_equal(toll_series_add(&s, &w, 1, (toll_i128)INT64_MAX * 1000), 0);
	toll_nano_print(toll_series_sum(&s, &w, 1), text);
	assert_string_equal(text, "922337203685477580700000");
	assert_int_equal(toll_series_add(&s, &w, 1, (toll_i128)INT64_MAX * 100000000),
	                 TOLL_ETOOBIG);
	assert_true(toll_series_sum(&s, &w, 1) == (toll_i128)INT64_MAX * 100000);
	toll_series_release(&s);
}

static void nano_text(void **state TOLL_UNUSED)
{
	static const struct {
		const char *usd, *nano;
	} good[] = {
		{ "0", "0" },
		{ "12", "12000000000" },
		{ "12.5", "12500000000" },
		{ "0.000000001", "1" },
		{ "987654321012345.123456789", "987654321012345123456789" },
	};
	static const char *const bad[] = { "",   ".",   ".5",           "5.", "1.2.3",
		                           "-1", "1e3", "0.0000000001", " 1", "nan" };
	char text[TOLL_NANO_TEXT];
	toll_i128 nano;

	for (size_t i = 0; i < TOLL_COUNT(good); i++) {
		assert_int_equal(toll_nano_parse(toll_slice_str(good[i].usd), &nano), 0);
		assert_int_equal(toll_nano_print(nano, text), strlen(good[i].nano));
		assert_string_equal(text, good[i].nano);
	}
	for (size_t i = 0; i < TOLL_COUNT(bad); i++)
		assert_int_equal(toll_nano_parse(toll_slice_str(bad[i]), &nano), TOLL_EINVALID);
	assert_int_equal(
		toll_nano_parse(TOLL_SLICE("99999999999999999999999999999999999999999"), &nano),
		TOLL_ETOOBIG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(windows_are_named_and_cut),
		cmocka_unit_test(impossible_windows_are_refused),
		cmocka_unit_test(the_remainder_is_carried),
		cmocka_unit_test(random_amounts_against_a_plain_ledger),
		cmocka_unit_test(what_was_never_sent_is_told),
		cmocka_unit_test(a_clock_that_ran_ahead_does_not_hide_the_present),
		cmocka_unit_test(a_sum_is_of_the_live_buckets_and_one_ahead),
		cmocka_unit_test(sums_hold_more_than_64_bits),
		cmocka_unit_test(nano_text),
	};

	return cmocka_run_group_tests_name("window", tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "cost/budget.h"

#include <math.h>
#include <string.h>

#include "base/macro.h"
#include "tests/unit/unit.h"

static const struct toll_budget_rule five_hundred = { 500, 0.1, 0.9, 3 };

static struct toll_budget_state fresh(void)
{
	return (struct toll_budget_state)TOLL_BUDGET_STATE_INIT;
}

/* Steps through `count` windows of one value; the first window (from 1) where `on` changed, or 0.
 */
static int run(struct toll_budget_state *s, int64_t *window, double value, int count)
{
	bool before = s->on;
	int changed = 0;

	for (int i = 1; i <= count; i++) {
		assert_true(toll_budget_step(&five_hundred, s, (*window)++, value));
		if (s->on != before && !changed)
			changed = i;
		before = s->on;
	}
	return changed;
}

static void first_value_over_the_limit_trips_at_the_third_window(void **state TOLL_UNUSED)
{
	struct toll_budget_state s = fresh();
	int64_t w = 1000;

	assert_int_equal(run(&s, &w, 600, 10), 3);
	assert_int_equal(s.over, 10);
}

static void a_step_up_trips_at_the_sixth_window(void **state TOLL_UNUSED)
{
	struct toll_budget_state s = fresh();
	int64_t w = 7;

	assert_int_equal(run(&s, &w, 300, 20), 0);
	assert_int_equal(run(&s, &w, 1000, 20), 6);
}

static void fifteen_high_windows_are_released_at_the_tenth_low_one(void **state TOLL_UNUSED)
{
	struct toll_budget_state s = fresh();
	int64_t w = 0;

	assert_int_equal(run(&s, &w, 300, 2), 0);
	assert_int_equal(run(&s, &w, 1000, 15), 6);
	assert_int_equal(run(&s, &w, 100, 30), 10);
	assert_false(s.on);
}

static void a_single_spike_never_trips(void **state TOLL_UNUSED)
{
	struct toll_budget_state s = fresh();
	int64_t w = 0;

	assert_int_equal(run(&s, &w, 300, 5), 0);
	assert_int_equal(run(&s, &w, 2000, 1), 0);
	assert_int_equal(run(&s, &w, 300, 50), 0);
}

static void at_the_limit_is_not_over_it(void **state TOLL_UNUSED)
{
	struct toll_budget_state s = fresh();
	int64_t w = 0;

	assert_int_equal(run(&s, &w, 500, 1000), 0);
	assert_true(s.ema == 500);
	assert_int_equal(s.over + s.under, 0);
}

static void between_release_and_limit_both_streaks_reset(void **state TOLL_UNUSED)
{
	struct toll_budget_state s = { .window = 9, .ema = 475, .over = 2, .under = 2, .on = true };

	assert_true(toll_budget_step(&five_hundred, &s, 10, 475));
	assert_int_equal(s.over, 0);
	assert_int_equal(s.under, 0);
	assert_true(s.on);
}

static void at_the_release_limit_is_not_under_it(void **state TOLL_UNUSED)
{
	struct toll_budget_state s = fresh();
	int64_t w = 0;

	assert_int_equal(run(&s, &w, 450, 5), 0);
	assert_int_equal(s.under, 0);
	assert_int_equal(run(&s, &w, 449, 5), 0);
	assert_true(s.under > 0);
}

/* From above the limit to below the release in one window, and back. */
static void each_streak_ends_the_other(void **state TOLL_UNUSED)
{
	static const struct toll_budget_rule no_average = { 500, 1, 0.9, 3 };
	static const double values[] = {
		600, 600, 100, 600, 600, 600, 100, 100, 600, 100, 100, 100
	};
	static const bool on[] = { 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 0 };
	struct toll_budget_state s = fresh();

	for (size_t i = 0; i < TOLL_COUNT(values); i++) {
		assert_true(toll_budget_step(&no_average, &s, (int64_t)i, values[i]));
		assert_int_equal(s.on, on[i]);
	}
}

static void a_window_is_decided_once(void **state TOLL_UNUSED)
{
	struct toll_budget_state s = fresh(), before;

	assert_true(toll_budget_step(&five_hundred, &s, 50, 600));
	before = s;
	assert_false(toll_budget_step(&five_hundred, &s, 50, 100));
	assert_false(toll_budget_step(&five_hundred, &s, 49, 100));
	assert_memory_equal(&s, &before, sizeof(s));
}

static void skipped_windows_count_as_the_current_value(void **state TOLL_UNUSED)
{
	struct toll_budget_state closed = fresh(), stepped = fresh();

	assert_true(toll_budget_step(&five_hundred, &closed, 0, 900));
	assert_true(toll_budget_step(&five_hundred, &closed, 12, 40));
	for (int64_t w = 0; w <= 12; w++)
		assert_true(toll_budget_step(&five_hundred, &stepped, w, w ? 40 : 900));
	assert_true(fabs(closed.ema - stepped.ema) < 1e-9);
}

static void a_gap_longer_than_the_streak_resets_it(void **state TOLL_UNUSED)
{
	struct toll_budget_state s = { .window = 10, .ema = 900, .over = 2 };

	assert_true(toll_budget_step(&five_hundred, &s, 13, 900));
	assert_int_equal(s.over, 3);
	s = (struct toll_budget_state){ .window = 10, .ema = 900, .over = 2 };
	assert_true(toll_budget_step(&five_hundred, &s, 14, 900));
	assert_int_equal(s.over, 1);
	assert_false(s.on);
}

static void a_state_from_far_ahead_is_taken_up_again(void **state TOLL_UNUSED)
{
	struct toll_budget_state s = { .window = 1000, .ema = 100 };

	assert_false(toll_budget_step(&five_hundred, &s, 940, 100));
	assert_true(toll_budget_step(&five_hundred, &s, 939, 200));
	assert_int_equal(s.window, 939);
	assert_true(fabs(s.ema - 110) < 1e-9);
}

static void text_makes_an_exact_round_trip(void **state TOLL_UNUSED)
{
	static const double emas[] = {
		0, 0.1, 1.0 / 3, 512.40000000000003, 1e-300, 1.7e308, 5e-324
	};

	for (size_t i = 0; i < TOLL_COUNT(emas); i++) {
		struct toll_budget_state s = { 29583333, emas[i], 3, 1000000000, i & 1 }, back;
		char text[TOLL_BUDGET_TEXT];
		int len = toll_budget_print(&s, text);

		assert_int_equal(len, strlen(text));
		assert_int_equal(toll_budget_parse(toll_slice(text, (size_t)len), &back), 0);
		assert_true(s.window == back.window && s.ema == back.ema && s.over == back.over &&
		            s.under == back.under && s.on == back.on);
	}
}

static void text_from_outside_is_refused(void **state TOLL_UNUSED)
{
	static const char *const bad[] = { "",
		                           "1",
		                           "1 2",
		                           "1 2 3 4",
		                           "1 2 3 4 2",
		                           "1 2 3 4 1 5",
		                           "-1 2 3 4 1",
		                           "1 -2 3 4 1",
		                           "1 nan 3 4 1",
		                           "1 inf 3 4 1",
		                           "1 1e999 3 4 1",
		                           "1 0x10 3 4 1",
		                           "1 2 3 4 1 ",
		                           "1  2 3 4 1",
		                           "99999999999999999999 2 3 4 1",
		                           "1 2 99999999999 4 1" };
	struct toll_budget_state s = fresh();

	for (size_t i = 0; i < TOLL_COUNT(bad); i++)
		assert_int_equal(toll_budget_parse(toll_slice_str(bad[i]), &s), TOLL_EINVALID);
	assert_int_equal(toll_budget_parse(toll_slice("1 2 3 4 1\0", 10), &s), TOLL_EINVALID);
	assert_int_equal(s.window, TOLL_BUDGET_NEVER);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(first_value_over_the_limit_trips_at_the_third_window),
		cmocka_unit_test(a_step_up_trips_at_the_sixth_window),
		cmocka_unit_test(fifteen_high_windows_are_released_at_the_tenth_low_one),
		cmocka_unit_test(a_single_spike_never_trips),
		cmocka_unit_test(at_the_limit_is_not_over_it),
		cmocka_unit_test(between_release_and_limit_both_streaks_reset),
		cmocka_unit_test(at_the_release_limit_is_not_under_it),
		cmocka_unit_test(each_streak_ends_the_other),
		cmocka_unit_test(a_window_is_decided_once),
		cmocka_unit_test(skipped_windows_count_as_the_current_value),
		cmocka_unit_test(a_gap_longer_than_the_streak_resets_it),
		cmocka_unit_test(a_state_from_far_ahead_is_taken_up_again),
		cmocka_unit_test(text_makes_an_exact_round_trip),
		cmocka_unit_test(text_from_outside_is_refused),
	};

	return cmocka_run_group_tests_name("budget", tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "exporters/enforcer/memory_store.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "tests/support/enforcer.h"
#include "tests/unit/unit.h"

static struct enforcer_rig rig;
static struct toll_counters counters;
static struct toll_memory_store store;
static uint64_t wall_ns;
static char last_line[512];
static int lines;

static uint64_t fake_clock(void)
{
	return wall_ns;
}

static void keep_line(void *ctx TOLL_UNUSED, const char *line)
{
	snprintf(last_line, sizeof(last_line), "%s", line);
	lines++;
}

static int setup(void **state TOLL_UNUSED)
{
	rig_init(&rig);
	memset(&counters, 0, sizeof(counters));
	wall_ns = TEST_NOW_MS * TOLL_MS;
	lines = 0;
	toll_clock_replace(fake_clock, fake_clock);
	toll_log_set_sink(keep_line, NULL);
	return 0;
}

static int teardown(void **state TOLL_UNUSED)
{
	toll_totals_release(&rig.totals);
	toll_clock_replace(NULL, NULL);
	toll_log_set_sink(NULL, NULL);
	return 0;
}

static void begin(void)
{
	rig_start(&rig);
	store = (struct toll_memory_store){ .totals = &rig.totals,
		                            .rules = &rig.rules,
		                            .counters = &counters,
		                            .who = "exporter/enforcer",
		                            .window = -1 };
}

/* Ten ticks, one second. */
static void second(void)
{
	for (int i = 0; i < 10; i++) {
		wall_ns += 100 * TOLL_MS;
		toll_memory_store_tick(&store);
	}
}

static void overspending_is_throttled_at_the_third_window_and_released(void **state TOLL_UNUSED)
{
	int seconds = 0;

	rig_budget(&rig, "*", 500, 20, TOLL_MODE_ENFORCE);
	begin();
	rig_spend(&rig, "payment-svc", (toll_i128)51240 * TEST_USD / 100, TEST_NOW_MS);
	toll_memory_store_tick(&store); /* the first window; two more follow */
	for (; seconds < 2; seconds++) {
		assert_false(rig_service(&rig, "payment-svc")->throttled);
		second();
	}
	assert_true(rig_service(&rig, "payment-svc")->throttled);
	assert_int_equal(lines, 1);
	assert_non_null(strstr(last_line, "[COST_ENFORCEMENT] payment-svc exceeded budget: "
	                                  "$512.40/$500"));
	while (rig_service(&rig, "payment-svc")->throttled && seconds < 60) {
		second();
		seconds++;
	}
	/* gone from the window at 20 s, below 450 at once or one later, three windows of it */
	assert_in_range(seconds, 22, 25);
	assert_int_equal(lines, 2);
	assert_int_equal(toll_counter_get(&counters, TOLL_COUNTER_FLAGS_SET), 1);
	assert_int_equal(toll_counter_get(&counters, TOLL_COUNTER_FLAGS_RELEASED), 1);
}

static void the_sum_truly_rolls(void **state TOLL_UNUSED)
{
	int64_t highest = 0;

	rig_budget(&rig, "*", 500, 10, TOLL_MODE_ENFORCE);
	begin();
	for (int i = 0; i < 60; i++) {
		struct toll_service *s;

		rig_spend(&rig, "steady", TEST_USD, wall_ns / TOLL_MS);
		second();
		s = rig_service(&rig, "steady");
		if ((int64_t)s->rule_nano > highest)
			highest = (int64_t)s->rule_nano;
	}
	assert_in_range(highest / 1000000000, 9, 10);
	assert_true(rig_service(&rig, "steady")->total_pico == (toll_i128)60 * TEST_USD);
	assert_true(rig.totals.lost_nano == 0);
}

static void shadow_says_so_and_throttles_nobody(void **state TOLL_UNUSED)
{
	rig_budget(&rig, "batch-*", 1, 10, TOLL_MODE_SHADOW);
	begin();
	rig_spend(&rig, "batch-7", 5 * TEST_USD, TEST_NOW_MS);
	rig_spend(&rig, "other", 5 * TEST_USD, TEST_NOW_MS);
	for (int i = 0; i < 5; i++)
		second();
	assert_true(rig_service(&rig, "batch-7")->shadow);
	assert_false(rig_service(&rig, "batch-7")->throttled);
	assert_false(rig_service(&rig, "other")->shadow);
	assert_int_equal(lines, 1);
	assert_non_null(strstr(last_line, "batch-7 would be throttled (shadow): $5.00/$1"));
}

static void a_clock_set_back_does_not_stop_decisions(void **state TOLL_UNUSED)
{
	uint64_t before;

	rig_budget(&rig, "*", 500, 100, TOLL_MODE_ENFORCE);
	begin();
	rig_spend(&rig, "x", 10 * TEST_USD, TEST_NOW_MS);
	second();
	before = toll_counter_get(&counters, TOLL_COUNTER_DECISIONS);
	wall_ns -= 70 * TOLL_S;
	second();
	second();
	assert_true(toll_counter_get(&counters, TOLL_COUNTER_DECISIONS) >= before + 2);
}

static void after_more_than_an_idle_day_the_third_window_throttles(void **state TOLL_UNUSED)
{
	struct toll_service *s;

	rig_budget(&rig, "*", 500, 20, TOLL_MODE_ENFORCE);
	begin();
	rig_spend(&rig, "nightly", 600 * TEST_USD, TEST_NOW_MS);
	second();
	s = rig_service(&rig, "nightly");
	assert_int_equal(s->slots->count, 1);
	for (int i = 0; i < 26 * 60; i++) {
		wall_ns += 60 * TOLL_S;
		toll_memory_store_tick(&store);
	}
	assert_false(s->throttled);
	rig_spend(&rig, "nightly", 600 * TEST_USD, wall_ns / TOLL_MS);
	second();
	second();
	assert_false(s->throttled);
	second();
	assert_true(s->throttled);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			overspending_is_throttled_at_the_third_window_and_released, setup,
			teardown),
		cmocka_unit_test_setup_teardown(
			after_more_than_an_idle_day_the_third_window_throttles, setup, teardown),
		cmocka_unit_test_setup_teardown(the_sum_truly_rolls, setup, teardown),
		cmocka_unit_test_setup_teardown(shadow_says_so_and_throttles_nobody, setup,
		                                teardown),
		cmocka_unit_test_setup_teardown(a_clock_set_back_does_not_stop_decisions, setup,
		                                teardown),
	};

	return cmocka_run_group_tests_name("memory_store", tests, NULL, NULL);
}

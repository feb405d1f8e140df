/* SPDX-License-Identifier: Apache-2.0 */
/* Fast trips, periods of a calendar, and windows of a budget's own. The average: test_rules.c. */
#include "budget/decision.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "cost/burn.h"
#include "tests/unit/unit.h"

#define NANO   ((toll_i128)1000000000)
#define DAY_MS UINT64_C(86400000)

static struct toll_budget_config budget;
static struct toll_rules rules;
static struct toll_slots slots;
static struct toll_verdict verdict;
static uint64_t now_ms;
static int64_t day_usd, recent_usd;

static int setup(void **state TOLL_UNUSED)
{
	budget = (struct toll_budget_config){ .limit = 100 * TOLL_PICO_PER_USD };
	memset(&slots, 0, sizeof(slots));
	now_ms = UINT64_C(1795219200000); /* 2026-11-21, midnight in UTC */
	return 0;
}

static int teardown(void **state TOLL_UNUSED)
{
	toll_rules_release(&rules);
	return 0;
}

static void build(void)
{
	const struct toll_budget_settings set = { .flush_interval = TOLL_S,
		                                  .evaluation_window = 60 * TOLL_S,
		                                  .ttl = 3600 * TOLL_S,
		                                  .ema = { 0.1, 0.9, 3 },
		                                  .budgets = { &budget, 1 } };
	struct toll_error error;

	toll_rules_release(&rules);
	assert_int_equal(toll_rules_init(&rules, &set, &error), 0);
}

/* One decision at now_ms, which then moves on by so much. The slot goes through its text. */
static bool decide(uint64_t step_ms)
{
	struct toll_reading readings[TOLL_WINDOWS_MAX] = { 0 };
	const uint16_t matching = 0;
	char text[TOLL_SLOT_TEXT], again[TOLL_SLOT_TEXT], id[TOLL_RULE_ID];

	readings[rules.at[0].window] = (struct toll_reading){ day_usd * NANO, now_ms, true };
	if (rules.at[0].fast_factor > 0)
		readings[rules.at[0].fast_window] =
			(struct toll_reading){ recent_usd * NANO, now_ms, true };
	toll_rules_decide(&rules, &matching, 1, readings, &slots, &verdict);
	toll_slots_drop_gone(&slots);
	if (slots.count) {
		memcpy(id, slots.at[0].id, sizeof(id));
		toll_slot_print(&slots.at[0], text);
		assert_int_equal(toll_slot_parse(toll_slice_str(text), &slots.at[0]), 0);
		memcpy(slots.at[0].id, id, sizeof(id));
		toll_slot_print(&slots.at[0], again);
		assert_string_equal(text, again);
	}
	now_ms += step_ms;
	return verdict.want;
}

static void recent_spend_trips_at_once(void **state TOLL_UNUSED)
{
	budget.fast_trip = (struct toll_fast_trip_config){ .factor = 3 };
	build();
	assert_string_equal(rules.windows[rules.at[0].fast_window].name, "5m");
	day_usd = 1;
	recent_usd = 1; /* x 288: 288 USD a day, not more than 300 */
	assert_false(decide(60000));
	recent_usd = 2;
	assert_true(decide(60000));
	assert_true(verdict.fast);
	assert_true(verdict.rule_ema < 2);
	/* Back when the projection was under 0.9 x 300 for three windows in a row. */
	recent_usd = 0;
	assert_true(decide(60000));
	assert_true(decide(60000));
	recent_usd = 1; /* 288: neither */
	assert_true(decide(60000));
	recent_usd = 0;
	assert_true(decide(60000));
	assert_true(decide(60000));
	assert_false(decide(60000));
}

static void the_ordinary_rule_holds_what_the_fast_trip_lets_go(void **state TOLL_UNUSED)
{
	budget.fast_trip = (struct toll_fast_trip_config){ 3, 600 * TOLL_S };
	build();
	day_usd = 500;
	recent_usd = 50;
	for (int i = 0; i < 3; i++)
		assert_true(decide(60000));
	assert_false(verdict.fast); /* over the limit for three windows as well */
	recent_usd = 0;
	for (int i = 0; i < 9; i++)
		assert_true(decide(60000));
	day_usd = 0;
	for (int i = 0; i < 100 && decide(60000); i++)
		;
	assert_false(verdict.want);
}

/* What no budget measures any more holds nobody. */
static void a_budget_without_a_fast_trip_takes_none_up(void **state TOLL_UNUSED)
{
	struct toll_rules before;

	budget.fast_trip = (struct toll_fast_trip_config){ .factor = 3 };
	build();
	day_usd = 1;
	recent_usd = 2;
	assert_true(decide(60000));
	assert_true(verdict.fast);
	toll_rules_copy(&before, &rules);
	budget.fast_trip.factor = 0;
	build();
	toll_rules_succeed(&rules, &before);
	toll_rules_release(&before);
	assert_false(decide(60000));
	assert_int_equal(slots.count, 1);
}

static void an_unsettled_recent_sum_changes_nothing(void **state TOLL_UNUSED)
{
	struct toll_reading readings[TOLL_WINDOWS_MAX] = { 0 };
	const uint16_t matching = 0;

	budget.fast_trip.factor = 3;
	build();
	readings[0] = (struct toll_reading){ NANO, now_ms, true };
	readings[1] = (struct toll_reading){ 99 * NANO, now_ms, false };
	toll_rules_decide(&rules, &matching, 1, readings, &slots, &verdict);
	assert_true(verdict.evaluated && !verdict.want);
}

static void a_new_period_is_a_new_budget(void **state TOLL_UNUSED)
{
	budget.period = TOLL_PERIOD_DAY;
	build();
	now_ms += DAY_MS - 4 * 60000;
	day_usd = 1000;
	assert_false(decide(60000));
	assert_false(decide(60000));
	assert_true(decide(60000));
	assert_true(decide(60000));
	assert_int_equal(now_ms % DAY_MS, 0);
	day_usd = 0; /* the sum of the new day */
	assert_false(decide(60000));
	assert_true(verdict.evaluated);
	assert_true(slots.at[0].state.ema == 0);
	day_usd = 1000; /* seeds the average; the streak begins anew */
	assert_false(decide(60000));
	assert_true(slots.at[0].state.over <= 1);
}

static void periods_follow_their_zone(void **state TOLL_UNUSED)
{
	budget.period = TOLL_PERIOD_DAY;
	budget.timezone = TOLL_SLICE("Asia/Kathmandu"); /* +05:45 */
	build();
	assert_string_equal(rules.windows[1].name, "day@Asia/Kathmandu");
	/* Midnight there is 18:15 here: between two of these windows, and no later. */
	budget.evaluation_window = 1000 * TOLL_S;
	build();
	now_ms += (18 * 60 + 10) * 60000;
	assert_int_equal(toll_rules_next_ms(&rules, now_ms) % DAY_MS,
	                 (18 * 60 + 15) * UINT64_C(60000));
	day_usd = 1000;
	decide(5 * 60000);
	assert_true(toll_rules_due(&rules, &(const uint16_t){ 0 }, 1, &slots, now_ms));
	day_usd = 3;
	decide(0);
	assert_true(slots.at[0].state.ema == 3);
}

static void a_budget_has_its_own_evaluation_window(void **state TOLL_UNUSED)
{
	budget.evaluation_window = 10 * TOLL_S;
	budget.ema = (struct toll_ema_config){ .alpha = 1, .windows = 2 };
	build();
	assert_int_equal(rules.evaluation_ms, 10000);
	assert_int_equal(toll_rules_next_ms(&rules, now_ms), now_ms + 10000);
	assert_int_equal(toll_rules_next_ms(&rules, now_ms + 9999), now_ms + 10000);
	day_usd = 101;
	assert_false(decide(9999));
	decide(1);
	assert_false(verdict.evaluated); /* the same window still */
	assert_true(decide(10000));
	assert_true(rules.at[0].rule.release == 0.9);
}

static void growth_tells_when_the_limit_is_reached(void **state TOLL_UNUSED)
{
	struct toll_burn b = { 0 };
	double rate;

	toll_burn_add(&b, now_ms, 10 * NANO);
	assert_true(toll_burn_usd_per_hour(&b, now_ms + 59999, 11 * NANO) == 0); /* too short */
	assert_true(toll_burn_usd_per_hour(&b, now_ms + 60000, 11 * NANO) == 60);
	for (int i = 1; i <= 20; i++) /* a dollar a minute */
		toll_burn_add(&b, now_ms + (uint64_t)i * 60000, (10 + i) * NANO);
	rate = toll_burn_usd_per_hour(&b, now_ms + 20 * 60000, 30 * NANO);
	assert_true(rate > 59.99 && rate < 60.01);
	assert_true(b.at[0].ms >= now_ms + 20 * 60000 - 540000); /* of the last minutes alone */
	assert_true(toll_burn_reaches_s(rate, 30 * NANO, 90 * TOLL_PICO_PER_USD) == 3600);
	assert_true(toll_burn_reaches_s(rate, 90 * NANO, 90 * TOLL_PICO_PER_USD) == 0);
	assert_true(toll_burn_reaches_s(0, 30 * NANO, 90 * TOLL_PICO_PER_USD) < 0);
	assert_true(toll_burn_reaches_s(1e-9, 30 * NANO, 90 * TOLL_PICO_PER_USD) < 0);
	assert_true(toll_burn_usd_per_hour(&b, now_ms + 21 * 60000, 5 * NANO) == 0); /* it falls */
	toll_burn_add(&b, now_ms, 5 * NANO); /* the clock was set back */
	assert_int_equal(b.count, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(recent_spend_trips_at_once),
		TEST(the_ordinary_rule_holds_what_the_fast_trip_lets_go),
		TEST(a_budget_without_a_fast_trip_takes_none_up),
		TEST(an_unsettled_recent_sum_changes_nothing),
		TEST(a_new_period_is_a_new_budget),
		TEST(periods_follow_their_zone),
		TEST(a_budget_has_its_own_evaluation_window),
		TEST(growth_tells_when_the_limit_is_reached),
	};

	return cmocka_run_group_tests_name("decision", tests, NULL, NULL);
}

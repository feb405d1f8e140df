/* SPDX-License-Identifier: Apache-2.0 */
#include "budget/decision.h"

#include <stdio.h>
#include <string.h>

#include "tests/support/enforcer.h"
#include "tests/unit/unit.h"

static struct enforcer_rig rig;
static struct toll_slots slots;

static int setup(void **state TOLL_UNUSED)
{
	rig_init(&rig);
	memset(&slots, 0, sizeof(slots));
	return 0;
}

static int teardown(void **state TOLL_UNUSED)
{
	rig_release(&rig);
	return 0;
}

static void build(void)
{
	struct toll_error error;

	assert_int_equal(rig_rules(&rig, &error), 0);
}

/* One window of one service that all rules match. */
static struct toll_verdict decide(int64_t window, int64_t usd)
{
	struct toll_reading readings[TOLL_WINDOWS_MAX];
	uint16_t all[TEST_BUDGETS];
	struct toll_verdict v;

	for (uint32_t i = 0; i < TOLL_WINDOWS_MAX; i++)
		readings[i] = (struct toll_reading){ (toll_i128)usd * 1000000000,
			                             TEST_NOW_MS + (uint64_t)window * 1000, true };
	for (uint16_t i = 0; i < rig.rules.count; i++)
		all[i] = i;
	toll_rules_decide(&rig.rules, all, rig.rules.count, readings, &slots, &v);
	return v;
}

static uint32_t match(const char *service)
{
	struct toll_slice name = toll_slice_str(service);
	uint16_t matching[TOLL_RULES_MAX];

	return toll_rules_match(&rig.rules, 0, &name, matching);
}

static void without_budgets_there_is_one_of_500_usd_a_day(void **state TOLL_UNUSED)
{
	build();
	assert_int_equal(rig.rules.count, 1);
	assert_true(rig.rules.at[0].rule.limit_usd == 500);
	assert_string_equal(rig.rules.windows[rig.rules.at[0].window].name, "24h");
	assert_int_equal(match("anything"), 1);
	assert_int_equal(match("unverified"), 1);
	assert_int_equal(match("unverified:shop"), 0);
}

static void every_service_has_the_day_and_its_budgets_windows(void **state TOLL_UNUSED)
{
	rig_budget(&rig, "*", 500, 86400, TOLL_MODE_ENFORCE);
	rig_budget(&rig, "batch-*", 50, 3600, TOLL_MODE_SHADOW);
	rig_budget(&rig, "batch-*", 60, 3600, TOLL_MODE_SHADOW);
	build();
	assert_int_equal(rig.rules.window_count, 2);
	assert_string_equal(rig.rules.windows[0].name, "24h");
	assert_string_equal(rig.rules.windows[1].name, "1h");
}

static void a_rule_twice_and_impossible_windows_are_refused(void **state TOLL_UNUSED)
{
	struct toll_error error;

	rig_budget(&rig, "*", 500, 86400, TOLL_MODE_ENFORCE);
	rig_budget(&rig, "*", 500, 86400, TOLL_MODE_SHADOW);
	assert_int_equal(rig_rules(&rig, &error), TOLL_ECONFIG);
	assert_string_equal(error.text,
	                    "budget 2 has the same match, limit and window as budget 1");
	rig.budgets[1].window = TOLL_S / 2;
	assert_int_equal(rig_rules(&rig, &error), TOLL_ECONFIG);
}

static void the_id_follows_the_rule_but_not_its_mode(void **state TOLL_UNUSED)
{
	char before[TOLL_RULE_ID];

	rig_budget(&rig, "*", 500, 86400, TOLL_MODE_ENFORCE);
	build();
	memcpy(before, rig.rules.at[0].id, sizeof(before));
	rig.budgets[0].mode = TOLL_MODE_SHADOW;
	build();
	assert_string_equal(rig.rules.at[0].id, before);
	rig.config.ema.alpha = 0.2;
	build();
	assert_string_not_equal(rig.rules.at[0].id, before);
	rig.config.ema.alpha = 0.1;
	rig.budgets[0].limit++;
	build();
	assert_string_not_equal(rig.rules.at[0].id, before);
}

static void any_enforcing_budget_wants_the_flag(void **state TOLL_UNUSED)
{
	struct toll_verdict v = { 0 };

	rig_budget(&rig, "*", 1000, 86400, TOLL_MODE_ENFORCE);
	rig_budget(&rig, "*", 500, 3600, TOLL_MODE_ENFORCE);
	rig_budget(&rig, "*", 100, 3600, TOLL_MODE_SHADOW);
	rig_budget(&rig, "*", 1, 3600, TOLL_MODE_OFF);
	build();
	for (int64_t w = 0; w < 3; w++) {
		assert_false(v.want || v.shadow);
		v = decide(w, 600);
		assert_true(v.evaluated);
	}
	assert_true(v.want);
	assert_true(v.shadow);
	assert_ptr_equal(v.rule, &rig.rules.at[1]);
	assert_int_equal(slots.count, 3);
	v = decide(2, 600);
	assert_false(v.evaluated);
	assert_true(v.want);
}

/* Daemons that have it decide every window: some silent ones, and 10 s, mean that it is gone. */
static void a_budget_that_was_taken_away_soon_holds_nothing(void **state TOLL_UNUSED)
{
	struct toll_verdict v;

	rig_budget(&rig, "*", 500, 86400, TOLL_MODE_ENFORCE);
	build();
	for (int64_t w = 0; w < 3; w++)
		v = decide(w, 600);
	rig.budgets[0].limit = 5000 * TEST_USD; /* another rule, another state */
	build();
	v = decide(11, 600);
	assert_true(v.want);
	v = decide(12, 600);
	assert_false(v.want);
	assert_int_equal(slots.count, 2);
	v = decide(90000, 600);
	assert_true(slots.at[0].gone);
}

/* Where no budget of ours has a sum, the day's tells the time. */
static void the_day_tells_when_a_budget_of_others_holds_nothing(void **state TOLL_UNUSED)
{
	struct toll_reading readings[TOLL_WINDOWS_MAX] = { 0 };
	struct toll_verdict v;

	rig_budget(&rig, "*", 500, 86400, TOLL_MODE_ENFORCE);
	build();
	for (int64_t w = 0; w < 3; w++)
		v = decide(w, 600);
	assert_true(v.want);
	readings[0].asof_ms = TEST_NOW_MS + 11000;
	toll_rules_decide(&rig.rules, NULL, 0, readings, &slots, &v);
	assert_true(v.want);
	readings[0].asof_ms = TEST_NOW_MS + 13000;
	toll_rules_decide(&rig.rules, NULL, 0, readings, &slots, &v);
	assert_false(v.want);
}

static void switching_a_budget_off_deletes_its_state(void **state TOLL_UNUSED)
{
	struct toll_verdict v;

	rig_budget(&rig, "*", 500, 86400, TOLL_MODE_ENFORCE);
	build();
	for (int64_t w = 0; w < 3; w++)
		v = decide(w, 600);
	rig.budgets[0].mode = TOLL_MODE_OFF;
	build();
	v = decide(3, 600);
	assert_true(v.evaluated);
	assert_false(v.want);
	assert_true(slots.at[0].gone);
}

static void a_slot_of_long_ago_is_as_good_as_none(void **state TOLL_UNUSED)
{
	struct toll_verdict v = { 0 };

	build();
	decide(0, 600);
	v = decide(93600, 0); /* not faded: evaluated, so it stays */
	assert_true(v.evaluated);
	assert_false(slots.at[0].gone);
	slots.at[0].state.ema = 0;
	decide(187200, 0);
	assert_true(slots.at[0].gone);
	for (int64_t w = 187201; w < 187204; w++) {
		assert_false(v.want);
		v = decide(w, 600);
		assert_false(slots.at[0].gone);
	}
	assert_true(v.want);
	slots.at[0].gone = true;
	toll_slots_drop_gone(&slots);
	assert_int_equal(slots.count, 0);
}

static void unsettled_sums_decide_nothing(void **state TOLL_UNUSED)
{
	struct toll_reading readings[TOLL_WINDOWS_MAX] = { { 600000000000, TEST_NOW_MS, false } };
	struct toll_verdict v;
	uint16_t one = 0;

	build();
	toll_rules_decide(&rig.rules, &one, 1, readings, &slots, &v);
	assert_false(v.evaluated);
	assert_int_equal(slots.count, 0);
}

static void an_idle_service_sleeps_once_its_average_has_faded(void **state TOLL_UNUSED)
{
	int64_t w = 0;

	build();
	assert_false(decide(w++, 0).evaluated);
	assert_true(decide(w++, 600).evaluated);
	while (decide(w, 0).evaluated)
		w++;
	assert_in_range(w, 60, 80); /* 600 x 0.9^n < 0.5 */
	assert_true(slots.at[0].state.ema < 0.5);
}

static void who_is_throttled_does_not_sleep(void **state TOLL_UNUSED)
{
	build();
	for (int64_t w = 0; w < 3; w++)
		decide(w, 600);
	slots.at[0].state.ema = 1e-9; /* as after a night that nobody evaluated */
	assert_true(decide(3, 0).evaluated);
	assert_true(decide(4, 0).evaluated);
	assert_true(decide(5, 0).evaluated);
	assert_false(slots.at[0].state.on);
	assert_false(decide(6, 0).evaluated);
}

static void a_window_is_due_until_every_budget_has_decided_it(void **state TOLL_UNUSED)
{
	uint16_t both[] = { 0, 1 };

	rig_budget(&rig, "*", 500, 86400, TOLL_MODE_ENFORCE);
	rig_budget(&rig, "*", 50, 3600, TOLL_MODE_OFF);
	build();
	assert_true(toll_rules_due(&rig.rules, both, 2, &slots, TEST_NOW_MS));
	decide(0, 600);
	assert_false(toll_rules_due(&rig.rules, both, 2, &slots, TEST_NOW_MS));
	assert_true(toll_rules_due(&rig.rules, both, 2, &slots, TEST_NOW_MS + 1000));
	rig.rules.at[1].mode = TOLL_MODE_SHADOW;
	assert_true(toll_rules_due(&rig.rules, both, 2, &slots, TEST_NOW_MS));
}

static void amounts_read_like_money(void **state TOLL_UNUSED)
{
	char text[TOLL_VERDICT_TEXT];
	struct toll_verdict v;

	rig_budget(&rig, "*", 500, 86400, TOLL_MODE_ENFORCE);
	build();
	v = (struct toll_verdict){ .rule = &rig.rules.at[0], .rule_nano = 512400000000 };
	toll_verdict_amounts(&v, text);
	assert_string_equal(text, "$512.40/$500");
	rig.rules.at[0].limit_pico = TEST_USD / 2;
	toll_verdict_amounts(&v, text);
	assert_string_equal(text, "$512.40/$0.50");
}

static void slots_make_a_round_trip(void **state TOLL_UNUSED)
{
	struct toll_slot s = { .state = { 29583333, 512.40000000000003, 3, 0, true },
		               .until_ms = TEST_NOW_MS,
		               .at_ms = TEST_NOW_MS - 5,
		               .mode = TOLL_MODE_SHADOW,
		               .nano = (toll_i128)INT64_MAX * 1000000 };
	char text[TOLL_SLOT_TEXT], again[TOLL_SLOT_TEXT];
	struct toll_slot back;
	int len = toll_slot_print(&s, text);

	assert_int_equal(toll_slot_parse(toll_slice(text, (size_t)len), &back), 0);
	toll_slot_print(&back, again);
	assert_string_equal(text, again);
}

static void slots_from_outside_are_refused(void **state TOLL_UNUSED)
{
	static const char *const bad[] = {
		"",
		"enforce",
		"1 2 3 4 1 5 enforce 6",
		"1 2 3 4 1 5 off 6 7",
		"1 2 3 4 1 5 enforce 6 7 ",
		"1 2 3 4 1 5 enforce 6x 7",
		"1 2 3 4 1 -5 enforce 6 7",
		"1 2 3 4 1 5 enforce +6 7",
		"1 2 3 4 1 x enforce 6 7",
		"1 2 3 4 5 enforce 6 7",
		"1 2 3 4 1 5 enforcement 6 7",
		" 5 enforce 6 7",
		"1 2 3 4 1 5 enforce 6 -7",
		"1 2 3 4 1 5 enforce 6 7.5",
		"1 2 3 4 1 5 enforce 6 1234567890123456789012345678901",
	};
	struct toll_slot s;

	for (size_t i = 0; i < TOLL_COUNT(bad); i++)
		assert_int_equal(toll_slot_parse(toll_slice_str(bad[i]), &s), TOLL_EINVALID);
}

static void who_takes_the_place_of_a_rule_takes_up_its_state(void **state TOLL_UNUSED)
{
	struct toll_rules before;
	struct toll_verdict v;
	double ema;

	rig_budget(&rig, "*", 100, 86400, TOLL_MODE_ENFORCE);
	build();
	for (int64_t i = 0; i < 3; i++)
		v = decide(i, 200);
	assert_true(v.want);
	ema = slots.at[0].state.ema;
	toll_rules_copy(&before, &rig.rules);
	rig.budgets[0].limit = 150 * TEST_USD;
	build();
	toll_rules_succeed(&rig.rules, &before);
	assert_string_equal(rig.rules.at[0].before, before.at[0].id);
	assert_true(decide(2, 200).want); /* decided already: nothing is taken up yet */
	assert_int_equal(slots.count, 1);
	v = decide(3, 200);
	assert_true(v.want && v.rule_ema >= ema);
	toll_slots_drop_gone(&slots);
	assert_int_equal(slots.count, 1);
	assert_string_equal(slots.at[0].id, rig.rules.at[0].id);
	assert_int_equal(slots.at[0].state.over, 1);
	/* Another glob or window is another budget. */
	toll_rules_release(&before);
	toll_rules_copy(&before, &rig.rules);
	rig.budgets[0].window = 3600 * TOLL_S;
	build();
	toll_rules_succeed(&rig.rules, &before);
	assert_string_equal(rig.rules.at[0].before, "");
	toll_rules_release(&before);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(without_budgets_there_is_one_of_500_usd_a_day),
		TEST(every_service_has_the_day_and_its_budgets_windows),
		TEST(a_rule_twice_and_impossible_windows_are_refused),
		TEST(the_id_follows_the_rule_but_not_its_mode),
		TEST(any_enforcing_budget_wants_the_flag),
		TEST(a_budget_that_was_taken_away_soon_holds_nothing),
		TEST(the_day_tells_when_a_budget_of_others_holds_nothing),
		TEST(switching_a_budget_off_deletes_its_state),
		TEST(a_slot_of_long_ago_is_as_good_as_none),
		TEST(unsettled_sums_decide_nothing),
		TEST(an_idle_service_sleeps_once_its_average_has_faded),
		TEST(who_is_throttled_does_not_sleep),
		TEST(a_window_is_due_until_every_budget_has_decided_it),
		TEST(amounts_read_like_money),
		TEST(slots_make_a_round_trip),
		TEST(slots_from_outside_are_refused),
		TEST(who_takes_the_place_of_a_rule_takes_up_its_state),
	};

	return cmocka_run_group_tests_name("rules", tests, NULL, NULL);
}

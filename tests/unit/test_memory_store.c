/* SPDX-License-Identifier: Apache-2.0 */
#include "exporters/enforcer/store_memory/memory_store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "tests/support/enforcer.h"
#include "tests/unit/unit.h"

static struct enforcer_rig rig;
static struct toll_counters counters;
static struct toll_memory_store store;
static struct toll_memory_words words;
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
	rig_release(&rig);
	toll_memory_store_release(&store);
	toll_memory_words_release(&words);
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
		                            .throttle = &rig.config.throttle,
		                            .words = &words,
		                            .instance = "test",
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

/* ---- what people say ---- */

static void throttle(const char *service, int64_t usd)
{
	rig_spend(&rig, service, usd * TEST_USD, wall_ns / TOLL_MS);
}

static void three_windows(void)
{
	for (int i = 0; i < 3; i++)
		second();
}

static int ask(struct toll_request *q)
{
	bool look;
	int err;

	toll_totals_lock(&rig.totals);
	look = toll_memory_errand(&store, q, wall_ns / TOLL_MS);
	toll_totals_unlock(&rig.totals);
	err = q->err;
	(void)look;
	return err;
}

static void say(const char *service, enum toll_override what, uint64_t ttl_s)
{
	struct toll_request q = { .op = TOLL_REQUEST_OVERRIDE, .override = what, .ttl_s = ttl_s };

	snprintf(q.subject, sizeof(q.subject), "%s", service);
	snprintf(q.who, sizeof(q.who), "Ann");
	assert_int_equal(ask(&q), 0);
}

static void overrides_go_over_the_budget_until_they_end(void **state TOLL_UNUSED)
{
	rig_budget(&rig, "*", 500, 3600, TOLL_MODE_ENFORCE);
	begin();
	throttle("over", 600);
	throttle("within", 1);
	three_windows();
	assert_true(rig_service(&rig, "over")->throttled);
	say("over", TOLL_OVERRIDE_ALLOW, 5);
	say("within", TOLL_OVERRIDE_DENY, 5);
	say("stranger", TOLL_OVERRIDE_DENY, 5);
	second();
	assert_false(rig_service(&rig, "over")->throttled);
	assert_true(rig_service(&rig, "within")->throttled);
	assert_true(rig_service(&rig, "stranger")->throttled);
	for (int i = 0; i < 6; i++)
		second();
	assert_true(rig_service(&rig, "over")->throttled);
	assert_false(rig_service(&rig, "within")->throttled);
	assert_false(rig_service(&rig, "stranger")->throttled);
	say("within", TOLL_OVERRIDE_DENY, 60);
	second();
	say("within", TOLL_OVERRIDE_NONE, 0);
	second();
	assert_false(rig_service(&rig, "within")->throttled);
}

static void deny_holds_who_spends_nothing_without_a_gap(void **state TOLL_UNUSED)
{
	rig_budget(&rig, "*", 500, 3600, TOLL_MODE_ENFORCE);
	rig.config.throttle.ttl = 2 * TOLL_S;
	begin();
	toll_memory_store_tick(&store);
	wall_ns += 300 * TOLL_MS; /* between two windows */
	say("stranger", TOLL_OVERRIDE_DENY, 60);
	store.window = -1; /* followed at once */
	for (int i = 0; i < 60; i++) {
		toll_memory_store_tick(&store);
		assert_true(rig_service(&rig, "stranger")->until_ms > wall_ns / TOLL_MS);
		wall_ns += 100 * TOLL_MS;
	}
}

static void the_kill_switch_clears_all_and_gives_them_back(void **state TOLL_UNUSED)
{
	struct toll_request on = { .op = TOLL_REQUEST_KILL, .on = true, .who = "Ann", .why = "x" };
	struct toll_request off = { .op = TOLL_REQUEST_KILL };
	struct toll_request is = { .op = TOLL_REQUEST_IS_KILLED };

	rig_budget(&rig, "*", 500, 3600, TOLL_MODE_ENFORCE);
	begin();
	throttle("over", 600);
	three_windows();
	say("over", TOLL_OVERRIDE_DENY, 600);
	assert_int_equal(ask(&on), 0);
	assert_int_equal(ask(&is), 0);
	assert_true(is.on);
	assert_string_equal(is.value, "Ann: x");
	second();
	assert_false(rig_service(&rig, "over")->throttled);
	assert_true(rig_service(&rig, "over")->shadow); /* it says what it would do */
	assert_int_equal(ask(&off), 0);
	second();
	assert_true(rig_service(&rig, "over")->throttled);
	assert_false(rig_service(&rig, "over")->shadow);
	rig.config.throttle.kill = true;
	second();
	assert_false(rig_service(&rig, "over")->throttled);
	assert_int_equal(ask(&off), TOLL_EREFUSED);
}

static void the_cap_leaves_the_furthest_over_throttled(void **state TOLL_UNUSED)
{
	char name[16];
	int flags = 0;

	rig.config.throttle.max_throttled_fraction = 0.2;
	rig_budget(&rig, "*", 500, 3600, TOLL_MODE_ENFORCE);
	begin();
	for (int i = 0; i < 50; i++) {
		snprintf(name, sizeof(name), "svc-%02d", i);
		throttle(name, 600 + i);
	}
	rig_service(&rig, "svc-49")->criticality = TOLL_CRITICALITY_CRITICAL;
	three_windows();
	for (int i = 0; i < 50; i++) {
		snprintf(name, sizeof(name), "svc-%02d", i);
		flags += rig_service(&rig, name)->throttled;
		assert_int_equal(rig_service(&rig, name)->throttled, i >= 39 && i < 49);
		assert_int_equal(rig_service(&rig, name)->capped, !(i >= 39 && i < 49));
	}
	assert_int_equal(flags, 10);
	assert_int_equal(store.capped, 40);
	assert_int_equal(toll_counter_get(&counters, TOLL_COUNTER_FLAGS_CAPPED), 40);
	say("svc-45", TOLL_OVERRIDE_ALLOW, 60);
	second();
	assert_true(rig_service(&rig, "svc-38")->throttled);
	assert_false(rig_service(&rig, "svc-45")->capped);
}

static void the_copy_of_flags_follows(void **state TOLL_UNUSED)
{
	struct toll_flag_question q = {
		{ { TOLL_SLICE("service"), TOLL_SLICE("over") } }, 1, 0, 0
	};
	struct toll_flag_board board;
	struct toll_flag_answer a;

	rig_budget(&rig, "*", 500, 3600, TOLL_MODE_ENFORCE);
	begin();
	assert_int_equal(toll_flag_board_init(&board), 0);
	store.board = &board;
	rig.config.throttle.graded = true;
	toll_flags_ask(&board.source, &q, TOLL_S, &a);
	assert_true(a.allow && a.stale);
	throttle("over", 1000);
	three_windows();
	q.criticality = TOLL_CRITICALITY_HIGH;
	toll_flags_ask(&board.source, &q, TOLL_S, &a);
	assert_true(a.allow && !a.stale && a.allowed == 1); /* half of all fits, so high passes */
	assert_string_equal(a.subject, "over");
	assert_string_equal(a.window, "1h");
	assert_int_equal(a.retry_after_s, 3);
	say("over", TOLL_OVERRIDE_DENY, 60);
	second();
	toll_flags_ask(&board.source, &q, TOLL_S, &a);
	assert_true(!a.allow && a.allowed == 0 && a.reason == TOLL_FLAG_OVERRIDE);
	say("over", TOLL_OVERRIDE_ALLOW, 60);
	second();
	toll_flags_ask(&board.source, &q, TOLL_S, &a);
	assert_true(a.allow && !a.subject[0]);
	toll_flag_board_release(&board);
}

static void what_happened_is_on_record(void **state TOLL_UNUSED)
{
	struct toll_request q = { .op = TOLL_REQUEST_AUDIT, .limit = 100, .subject = "over" };
	static const enum toll_event_what expected[] = { TOLL_EVENT_SET, TOLL_EVENT_OVERRIDE,
		                                         TOLL_EVENT_RELEASE };
	struct toll_budget_event e;
	struct toll_slice line;
	uint64_t last = 0;
	size_t at = 0;

	rig_budget(&rig, "*", 500, 3600, TOLL_MODE_ENFORCE);
	begin();
	throttle("over", 600);
	throttle("other", 600);
	three_windows();
	say("over", TOLL_OVERRIDE_ALLOW, 60);
	second();
	assert_int_equal(ask(&q), 0);
	for (size_t i = 0; i < TOLL_COUNT(expected); i++) {
		assert_true(toll_answer_next(&q.lines, &at, &line));
		assert_int_equal(toll_event_parse(line, &e), 0);
		assert_int_equal(e.what, expected[i]);
		assert_true(e.change_id > last || e.what == TOLL_EVENT_OVERRIDE);
		last = e.change_id;
	}
	assert_false(toll_answer_next(&q.lines, &at, &line));
	free(q.lines.text);
}

static void records_are_bounded(void **state TOLL_UNUSED)
{
	char line[24];

	for (int i = 0; i < TOLL_MEMORY_RECORDS + 7; i++) {
		snprintf(line, sizeof(line), "%d", i);
		toll_memory_words_record(&words, toll_slice_str(line));
	}
	assert_int_equal(words.count, TOLL_MEMORY_RECORDS);
	assert_string_equal(toll_memory_words_at(&words, 0), "7");
	assert_string_equal(toll_memory_words_at(&words, TOLL_MEMORY_RECORDS - 1), line);
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
		cmocka_unit_test_setup_teardown(overrides_go_over_the_budget_until_they_end, setup,
		                                teardown),
		cmocka_unit_test_setup_teardown(deny_holds_who_spends_nothing_without_a_gap, setup,
		                                teardown),
		cmocka_unit_test_setup_teardown(the_kill_switch_clears_all_and_gives_them_back,
		                                setup, teardown),
		cmocka_unit_test_setup_teardown(the_cap_leaves_the_furthest_over_throttled, setup,
		                                teardown),
		cmocka_unit_test_setup_teardown(the_copy_of_flags_follows, setup, teardown),
		cmocka_unit_test_setup_teardown(what_happened_is_on_record, setup, teardown),
		cmocka_unit_test_setup_teardown(records_are_bounded, setup, teardown),
		cmocka_unit_test_setup_teardown(a_clock_set_back_does_not_stop_decisions, setup,
		                                teardown),
	};

	return cmocka_run_group_tests_name("memory_store", tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* What events of other daemons and people do to the copy of flags. */
#include "exporters/enforcer/store_redis/follow.h"

#include <string.h>

#include "tests/support/enforcer.h"
#include "tests/unit/unit.h"

static struct enforcer_rig rig;
static struct toll_counters counters;
static struct toll_flag_board board;
static struct toll_follower_settings set;

static int setup(void **state TOLL_UNUSED)
{
	rig_init(&rig);
	rig_budget(&rig, "*", 500, 3600, TOLL_MODE_ENFORCE);
	rig_start(&rig);
	memset(&counters, 0, sizeof(counters));
	set = (struct toll_follower_settings){
		.board = &board, .totals = &rig.totals, .counters = &counters, .instance = "me"
	};
	return toll_flag_board_init(&board);
}

static int teardown(void **state TOLL_UNUSED)
{
	toll_flag_board_release(&board);
	rig_release(&rig);
	return 0;
}

static unsigned hear(const char *text)
{
	unsigned wishes = toll_follow_message(&set, toll_slice_str(text));

	toll_flag_board_publish(&board);
	return wishes;
}

static struct toll_flag_answer ask(const char *service)
{
	struct toll_flag_question q = {
		{ { TOLL_SLICE("service"), toll_slice_str(service) } }, 1, 0, 0
	};
	struct toll_flag_answer a;

	toll_flags_ask(&board.source, &q, 0, &a);
	return a;
}

#define SET(subject, by)                                                                    \
	"{\"what\":\"set\",\"subject\":\"" subject "\",\"by\":\"" by "\",\"time_ms\":1000," \
	"\"until_ms\":61000,\"reason\":\"override\",\"window\":\"24h\",\"spent_usd\":600,"  \
	"\"limit_usd\":500,\"retry_after_s\":30,\"allowed\":0.5}"

static void a_flag_of_another_daemon_is_answered(void **state TOLL_UNUSED)
{
	struct toll_flag_answer a;

	assert_int_equal(hear(SET("payment-svc", "other")), 0);
	a = ask("payment-svc");
	assert_string_equal(a.subject, "payment-svc");
	assert_true(a.reason == TOLL_FLAG_OVERRIDE && a.retry_after_s == 30);
	assert_true(a.spent_nano == (toll_i128)600 * 1000000000);
	assert_in_range(a.until_ms, toll_clock_wall_ms() + 50000, toll_clock_wall_ms() + 60000);
	hear("{\"what\":\"release\",\"subject\":\"payment-svc\",\"by\":\"other\"}");
	assert_false(ask("payment-svc").subject[0]);
	hear(SET("payment-svc", "other"));
	hear("{\"what\":\"capped\",\"subject\":\"payment-svc\",\"by\":\"other\"}");
	assert_false(ask("payment-svc").subject[0]);
	assert_int_equal(toll_counter_get(&counters, TOLL_COUNTER_EVENTS), 4);
}

static void our_own_events_are_no_news(void **state TOLL_UNUSED)
{
	hear(SET("payment-svc", "me"));
	assert_false(ask("payment-svc").subject[0]);
	assert_int_equal(toll_counter_get(&counters, TOLL_COUNTER_EVENTS), 0);
}

static void what_people_say_is_looked_at(void **state TOLL_UNUSED)
{
	assert_int_equal(hear("{\"what\":\"override\",\"subject\":\"cart\",\"reason\":\"deny\"}"),
	                 TOLL_WISH_LOOK);
	assert_true(rig_service(&rig, "cart")->nudged);
	assert_int_equal(hear("{\"what\":\"kill\"}"), TOLL_WISH_KILL);
	assert_int_equal(hear("{\"what\":\"unkill\"}"), TOLL_WISH_KILL);
	assert_int_equal(hear("{\"what\":\"budget\",\"budget\":\"x\"}"), TOLL_WISH_BUDGETS);
}

static void what_makes_no_sense_changes_nothing(void **state TOLL_UNUSED)
{
	assert_int_equal(hear("hello"), 0);
	assert_int_equal(hear("{\"what\":\"override\"}"), 0);
	assert_int_equal(hear("{\"what\":\"set\",\"subject\":\"x\"}"), 0); /* it has no end */
	assert_int_equal(hear("{\"what\":\"set\",\"time_ms\":1,\"until_ms\":9}"), 0);
	assert_int_equal(hear("{\"what\":\"dance\",\"subject\":\"x\"}"), 0);
	assert_int_equal(toll_counter_get(&counters, TOLL_COUNTER_BAD_EVENTS), 1);
	assert_int_equal(board.count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		TEST(a_flag_of_another_daemon_is_answered),
		TEST(our_own_events_are_no_news),
		TEST(what_people_say_is_looked_at),
		TEST(what_makes_no_sense_changes_nothing),
	};

	return cmocka_run_group_tests_name("follow", tests, NULL, NULL);
}

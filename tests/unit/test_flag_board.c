/* SPDX-License-Identifier: Apache-2.0 */
#include "budget/flag_board.h"

#include <stdio.h>
#include <string.h>

#include "tests/unit/unit.h"

static struct toll_flag_board board;

static int setup(void **state TOLL_UNUSED)
{
	return toll_flag_board_init(&board);
}

static int teardown(void **state TOLL_UNUSED)
{
	toll_flag_board_release(&board);
	return 0;
}

static void put(const char *subject, bool throttled)
{
	toll_flag_board_put(&board, &(struct toll_flag){ .subject = toll_slice_str(subject),
	                                                 .throttled = throttled,
	                                                 .until_ms = UINT64_MAX });
}

static void add_name(void *ctx, const struct toll_flag *f)
{
	char *text = ctx;
	size_t len = strlen(text);

	snprintf(text + len, 200 - len, "%.*s%s ", TOLL_FMT(f->subject), f->throttled ? "" : "-");
}

/* What readers see: names in the order of keys, '-' after those that are not throttled. */
static void assert_seen(const char *expected)
{
	char text[200] = "";

	toll_flags_each(&board.source, add_name, text);
	assert_string_equal(text, expected);
}

static void readers_see_what_was_published(void **state TOLL_UNUSED)
{
	put("c", true);
	put("a", true);
	put("b", true);
	put("bb", true);
	assert_seen("");
	toll_flag_board_publish(&board);
	assert_seen("a b bb c ");
	put("b", false);
	put("unknown", false);
	toll_flag_board_publish(&board);
	assert_seen("a bb c ");
}

static void what_says_something_stays(void **state TOLL_UNUSED)
{
	struct toll_flag vital = { .subject = TOLL_SLICE("vital"),
		                   .criticality = TOLL_CRITICALITY_CRITICAL,
		                   .throttled = true };
	struct toll_flag allowed = { .subject = TOLL_SLICE("free"), .override_allow = true };

	toll_flag_board_put(&board, &vital);
	toll_flag_board_put(&board, &allowed);
	toll_flag_board_clear(&board, vital.subject);
	toll_flag_board_clear(&board, allowed.subject);
	toll_flag_board_clear(&board, TOLL_SLICE("nobody"));
	toll_flag_board_publish(&board);
	assert_seen("vital- ");
}

static void a_whole_round_takes_away_what_it_does_not_tell_of(void **state TOLL_UNUSED)
{
	put("old", true);
	put("both", true);
	toll_flag_board_begin(&board);
	put("both", true);
	put("new", true);
	toll_flag_board_end(&board);
	toll_flag_board_publish(&board);
	assert_seen("both new ");
	toll_flag_board_begin(&board);
	toll_flag_board_end(&board);
	toll_flag_board_publish(&board);
	assert_seen("");
}

static void their_number_is_bounded(void **state TOLL_UNUSED)
{
	char name[24];

	for (int i = 0; i < TOLL_FLAG_BOARD_MAX + 3; i++) {
		snprintf(name, sizeof(name), "service-%05d", i);
		put(name, true);
	}
	assert_int_equal(board.count, TOLL_FLAG_BOARD_MAX);
	assert_int_equal(board.refused, 3);
	put("service-00000", false);
	put(name, true);
	assert_int_equal(board.count, TOLL_FLAG_BOARD_MAX);
	put("", true);
	assert_int_equal(board.refused, 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		TEST(readers_see_what_was_published),
		TEST(what_says_something_stays),
		TEST(a_whole_round_takes_away_what_it_does_not_tell_of),
		TEST(their_number_is_bounded),
	};

	return cmocka_run_group_tests_name("flag_board", tests, NULL, NULL);
}

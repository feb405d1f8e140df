/* SPDX-License-Identifier: Apache-2.0 */
#include "budget/event.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "tests/unit/unit.h"

static struct toll_budget_event example(void)
{
	return (struct toll_budget_event){ .time_ms = UINT64_C(1795000000000),
		                           .change_id = UINT64_C(1795000000001),
		                           .what = TOLL_EVENT_SET,
		                           .subject = "payment-svc",
		                           .reason = "budget",
		                           .budget = "payments",
		                           .mode = "enforce",
		                           .window = "24h",
		                           .spent_nano = (toll_i128)512400000000,
		                           .limit_pico = 500 * TOLL_PICO_PER_USD,
		                           .ema_usd = 506.1,
		                           .until_ms = UINT64_C(1795003600000),
		                           .retry_after_s = 180,
		                           .by = "7f" };
}

static int parse(const char *text, struct toll_budget_event *ret)
{
	return toll_event_parse(toll_slice_str(text), ret);
}

static void an_event_is_one_line_of_json(void **state TOLL_UNUSED)
{
	struct toll_budget_event e = example();
	char text[TOLL_EVENT_TEXT];
	size_t len = toll_event_print(&e, text);

	assert_int_equal(len, strlen(text));
	assert_string_equal(
		text,
		"{\"time_ms\":1795000000000,\"change_id\":1795000000001,\"what\":\"set\","
		"\"subject\":\"payment-svc\",\"reason\":\"budget\",\"budget\":\"payments\","
		"\"mode\":\"enforce\",\"window\":\"24h\",\"spent_usd\":512.4,\"limit_usd\":500,"
		"\"ema_usd\":506.1,\"until_ms\":1795003600000,\"retry_after_s\":180,\"by\":"
		"\"7f\"}");
}

static void what_is_printed_reads_back(void **state TOLL_UNUSED)
{
	struct toll_budget_event e = example(), back;
	char text[TOLL_EVENT_TEXT], again[TOLL_EVENT_TEXT];

	for (int what = 0; what <= TOLL_EVENT_OTHER; what++) {
		e.what = (enum toll_event_what)what;
		e.change = TOLL_EVENT_RELEASE;
		e.allowed = 0.25;
		snprintf(e.who, sizeof(e.who), "Ann \"the\" \\ operator\n");
		toll_event_print(&e, text);
		assert_int_equal(parse(text, &back), 0);
		toll_event_print(&back, again);
		assert_string_equal(text, again);
		assert_int_equal(back.what, what);
		assert_string_equal(back.who, e.who);
		assert_true(back.spent_nano == e.spent_nano);
	}
}

static void the_longest_event_fits(void **state TOLL_UNUSED)
{
	struct toll_budget_event e, back;
	char text[TOLL_EVENT_TEXT];

	memset(&e, 0x01, sizeof(e)); /* every byte takes six */
	e.what = TOLL_EVENT_SUPERSEDED;
	e.change = TOLL_EVENT_SHADOW_RELEASE;
	e.time_ms = e.change_id = e.until_ms = UINT64_MAX;
	e.ema_usd = -2.2250738585072014e-308;
	e.allowed = 0.30000000000000004;
	e.spent_nano = ((toll_i128)1 << 116);
	e.limit_pico = INT64_MIN;
	e.retry_after_s = UINT32_MAX;
	assert_true(toll_event_print(&e, text) < sizeof(text));
	assert_int_equal(parse(text, &back), 0);
	assert_int_equal(strlen(back.subject), TOLL_SUBJECT_MAX);
}

static void amounts_are_those_of_the_log_line(void **state TOLL_UNUSED)
{
	struct toll_budget_event e = example();
	char text[TOLL_EVENT_AMOUNTS];

	toll_event_amounts(&e, text);
	assert_string_equal(text, "$512.40/$500");
	e.limit_pico = TOLL_PICO_PER_USD / 2;
	toll_event_amounts(&e, text);
	assert_string_equal(text, "$512.40/$0.50");
	e.window[0] = '\0';
	toll_event_amounts(&e, text);
	assert_string_equal(text, "");
}

static void what_is_no_event_is_refused(void **state TOLL_UNUSED)
{
	static const char *const bad[] = { "",
		                           "{}",
		                           "[]",
		                           "null",
		                           "\"set\"",
		                           "7",
		                           "[{\"what\":\"set\"}]",
		                           "{\"what\":\"set\"",
		                           "{\"what\":\"set\"}}",
		                           "{\"what\":7}",
		                           "{\"a\":{\"what\":\"set\"}}",
		                           "$512.40/$500" };
	struct toll_budget_event e = { .retry_after_s = 7 };

	for (size_t i = 0; i < TOLL_COUNT(bad); i++)
		assert_int_equal(parse(bad[i], &e), TOLL_EINVALID);
	assert_int_equal(e.retry_after_s, 7);
}

static void what_is_unknown_is_passed_over(void **state TOLL_UNUSED)
{
	struct toll_budget_event e;

	assert_int_equal(parse("{\"what\":\"dance\",\"more\":[{\"subject\":\"x\"}],\"by\":7,"
	                       "\"time_ms\":-5,\"retry_after_s\":99999999999,\"limit_usd\":1e999,"
	                       "\"spent_usd\":-1,\"ema_usd\":true,\"mode\":\"a very long mode\","
	                       "\"reason\":null,\"subject\":\"a\\u0000b\"}",
	                       &e),
	                 0);
	assert_int_equal(e.what, TOLL_EVENT_OTHER);
	assert_true(!e.subject[0] && !e.by[0] && !e.mode[0] && !e.reason[0]);
	assert_true(!e.time_ms && !e.retry_after_s && !e.limit_pico && !e.spent_nano);
	assert_true(e.ema_usd == 0);
}

static void bytes_that_are_no_text_stay_json(void **state TOLL_UNUSED)
{
	struct toll_budget_event e = { .what = TOLL_EVENT_RELEASE,
		                       .subject = "a\xff",
		                       .ema_usd = NAN };
	struct toll_budget_event back;
	char text[TOLL_EVENT_TEXT];

	toll_event_print(&e, text);
	assert_int_equal(parse(text, &back), 0);
	assert_string_equal(back.subject, "a\xef\xbf\xbd");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_event_is_one_line_of_json),
		cmocka_unit_test(what_is_printed_reads_back),
		cmocka_unit_test(the_longest_event_fits),
		cmocka_unit_test(amounts_are_those_of_the_log_line),
		cmocka_unit_test(what_is_no_event_is_refused),
		cmocka_unit_test(what_is_unknown_is_passed_over),
		cmocka_unit_test(bytes_that_are_no_text_stay_json),
	};

	return cmocka_run_group_tests_name("event", tests, NULL, NULL);
}

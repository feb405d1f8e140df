/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include <stdio.h>

#include "base/clock.h"
#include "tests/unit/unit.h"

static char last[16384];
static unsigned lines;

static void keep(void *ctx TOLL_UNUSED, const char *line)
{
	snprintf(last, sizeof(last), "%s", line);
	lines++;
}

static int set_up(void **state TOLL_UNUSED)
{
	toll_log_set_sink(keep, NULL);
	lines = 0;
	return 0;
}

static int tear_down(void **state TOLL_UNUSED)
{
	toll_log_set_sink(NULL, NULL);
	toll_log_set_json(false);
	toll_log_set_level(TOLL_LOG_INFO);
	toll_log_set_sampling(10 * TOLL_S, 10, 100);
	return 0;
}

static void a_line_of_text(void **state TOLL_UNUSED)
{
	TOLL_WARN("exporter/a", "it's \"%s\"", "b\nc");
	assert_non_null(strstr(last, "Z  warn   exporter/a  it's \"b?c\""));
}

static void a_line_of_json(void **state TOLL_UNUSED)
{
	toll_log_set_json(true);
	TOLL_WARN("exporter/a", "\"%s\\ \x80 \xc3\xa4 \xed\xa0\x80 \xf0\x9f\x98\x80 \xc3",
	          "b\n\x7f");
	assert_int_equal(strncmp(last, "{\"level\":\"warn\",\"ts\":\"20", 24), 0);
	assert_non_null(strstr(last, "Z\",\"component\":\"exporter/a\",\"msg\":\"\\\"b?"
	                             "?\\\\ ? "
	                             "\xc3\xa4 ??? \xf0\x9f\x98\x80 ?\"}"));
}

static void long_lines_are_cut(void **state TOLL_UNUSED)
{
	char text[5000];

	memset(text, '"', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	TOLL_WARN("a", "%s", text);
	assert_int_equal(strlen(last), 2047);
	toll_log_set_json(true);
	TOLL_WARN("a", "%s", text);
	assert_true(strlen(last) > 4000 && strlen(last) < 4300);
	assert_string_equal(last + strlen(last) - 4, "\\\"\"}");
}

static void flood(unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		TOLL_WARN("a", "same");
}

static void equal_lines_are_sampled(void **state TOLL_UNUSED)
{
	toll_log_set_sampling(UINT64_MAX, 3, 10);
	flood(23);
	assert_int_equal(lines, 5);
	assert_non_null(strstr(last, "same (held back 9 such lines)"));
	toll_log_set_sampling(UINT64_MAX, 0, 0);
	flood(5);
	assert_int_equal(lines, 5);
	toll_log_set_sampling(0, 0, 0);
	flood(5);
	assert_int_equal(lines, 10);
}

static void the_level_changes_at_any_time(void **state TOLL_UNUSED)
{
	assert_int_equal(toll_log_level(), TOLL_LOG_INFO);
	TOLL_DEBUG("a", "no");
	assert_int_equal(lines, 0);
	toll_log_set_level(TOLL_LOG_DEBUG);
	assert_string_equal(toll_log_level_name(toll_log_level()), "debug");
	TOLL_DEBUG("a", "yes");
	assert_int_equal(lines, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_line_of_text),
		TEST(a_line_of_json),
		TEST(long_lines_are_cut),
		TEST(equal_lines_are_sampled),
		TEST(the_level_changes_at_any_time),
	};

	return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/spantoll/options.h"

#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/macro.h"
#include "tests/unit/unit.h"

static const char *text;
static bool flag;
static uint64_t duration;
static int64_t number;
static struct toll_option_list list;
static int rest;

static int parse(int argc, const char **argv, const char *args)
{
	const struct toll_option options[] = {
		{ "text", "T", "a text", .text = &text },
		{ "flag", NULL, "a flag", .flag = &flag },
		{ "duration", "D", "a time", .duration = &duration },
		{ "number", "N", "a number", .number = &number },
		{ "many", "M", "several", .list = &list },
		TOLL_OPTION_END,
	};
	const struct toll_usage usage = { "test", args, "Tests.\n", NULL, options };
	int err = dup(STDERR_FILENO), out = dup(STDOUT_FILENO), rc;

	text = NULL;
	flag = false;
	duration = 0;
	number = -1;
	list.count = 0;
	fflush(stdout);
	assert_non_null(freopen("/dev/null", "w", stderr));
	assert_non_null(freopen("/dev/null", "w", stdout));
	rc = toll_options_parse(&usage, argc, (char **)(uintptr_t)argv, &rest);
	fflush(stdout);
	fflush(stderr);
	dup2(err, STDERR_FILENO);
	dup2(out, STDOUT_FILENO);
	close(err);
	close(out);
	return rc;
}

#define PARSE(args, ...)                                                    \
	parse((int)TOLL_COUNT(((const char *[]){ "test", ##__VA_ARGS__ })), \
	      (const char *[]){ "test", ##__VA_ARGS__, NULL }, (args))

static void values_are_read(void **state TOLL_UNUSED)
{
	assert_int_equal(PARSE("[FILE]", "--text", "a", "--flag", "--duration=1m30s", "--number",
	                       "7", "file"),
	                 -1);
	assert_string_equal(text, "a");
	assert_true(flag);
	assert_true(duration == 90 * TOLL_S);
	assert_true(number == 7);
	assert_int_equal(rest, 7);
	assert_int_equal(PARSE("[FILE]", "--flag=false", "--text=", "--", "--x"), -1);
	assert_false(flag);
	assert_string_equal(text, "");
	assert_int_equal(rest, 4);
	assert_int_equal(PARSE("[FILE]", "-"), -1);
	assert_int_equal(rest, 1);
	assert_int_equal(PARSE(NULL), -1);
}

static void a_list_keeps_its_order(void **state TOLL_UNUSED)
{
	assert_int_equal(PARSE(NULL, "--many", "a", "--flag", "--many=b=c"), -1);
	assert_int_equal(list.count, 2);
	assert_string_equal(list.at[0], "a");
	assert_string_equal(list.at[1], "b=c");
}

/* `spantoll budget kill on --why "..."`: flags where people put them. */
static void flags_may_follow_words(void **state TOLL_UNUSED)
{
	static const struct toll_option options[] = { { "text", "TEXT", "t", .text = &text },
		                                      { "flag", NULL, "f", .flag = &flag },
		                                      TOLL_OPTION_END };
	static const struct toll_usage usage = { "test", "A B", "About.\n", NULL, options };
	char words[][8] = { "test", "a", "--flag", "b", "--text", "x", "--", "--c" };
	char *argv[9] = { 0 };

	for (size_t i = 0; i < TOLL_COUNT(words); i++)
		argv[i] = words[i];
	assert_int_equal(toll_options_parse_mixed(&usage, 8, argv, &rest), -1);
	assert_true(flag);
	assert_string_equal(text, "x");
	assert_int_equal(rest, 5);
	assert_string_equal(argv[5], "a");
	assert_string_equal(argv[6], "b");
	assert_string_equal(argv[7], "--c");
}

static void help_is_a_success(void **state TOLL_UNUSED)
{
	assert_int_equal(PARSE(NULL, "--help"), TOLL_EXIT_OK);
	assert_int_equal(PARSE(NULL, "--flag", "-h"), TOLL_EXIT_OK);
}

static void wrong_usage_is_told(void **state TOLL_UNUSED)
{
	assert_int_equal(PARSE(NULL, "--tex", "a"), TOLL_EXIT_USAGE);
	assert_int_equal(PARSE(NULL, "-x"), TOLL_EXIT_USAGE);
	assert_int_equal(PARSE(NULL, "--text"), TOLL_EXIT_USAGE);
	assert_int_equal(PARSE(NULL, "--text", "a", "--text", "b"), TOLL_EXIT_USAGE);
	assert_int_equal(PARSE(NULL, "--flag=maybe"), TOLL_EXIT_USAGE);
	assert_int_equal(PARSE(NULL, "--number", "-1"), TOLL_EXIT_USAGE);
	assert_int_equal(PARSE(NULL, "--number", "1x"), TOLL_EXIT_USAGE);
	assert_int_equal(PARSE(NULL, "--duration", "5"), TOLL_EXIT_USAGE);
	assert_int_equal(PARSE(NULL, "file"), TOLL_EXIT_USAGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_are_read),        cmocka_unit_test(a_list_keeps_its_order),
		cmocka_unit_test(flags_may_follow_words), cmocka_unit_test(help_is_a_success),
		cmocka_unit_test(wrong_usage_is_told),
	};

	return cmocka_run_group_tests_name("options", tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "base/macro.h"
#include "tests/unit/unit.h"
#include "transform/regex.h"

static struct toll_regex *compile(const char *pattern)
{
	struct toll_regex *r = NULL;
	struct toll_error error;

	if (toll_regex_new(toll_slice_str(pattern), &r, &error) < 0)
		fail_msg("%s: %s", pattern, error.text);
	return r;
}

static void it_reads_what_go_reads(void **state TOLL_UNUSED)
{
	static const struct {
		const char *pattern, *text;
		bool match;
	} cases[] = {
		{ "^/api/v\\d+/", "/api/v2/users", true },
		{ "b", "abc", true },
		{ "^b", "abc", false },
		{ "(?i)ABC", "xabcx", true },
		{ "a.c", "a\nc", false },
		{ "(?s)a.c", "a\nc", true },
		{ "c$", "c\n", false },
		{ "^.$", "\xc3\xa9", true },
		{ "[[:alpha:]]+$", "a1b", true },
		{ "\\w+@\\w+", "ann@example", true },
		{ "\\d", "\xd9\xa3", false },
		{ "", "", true },
		{ "a",
		  "\xff\xfe"
		  "a",
		  true },
	};

	for (size_t i = 0; i < TOLL_COUNT(cases); i++) {
		struct toll_regex *r = compile(cases[i].pattern);

		if (toll_regex_match(r, toll_slice_str(cases[i].text)) != cases[i].match)
			fail_msg("%s on %s", cases[i].pattern, cases[i].text);
		toll_regex_free(r);
	}
}

static void groups_have_names(void **state TOLL_UNUSED)
{
	struct toll_regex *r = compile("(?P<one>a+)(b)?(?P<three>c*)");
	struct toll_slice groups[TOLL_REGEX_GROUPS_MAX];

	assert_int_equal(toll_regex_group_count(r), 3);
	assert_true(toll_slice_is(toll_regex_group_name(r, 0), "one"));
	assert_true(toll_slice_is(toll_regex_group_name(r, 1), ""));
	assert_true(toll_slice_is(toll_regex_group_name(r, 2), "three"));
	assert_true(toll_regex_capture(r, toll_slice_str("xaac"), groups));
	assert_true(toll_slice_is(groups[0], "aa"));
	assert_true(toll_slice_is(groups[1], ""));
	assert_true(toll_slice_is(groups[2], "c"));
	toll_regex_free(r);
}

/* A text made to be slow is given up, says so, and leaves the expression usable. */
static void work_is_bounded(void **state TOLL_UNUSED)
{
	struct toll_regex *r = compile("^(a+)+$");
	uint64_t before = toll_regex_given_up();
	char *text = malloc(TOLL_REGEX_TEXT_MAX + 1);

	memset(text, 'a', TOLL_REGEX_TEXT_MAX + 1);
	text[40] = 'b';
	assert_false(toll_regex_match(r, toll_slice(text, 41)));
	assert_int_equal(toll_regex_given_up(), before + 1);
	assert_false(toll_regex_match(r, toll_slice(text, TOLL_REGEX_TEXT_MAX + 1)));
	assert_int_equal(toll_regex_given_up(), before + 2);
	assert_true(toll_regex_match(r, toll_slice(text, 40)));
	assert_int_equal(toll_regex_given_up(), before + 2);
	toll_regex_free(r);
	free(text);
}

static void faults_are_explained(void **state TOLL_UNUSED)
{
	static char many[4 * 33 + 1], longer[TOLL_REGEX_PATTERN_MAX + 2];
	const char *bad[] = { "(", "[a", "(?P<x>a)(?P<x>b)", "\\", many, longer };

	for (size_t i = 0; i < 33; i++)
		memcpy(many + 3 * i, "(a)", 3);
	memset(longer, 'a', sizeof(longer) - 1);
	for (size_t i = 0; i < TOLL_COUNT(bad); i++) {
		struct toll_regex *r = NULL;
		struct toll_error error = { 0 };

		assert_int_equal(toll_regex_new(toll_slice_str(bad[i]), &r, &error), TOLL_ECONFIG);
		assert_true(error.text[0]);
		assert_null(r);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_reads_what_go_reads),
		cmocka_unit_test(groups_have_names),
		cmocka_unit_test(work_is_bounded),
		cmocka_unit_test(faults_are_explained),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

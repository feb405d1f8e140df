/* SPDX-License-Identifier: Apache-2.0 */
#include "config/config.h"

#include <stdio.h>

#include "tests/unit/unit.h"

static void add(struct toll_findings *f, enum toll_severity severity, unsigned line,
                const char *path, const char *text)
{
	struct toll_place at = { "f.yaml", line, 1 };

	toll_findings_add(f, severity, at, path, "%s", text);
}

static void print(const struct toll_findings *f, char *text, size_t size)
{
	FILE *out = fmemopen(text, size, "w");

	assert_non_null(out);
	toll_findings_print(f, out);
	fclose(out);
}

static void they_are_sorted_by_line(void **state TOLL_UNUSED)
{
	struct toll_findings f = { 0 };
	char text[512];

	add(&f, TOLL_FINDING_ERROR, 7, "b", "second");
	add(&f, TOLL_FINDING_WARNING, 7, "a", "third");
	add(&f, TOLL_FINDING_ERROR, 3, "", "first");
	toll_findings_sort(&f);
	print(&f, text, sizeof(text));
	assert_string_equal(text, "f.yaml:3:1: error: first\n"
	                          "f.yaml:7:1: error: b: second\n"
	                          "f.yaml:7:1: warning: a: third\n");
	assert_int_equal(f.errors, 2);
	toll_findings_release(&f);
	assert_int_equal(f.count, 0);
}

static void files_keep_their_order(void **state TOLL_UNUSED)
{
	struct toll_findings f = { 0 };
	struct toll_place z = { "z.yaml", 9, 1 }, a = { "a.yaml", 2, 1 };

	toll_findings_know_file(&f, "z.yaml");
	toll_findings_add(&f, TOLL_FINDING_INFO, a, "", "second");
	toll_findings_add(&f, TOLL_FINDING_ERROR, z, "", "first");
	toll_findings_sort(&f);
	assert_string_equal(f.at[0].text, "first");
	assert_string_equal(f.at[1].file, "a.yaml");
	toll_findings_release(&f);
}

static void control_characters_stay_off_the_terminal(void **state TOLL_UNUSED)
{
	struct toll_findings f = { 0 };
	char text[512];

	add(&f, TOLL_FINDING_ERROR, 0, "a\033[2J", "x\ny");
	print(&f, text, sizeof(text));
	assert_string_equal(text, "f.yaml: error: a?[2J: x?y\n");
	toll_findings_release(&f);
}

static void an_error_takes_the_place_of_a_warning(void **state TOLL_UNUSED)
{
	struct toll_findings f = { 0 };

	for (unsigned i = 1; i <= 150; i++)
		add(&f, TOLL_FINDING_WARNING, i, "", "w");
	add(&f, TOLL_FINDING_ERROR, 200, "", "e");
	assert_int_equal(f.count, 100);
	assert_true(f.truncated);
	assert_int_equal(f.errors, 1);
	assert_int_equal(f.at[99].severity, TOLL_FINDING_ERROR);
	toll_findings_release(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(they_are_sorted_by_line),
		cmocka_unit_test(files_keep_their_order),
		cmocka_unit_test(control_characters_stay_off_the_terminal),
		cmocka_unit_test(an_error_takes_the_place_of_a_warning),
	};

	return cmocka_run_group_tests_name("findings", tests, NULL, NULL);
}

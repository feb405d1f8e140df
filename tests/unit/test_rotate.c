/* SPDX-License-Identifier: Apache-2.0 */
#include "exporters/file/rotate.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/macro.h"
#include "tests/support/folder.h"
#include "tests/unit/unit.h"

static int set_up(void **state TOLL_UNUSED)
{
	return folder_make("spans.jsonl");
}

static int tear_down(void **state TOLL_UNUSED)
{
	return folder_remove();
}

static void write_line(struct toll_rotating_file *f, const char *text)
{
	assert_int_equal(toll_rotating_begin(f, strlen(text)), 0);
	assert_int_equal(toll_rotating_write(f, text, strlen(text)), 0);
}

static const char *content(void)
{
	static char text[256];
	FILE *f = fopen(path, "re");
	size_t n = f ? fread(text, 1, sizeof(text) - 1, f) : 0;

	if (f)
		fclose(f);
	text[n] = '\0';
	return text;
}

static void names_are_dated(const char *name)
{
	if (strcmp(name, "spans.jsonl") == 0)
		return;
	assert_int_equal(strlen(name), strlen("spans-2026-11-21T10-15-00.123.jsonl"));
	assert_true(strncmp(name, "spans-20", 8) == 0);
	assert_true(strcmp(name + strlen(name) - 6, ".jsonl") == 0);
}

static void full_file_moves_aside_and_the_oldest_goes(void **state TOLL_UNUSED)
{
	struct toll_rotating_file f = { .path = path, .max_bytes = 10, .max_backups = 2, .fd = -1 };

	assert_int_equal(toll_rotating_open(&f, false), 0);
	write_line(&f, "12345\n");
	assert_int_equal(each_name(NULL), 1);
	write_line(&f, "abcde\n");
	assert_int_equal(each_name(NULL), 2);
	assert_string_equal(content(), "abcde\n");
	for (int i = 0; i < 5; i++)
		write_line(&f, "more than ten\n");
	assert_int_equal(each_name(names_are_dated), 3);
	toll_rotating_close(&f);
}

static void other_files_are_left_alone(void **state TOLL_UNUSED)
{
	struct toll_rotating_file f = { .path = path, .max_bytes = 1, .max_backups = 1, .fd = -1 };
	static const char *const others[] = { "spans-old.jsonl", "spans-2020.jsonl",
		                              "zspans-2026-11-21T10-15-00.123.jsonl" };
	char full[512];

	for (size_t i = 0; i < TOLL_COUNT(others); i++) {
		snprintf(full, sizeof(full), "%s/%s", folder, others[i]);
		fclose(fopen(full, "we"));
	}
	for (int i = 0; i < 5; i++)
		write_line(&f, "x\n");
	assert_int_equal(each_name(NULL), TOLL_COUNT(others) + 2);
	toll_rotating_close(&f);
}

static void failed_write_leaves_nothing(void **state TOLL_UNUSED)
{
	struct toll_rotating_file f = { .path = path, .fd = -1 };

	write_line(&f, "whole\n");
	assert_int_equal(toll_rotating_begin(&f, 4), 0);
	assert_int_equal(toll_rotating_write(&f, "half", 4), 0);
	toll_rotating_undo(&f);
	assert_string_equal(content(), "whole\n");
	write_line(&f, "again\n");
	assert_string_equal(content(), "whole\nagain\n");
	toll_rotating_close(&f);
}

static void full_disk_is_an_error_not_a_crash(void **state TOLL_UNUSED)
{
	struct toll_rotating_file f = { .path = "/dev/full", .max_bytes = 1, .fd = -1 };

	assert_int_equal(toll_rotating_begin(&f, 100), 0);
	assert_int_equal(toll_rotating_write(&f, "x", 1), ENOSPC);
	toll_rotating_undo(&f);
	toll_rotating_close(&f);
}

static void restart_keeps_or_truncates(void **state TOLL_UNUSED)
{
	struct toll_rotating_file f = { .path = path, .fd = -1 };
	struct stat st;

	write_line(&f, "one\n");
	toll_rotating_close(&f);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07137, 0); /* nobody else reads, nobody executes */
	assert_int_equal(toll_rotating_open(&f, false), 0);
	write_line(&f, "two\n");
	toll_rotating_close(&f);
	assert_string_equal(content(), "one\ntwo\n");
	assert_int_equal(toll_rotating_open(&f, true), 0);
	toll_rotating_close(&f);
	assert_string_equal(content(), "");
}

static void missing_folder_is_told(void **state TOLL_UNUSED)
{
	struct toll_rotating_file f = { .path = "/nonexistent/x", .fd = -1 };

	assert_int_equal(toll_rotating_open(&f, false), ENOENT);
	assert_int_equal(toll_rotating_begin(&f, 1), ENOENT);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(full_file_moves_aside_and_the_oldest_goes),
		TEST(other_files_are_left_alone),
		TEST(failed_write_leaves_nothing),
		TEST(full_disk_is_an_error_not_a_crash),
		TEST(restart_keeps_or_truncates),
		TEST(missing_folder_is_told),
	};

	return cmocka_run_group_tests_name("rotate", tests, NULL, NULL);
}

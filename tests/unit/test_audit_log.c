/* SPDX-License-Identifier: Apache-2.0 */
#include "budget/audit_log.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "base/macro.h"
#include "tests/support/folder.h"
#include "tests/unit/unit.h"

static bool sync_fails;

/* In the place of the C library's, for this program. */
int fdatasync(int fd)
{
	if (sync_fails) {
		errno = EIO;
		return -1;
	}
	return fsync(fd);
}

static int set_up(void **state TOLL_UNUSED)
{
	sync_fails = false;
	return folder_make("audit.jsonl");
}

static int tear_down(void **state TOLL_UNUSED)
{
	return folder_remove();
}

/* ---- helpers ---- */

static struct toll_audit_log *new_log(int64_t backups)
{
	const struct toll_audit_config conf = { toll_slice_str(path), 0, backups };
	struct toll_audit_log *log;

	assert_int_equal(toll_audit_log_new(&conf, &log, NULL), 0);
	return log;
}

static int append(struct toll_audit_log *log, const char *object)
{
	return toll_audit_log_append(log, toll_slice_str(object), NULL);
}

static void write_lines(unsigned count)
{
	struct toll_audit_log *log = new_log(0);
	char object[64];

	for (unsigned i = 0; i < count; i++) {
		snprintf(object, sizeof(object), "{\"what\":\"set\",\"n\":%u}", i);
		assert_int_equal(append(log, object), 0);
	}
	toll_audit_log_free(log);
}

static struct toll_audit_report verify(void)
{
	struct toll_audit_report r;

	assert_int_equal(toll_audit_verify(path, &r, NULL), 0);
	return r;
}

static void assert_whole(uint64_t lines)
{
	struct toll_audit_report r = verify();

	if (r.broken)
		fail_msg("%s:%lu: %s", r.file, (unsigned long)r.line, r.why);
	assert_int_equal(r.lines, lines);
	assert_int_equal(r.torn_bytes, 0);
}

static size_t read_file(char *buf, size_t size)
{
	FILE *f = fopen(path, "r");
	size_t n = fread(buf, 1, size - 1, f);

	fclose(f);
	buf[n] = '\0';
	return n;
}

static void write_file(const char *bytes, size_t len)
{
	FILE *f = fopen(path, "w");

	assert_int_equal(fwrite(bytes, 1, len, f), len);
	assert_int_equal(fclose(f), 0);
}

/* ---- a log that is well ---- */

static void a_line_is_the_record_between_its_links(void **state TOLL_UNUSED)
{
	struct toll_audit_link first;
	char text[1024];

	write_lines(1);
	read_file(text, sizeof(text));
	/* printf '%064d{"seq":1,"prev":"%064d","what":"set","n":0}' 0 0 | sha256sum */
	assert_string_equal(
		text, "{\"seq\":1,\"prev\":\"0000000000000000000000000000000000000000000000000000"
		      "000000000000\",\"what\":\"set\",\"n\":0,\"hash\":\""
		      "031c89f685ca3d8503c2a1baae0f4f522cbf86e6cfcfa2c5984a3e19dc007893\"}\n");
	first = verify().last;
	assert_int_equal(first.seq, 1);
	write_lines(1);
	assert_whole(2);
	read_file(text, sizeof(text));
	assert_non_null(strstr(strchr(text, '\n'), first.hash));
}

static void nobody_else_reads_or_writes_it(void **state TOLL_UNUSED)
{
	struct toll_audit_log *log = new_log(0), *other = new_log(0);
	struct toll_error why;
	struct stat st;

	assert_int_equal(append(log, "{}"), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(toll_audit_log_open(other, &why), TOLL_EREFUSED);
	assert_non_null(strstr(why.text, "another enforcer writes to it"));
	assert_int_equal(append(other, "{}"), TOLL_EREFUSED);
	toll_audit_log_free(log);
	assert_int_equal(append(other, "{}"), 0);
	toll_audit_log_free(other);
	assert_whole(2);
}

static void only_one_json_object_is_a_record(void **state TOLL_UNUSED)
{
	struct toll_audit_log *log = new_log(0);
	static char large[TOLL_AUDIT_OBJECT_MAX + 2];
	static const char *const bad[] = { "", "{", "[]", "{}\n", "{\"a\":\"\n\"}", "x{}" };

	for (size_t i = 0; i < TOLL_COUNT(bad); i++)
		assert_int_equal(append(log, bad[i]), TOLL_EINVALID);
	memset(large, ' ', sizeof(large) - 1);
	large[0] = '{';
	large[sizeof(large) - 2] = '}';
	assert_int_equal(append(log, large), TOLL_ETOOBIG);
	large[sizeof(large) - 3] = '}';
	large[sizeof(large) - 2] = '\0';
	assert_int_equal(append(log, large), 0);
	assert_int_equal(append(log, large), 0);
	toll_audit_log_free(log);
	assert_whole(2);
	write_lines(1); /* the longest line is found again */
	assert_whole(3);
}

static void a_full_file_moves_aside_and_the_chain_goes_on(void **state TOLL_UNUSED)
{
	struct toll_audit_log *log = NULL;
	struct toll_audit_config conf = { toll_slice_str(path), 1, 3 };
	static char object[TOLL_AUDIT_OBJECT_MAX + 1];
	struct toll_audit_report r;

	memset(object, ' ', TOLL_AUDIT_OBJECT_MAX);
	object[0] = '{';
	object[TOLL_AUDIT_OBJECT_MAX - 1] = '}';
	assert_int_equal(toll_audit_log_new(&conf, &log, NULL), 0);
	for (int i = 0; i < 600; i++) { /* 5 MB: 5 files moved aside */
		assert_int_equal(append(log, object), 0);
		if (i % 97 == 0) { /* restarts in between */
			log = toll_audit_log_free(log);
			assert_int_equal(toll_audit_log_new(&conf, &log, NULL), 0);
		}
	}
	assert_int_equal(toll_audit_log_state(log)->prune_errno, 0);
	toll_audit_log_free(log);
	assert_int_equal(each_name(NULL), 3 + 2); /* with the lock */
	r = verify();
	assert_false(r.broken);
	assert_int_equal(r.files, 4);
	assert_true(r.first_seq > 1);
	assert_int_equal(r.last.seq, 600);
	assert_int_equal(r.lines, 600 - r.first_seq + 1);
	/* A crash between moving aside and the new file. */
	unlink(path);
	write_lines(1);
	r = verify();
	assert_false(r.broken);
}

/* ---- trouble ---- */

static void an_unfinished_line_is_cut_off(void **state TOLL_UNUSED)
{
	char text[1024];
	size_t len, before;

	write_lines(2);
	len = read_file(text, sizeof(text));
	before = (size_t)(strchr(text, '\n') + 1 - text);
	for (size_t cut = 0; cut < len; cut++) {
		struct toll_audit_log *log = new_log(0);

		write_file(text, cut);
		assert_int_equal(verify().torn_bytes, cut < before ? cut : cut - before);
		assert_int_equal(toll_audit_log_open(log, NULL), 0);
		assert_int_equal(toll_audit_log_state(log)->torn_bytes,
		                 cut < before ? cut : cut - before);
		assert_int_equal(append(log, "{\"after\":1}"), 0);
		toll_audit_log_free(log);
		assert_whole(cut < before ? 1 : 2);
	}
}

static void what_the_disk_had_not_taken_is_cut_off(void **state TOLL_UNUSED)
{
	char text[1024];
	size_t len;

	write_lines(2);
	len = read_file(text, sizeof(text));
	memset(text + len - 40, 0, 39);
	write_file(text, len);
	assert_int_equal(verify().lines, 1);
	assert_false(verify().broken);
	write_lines(1);
	assert_whole(2);
}

static void a_full_disk_breaks_no_line(void **state TOLL_UNUSED)
{
	struct toll_audit_log *log = new_log(0);
	struct rlimit before, small;
	struct toll_error why;
	struct stat st;

	assert_int_equal(append(log, "{\"a\":1}"), 0);
	assert_int_equal(stat(path, &st), 0);
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	small = before;
	small.rlim_cur = (rlim_t)st.st_size + 20; /* takes a part of the line */
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	assert_int_equal(toll_audit_log_append(log, TOLL_SLICE("{\"b\":1}"), &why), TOLL_EDOWN);
	assert_non_null(strstr(why.text, path));
	assert_int_equal(append(log, "{\"b\":1}"), TOLL_EDOWN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	assert_int_equal(append(log, "{\"c\":1}"), 0);
	toll_audit_log_free(log);
	assert_whole(2);
}

/* Whatever fails and whoever dies in between: what was answered with 0 is there, nothing else. */
static void failing_syncs_and_restarts_break_nothing(void **state TOLL_UNUSED)
{
	struct toll_audit_log *log = new_log(0);
	unsigned seed = 7, good = 0;
	char text[64];

	for (int i = 0; i < 300; i++) {
		sync_fails = rand_r(&seed) % 3 == 0;
		snprintf(text, sizeof(text), "{\"n\":%d}", i);
		if (append(log, text) == 0)
			good++;
		else
			assert_true(sync_fails);
		if (rand_r(&seed) % 5 == 0) {
			sync_fails = false;
			assert_int_equal(toll_audit_log_open(log, NULL), 0);
			assert_whole(good);
		}
	}
	sync_fails = false;
	assert_int_equal(append(log, "{}"), 0);
	toll_audit_log_free(log);
	assert_true(good > 100 && good < 300);
	assert_whole(good + 1);
}

static void a_file_of_somebody_else_is_left_alone(void **state TOLL_UNUSED)
{
	static const char *const theirs[] = { "hello\n", "hello", "{\"level\":\"info\"}\n", "\n" };
	char text[64];

	for (size_t i = 0; i < TOLL_COUNT(theirs); i++) {
		struct toll_audit_log *log = new_log(0);

		write_file(theirs[i], strlen(theirs[i]));
		assert_int_equal(append(log, "{}"), TOLL_EINVALID);
		toll_audit_log_free(log);
		read_file(text, sizeof(text));
		assert_string_equal(text, theirs[i]);
	}
}

static void a_file_that_was_moved_away_is_begun_anew(void **state TOLL_UNUSED)
{
	struct toll_audit_log *log = new_log(0);
	struct toll_audit_report r;
	char to[128];

	assert_int_equal(append(log, "{}"), 0);
	snprintf(to, sizeof(to), "%s/elsewhere", folder);
	assert_int_equal(rename(path, to), 0);
	assert_int_equal(append(log, "{}"), 0);
	toll_audit_log_free(log);
	r = verify();
	assert_false(r.broken);
	assert_int_equal(r.first_seq, 2);
}

/* ---- tampering ---- */

/* Broken at that line, with such a reason. */
static void assert_broken(uint64_t line, const char *why)
{
	struct toll_audit_report r = verify();

	assert_true(r.broken);
	assert_int_equal(r.line, line);
	assert_string_equal(r.file, path);
	if (!strstr(r.why, why))
		fail_msg("%s", r.why);
}

static void a_changed_byte_is_found_wherever_it_is(void **state TOLL_UNUSED)
{
	char text[1024];
	size_t len;

	write_lines(3);
	len = read_file(text, sizeof(text));
	for (size_t i = 0; i + 1 < len; i++) {
		uint64_t line = 1;

		for (size_t j = 0; j < i; j++)
			line += text[j] == '\n';
		text[i] ^= 1;
		write_file(text, len);
		assert_broken(line, "");
		text[i] ^= 1;
	}
}

static void lines_that_went_or_changed_places_are_found(void **state TOLL_UNUSED)
{
	char text[2048], other[2048];
	const char *line[5];
	int len;

	write_lines(4);
	read_file(text, sizeof(text));
	line[0] = text;
	for (int i = 1; i < 5; i++)
		line[i] = strchr(line[i - 1], '\n') + 1;
	len = snprintf(other, sizeof(other), "%.*s%s", (int)(line[1] - line[0]), line[0], line[2]);
	write_file(other, (size_t)len);
	assert_broken(2, "seq 3 stands after 1: lines are missing");
	len = snprintf(other, sizeof(other), "%.*s%.*s%s", (int)(line[2] - line[0]), line[0],
	               (int)(line[2] - line[1]), line[1], line[2]);
	write_file(other, (size_t)len);
	assert_broken(3, "seq 2 stands after 2: lines were put in or changed places");
	len = snprintf(other, sizeof(other), "%.*s{}\n%s", (int)(line[1] - line[0]), line[0],
	               line[1]);
	write_file(other, (size_t)len);
	assert_broken(2, "not a line of an audit log");
}

/* Made to look right by itself, it still does not fit the lines around it. */
static void a_forged_line_is_found(void **state TOLL_UNUSED)
{
	char text[2048], forged[TOLL_AUDIT_LINE_MAX], other[4096];
	struct toll_audit_link first, before, next;
	const char *second, *third;
	int len;

	write_lines(3);
	read_file(text, sizeof(text));
	second = strchr(text, '\n') + 1;
	third = strchr(second, '\n') + 1;
	assert_null(toll_audit_line_read(toll_slice(text, (size_t)(second - text) - 1), &before,
	                                 &first));
	len = toll_audit_line_write(&first, TOLL_SLICE("{\"forged\":1}"), forged, &next);
	assert_true(len > 0);
	len = snprintf(other, sizeof(other), "%.*s%.*s%s", (int)(second - text), text, len, forged,
	               third);
	write_file(other, (size_t)len);
	assert_broken(3, "its prev is not the hash of the line before");
}

static void a_log_whose_end_was_changed_is_not_gone_on_with(void **state TOLL_UNUSED)
{
	struct toll_audit_log *log = new_log(0);
	struct toll_error why;
	char text[1024];
	size_t len;

	write_lines(2);
	len = read_file(text, sizeof(text));
	text[len - 100] ^= 1;
	write_file(text, len);
	assert_int_equal(toll_audit_log_append(log, TOLL_SLICE("{}"), &why), TOLL_EINVALID);
	assert_non_null(strstr(why.text, "the last line: its hash does not fit"));
	toll_audit_log_free(log);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(a_line_is_the_record_between_its_links),
		TEST(nobody_else_reads_or_writes_it),
		TEST(only_one_json_object_is_a_record),
		TEST(a_full_file_moves_aside_and_the_chain_goes_on),
		TEST(an_unfinished_line_is_cut_off),
		TEST(what_the_disk_had_not_taken_is_cut_off),
		TEST(a_full_disk_breaks_no_line),
		TEST(failing_syncs_and_restarts_break_nothing),
		TEST(a_file_of_somebody_else_is_left_alone),
		TEST(a_file_that_was_moved_away_is_begun_anew),
		TEST(a_changed_byte_is_found_wherever_it_is),
		TEST(lines_that_went_or_changed_places_are_found),
		TEST(a_forged_line_is_found),
		TEST(a_log_whose_end_was_changed_is_not_gone_on_with),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* test_spool.c - journals of pipelines: one per directory, shared by those who open it. */
#include "pipeline/spool.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/log.h"
#include "pipeline/host.h"
#include "tests/unit/unit.h"

struct rig {
	struct toll_host *host;
	char directory[64];
	struct toll_storage storage;
};

static char lines[4096];

static void keep_line(void *ctx TOLL_UNUSED, const char *line)
{
	size_t len = strlen(lines);

	snprintf(lines + len, sizeof(lines) - len, "%s\n", line);
}

static int set_up(void **state)
{
	struct rig *r = calloc(1, sizeof(*r));

	lines[0] = '\0';
	toll_log_set_sink(keep_line, NULL);
	r->host = toll_host_new();
	snprintf(r->directory, sizeof(r->directory), "/tmp/spool-XXXXXX");
	if (!r->host || !mkdtemp(r->directory))
		return -1;
	r->storage = (struct toll_storage){ .directory = r->directory,
		                            .max_bytes = 1 << 20,
		                            .segment_bytes = 64 << 10,
		                            .sync_interval_ns = TOLL_MS };
	*state = r;
	return 0;
}

static int tear_down(void **state)
{
	struct rig *r = *state;
	char command[128];

	r->host = toll_host_free(r->host);
	snprintf(command, sizeof(command), "rm -rf %s", r->directory);
	assert_int_equal(system(command), 0);
	free(r);
	return 0;
}

static struct toll_spool *open_spool(struct rig *r, const char *pipeline)
{
	struct toll_spool *s = NULL;
	struct toll_error why = { 0 };

	if (toll_spool_open(r->host, &r->storage, pipeline, &s, &why) < 0)
		fail_msg("%s", why.text);
	return s;
}

struct written {
	struct toll_journal_entry entry;
	_Atomic int state; /* 1: durable; negative: why not */
};

static void on_done(struct toll_journal_entry *e, int err)
{
	struct written *w = toll_container_of(e, struct written, entry);

	w->state = err ? err : 1;
}

static void write_record(struct toll_spool *s, const char *text)
{
	struct written w = { .entry = { .parts = { toll_slice_str(text) },
		                        .part_count = 1,
		                        .items = 3,
		                        .pico = 2000000000000,
		                        .type = 1,
		                        .done = on_done } };

	assert_int_equal(toll_journal_append(s->journal, &w.entry), 0);
	EVENTUALLY(w.state);
	assert_int_equal(w.state, 1);
}

static void test_names_of_pipelines_are_names_of_directories(void **state TOLL_UNUSED)
{
	static const char *const names[][2] = {
		{ "traces", "/d/traces" },
		{ "traces/2", "/d/traces%2F2" },
		{ "traces/../x", "/d/traces%2F%2E%2E%2Fx" },
		{ "traces/ä%", "/d/traces%2F%C3%A4%25" },
	};

	for (size_t i = 0; i < TOLL_COUNT(names); i++) {
		char *path = toll_spool_path("/d", names[i][0]);

		assert_string_equal(path, names[i][1]);
		free(path);
	}
}

static void test_whoever_opens_a_directory_again_gets_the_same_journal(void **state)
{
	struct rig *r = *state;
	struct toll_spool *first = open_spool(r, "traces/a"), *again = open_spool(r, "traces/a");
	struct toll_spool *other = open_spool(r, "traces/b");

	assert_ptr_equal(first, again);
	assert_ptr_not_equal(first, other);
	write_record(again, "one");
	toll_spool_let_go(r->host, first);
	write_record(again, "two");
	assert_int_equal(toll_journal_end(again->journal).seq, 2);
	assert_int_equal(toll_journal_end(other->journal).seq, 0);
	toll_spool_let_go(r->host, again);
	toll_spool_let_go(r->host, other);
	assert_null(toll_spool_let_go(r->host, NULL));
}

static void test_what_was_closed_is_found_again(void **state)
{
	struct rig *r = *state;
	struct toll_spool *s = open_spool(r, "traces");
	struct toll_journal_cursor *c;
	char epoch[33];

	assert_int_equal(toll_journal_cursor(s->journal, "kafka", &c), 0);
	write_record(s, "one");
	snprintf(epoch, sizeof(epoch), "%s", toll_journal_epoch(s->journal));
	toll_spool_let_go(r->host, s);
	s = open_spool(r, "traces");
	assert_string_equal(toll_journal_epoch(s->journal), epoch);
	assert_int_equal(toll_journal_end(s->journal).seq, 1);
	assert_non_null(strstr(lines, epoch));
	toll_spool_let_go(r->host, s);
}

static void test_a_directory_that_another_one_has_is_refused_with_what_to_do(void **state)
{
	struct rig *r = *state;
	struct toll_spool *s = open_spool(r, "traces"), *second = NULL;
	struct toll_host *other = toll_host_new();
	struct toll_error why = { 0 };

	assert_int_equal(toll_spool_open(other, &r->storage, "traces", &second, &why),
	                 TOLL_EREFUSED);
	assert_non_null(strstr(why.text, "is in use by another process: stop the other daemon"));
	assert_non_null(strstr(why.text, s->directory));
	toll_spool_let_go(r->host, s);
	assert_int_equal(toll_spool_open(other, &r->storage, "traces", &second, &why), 0);
	toll_spool_let_go(other, second);
	toll_host_free(other);
}

static void count(void *ctx, const struct toll_spool *s)
{
	unsigned *found = ctx;

	assert_non_null(s->journal);
	++*found;
}

static void test_all_below_a_directory_are_found(void **state)
{
	struct rig *r = *state;
	struct toll_spools *all = toll_spools_get(r->host);
	struct toll_spool *a = open_spool(r, "traces/a"), *b = open_spool(r, "traces/b");
	unsigned found = 0;

	toll_spools_each(all, r->directory, count, &found);
	assert_int_equal(found, 2);
	toll_spools_each(all, "/tmp", count, &found);
	assert_int_equal(found, 2);
	toll_spool_let_go(r->host, a);
	found = 0;
	toll_spools_each(all, r->directory, count, &found);
	assert_int_equal(found, 1);
	toll_spool_let_go(r->host, b);
	toll_spools_let_go(r->host, all);
}

static bool is_kafka(void *ctx TOLL_UNUSED, const char *cursor)
{
	return strcmp(cursor, "kafka") == 0;
}

static void test_cursors_that_nobody_wants_are_forgotten_and_told(void **state)
{
	struct rig *r = *state;
	struct toll_spool *s = open_spool(r, "traces");
	struct toll_journal_cursor *c;

	assert_int_equal(toll_journal_cursor(s->journal, "kafka", &c), 0);
	assert_int_equal(toll_journal_cursor(s->journal, "file/old", &c), 0);
	assert_int_equal(toll_journal_cursor(s->journal, "done", &c), 0);
	write_record(s, "one");
	toll_journal_advance(c, toll_journal_end(s->journal));
	toll_spool_forget(s, is_kafka, NULL);
	assert_non_null(strstr(lines, "\"file/old\" any more: 3 spans worth $2.00"));
	assert_non_null(strstr(lines, "\"done\" any more: it had taken everything"));
	assert_string_equal(toll_journal_cursor_name(toll_journal_cursor_at(s->journal, 0)),
	                    "kafka");
	assert_null(toll_journal_cursor_at(s->journal, 1));
	toll_spool_let_go(r->host, s);
}

static void what_waits_when_a_journal_is_closed_is_told_with_its_path(void **state)
{
	struct rig *r = *state;
	struct toll_spool *s = open_spool(r, "traces");
	struct toll_journal_cursor *c, *repeats;

	assert_int_equal(toll_journal_cursor(s->journal, "kafka", &c), 0);
	assert_int_equal(toll_journal_cursor(s->journal, TOLL_SPOOL_REPEATS, &repeats), 0);
	write_record(s, "one");
	toll_spool_let_go(r->host, s);
	assert_non_null(strstr(lines, "closed: 3 spans worth $2.00 wait in /tmp/spool-"));
	lines[0] = '\0';
	s = open_spool(r, "traces");
	assert_int_equal(toll_journal_cursor(s->journal, "kafka", &c), 0);
	toll_journal_advance(c, toll_journal_end(s->journal));
	toll_spool_let_go(r->host, s);
	assert_null(strstr(lines, "wait in")); /* for exporters: digests are nobody's loss */
}

static void journals_that_no_pipeline_has_are_told(void **state)
{
	struct rig *r = *state;
	struct toll_spools *all = toll_spools_get(r->host);
	struct toll_spool *a = open_spool(r, "traces/a"), *b = open_spool(r, "traces/b");
	struct toll_journal_cursor *c;

	assert_int_equal(toll_journal_cursor(a->journal, "kafka", &c), 0);
	assert_int_equal(toll_journal_cursor(b->journal, "kafka", &c), 0);
	write_record(a, "one");
	write_record(b, "two");
	toll_spool_let_go(r->host, a);
	lines[0] = '\0';
	toll_spools_tell_orphans(all, r->directory);
	assert_non_null(strstr(lines, "3 spans worth $2.00 wait in /tmp/spool-"));
	assert_non_null(strstr(lines, "/traces%2Fa, and no pipeline here has that journal"));
	assert_null(strstr(lines, "traces%2Fb"));
	toll_spool_let_go(r->host, b);
	toll_spools_let_go(r->host, all);
}

/* Until the journal refuses one. */
static void fill(struct toll_spool *s)
{
	static char text[40000];
	int err = 0;

	memset(text, 'x', sizeof(text) - 1);
	for (int i = 0; i < 1000 && !err; i++) {
		struct written w = { .entry = { .parts = { toll_slice_str(text) },
			                        .part_count = 1,
			                        .done = on_done } };

		err = toll_journal_append(s->journal, &w.entry);
		if (!err)
			EVENTUALLY(w.state);
		if (!err && w.state < 0)
			err = w.state;
	}
	assert_int_equal(err, TOLL_EFULL);
}

static void a_larger_limit_holds_at_once(void **state)
{
	struct rig *r = *state;
	struct toll_spool *s = open_spool(r, "traces");
	struct toll_storage larger = r->storage;
	struct toll_journal_cursor *c;

	assert_int_equal(toll_journal_cursor(s->journal, "kafka", &c), 0);
	fill(s);
	larger.max_bytes *= 2;
	toll_spool_limit(s, &larger);
	assert_int_equal(s->max_bytes, larger.max_bytes);
	write_record(s, "more");
	assert_null(strstr(lines, "next start"));
	fill(s);
	larger.policy = TOLL_JOURNAL_DROP_OLDEST;
	larger.segment_bytes *= 2;
	toll_spool_limit(s, &larger);
	write_record(s, "still more");
	assert_non_null(strstr(lines, "segment_size and sync_interval change with the next start"));
	toll_spool_let_go(r->host, s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names_of_pipelines_are_names_of_directories),
		cmocka_unit_test_setup_teardown(
			test_whoever_opens_a_directory_again_gets_the_same_journal, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(test_what_was_closed_is_found_again, set_up,
		                                tear_down),
		cmocka_unit_test_setup_teardown(
			test_a_directory_that_another_one_has_is_refused_with_what_to_do, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(test_all_below_a_directory_are_found, set_up,
		                                tear_down),
		cmocka_unit_test_setup_teardown(
			test_cursors_that_nobody_wants_are_forgotten_and_told, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			what_waits_when_a_journal_is_closed_is_told_with_its_path, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(journals_that_no_pipeline_has_are_told, set_up,
		                                tear_down),
		cmocka_unit_test_setup_teardown(a_larger_limit_holds_at_once, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* test_journal.c - what a journal promises while nothing breaks, and what it says when it is full.
 */
#include "pipeline/journal.h"

#include <limits.h>
#include <stdatomic.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/log.h"
#include "tests/support/journal.h"
#include "tests/unit/unit.h"

enum { MANY = 60 };

static struct disk disk;
static struct sent sent[MANY];

static int setup(void **state)
{
	(void)state;
	toll_log_set_sink(no_line, NULL);
	disk_init(&disk);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	disk_destroy(&disk);
	return 0;
}

static struct toll_journal *open_journal(struct toll_journal_settings set)
{
	struct toll_error why = { 0 };
	struct toll_journal *j = NULL;

	if (toll_journal_open(&set, &j, &why) < 0)
		fail_msg("%s", why.text);
	return j;
}

static struct toll_journal *open_small(void)
{
	return open_journal(small_journal(&disk));
}

static void append(struct toll_journal *j, uint32_t id)
{
	sent_init(&sent[id], id, &disk);
	assert_int_equal(toll_journal_append(j, &sent[id].entry), 0);
}

/* Each in a group of its own. */
static void append_all(struct toll_journal *j, uint32_t from, uint32_t to)
{
	for (uint32_t id = from; id < to; id++) {
		append(j, id);
		assert_true(toll_journal_sync_once(j));
		assert_int_equal(sent[id].answers, 1);
		assert_int_equal(sent[id].err, 0);
	}
}

static struct toll_journal_cursor *cursor(struct toll_journal *j, const char *name)
{
	struct toll_journal_cursor *c = NULL;

	assert_int_equal(toll_journal_cursor(j, name, &c), 0);
	return c;
}

static struct toll_journal_reader *reader(struct toll_journal *j, struct toll_journal_mark from)
{
	struct toll_journal_reader *r = NULL;

	assert_int_equal(toll_journal_reader_new(j, from, &r), 0);
	return r;
}

/* Reads records [from, to), in order, and nothing else. */
static void expect(struct toll_journal *j, uint32_t from, uint32_t to)
{
	struct toll_journal_reader *r = reader(j, sent[from].entry.begin);
	struct toll_journal_record record;

	for (uint32_t id = from; id < to; id++) {
		assert_int_equal(toll_journal_read(r, &record), TOLL_JOURNAL_RECORD);
		assert_int_equal(sent_id(&record), id);
		assert_int_equal(record.begin.seq, id);
	}
	assert_int_equal(toll_journal_read(r, &record), TOLL_JOURNAL_END);
	toll_journal_reader_free(r);
}

static void close_journal(struct toll_journal *j)
{
	assert_int_equal(toll_journal_close(j, 0), 0);
}

static void what_was_appended_is_read_in_order_also_after_a_restart(void **state)
{
	struct toll_journal *j = open_small();
	char epoch[33];

	(void)state;
	cursor(j, "a");
	append_all(j, 0, 20);
	expect(j, 0, 20);
	expect(j, 7, 20);
	snprintf(epoch, sizeof(epoch), "%s", toll_journal_epoch(j));
	close_journal(j);
	j = open_small();
	assert_string_equal(toll_journal_epoch(j), epoch);
	assert_int_equal(toll_journal_end(j).seq, 20);
	expect(j, 0, 20);
	append_all(j, 20, 30);
	expect(j, 0, 30);
	close_journal(j);
}

static void many_records_make_one_group(void **state)
{
	struct toll_journal *j = open_small();
	struct toll_journal_stats stats;

	(void)state;
	for (uint32_t id = 1; id < 8; id++) {
		append(j, id);
		assert_int_equal(sent[id].answers, 0);
	}
	assert_true(toll_journal_sync_once(j));
	assert_false(toll_journal_sync_once(j));
	for (uint32_t id = 1; id < 8; id++)
		assert_int_equal(sent[id].answers, 1);
	toll_journal_stats(j, &stats);
	assert_int_equal(stats.groups, 1);
	assert_int_equal(stats.queued_bytes, 0);
	close_journal(j);
}

static void marks_add_up_items_and_money(void **state)
{
	struct toll_journal *j = open_small();
	struct toll_journal_mark end;
	uint64_t items = 0;
	toll_i128 pico = 0;

	(void)state;
	append_all(j, 0, 25);
	for (uint32_t id = 0; id < 25; id++) {
		items += sent[id].entry.items;
		pico += sent[id].entry.pico;
	}
	end = toll_journal_end(j);
	assert_int_equal(end.items, items);
	assert_true(end.pico == pico);
	close_journal(j);
}

static void cursors_are_kept_and_never_go_back(void **state)
{
	struct toll_journal *j = open_small();
	struct toll_journal_cursor *a = cursor(j, "a");

	(void)state;
	append_all(j, 0, 5);
	toll_journal_advance(a, sent[3].entry.end);
	toll_journal_advance(a, sent[1].entry.end);
	assert_int_equal(toll_journal_cursor_mark(a).seq, 4);
	assert_ptr_equal(cursor(j, "a"), a);
	assert_int_equal(toll_journal_cursor_mark(cursor(j, "late")).seq, 5);
	assert_int_equal(toll_journal_checkpoint(j), 0);
	close_journal(j);
	j = open_small();
	assert_false(toll_journal_cursor_claimed(toll_journal_cursor_at(j, 0)));
	assert_int_equal(toll_journal_cursor_mark(cursor(j, "a")).seq, 4);
	assert_int_equal(toll_journal_cursor_mark(cursor(j, "late")).seq, 5);
	assert_null(toll_journal_cursor_at(j, 2));
	toll_journal_forget(cursor(j, "late"));
	assert_null(toll_journal_cursor_at(j, 1));
	close_journal(j);
}

static void cursors_are_bounded(void **state)
{
	struct toll_journal *j = open_small();
	struct toll_journal_cursor *c;
	char name[TOLL_JOURNAL_NAME_MAX + 2] = "";

	(void)state;
	for (int i = 0; i < TOLL_JOURNAL_CURSORS_MAX; i++) {
		snprintf(name, sizeof(name), "c%d", i);
		cursor(j, name);
	}
	assert_int_equal(toll_journal_cursor(j, "one more", &c), TOLL_EFULL);
	memset(name, 'x', sizeof(name) - 1);
	assert_int_equal(toll_journal_cursor(j, name, &c), TOLL_ETOOBIG);
	close_journal(j);
}

static uint64_t segments(struct toll_journal *j)
{
	struct toll_journal_stats stats;

	toll_journal_stats(j, &stats);
	return stats.segments;
}

static void segments_go_behind_the_slowest_durable_cursor(void **state)
{
	struct toll_journal *j = open_small();
	struct toll_journal_cursor *fast = cursor(j, "fast"), *slow = cursor(j, "slow");
	uint64_t before;

	(void)state;
	append_all(j, 0, 40);
	before = segments(j);
	assert_true(before >= 4);
	toll_journal_advance(fast, sent[39].entry.end);
	toll_journal_keep_once(j);
	assert_int_equal(toll_journal_begin(j).seq, 0);
	toll_journal_advance(slow, sent[39].entry.end);
	assert_int_equal(toll_journal_begin(j).seq, 0); /* not durable yet */
	toll_journal_keep_once(j);
	assert_true(toll_journal_begin(j).seq > 30);
	assert_true(segments(j) < before);
	close_journal(j);
	j = open_small();
	assert_int_equal(toll_journal_end(j).seq, 40);
	close_journal(j);
}

/* For ever, in bounded space, through files that held other records before. */
static void segments_are_used_again(void **state)
{
	const struct toll_journal_settings set = small_journal(&disk);
	struct toll_journal *j = open_small();
	struct toll_journal_cursor *c = cursor(j, "c");

	(void)state;
	for (int round = 0; round < 20; round++) {
		for (uint32_t id = 0; id < MANY; id++) {
			append(j, id);
			toll_journal_sync_once(j);
			assert_int_equal(sent[id].err, 0);
		}
		toll_journal_advance(c, toll_journal_end(j));
		toll_journal_keep_once(j);
		assert_in_range(disk_used(&disk), 1, set.max_bytes + 2 * TOLL_JOURNAL_SLOT);
	}
	assert_int_equal(toll_journal_end(j).seq, 20 * MANY);
	close_journal(j);
}

static void a_full_journal_refuses_and_resumes(void **state)
{
	struct toll_journal_settings set = small_journal(&disk);
	struct toll_journal *j;
	struct toll_journal_cursor *c;
	struct toll_journal_stats stats;
	uint32_t id = 0;

	(void)state;
	set.max_bytes = 96 << 10;
	j = open_journal(set);
	c = cursor(j, "c");
	do {
		append(j, id);
		toll_journal_sync_once(j);
		assert_int_equal(sent[id].answers, 1);
	} while (sent[id++].err == 0);
	assert_int_equal(sent[id - 1].err, TOLL_EFULL);
	sent_init(&sent[id], id, &disk);
	assert_int_equal(toll_journal_append(j, &sent[id].entry), TOLL_EFULL);
	toll_journal_stats(j, &stats);
	assert_true(stats.full);
	assert_int_equal(stats.refused_full, 1);
	assert_in_range(stats.bytes, 1, 96 << 10);
	assert_int_equal(stats.end.seq, id - 1);
	expect(j, 0, id - 1);
	toll_journal_advance(c, stats.end);
	toll_journal_keep_once(j);
	append(j, id);
	assert_true(toll_journal_sync_once(j));
	assert_int_equal(sent[id].err, 0);
	close_journal(j);
}

static uint64_t later_ns;

static uint64_t later(void)
{
	return later_ns;
}

/* After a crash it would stand where it stood: what is behind it is still needed. */
static void a_cursor_frees_nothing_before_it_is_durable(void **state)
{
	struct toll_journal_settings set = small_journal(&disk);
	struct toll_journal_cursor *c;
	struct toll_journal *j;
	uint32_t id = 0;

	(void)state;
	later_ns = TOLL_S;
	toll_clock_replace(later, NULL);
	set.max_bytes = 64 << 10;
	j = open_journal(set);
	c = cursor(j, "c");
	do {
		append(j, id);
		toll_journal_sync_once(j);
	} while (sent[id++].err == 0);
	toll_journal_advance(c, toll_journal_end(j));
	later_ns += 10 * TOLL_S;
	append(j, id);
	toll_journal_sync_once(j);
	assert_int_equal(sent[id].err, TOLL_EFULL);
	assert_int_equal(toll_journal_begin(j).seq, 0);
	assert_int_equal(toll_journal_checkpoint(j), 0);
	later_ns += 10 * TOLL_S;
	append(j, id);
	toll_journal_sync_once(j); /* makes room by itself */
	assert_int_equal(sent[id].err, 0);
	close_journal(j);
	toll_clock_replace(NULL, NULL);
}

/* A crash would bring it back, and what it held must still be there. */
static void a_forgotten_cursor_holds_until_that_is_durable(void **state)
{
	struct toll_journal *j = open_small();
	struct toll_journal_cursor *kept = cursor(j, "kept"), *gone = cursor(j, "gone");

	(void)state;
	append_all(j, 0, 30);
	toll_journal_advance(kept, sent[29].entry.end);
	assert_int_equal(toll_journal_checkpoint(j), 0);
	toll_journal_forget(gone);
	assert_null(toll_journal_cursor_at(j, 1));
	assert_false(toll_journal_remove_passed(j));
	assert_int_equal(toll_journal_begin(j).seq, 0);
	toll_journal_keep_once(j);
	assert_true(toll_journal_begin(j).seq > 20);
	gone = cursor(j, "gone");
	assert_int_equal(toll_journal_cursor_mark(gone).seq, 30);
	toll_journal_forget(gone);
	assert_ptr_equal(cursor(j, "gone"), gone); /* before anybody noticed */
	assert_int_equal(toll_journal_cursor_mark(gone).seq, 30);
	close_journal(j);
	j = open_small();
	assert_int_equal(toll_journal_cursor_mark(cursor(j, "gone")).seq, 30);
	close_journal(j);
}

static void dropping_the_oldest_counts_exactly(void **state)
{
	struct toll_journal_settings set = small_journal(&disk);
	struct toll_journal *j;
	struct toll_journal_cursor *behind, *ahead;
	struct toll_journal_record record;
	struct toll_journal_reader *r;
	struct toll_journal_mark lost, done;
	struct toll_journal_stats stats;

	(void)state;
	set.policy = TOLL_JOURNAL_DROP_OLDEST;
	set.max_bytes = 48 << 10;
	j = open_journal(set);
	behind = cursor(j, "behind");
	ahead = cursor(j, "ahead");
	append_all(j, 0, 4);
	done = sent[2].entry.end;
	toll_journal_advance(behind, done);
	toll_journal_advance(ahead, sent[3].entry.end);
	r = reader(j, done);
	append_all(j, 4, MANY);
	lost = toll_journal_cursor_dropped(behind);
	assert_true(lost.seq > 0);
	assert_int_equal(toll_journal_cursor_mark(behind).seq, 3 + lost.seq);
	assert_int_equal(toll_journal_cursor_mark(behind).items, done.items + lost.items);
	assert_true(toll_journal_cursor_mark(behind).pico == done.pico + lost.pico);
	assert_int_equal(toll_journal_begin(j).seq, 3 + lost.seq);
	assert_int_equal(toll_journal_cursor_dropped(ahead).seq, lost.seq - 1);
	toll_journal_stats(j, &stats);
	assert_int_equal(stats.dropped.seq, lost.seq);
	assert_int_equal(stats.dropped.items, lost.items);
	assert_true(stats.dropped.pico == lost.pico);
	/* Whoever was reading there hears of it, and goes on behind it. */
	assert_int_equal(toll_journal_read(r, &record), TOLL_JOURNAL_GAP);
	assert_int_equal(record.begin.seq, 3);
	assert_int_equal(record.end.seq, 3 + lost.seq);
	assert_int_equal(record.end.items - record.begin.items, lost.items);
	assert_int_equal(toll_journal_read(r, &record), TOLL_JOURNAL_RECORD);
	assert_int_equal(record.begin.seq, 3 + lost.seq);
	toll_journal_reader_free(r);
	close_journal(j);
}

static void what_is_too_large_or_too_much_is_refused_at_once(void **state)
{
	struct toll_journal_settings set = small_journal(&disk);
	static const char large[16 << 10];
	struct toll_journal_entry e = { .parts = { toll_slice(large, sizeof(large)) },
		                        .part_count = 1 };
	struct toll_journal *j;

	(void)state;
	set.queue_bytes = 100;
	j = open_journal(set);
	assert_int_equal(toll_journal_append(j, &e), TOLL_ETOOBIG);
	append(j, 11); /* alone more than the queue */
	sent_init(&sent[1], 1, &disk);
	assert_int_equal(toll_journal_append(j, &sent[1].entry), TOLL_EFULL);
	toll_journal_sync_once(j);
	append(j, 1);
	close_journal(j);
	assert_int_equal(sent[1].answers, 1);
	assert_int_equal(sent[1].err, 0);
}

static void bad_settings_have_a_sentence(void **state)
{
	struct toll_journal_settings set = small_journal(&disk);
	struct toll_error why = { 0 };
	struct toll_journal *j;

	(void)state;
	set.segment_bytes = 5000;
	assert_int_equal(toll_journal_open(&set, &j, &why), TOLL_ECONFIG);
	set = small_journal(&disk);
	set.max_bytes = set.segment_bytes;
	assert_int_equal(toll_journal_open(&set, &j, &why), TOLL_ECONFIG);
	assert_non_null(strstr(why.text, "two segments"));
}

static void a_reader_follows_the_writer(void **state)
{
	struct toll_journal *j = open_small();
	struct toll_journal_reader *r = reader(j, toll_journal_begin(j));
	struct toll_journal_record record;

	(void)state;
	assert_int_equal(toll_journal_read(r, &record), TOLL_JOURNAL_END);
	for (uint32_t id = 0; id < 30; id++) {
		append_all(j, id, id + 1);
		assert_int_equal(toll_journal_read(r, &record), TOLL_JOURNAL_RECORD);
		assert_int_equal(sent_id(&record), id);
		assert_int_equal(toll_journal_read(r, &record), TOLL_JOURNAL_END);
	}
	toll_journal_reader_free(r);
	close_journal(j);
}

/* A sync that failed is not tried again: its records are nowhere, the next ones in a new file. */
static void a_failed_sync_ends_the_segment(void **state)
{
	struct toll_journal *j = open_small();
	struct toll_journal_stats stats;

	(void)state;
	append_all(j, 0, 2);
	append(j, 4);
	append(j, 5);
	disk.fail_from = disk.fail_to = disk.calls + 2; /* write, sync */
	disk.fail_with = EIO;
	toll_journal_sync_once(j);
	assert_int_equal(sent[4].err, TOLL_EDOWN);
	assert_int_equal(sent[5].err, TOLL_EDOWN);
	assert_int_equal(sent[4].answers, 1);
	toll_journal_stats(j, &stats);
	assert_int_equal(stats.segments, 1);
	assert_int_equal(stats.failed_records, 2);
	assert_false(stats.down);
	append_all(j, 2, 5);
	assert_int_equal(segments(j), 2);
	expect(j, 0, 5);
	close_journal(j);
	j = open_small();
	expect(j, 0, 5);
	close_journal(j);
}

static void a_disk_that_stays_away_refuses_until_it_is_back(void **state)
{
	struct toll_journal *j = open_small();
	struct toll_journal_stats stats;

	(void)state;
	append(j, 1);
	append(j, 2);
	disk.fail_from = disk.calls + 1;
	disk.fail_to = LONG_MAX;
	disk.fail_with = EIO;
	toll_journal_sync_once(j);
	assert_int_equal(sent[2].err, TOLL_EDOWN);
	sent_init(&sent[3], 3, &disk);
	assert_int_equal(toll_journal_append(j, &sent[3].entry), TOLL_EDOWN);
	toll_journal_stats(j, &stats);
	assert_true(stats.down);
	assert_int_equal(stats.refused_down, 1);
	disk.fail_to = 0;
	EVENTUALLY(toll_journal_append(j, &sent[3].entry) == 0);
	toll_journal_sync_once(j);
	assert_int_equal(sent[3].err, 0);
	close_journal(j);
}

/* The disk has room for one segment. It is used again when all are past it. */
static void no_space_left_refuses_as_full_and_resumes(void **state)
{
	struct toll_journal_cursor *c;
	struct toll_journal *j;
	uint64_t end;
	uint32_t id = 0;

	(void)state;
	later_ns = TOLL_S;
	toll_clock_replace(later, NULL);
	disk.full_at = 56 << 10;
	j = open_small();
	c = cursor(j, "c");
	do {
		append(j, id);
		toll_journal_sync_once(j);
	} while (sent[id++].err == 0);
	assert_int_equal(sent[id - 1].err, TOLL_EFULL);
	sent_init(&sent[id], id, &disk);
	assert_int_equal(toll_journal_append(j, &sent[id].entry), TOLL_EFULL);
	end = toll_journal_end(j).seq;
	assert_true(end > 0);
	toll_journal_advance(c, toll_journal_end(j));
	assert_int_equal(toll_journal_checkpoint(j), 0);
	later_ns += 10 * TOLL_S;
	append(j, id);
	toll_journal_sync_once(j);
	assert_int_equal(sent[id].err, 0);
	assert_int_equal(sent[id].entry.begin.seq, end);
	close_journal(j);
	for (size_t slot = 0; slot < 2; slot++) {
		const struct disk_name *name = disk_find(&disk, "checkpoint");
		unsigned char *at;

		assert_non_null(name);
		if (!name)
			abort(); /* so that compilers see it, too */
		at = disk.files[name->file].bytes + slot * TOLL_JOURNAL_SLOT + 100;
		*at ^= 1;
		j = open_small();
		assert_int_equal(toll_journal_end(j).seq, end + 1);
		close_journal(j);
	}
	toll_clock_replace(NULL, NULL);
}

/* ---- with threads, on a real disk ---- */

enum { WRITERS = 4, EACH = 200 };

struct writer {
	struct toll_journal *journal;
	uint32_t first;
};

static struct sent live[WRITERS * EACH];
static _Atomic int waiting;

static void live_done(struct toll_journal_entry *e, int err)
{
	sent_done(e, err);
	atomic_fetch_sub(&waiting, 1);
}

static void *write_some(void *ctx)
{
	const struct writer *w = ctx;

	for (uint32_t i = 0; i < EACH; i++) {
		struct sent *s = &live[w->first + i];

		sent_init(s, w->first + i, NULL);
		s->entry.done = live_done;
		atomic_fetch_add(&waiting, 1);
		if (toll_journal_append(w->journal, &s->entry) < 0)
			abort();
	}
	return NULL;
}

static _Atomic int heard;

static void hear(struct toll_journal_listener *l)
{
	(void)l;
	atomic_fetch_add(&heard, 1);
}

static void remove_directory(const char *path)
{
	char command[256];

	snprintf(command, sizeof(command), "rm -rf '%s'", path);
	assert_int_equal(system(command), 0);
}

static void threads_append_and_read_on_a_real_disk(void **state)
{
	char path[] = "/tmp/toll-journal-XXXXXX";
	struct toll_journal_settings set = TOLL_JOURNAL_DEFAULTS(path, "journal/test");
	struct toll_journal_listener listener = { .durable = hear };
	struct toll_journal *j, *second;
	struct toll_journal_cursor *c;
	struct toll_journal_record record;
	struct toll_journal_reader *r;
	struct writer writers[WRITERS];
	pthread_t threads[WRITERS];
	static bool seen[WRITERS * EACH];
	uint32_t count = 0;
	struct toll_error why = { 0 };
	struct stat st;
	char name[64];

	(void)state;
	assert_non_null(mkdtemp(path));
	set.segment_bytes = 64 << 10;
	set.checkpoint_interval_ns = 5 * TOLL_MS;
	j = open_journal(set);
	assert_int_equal(toll_journal_open(&set, &second, &why), TOLL_EREFUSED);
	assert_non_null(strstr(why.text, "in use"));
	c = cursor(j, "c");
	toll_journal_listen(j, &listener);
	r = reader(j, toll_journal_begin(j));
	for (uint32_t i = 0; i < WRITERS; i++) {
		writers[i] = (struct writer){ .journal = j, .first = i * EACH };
		assert_int_equal(pthread_create(&threads[i], NULL, write_some, &writers[i]), 0);
	}
	while (count < WRITERS * EACH) {
		int got = toll_journal_read(r, &record), id;

		assert_in_range(got, TOLL_JOURNAL_END, TOLL_JOURNAL_RECORD);
		if (got == TOLL_JOURNAL_END) {
			usleep(100);
			continue;
		}
		id = (int)sent_id(&record);
		assert_in_range(id, 0, WRITERS * EACH - 1);
		assert_false(seen[id]);
		seen[id] = true;
		assert_int_equal(record.begin.seq, count++);
		toll_journal_advance(c, record.end);
	}
	for (uint32_t i = 0; i < WRITERS; i++)
		pthread_join(threads[i], NULL);
	EVENTUALLY(atomic_load(&waiting) == 0);
	EVENTUALLY(toll_journal_begin(j).seq > WRITERS * EACH / 2);
	assert_true(heard > 0);
	toll_journal_unlisten(j, &listener);
	toll_journal_reader_free(r);
	snprintf(name, sizeof(name), "%s/checkpoint", path);
	assert_int_equal(stat(name, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	close_journal(j);
	j = open_journal(set);
	assert_int_equal(toll_journal_end(j).seq, WRITERS * EACH);
	assert_int_equal(toll_journal_cursor_mark(cursor(j, "c")).seq, WRITERS * EACH);
	close_journal(j);
	remove_directory(path);
}

static void a_directory_that_cannot_be_made_has_a_sentence(void **state)
{
	struct toll_journal_settings set = TOLL_JOURNAL_DEFAULTS("/nowhere/at/all", "journal/test");
	struct toll_error why = { 0 };
	struct toll_journal *j;

	(void)state;
	assert_int_equal(toll_journal_open(&set, &j, &why), TOLL_EDOWN);
	assert_non_null(strstr(why.text, "/nowhere/at/all"));
}

#define ON_DISK(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_DISK(what_was_appended_is_read_in_order_also_after_a_restart),
		ON_DISK(many_records_make_one_group),
		ON_DISK(marks_add_up_items_and_money),
		ON_DISK(cursors_are_kept_and_never_go_back),
		ON_DISK(cursors_are_bounded),
		ON_DISK(segments_go_behind_the_slowest_durable_cursor),
		ON_DISK(segments_are_used_again),
		ON_DISK(a_full_journal_refuses_and_resumes),
		ON_DISK(a_cursor_frees_nothing_before_it_is_durable),
		ON_DISK(a_forgotten_cursor_holds_until_that_is_durable),
		ON_DISK(dropping_the_oldest_counts_exactly),
		ON_DISK(what_is_too_large_or_too_much_is_refused_at_once),
		ON_DISK(bad_settings_have_a_sentence),
		ON_DISK(a_reader_follows_the_writer),
		ON_DISK(a_failed_sync_ends_the_segment),
		ON_DISK(a_disk_that_stays_away_refuses_until_it_is_back),
		ON_DISK(no_space_left_refuses_as_full_and_resumes),
		ON_DISK(threads_append_and_read_on_a_real_disk),
		ON_DISK(a_directory_that_cannot_be_made_has_a_sentence),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

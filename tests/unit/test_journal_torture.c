/* SPDX-License-Identifier: Apache-2.0 */
/* test_journal_torture.c - the Nth call of the disk or the allocator fails, once or from then on,
 * for N = 1, 2, ...: every append is answered once, nothing leaks, what was answered with 0 is
 * found by the next start, and when the disk is back the journal goes on. Then with threads.
 *
 * That nothing leaks is asserted by the disk when a journal lets go of it. */
#include <limits.h>
#include <stdatomic.h>

#include "base/clock.h"
#include "base/log.h"
#include "tests/support/journal.h"
#include "tests/unit/unit.h"

enum { RECORDS = 40 };

static struct disk disk;
static struct sent sent[RECORDS];
static uint32_t sent_count;
static uint64_t done_seq; /* as far as the cursor has ever come */
static uint64_t now_ns = TOLL_S;

static uint64_t clock_of_mine(void)
{
	return now_ns;
}

static void expect_answers(void)
{
	for (uint32_t i = 0; i < sent_count; i++)
		assert_int_equal(sent[i].answers, 1);
}

/* Two at a time. Those that are refused at once are not sent. */
static void append_some(struct toll_journal *j)
{
	for (int i = 0; i < 2 && sent_count < RECORDS; i++) {
		sent_init(&sent[sent_count], sent_count, NULL);
		if (toll_journal_append(j, &sent[sent_count].entry) == 0)
			sent_count++;
	}
	while (toll_journal_sync_once(j))
		continue;
	expect_answers();
}

static void read_some(struct toll_journal *j, struct toll_journal_cursor *c)
{
	struct toll_journal_reader *r;
	struct toll_journal_record record;
	int got;

	if (toll_journal_reader_new(j, toll_journal_cursor_mark(c), &r) < 0)
		return;
	for (int i = 0; i < 6; i++) {
		got = toll_journal_read(r, &record);
		if (got != TOLL_JOURNAL_RECORD)
			continue; /* an error: the same again */
		assert_true(sent_id(&record) >= 0);
		toll_journal_advance(c, record.end);
		done_seq = record.end.seq;
	}
	toll_journal_reader_free(r);
}

static void live(void)
{
	struct toll_journal_settings set = small_journal(&disk);
	struct toll_journal_cursor *c = NULL;
	struct toll_error why = { 0 };
	struct toll_journal *j;

	set.max_bytes = 128 << 10;
	if (toll_journal_open(&set, &j, &why) < 0) {
		assert_true(why.text[0] != '\0');
		return;
	}
	if (toll_journal_cursor(j, "c", &c) < 0)
		c = NULL;
	for (int i = 0; i < RECORDS / 4; i++) {
		append_some(j);
		if (c && i % 2)
			read_some(j, c);
		if (i % 3 == 0)
			toll_journal_keep_once(j);
		now_ns += 4 * TOLL_S; /* no refusal lasts so long */
	}
	assert_int_equal(toll_journal_close(j, 0), 0);
	expect_answers();
}

/* With the disk back: what was acknowledged and not done is there, and more can be appended. */
static void check(void)
{
	struct toll_journal_settings set = small_journal(&disk);
	struct toll_journal_mark begin;
	struct toll_journal_record record;
	struct toll_journal_reader *r;
	struct toll_error why = { 0 };
	bool found[RECORDS] = { false };
	static struct sent more;
	struct toll_journal *j;
	int64_t id;
	int got;

	if (toll_journal_open(&set, &j, &why) < 0)
		fail_msg("%s", why.text);
	begin = toll_journal_begin(j);
	assert_in_range(begin.seq, 0, done_seq);
	assert_int_equal(toll_journal_reader_new(j, begin, &r), 0);
	while ((got = toll_journal_read(r, &record)) == TOLL_JOURNAL_RECORD) {
		id = sent_id(&record);
		assert_in_range(id, 0, sent_count - 1);
		assert_false(found[id]);
		found[id] = true;
	}
	assert_int_equal(got, TOLL_JOURNAL_END);
	toll_journal_reader_free(r);
	for (uint32_t i = 0; i < sent_count; i++)
		if (sent[i].err == 0 && sent[i].entry.begin.seq >= begin.seq)
			assert_true(found[i]);
	sent_init(&more, 3, NULL);
	assert_int_equal(toll_journal_append(j, &more.entry), 0);
	assert_true(toll_journal_sync_once(j));
	assert_int_equal(more.err, 0);
	assert_int_equal(toll_journal_close(j, 0), 0);
}

/* True: no call has failed, there are not that many. */
static bool torture(long from, long to, int with)
{
	bool over;

	disk_init(&disk);
	sent_count = 0;
	done_seq = 0;
	disk.fail_from = from;
	disk.fail_to = to;
	disk.fail_with = with;
	live();
	over = !disk.failed;
	disk.fail_from = LONG_MAX;
	check();
	disk_destroy(&disk);
	return over;
}

static void one_call_fails(void **state)
{
	long n = 1;

	(void)state;
	while (!torture(n, n, EIO))
		n++;
	assert_true(n > 100);
	for (n = 1; !torture(n, n, ENOSPC);)
		n++;
	for (n = 1; !torture(n, n, ENOMEM);)
		n++;
}

static void three_calls_fail(void **state)
{
	(void)state;
	for (long n = 1; !torture(n, n + 2, EIO);)
		n++;
}

static void all_calls_fail_from_then_on(void **state)
{
	(void)state;
	for (long n = 1; !torture(n, LONG_MAX - 1, EROFS);)
		n++;
}

/* ---- with threads ---- */

enum { WRITERS = 3, EACH = 300 };

static struct sent many[WRITERS * EACH];
static _Atomic uint32_t accepted, answered;

static void count_answer(struct toll_journal_entry *e, int err)
{
	sent_done(e, err);
	atomic_fetch_add(&answered, 1);
}

struct worker {
	struct toll_journal *journal;
	uint32_t first;
};

static void *append_many(void *ctx)
{
	const struct worker *w = ctx;

	for (uint32_t i = 0; i < EACH; i++) {
		struct sent *s = &many[w->first + i];

		sent_init(s, w->first + i, NULL);
		s->entry.done = count_answer;
		if (toll_journal_append(w->journal, &s->entry) == 0)
			atomic_fetch_add(&accepted, 1);
		if (i % 16 == 0)
			usleep(300);
	}
	return NULL;
}

/* What is read is in order, nobody's invention, and with a cursor that comes and goes. */
static void *read_many(void *ctx)
{
	const struct worker *w = ctx;
	struct toll_journal_cursor *c = NULL;
	struct toll_journal_reader *r = NULL;
	struct toll_journal_record record;
	uint64_t at = 0;

	while (toll_journal_reader_new(w->journal, (struct toll_journal_mark){ 0 }, &r) < 0)
		continue;
	for (int i = 0; i < 3000; i++) {
		int got = toll_journal_read(r, &record);

		if (i % 100 == 50 && c)
			toll_journal_forget(c);
		if (i % 100 == 50 || (i % 100 == 0 && toll_journal_cursor(w->journal, "c", &c) < 0))
			c = NULL;
		if (got <= TOLL_JOURNAL_END) {
			usleep(20);
			continue;
		}
		if (record.begin.seq != at || (got == TOLL_JOURNAL_RECORD && sent_id(&record) < 0))
			abort();
		at = record.end.seq;
		if (c)
			toll_journal_advance(c, record.end);
	}
	toll_journal_reader_free(r);
	return NULL;
}

static void threads_meet_a_disk_that_fails_now_and_then(void **state)
{
	struct toll_journal_settings set = small_journal(&disk);
	struct worker workers[WRITERS + 1];
	pthread_t threads[WRITERS + 1];
	struct toll_journal *j;

	(void)state;
	toll_clock_replace(NULL, NULL);
	disk_init(&disk);
	set.by_hand = false;
	set.max_bytes = 96 << 10;
	set.policy = TOLL_JOURNAL_DROP_OLDEST;
	set.sync_interval_ns = 50 * TOLL_US;
	set.checkpoint_interval_ns = 200 * TOLL_US;
	assert_int_equal(toll_journal_open(&set, &j, NULL), 0);
	disk.fail_every = 61;
	disk.fail_with = EIO;
	for (uint32_t i = 0; i <= WRITERS; i++) {
		workers[i] = (struct worker){ j, i * EACH };
		assert_int_equal(pthread_create(&threads[i], NULL,
		                                i < WRITERS ? append_many : read_many, &workers[i]),
		                 0);
	}
	for (uint32_t i = 0; i <= WRITERS; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(toll_journal_close(j, 0), 0);
	assert_true(accepted > 0);
	assert_int_equal(answered, accepted);
	disk_destroy(&disk);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_call_fails),
		cmocka_unit_test(three_calls_fail),
		cmocka_unit_test(all_calls_fail_from_then_on),
		cmocka_unit_test(threads_meet_a_disk_that_fails_now_and_then),
	};

	toll_log_set_sink(no_line, NULL);
	toll_clock_replace(clock_of_mine, NULL);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* test_lane.c - a runner that follows a journal: every record, in order, once in a life. */
#include "pipeline/lane.h"

#include <stdio.h>

#include "base/log.h"
#include "tests/support/fake_batch.h"
#include "tests/support/lane.h"
#include "tests/unit/unit.h"

static char log_text[65536];
static pthread_mutex_t log_lock = PTHREAD_MUTEX_INITIALIZER;

static void keep_log(void *ctx TOLL_UNUSED, const char *line)
{
	size_t len;

	pthread_mutex_lock(&log_lock);
	len = strlen(log_text);
	snprintf(log_text + len, sizeof(log_text) - len, "%s\n", line);
	pthread_mutex_unlock(&log_lock);
}

static bool is_logged(const char *text)
{
	bool found;

	pthread_mutex_lock(&log_lock);
	found = strstr(log_text, text) != NULL;
	pthread_mutex_unlock(&log_lock);
	return found;
}

struct rig {
	struct lane_rig log;
	struct fake_exporter *exporter;
	struct toll_runner *runner;
	struct fake_waiter waiter;
	unsigned lane;
};

static int set_up(void **state)
{
	struct rig *g = calloc(1, sizeof(*g));

	disk_init(&g->log.disk);
	lane_open(&g->log, small_journal(&g->log.disk));
	g->exporter = fake_exporter_new();
	g->waiter.super.done = fake_waiter_done;
	log_text[0] = '\0';
	toll_log_set_sink(keep_log, NULL);
	*state = g;
	return 0;
}

static void end_runner(struct rig *g)
{
	if (!g->runner)
		return;
	toll_runner_drain(g->runner, 0);
	g->runner = toll_runner_free(g->runner);
	g->log.target_count = 0;
}

static void close_journal(struct rig *g)
{
	assert_int_equal(toll_journal_close(g->log.journal, 0), 0);
	g->log.journal = NULL;
}

static int tear_down(void **state)
{
	struct rig *g = *state;

	end_runner(g);
	if (g->log.journal)
		close_journal(g);
	fake_exporter_free(g->exporter);
	disk_destroy(&g->log.disk);
	toll_log_set_sink(NULL, NULL);
	free(g);
	return 0;
}

static void make(struct rig *g)
{
	g->runner = toll_runner_new(&g->exporter->super, &g->exporter->set);
	assert_non_null(g->runner);
	g->lane = lane_follow(&g->log, g->runner);
}

static void start(struct rig *g)
{
	make(g);
	assert_int_equal(toll_runner_start(g->runner), 0);
}

/* Each of three spans; the first of the i-th record is 10 * i. Durable when this returns. */
static void append(struct rig *g, unsigned records, struct toll_waiter *w)
{
	for (unsigned i = 0; i < records; i++) {
		assert_int_equal(lane_append(&g->log, lane_batch(3, g->log.appended * 10), w), 0);
		assert_true(toll_journal_sync_once(g->log.journal));
	}
}

static uint64_t stat(struct rig *g, enum toll_stat which)
{
	return toll_stat_get(&g->exporter->stats, which);
}

static uint64_t cursor_of(struct rig *g)
{
	return lane_cursor(&g->log, "fake").seq;
}

static void stop(struct rig *g)
{
	toll_runner_hurry(g->runner);
	toll_runner_dismiss(g->runner);
	toll_runner_drain(g->runner, toll_clock_mono_ns() + PATIENCE_NS);
}

/* What was given since `from`: those records, in order. */
static void assert_given(struct rig *g, unsigned from, uint64_t first, uint64_t end)
{
	pthread_mutex_lock(&g->exporter->lock);
	assert_int_equal(g->exporter->seen_count - from, end - first);
	for (uint64_t i = first; i < end; i++)
		assert_int_equal(g->exporter->seen[from++].first, i * 10);
	pthread_mutex_unlock(&g->exporter->lock);
}

#define GIVEN(g, n) FAKE_WAIT((g)->exporter, (g)->exporter->seen_count >= (n))

static void what_keeps_up_comes_from_memory(void **state)
{
	struct rig *g = *state;

	start(g);
	append(g, 50, &g->waiter.super);
	EVENTUALLY(cursor_of(g) == 50);
	assert_given(g, 0, 0, 50);
	assert_int_equal(stat(g, TOLL_STAT_EXPORTER_JOURNAL_RECORDS), 0);
	assert_int_equal(stat(g, TOLL_STAT_EXPORTER_SENT_SPANS), 150);
	EVENTUALLY(atomic_load(&g->waiter.calls) == 50);
	assert_int_equal(g->waiter.err, 0);
}

static void what_had_no_room_is_read_from_disk(void **state)
{
	struct rig *g = *state;

	g->exporter->set.sending_queue.queue_size = 4;
	g->exporter->hold = true;
	start(g);
	append(g, 40, &g->waiter.super);
	GIVEN(g, 1);
	assert_int_equal(stat(g, TOLL_STAT_EXPORTER_QUEUE_SIZE), 4);
	assert_int_equal(cursor_of(g), 0);
	for (int i = 0; i < 40; i++)
		fake_answer(g->exporter, 0);
	EVENTUALLY(cursor_of(g) == 40);
	assert_given(g, 0, 0, 40);
	assert_int_equal(stat(g, TOLL_STAT_EXPORTER_JOURNAL_RECORDS), 36);
	EVENTUALLY(atomic_load(&g->waiter.calls) == 40);
	/* It has caught up: from memory again. */
	append(g, 1, NULL);
	fake_answer(g->exporter, 0);
	EVENTUALLY(cursor_of(g) == 41);
	assert_int_equal(stat(g, TOLL_STAT_EXPORTER_JOURNAL_RECORDS), 36);
	assert_int_equal(stat(g, TOLL_STAT_EXPORTER_ENQUEUE_FAILED_SPANS), 0);
}

/* A queue that is full has no room for what would make a larger delivery. */
static void a_full_queue_does_not_wait_for_larger_deliveries(void **state)
{
	struct rig *g = *state;

	g->exporter->set.sending_queue.queue_size = 4;
	g->exporter->set.sending_queue.batch.enabled = true;
	g->exporter->set.sending_queue.batch.min_size = 60;
	start(g);
	append(g, 40, NULL);
	EVENTUALLY(cursor_of(g) >= 36);
}

static void a_start_goes_on_where_the_cursor_stands(void **state)
{
	struct rig *g = *state;

	start(g);
	append(g, 5, NULL);
	EVENTUALLY(cursor_of(g) == 5);
	end_runner(g);
	append(g, 30, NULL);
	start(g);
	EVENTUALLY(cursor_of(g) == 35);
	assert_given(g, 0, 0, 35);
	assert_int_equal(stat(g, TOLL_STAT_EXPORTER_JOURNAL_RECORDS), 30);
}

static void the_cursor_is_the_lowest_that_is_not_done(void **state)
{
	struct rig *g = *state;
	struct toll_delivery *held[4];

	g->exporter->set.sending_queue.num_consumers = 4;
	g->exporter->hold = true;
	start(g);
	append(g, 4, NULL);
	GIVEN(g, 4);
	memcpy(held, g->exporter->held, sizeof(held));
	g->exporter->held_count = 0;
	toll_delivery_done(held[2], 0);
	toll_delivery_done(held[1], 0);
	EVENTUALLY(stat(g, TOLL_STAT_EXPORTER_SENT_SPANS) == 6);
	assert_int_equal(cursor_of(g), 0);
	toll_delivery_done(held[0], 0);
	EVENTUALLY(cursor_of(g) == 3);
	toll_delivery_done(held[3], 0);
	EVENTUALLY(cursor_of(g) == 4);
}

static void what_is_lost_and_counted_is_done(void **state)
{
	struct rig *g = *state;

	g->exporter->err = TOLL_EREFUSED;
	g->exporter->fail_count = 2;
	start(g);
	append(g, 5, &g->waiter.super);
	EVENTUALLY(cursor_of(g) == 5);
	assert_int_equal(stat(g, TOLL_STAT_EXPORTER_SEND_FAILED_SPANS), 6);
	assert_int_equal(stat(g, TOLL_STAT_EXPORTER_SENT_SPANS), 9);
	EVENTUALLY(atomic_load(&g->waiter.calls) == 5);
	assert_int_equal(g->waiter.err, TOLL_EREFUSED);
}

static void retries_hold_the_cursor(void **state)
{
	struct rig *g = *state;

	g->exporter->err = TOLL_EDOWN;
	g->exporter->fail_count = 5;
	start(g);
	append(g, 3, NULL);
	EVENTUALLY(cursor_of(g) == 3);
	assert_int_equal(stat(g, TOLL_STAT_EXPORTER_RETRIES), 5);
	assert_int_equal(stat(g, TOLL_STAT_EXPORTER_SENT_SPANS), 9);
}

static void parts_of_a_record_are_done_together(void **state)
{
	struct rig *g = *state;

	g->exporter->set.sending_queue.num_consumers = 8;
	g->exporter->set.sending_queue.batch =
		(struct toll_batch_settings){ true, 600 * TOLL_S, 2, 2 };
	g->exporter->hold = true;
	start(g);
	append(g, 2, &g->waiter.super); /* six spans in three deliveries */
	GIVEN(g, 3);
	fake_answer(g->exporter, 0);
	fake_answer(g->exporter, 0);
	EVENTUALLY(cursor_of(g) == 1);
	assert_int_equal(g->waiter.calls, 1);
	fake_answer(g->exporter, 0);
	EVENTUALLY(cursor_of(g) == 2);
}

/* ---- what cannot be read ---- */

static unsigned char *find_span(struct disk *d, uint64_t first)
{
	const uint64_t id[2] = { first + 1, LANE_TRACE };

	for (int f = 0; f < d->file_count; f++)
		for (size_t at = 0; at + sizeof(id) <= d->files[f].size; at++)
			if (memcmp(d->files[f].bytes + at, id, sizeof(id)) == 0)
				return d->files[f].bytes + at;
	fail_msg("there is no such span");
	return NULL;
}

static void gaps_are_counted_told_once_and_passed(void **state)
{
	struct rig *g = *state;
	struct toll_journal_mark lag;

	lane_cursor(&g->log, "fake");
	append(g, 12, NULL);
	*find_span(&g->log.disk, 40) ^= 1;
	*find_span(&g->log.disk, 50) ^= 1;
	*find_span(&g->log.disk, 80) ^= 1;
	start(g);
	EVENTUALLY(cursor_of(g) == 12);
	assert_int_equal(g->exporter->seen_count, 9);
	assert_int_equal(stat(g, TOLL_STAT_EXPORTER_JOURNAL_GAP_SPANS), 9);
	assert_int_equal(stat(g, TOLL_STAT_EXPORTER_SEND_FAILED_SPANS), 0);
	EVENTUALLY(is_logged("lost 6 spans worth $6.00: damaged or dropped in journal/traces"));
	EVENTUALLY(is_logged("lost 3 spans worth $3.00: damaged or dropped in journal/traces"));
	toll_runner_lag(g->runner, g->lane, &lag);
	assert_int_equal(lag.items, 0);
}

static void who_waits_for_a_gap_hears_so(void **state)
{
	struct rig *g = *state;

	g->exporter->set.sending_queue.queue_size = 1;
	g->exporter->hold = true;
	start(g);
	append(g, 3, &g->waiter.super);
	GIVEN(g, 1);
	*find_span(&g->log.disk, 10) ^= 1;
	fake_answer(g->exporter, 0);
	EVENTUALLY(atomic_load(&g->waiter.calls) == 2);
	assert_int_equal(g->waiter.err, TOLL_EDOWN);
	fake_answer(g->exporter, 0);
	EVENTUALLY(cursor_of(g) == 3);
	assert_int_equal(g->waiter.calls, 3);
}

static void no_done(struct toll_journal_entry *e TOLL_UNUSED, int err TOLL_UNUSED)
{
}

static void what_cannot_be_decoded_is_counted_told_and_passed(void **state)
{
	struct rig *g = *state;
	struct toll_journal_entry strange = { .parts = { TOLL_SLICE("not a batch") },
		                              .part_count = 1,
		                              .items = 7,
		                              .pico = 7 * LANE_USD,
		                              .type = TOLL_RECORD_BATCH,
		                              .done = no_done };
	struct toll_journal_entry newer = strange;

	newer.type = 999;
	lane_cursor(&g->log, "fake");
	append(g, 2, NULL);
	assert_int_equal(toll_journal_append(g->log.journal, &strange), 0);
	assert_int_equal(toll_journal_append(g->log.journal, &newer), 0);
	assert_true(toll_journal_sync_once(g->log.journal));
	append(g, 2, NULL);
	start(g);
	EVENTUALLY(cursor_of(g) == 6);
	assert_given(g, 0, 0, 4);
	assert_int_equal(stat(g, TOLL_STAT_EXPORTER_JOURNAL_UNDECODABLE_SPANS), 14);
	EVENTUALLY(is_logged("lost 14 spans worth $14.00: cannot be decoded from journal/traces"));
}

static void a_full_memory_is_waited_for(void **state)
{
	struct rig *g = *state;
	struct toll_memory memory = { 0 };

	atomic_store(&memory.limit, 1000);
	atomic_store(&memory.used, 900);
	g->log.spool.memory = &memory;
	lane_cursor(&g->log, "fake");
	append(g, 5, NULL);
	start(g);
	usleep(50000);
	assert_given(g, 0, 0, 0);
	atomic_store(&memory.limit, 100 << 20);
	EVENTUALLY(cursor_of(g) == 5);
	assert_given(g, 0, 0, 5);
	assert_int_equal(atomic_load(&memory.used), 900);
}

/* Those who wait for a record hold the memory that reading it would take. */
static void who_waits_and_has_all_the_memory_is_not_waited_for(void **state)
{
	struct rig *g = *state;
	struct toll_memory memory = { 0 };

	atomic_store(&memory.limit, 1000);
	atomic_store(&memory.used, 1000);
	g->log.spool.memory = &memory;
	g->exporter->set.sending_queue.queue_size = 1;
	g->exporter->hold = true;
	start(g);
	append(g, 5, &g->waiter.super);
	for (unsigned i = 1; i <= 5; i++) {
		GIVEN(g, i);
		fake_answer(g->exporter, 0);
	}
	EVENTUALLY(atomic_load(&g->waiter.calls) == 5);
	assert_int_equal(g->exporter->most_held, 1);
	assert_int_equal(cursor_of(g), 5);
	assert_int_equal(atomic_load(&memory.used), 1000);
}

/* Half of the memory is the receivers': what is behind stays on disk. */
static void a_lane_leaves_memory_to_receivers(void **state)
{
	struct rig *g = *state;
	struct toll_memory memory = { 0 };

	atomic_store(&memory.limit, 1 << 20);
	atomic_store(&memory.used, 600 << 10);
	g->log.spool.memory = &memory;
	g->exporter->hold = true;
	start(g);
	append(g, 5, NULL);
	GIVEN(g, 1);
	assert_int_equal(stat(g, TOLL_STAT_EXPORTER_QUEUE_SIZE), 1);
	atomic_store(&memory.used, 0);
	EVENTUALLY(stat(g, TOLL_STAT_EXPORTER_QUEUE_SIZE) == 5);
	for (int i = 0; i < 5; i++)
		fake_answer(g->exporter, 0);
	EVENTUALLY(cursor_of(g) == 5);
}

static void a_disk_that_fails_is_tried_again(void **state)
{
	struct rig *g = *state;

	lane_cursor(&g->log, "fake");
	append(g, 5, NULL);
	g->log.disk.fail_with = EACCES;
	make(g);
	pthread_mutex_lock(&g->log.disk.lock);
	g->log.disk.fail_from = g->log.disk.calls + 1;
	g->log.disk.fail_to = g->log.disk.calls + 3;
	pthread_mutex_unlock(&g->log.disk.lock);
	assert_int_equal(toll_runner_start(g->runner), 0);
	EVENTUALLY(is_logged("cannot read journal/traces: "));
	EVENTUALLY(cursor_of(g) == 5);
	assert_given(g, 0, 0, 5);
	assert_true(is_logged("reads journal/traces again"));
	assert_int_equal(stat(g, TOLL_STAT_EXPORTER_JOURNAL_GAP_SPANS), 0);
}

/* ---- exporters with checkpoints of their own ---- */

static atomic_uint_fast64_t durable;

static uint64_t durable_seq(struct toll_exporter *e TOLL_UNUSED, const char *epoch)
{
	assert_int_equal(strlen(epoch), 32);
	return atomic_load(&durable);
}

static void the_cursor_follows_what_the_exporter_has_made_durable(void **state)
{
	struct rig *g = *state;
	struct toll_journal_mark lag;

	atomic_store(&durable, 0);
	g->exporter->super.durable_seq = durable_seq;
	start(g);
	append(g, 40, NULL);
	EVENTUALLY(stat(g, TOLL_STAT_EXPORTER_SENT_SPANS) == 120);
	toll_runner_lag(g->runner, g->lane, &lag);
	assert_int_equal(lag.items, 0); /* it has them all */
	assert_int_equal(cursor_of(g), 0);
	atomic_store(&durable, 17);
	EVENTUALLY(cursor_of(g) == 17);
	atomic_store(&durable, UINT64_MAX);
	EVENTUALLY(cursor_of(g) == 40);
}

static void marks_are_bounded_and_never_too_high(void **state TOLL_UNUSED)
{
	struct toll_marks m = { 0 };
	struct toll_journal_mark got;
	uint64_t taken = 0;

	for (uint64_t seq = 1; seq <= 10000; seq++)
		toll_marks_add(&m, (struct toll_journal_mark){ .seq = seq, .items = 2 * seq });
	assert_true(m.count <= TOLL_MARKS_MAX);
	assert_false(toll_marks_take(&m, 0, &got));
	for (uint64_t seq = 100; seq < 10000; seq += 700) {
		if (!toll_marks_take(&m, seq, &got))
			continue;
		assert_true(got.seq > taken && got.seq <= seq && got.items == 2 * got.seq);
		taken = got.seq;
	}
	assert_true(taken > 9000);
	assert_true(toll_marks_take(&m, 10000, &got));
	assert_int_equal(got.seq, 10000);
	assert_int_equal(m.count, 0);
}

/* ---- ends ---- */

static void what_is_not_delivered_at_the_end_stays(void **state)
{
	struct rig *g = *state;

	g->exporter->err = TOLL_EDOWN;
	g->exporter->fail_count = UINT32_MAX;
	g->exporter->set.sending_queue.queue_size = 3;
	start(g);
	append(g, 10, &g->waiter.super);
	GIVEN(g, 1);
	toll_runner_hurry(g->runner);
	toll_runner_dismiss(g->runner);
	assert_int_equal(g->waiter.calls, 7); /* they need not wait for what is not read */
	assert_int_equal(g->waiter.err, TOLL_ESHUTDOWN);
	toll_runner_drain(g->runner, toll_clock_mono_ns() + 50 * TOLL_MS);
	assert_int_equal(g->waiter.calls, 10);
	assert_int_equal(stat(g, TOLL_STAT_EXPORTER_SEND_FAILED_SPANS), 0);
	assert_int_equal(stat(g, TOLL_STAT_EXPORTER_SENT_SPANS), 0);
	assert_true(is_logged("30 spans worth $30.00: in the journal until the next start"));
	assert_false(is_logged("lost"));
	assert_int_equal(cursor_of(g), 0);
	end_runner(g);
	g->exporter->fail_count = 0;
	g->exporter->seen_count = 0;
	start(g);
	EVENTUALLY(cursor_of(g) == 10);
	assert_given(g, 0, 0, 10);
}

static void what_is_in_memory_is_still_sent_at_the_end(void **state)
{
	struct rig *g = *state;

	g->exporter->set.sending_queue.queue_size = 3;
	g->exporter->hold = true;
	start(g);
	append(g, 10, NULL);
	GIVEN(g, 1);
	toll_runner_hurry(g->runner);
	toll_runner_dismiss(g->runner);
	for (int i = 0; i < 3; i++)
		fake_answer(g->exporter, 0);
	stop(g);
	assert_given(g, 0, 0, 3); /* nothing was read any more */
	assert_int_equal(cursor_of(g), 3);
	assert_true(is_logged("21 spans worth $21.00: in the journal until the next start"));
	append(g, 1, &g->waiter.super); /* legal, and nobody is left waiting */
	assert_int_equal(g->waiter.calls, 1);
}

static void one_never_started_leaves_all_where_it_is(void **state)
{
	struct rig *g = *state;

	make(g);
	append(g, 4, &g->waiter.super);
	assert_true(toll_runner_is_over(g->runner, 0));
	end_runner(g);
	assert_int_equal(g->waiter.calls, 4);
	assert_int_equal(g->waiter.err, TOLL_ESHUTDOWN);
	assert_int_equal(cursor_of(g), 0);
	assert_int_equal(stat(g, TOLL_STAT_EXPORTER_SEND_FAILED_SPANS), 0);
	start(g);
	EVENTUALLY(cursor_of(g) == 4);
	assert_given(g, 0, 0, 4);
}

static void an_exporter_that_answers_after_the_end_moves_nothing(void **state)
{
	struct rig *g = *state;

	g->exporter->hold = true;
	g->exporter->set.sending_queue.num_consumers = 2;
	start(g);
	append(g, 3, NULL);
	GIVEN(g, 2);
	toll_runner_drain(g->runner, toll_clock_mono_ns() + TOLL_MS);
	assert_int_equal(cursor_of(g), 0);
	fake_answer(g->exporter, 0);
	assert_int_equal(cursor_of(g), 0);
	assert_int_equal(stat(g, TOLL_STAT_EXPORTER_SEND_FAILED_SPANS), 0);
}

/* ---- a reload ---- */

static struct toll_runner *successor(struct rig *g)
{
	struct toll_runner *r = toll_runner_new(&g->exporter->super, &g->exporter->set);

	assert_non_null(r);
	g->log.target_count = 0;
	lane_follow(&g->log, r); /* from now on it is offered what is new */
	toll_runner_hold(r);
	assert_int_equal(toll_runner_start(r), 0);
	return r;
}

static void a_successor_goes_on_where_the_one_before_has_come_to(void **state)
{
	struct rig *g = *state;
	struct toll_runner *old, *next;

	g->exporter->set.sending_queue.queue_size = 4;
	g->exporter->hold = true;
	start(g);
	old = g->runner;
	append(g, 10, &g->waiter.super);
	GIVEN(g, 1);
	next = successor(g);
	append(g, 10, &g->waiter.super);
	toll_runner_hurry(old);
	for (int i = 0; i < 2; i++)
		fake_answer(g->exporter, 0);
	EVENTUALLY(cursor_of(g) == 2);
	toll_runner_set_heir(old, next);
	toll_runner_drain(old, toll_clock_mono_ns() + TOLL_MS);
	assert_int_equal(g->waiter.calls, 2); /* the others wait on */
	GIVEN(g, 3);
	g->exporter->held_count = 0; /* given up */
	toll_delivery_done(g->exporter->held[0], 0);
	toll_runner_free(old);
	g->runner = next;
	g->exporter->hold = false;
	toll_runner_release(next);
	EVENTUALLY(cursor_of(g) == 20);
	assert_given(g, 3, 2, 20);
	EVENTUALLY(atomic_load(&g->waiter.calls) == 20);
	assert_int_equal(g->waiter.err, 0);
	assert_false(is_logged("lost"));
}

static void a_held_successor_gives_nothing_whatever_it_is_offered(void **state)
{
	struct rig *g = *state;

	start(g);
	append(g, 3, NULL);
	EVENTUALLY(cursor_of(g) == 3);
	end_runner(g);
	g->runner = successor(g);
	append(g, 3, NULL);
	usleep(20000);
	assert_given(g, 0, 0, 3);
	toll_runner_release(g->runner);
	EVENTUALLY(cursor_of(g) == 6);
	assert_given(g, 0, 0, 6);
}

static void what_nobody_offers_is_found_nevertheless(void **state)
{
	struct rig *g = *state;

	start(g);
	append(g, 2, NULL);
	EVENTUALLY(cursor_of(g) == 2);
	g->log.target_count = 0; /* offered to one that is over */
	append(g, 2, NULL);
	EVENTUALLY(cursor_of(g) == 4);
	assert_given(g, 0, 0, 4);
}

static void who_asks_late_hears_how_it_ended(void **state)
{
	struct rig *g = *state;
	struct toll_journal_mark begin = { 2, 6, 6 * LANE_USD }, end = { 3, 9, 9 * LANE_USD };
	struct toll_batch *b = lane_batch(3, 20);

	start(g);
	append(g, 2, NULL);
	g->log.target_count = 0;
	append(g, 1, NULL);
	EVENTUALLY(cursor_of(g) == 3);
	toll_runner_offer(g->runner, g->lane, b, begin, end, &g->waiter.super);
	assert_int_equal(g->waiter.calls, 1);
	assert_int_equal(g->waiter.err, 0);
	assert_given(g, 0, 0, 3);
	toll_batch_unref(b);
}

static void who_asks_late_hears_of_a_failure(void **state)
{
	struct rig *g = *state;
	struct toll_journal_mark begin = { 0 }, end = { 1, 3, 3 * LANE_USD };
	struct toll_batch *b = lane_batch(3, 0);

	lane_cursor(&g->log, "fake");
	append(g, 1, NULL);
	g->exporter->err = TOLL_EREFUSED;
	g->exporter->fail_count = 1;
	start(g);
	EVENTUALLY(cursor_of(g) == 1);
	toll_runner_offer(g->runner, g->lane, b, begin, end, &g->waiter.super);
	assert_int_equal(g->waiter.calls, 1);
	assert_int_equal(g->waiter.err, TOLL_EREFUSED);
	toll_batch_unref(b);
}

static bool is_opened(struct disk *d, long files)
{
	bool is;

	pthread_mutex_lock(&d->lock);
	is = d->opened == files;
	pthread_mutex_unlock(&d->lock);
	return is;
}

static void what_is_being_read_is_not_taken_from_memory_too(void **state)
{
	struct rig *g = *state;
	struct toll_memory memory = { 0 };
	struct toll_journal_mark begin = { 0 }, end = { 1, 3, 3 * LANE_USD };
	struct toll_batch *b = lane_batch(3, 0);
	long opened;

	atomic_store(&memory.limit, 1000);
	g->log.spool.memory = &memory;
	lane_cursor(&g->log, "fake");
	append(g, 1, NULL);
	opened = g->log.disk.opened;
	start(g);
	EVENTUALLY(is_opened(&g->log.disk, opened + 1));
	usleep(20000); /* read, and no memory to decode it */
	toll_runner_offer(g->runner, g->lane, b, begin, end, &g->waiter.super);
	atomic_store(&memory.limit, 100 << 20);
	EVENTUALLY(cursor_of(g) == 1 && atomic_load(&g->waiter.calls) == 1);
	g->log.target_count = 0;
	append(g, 1, NULL); /* to be read */
	EVENTUALLY(cursor_of(g) == 2);
	assert_given(g, 0, 0, 2);
	toll_batch_unref(b);
}

static void a_hole_in_what_is_offered_is_read(void **state)
{
	struct rig *g = *state;

	start(g);
	append(g, 2, NULL);
	EVENTUALLY(cursor_of(g) == 2);
	g->log.target_count = 0;
	append(g, 1, NULL);
	g->log.target_count = 1;
	append(g, 1, &g->waiter.super);
	EVENTUALLY(cursor_of(g) == 4 && atomic_load(&g->waiter.calls) == 1);
	assert_given(g, 0, 0, 4);
	assert_int_equal(stat(g, TOLL_STAT_EXPORTER_JOURNAL_RECORDS), 2);
}

/* The file is damaged up to its end, but of what is durable only a part has been offered. */
static void a_gap_does_not_take_what_is_still_to_be_offered(void **state)
{
	struct rig *g = *state;
	struct toll_journal_mark begin = { 2, 6, 6 * LANE_USD }, end = { 3, 9, 9 * LANE_USD };
	struct toll_batch *b = lane_batch(3, 20);
	uint64_t since;

	g->exporter->set.sending_queue.queue_size = 1;
	g->exporter->hold = true;
	start(g);
	append(g, 2, NULL);
	GIVEN(g, 1);
	since = toll_clock_mono_ns();
	g->log.target_count = 0;
	append(g, 1, NULL);
	*find_span(&g->log.disk, 10) ^= 1;
	*find_span(&g->log.disk, 20) ^= 1;
	fake_answer(g->exporter, 0);
	EVENTUALLY(stat(g, TOLL_STAT_EXPORTER_JOURNAL_GAP_SPANS) > 0);
	toll_runner_offer(g->runner, g->lane, b, begin, end, NULL);
	toll_batch_unref(b);
	if (toll_clock_mono_ns() - since > 400 * TOLL_MS)
		return; /* so slow that it was found without being offered */
	GIVEN(g, 2);
	fake_answer(g->exporter, 0);
	EVENTUALLY(cursor_of(g) == 3);
	assert_int_equal(stat(g, TOLL_STAT_EXPORTER_JOURNAL_GAP_SPANS), 3);
	assert_int_equal(g->exporter->seen[1].first, 20);
}

/* ---- beside each other ---- */

static int admit(struct rig *g, uint32_t spans, uint64_t first)
{
	struct toll_batch *b = fake_batch_from(spans, first);
	int err;

	toll_batch_seal(b);
	err = toll_runner_reserve(g->runner, b);
	if (!err)
		toll_runner_commit(g->runner, b, NULL);
	toll_batch_unref(b);
	return err;
}

static void requests_without_a_journal_go_beside(void **state)
{
	struct rig *g = *state;

	g->exporter->set.sending_queue.queue_size = 4;
	g->exporter->hold = true;
	start(g);
	append(g, 20, NULL); /* lags */
	GIVEN(g, 1);
	assert_int_equal(admit(g, 5, 1000000), TOLL_EFULL);
	fake_answer(g->exporter, 0);
	fake_answer(g->exporter, 0);
	fake_answer(g->exporter, 0);
	/* Since somebody was refused, the lane keeps to its half. */
	EVENTUALLY(admit(g, 5, 1000000) == 0);
	for (int i = 0; i < 18; i++)
		fake_answer(g->exporter, 0);
	EVENTUALLY(cursor_of(g) == 20);
	assert_int_equal(stat(g, TOLL_STAT_EXPORTER_SENT_SPANS), 65);
}

static void lanes_take_turns(void **state)
{
	struct rig *g = *state;
	struct lane_rig *other = calloc(1, sizeof(*other));
	unsigned switches = 0;

	disk_init(&other->disk);
	lane_open(other, small_journal(&other->disk));
	lane_cursor(&g->log, "fake");
	lane_cursor(other, "fake");
	append(g, 50, NULL);
	for (uint64_t i = 0; i < 50; i++) {
		assert_int_equal(lane_append(other, lane_batch(1, 100000 + i), NULL), 0);
		assert_true(toll_journal_sync_once(other->journal));
	}
	make(g);
	lane_follow(other, g->runner);
	g->exporter->set.sending_queue.queue_size = 9;
	assert_int_equal(toll_runner_start(g->runner), 0);
	EVENTUALLY(cursor_of(g) == 50 && lane_cursor(other, "fake").seq == 50);
	for (unsigned i = 1; i < 100; i++)
		switches += (g->exporter->seen[i].first >= 100000) !=
		            (g->exporter->seen[i - 1].first >= 100000);
	assert_true(switches > 60);
	end_runner(g);
	assert_int_equal(toll_journal_close(other->journal, 0), 0);
	disk_destroy(&other->disk);
	free(other);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_keeps_up_comes_from_memory),
		TEST(what_had_no_room_is_read_from_disk),
		TEST(a_full_queue_does_not_wait_for_larger_deliveries),
		TEST(a_start_goes_on_where_the_cursor_stands),
		TEST(the_cursor_is_the_lowest_that_is_not_done),
		TEST(what_is_lost_and_counted_is_done),
		TEST(retries_hold_the_cursor),
		TEST(parts_of_a_record_are_done_together),
		TEST(gaps_are_counted_told_once_and_passed),
		TEST(who_waits_for_a_gap_hears_so),
		TEST(what_cannot_be_decoded_is_counted_told_and_passed),
		TEST(a_full_memory_is_waited_for),
		TEST(who_waits_and_has_all_the_memory_is_not_waited_for),
		TEST(a_lane_leaves_memory_to_receivers),
		TEST(a_disk_that_fails_is_tried_again),
		TEST(the_cursor_follows_what_the_exporter_has_made_durable),
		cmocka_unit_test(marks_are_bounded_and_never_too_high),
		TEST(what_is_not_delivered_at_the_end_stays),
		TEST(what_is_in_memory_is_still_sent_at_the_end),
		TEST(one_never_started_leaves_all_where_it_is),
		TEST(an_exporter_that_answers_after_the_end_moves_nothing),
		TEST(a_successor_goes_on_where_the_one_before_has_come_to),
		TEST(a_held_successor_gives_nothing_whatever_it_is_offered),
		TEST(what_nobody_offers_is_found_nevertheless),
		TEST(who_asks_late_hears_how_it_ended),
		TEST(who_asks_late_hears_of_a_failure),
		TEST(what_is_being_read_is_not_taken_from_memory_too),
		TEST(a_hole_in_what_is_offered_is_read),
		TEST(a_gap_does_not_take_what_is_still_to_be_offered),
		TEST(requests_without_a_journal_go_beside),
		TEST(lanes_take_turns),
	};

	return cmocka_run_group_tests_name("lane", tests, NULL, NULL);
}

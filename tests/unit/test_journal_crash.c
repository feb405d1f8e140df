/* SPDX-License-Identifier: Apache-2.0 */
/* test_journal_crash.c - power is lost after any operation, and of what was not synced any sectors
 * and names are there, torn or not: what was acknowledged is found, nothing else is made up.
 * Some groups fail on the way: what was written of them must never stand in for what came after.
 *
 * TOLL_JOURNAL_STATES=1000000 looks at so many states (quick form: 20,000); TOLL_JOURNAL_SEED=7 at
 * those of another life. */
#include <limits.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "tests/support/dice.h"
#include "tests/support/journal.h"
#include "tests/unit/unit.h"

enum { RECORDS = 240, EVENTS = 600, QUICK_STATES = 20000, NAMES = 2 };

static const char *const names[NAMES] = { "kafka", "enforcer" };

/* What is promised from so many operations on. */
struct promise {
	size_t from;
	uint64_t saved[NAMES]; /* cursors stand there at least; UINT64_MAX: does not exist */
	uint64_t moved[NAMES]; /* and no further than that */
};

static struct disk disk;
static struct sent sent[RECORDS];
static struct promise promises[EVENTS];
static size_t promise_count;
static uint32_t sent_count;
static uint32_t acked[RECORDS]; /* by sequence: the record that has it, plus 1 */
static uint32_t acked_end;
static uint64_t now_ns = TOLL_S;

static uint64_t clock_of_mine(void)
{
	return now_ns;
}

/* ---- what happened ---- */

static struct promise *next_promise(void)
{
	struct promise *p = &promises[promise_count];

	assert_true(promise_count < EVENTS);
	*p = promise_count ? p[-1] : (struct promise){ 0, { UINT64_MAX, UINT64_MAX }, { 0 } };
	p->from = disk.op_count;
	promise_count++;
	return p;
}

static void note_ack(uint64_t seq, uint32_t id)
{
	assert_in_range(seq, 0, RECORDS - 1);
	assert_int_equal(acked[seq], 0);
	acked[seq] = id + 1;
	acked_end = (uint32_t)seq + 1;
}

static void note_answers(uint32_t from)
{
	for (uint32_t id = from; id < sent_count; id++) {
		assert_int_equal(sent[id].answers, 1);
		if (!sent[id].err)
			note_ack(sent[id].entry.begin.seq, id);
	}
}

/* What somebody has still to do. What all have done may be there, or in pieces, or not. */
static struct toll_journal_mark first_needed(struct toll_journal *j)
{
	struct toll_journal_mark begin = toll_journal_begin(j), lowest;

	return toll_journal_lowest(j, true, &lowest) && lowest.seq > begin.seq ? lowest : begin;
}

/* What a start has found it must not lose any more: somebody may have read it. */
static void note_found(struct toll_journal *j)
{
	struct toll_journal_record record;
	struct toll_journal_reader *r;
	int got;

	assert_int_equal(toll_journal_reader_new(j, first_needed(j), &r), 0);
	while ((got = toll_journal_read(r, &record)) == TOLL_JOURNAL_RECORD) {
		uint32_t id = (uint32_t)sent_id(&record);

		assert_in_range(id, 0, sent_count - 1);
		if (acked[record.begin.seq]) {
			assert_int_equal(acked[record.begin.seq], id + 1);
			continue;
		}
		sent[id].entry.begin = record.begin;
		sent[id].entry.end = record.end;
		sent[id].acked_at = disk.op_count;
		note_ack(record.begin.seq, id);
	}
	assert_int_equal(got, TOLL_JOURNAL_END);
	toll_journal_reader_free(r);
}

/* One in five groups meets a disk that fails, at its write, its sync, or later. */
static void append_some(struct toll_journal *j)
{
	const uint32_t first = sent_count;

	for (uint32_t n = 1 + pick(4); n && sent_count < RECORDS; n--) {
		struct sent *s = &sent[sent_count];

		sent_init(s, sent_count++, &disk);
		assert_int_equal(toll_journal_append(j, &s->entry), 0);
	}
	disk.fail_with = EIO;
	disk.fail_from = disk.fail_to = pick(10) ? LONG_MAX : disk.calls + 1 + pick(4);
	disk.fail_syncs = pick(10) == 0;
	while (toll_journal_sync_once(j))
		continue;
	disk.fail_from = LONG_MAX;
	disk.fail_syncs = 0;
	note_answers(first);
	now_ns += 4 * TOLL_S; /* nothing is refused for so long */
}

static void move_cursor(struct toll_journal_cursor *c, uint32_t which)
{
	uint32_t back = pick(3) ? 1 : pick(acked_end < 20 ? acked_end + 1 : 20) + 1, id;

	if (back > acked_end || !acked[acked_end - back])
		return;
	id = acked[acked_end - back] - 1;
	toll_journal_advance(c, sent[id].entry.end);
	next_promise()->moved[which] = toll_journal_cursor_mark(c).seq;
}

static void keep(struct toll_journal *j, struct toll_journal_cursor *const *cursors)
{
	struct promise *p;

	assert_int_equal(toll_journal_checkpoint(j), 0);
	p = next_promise();
	for (int i = 0; i < NAMES; i++)
		p->saved[i] = toll_journal_cursor_mark(cursors[i]).seq;
	toll_journal_keep_once(j);
}

/* From now on, or a little later, the process is gone: at any moment of a group, or while cursors
 * are saved. What it wrote is there as long as power is. */
static void kill_it(struct toll_journal *j, struct toll_journal_cursor *c)
{
	static uint32_t moment;
	struct sent *s = &sent[sent_count];

	disk.fail_to = LONG_MAX;
	disk.fail_with = EIO;
	if (++moment % 3 == 0) {
		move_cursor(c, 0);
		disk.fail_from = disk.calls + 2;
		assert_true(toll_journal_checkpoint(j) <= 0); /* 0: nothing has moved */
	} else {
		sent_init(s, sent_count++, &disk);
		assert_int_equal(toll_journal_append(j, &s->entry), 0);
		disk.fail_from = disk.calls + 1 + moment % 10;
		assert_true(toll_journal_sync_once(j));
		note_answers(sent_count - 1);
	}
	assert_int_equal(toll_journal_close(j, 0), 0);
	disk.fail_from = LONG_MAX;
}

static void one_life(uint32_t until, bool killed)
{
	struct toll_journal_cursor *cursors[NAMES];
	struct toll_journal *j = open_on(&disk);
	uint64_t end[NAMES];

	disk.full_at = pick(4) ? 0 : 56 << 10; /* one segment */
	note_found(j);
	for (int i = 0; i < NAMES; i++) {
		assert_int_equal(toll_journal_cursor(j, names[i], &cursors[i]), 0);
		next_promise()->saved[i] = toll_journal_cursor_mark(cursors[i]).seq;
	}
	while (sent_count < until) {
		append_some(j);
		for (uint32_t i = 0; i < NAMES; i++)
			if (pick(3) == 0)
				move_cursor(cursors[i], i);
		if (pick(4) == 0)
			keep(j, cursors);
	}
	if (killed) {
		kill_it(j, cursors[0]);
		return;
	}
	for (int i = 0; i < NAMES; i++)
		end[i] = toll_journal_cursor_mark(cursors[i]).seq;
	assert_int_equal(toll_journal_close(j, 0), 0);
	memcpy(next_promise()->saved, end, sizeof(end));
}

/* ---- what is left of it ---- */

enum loss_kind { LOSS_NONE = 0, LOSS_ALL, LOSS_OF_ONE, LOSS_OF_OTHERS, LOSS_RANDOM, LOSS_KINDS };

struct loss {
	struct disk_loss super;
	enum loss_kind kind;
	uint32_t which, asked; /* LOSS_OF_ONE, LOSS_OF_OTHERS: the which-th that is asked for */
	uint32_t percent;
};

static size_t keep_of(struct disk_loss *super, const struct disk_op *op, size_t len)
{
	struct loss *l = toll_container_of(super, struct loss, super);
	const bool one = l->asked++ == l->which;

	(void)op;
	switch (l->kind) {
	case LOSS_NONE:
		return len;
	case LOSS_OF_ONE:
		return one ? pick((uint32_t)len) : len;
	case LOSS_OF_OTHERS:
		return one ? len : 0;
	case LOSS_RANDOM:
		if (pick(8) == 0)
			return pick((uint32_t)len + 1); /* torn */
		return pick(100) < l->percent ? len : 0;
	case LOSS_ALL:
	case LOSS_KINDS:
		break;
	}
	return 0;
}

static const struct promise *promise_at(size_t op)
{
	const struct promise *p = NULL;

	for (size_t i = 0; i < promise_count && promises[i].from <= op; i++)
		p = &promises[i];
	return p;
}

static uint64_t lowest(const uint64_t values[NAMES])
{
	return values[0] < values[1] ? values[0] : values[1];
}

static void check_cursors(struct toll_journal *j, const struct promise *p)
{
	for (int i = 0; i < NAMES; i++) {
		struct toll_journal_cursor *c = NULL;

		if (!p || p->saved[i] == UINT64_MAX)
			continue;
		for (unsigned k = 0; (c = toll_journal_cursor_at(j, k)) != NULL; k++)
			if (strcmp(toll_journal_cursor_name(c), names[i]) == 0)
				break;
		assert_non_null(c);
		assert_in_range(toll_journal_cursor_mark(c).seq, p->saved[i], p->moved[i]);
	}
}

static bool was_acked(uint64_t seq, size_t op)
{
	return seq < RECORDS && acked[seq] && sent[acked[seq] - 1].acked_at <= op;
}

static void check_records(struct toll_journal *j, const struct promise *p, size_t op)
{
	struct toll_journal_mark at = first_needed(j);
	struct toll_journal_record record;
	struct toll_journal_reader *r;
	int got;

	assert_true(toll_journal_begin(j).seq <= at.seq);
	assert_true(at.seq == 0 || (p && at.seq <= lowest(p->moved)));
	assert_int_equal(toll_journal_reader_new(j, at, &r), 0);
	while ((got = toll_journal_read(r, &record)) != TOLL_JOURNAL_END) {
		int64_t id;

		if (got != TOLL_JOURNAL_RECORD)
			fail_msg("%d: %llu to %llu is missing", got,
			         (unsigned long long)record.begin.seq,
			         (unsigned long long)record.end.seq);
		id = sent_id(&record);

		assert_in_range(id, 0, sent_count - 1);
		assert_int_equal(record.begin.seq, at.seq);
		if (was_acked(at.seq, op))
			assert_int_equal(id + 1, acked[at.seq]);
		assert_int_equal(record.begin.items, at.items);
		at = record.end;
	}
	assert_int_equal(at.seq, toll_journal_end(j).seq);
	if (was_acked(at.seq, op))
		fail_msg("record %llu was acknowledged", (unsigned long long)at.seq);
	toll_journal_reader_free(r);
}

/* It goes on where it was. */
static void check_append(struct toll_journal *j)
{
	static struct sent more;
	uint64_t end = toll_journal_end(j).seq;

	sent_init(&more, 7, NULL);
	assert_int_equal(toll_journal_append(j, &more.entry), 0);
	assert_true(toll_journal_sync_once(j));
	assert_int_equal(more.err, 0);
	assert_int_equal(more.entry.begin.seq, end);
}

static void check_state(const struct disk_history *h, struct loss *loss, uint64_t number)
{
	static struct disk after;
	static bool made;
	const struct promise *p = promise_at(h->at);
	struct toll_journal *j;

	if (!made)
		disk_init(&after);
	made = true;
	disk_crash(h, &loss->super, &after);
	j = open_on(&after);
	check_cursors(j, p);
	check_records(j, p, h->at);
	if (number % 8 == 0)
		check_append(j);
	assert_int_equal(toll_journal_close(j, 0), 0);
	if (number % 64 == 0) { /* and once more, now that it has been recovered */
		j = open_on(&after);
		assert_int_equal(toll_journal_close(j, 0), 0);
	}
}

static void follow(uint64_t per_operation)
{
	struct disk_history h;
	uint64_t number = 0;

	disk_history_init(&h, &disk);
	for (;; disk_history_step(&h)) {
		for (uint64_t i = 0; i < per_operation; i++, number++) {
			struct loss loss = { .super = { keep_of },
				             .kind = i < LOSS_KINDS ? (enum loss_kind)i
				                                    : pick(LOSS_KINDS - 2) + 2,
				             .which = pick(h.pending_count ? 40 : 1),
				             .percent = 10 + pick(85) };

			check_state(&h, &loss, number);
		}
		if (h.at == disk.op_count)
			break;
	}
	disk_history_release(&h);
}

static void power_may_go_at_any_moment(void **state)
{
	const char *wish = getenv("TOLL_JOURNAL_STATES"), *seed = getenv("TOLL_JOURNAL_SEED");
	uint64_t states = wish ? strtoull(wish, NULL, 10) : QUICK_STATES;

	(void)state;
	if (seed)
		random_state += strtoull(seed, NULL, 10) * UINT64_C(0x9e3779b97f4a7c15);
	toll_log_set_sink(no_line, NULL);
	toll_clock_replace(clock_of_mine, NULL);
	disk_init(&disk);
	disk.recording = true;
	for (uint32_t until = 12; until < RECORDS; until += 12)
		one_life(until, until % 5 != 0);
	one_life(RECORDS, false);
	assert_in_range(sent_count - acked_end, 10, RECORDS * 3 / 4);
	follow(states / disk.op_count + 1);
	disk_destroy(&disk);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(power_may_go_at_any_moment),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

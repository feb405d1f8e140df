/* SPDX-License-Identifier: Apache-2.0 */
/* test_journal_close.c - a disk that hangs when a journal is closed does not keep the caller. */
#include <unistd.h>

#include "tests/support/lane.h"
#include "tests/unit/unit.h"

static atomic_bool hang;
static int (*real)(struct toll_journal_io *io, int file);

static int hanging(struct toll_journal_io *io, int file)
{
	while (atomic_load(&hang))
		usleep(1000);
	return real(io, file);
}

static void a_last_checkpoint_that_hangs_keeps_nobody(void **state TOLL_UNUSED)
{
	static struct lane_rig g; /* the thread that is left behind uses it */
	struct toll_journal_settings set;
	struct toll_journal_cursor *c;
	uint64_t begin;

	disk_init(&g.disk);
	set = small_journal(&g.disk);
	set.by_hand = false;
	set.checkpoint_interval_ns = 600 * TOLL_S;
	real = g.disk.io.datasync;
	g.disk.io.datasync = hanging;
	lane_open(&g, set);
	assert_int_equal(toll_journal_cursor(g.journal, "x", &c), 0);
	assert_int_equal(lane_append(&g, lane_batch(3, 0), NULL), 0);
	EVENTUALLY(toll_journal_end(g.journal).seq == 1);
	toll_journal_advance(c, toll_journal_end(g.journal));
	atomic_store(&hang, true);
	begin = toll_clock_mono_ns();
	assert_int_equal(toll_journal_close(g.journal, begin + 100 * TOLL_MS), TOLL_ETIMEOUT);
	assert_true(toll_clock_mono_ns() < begin + 10 * TOLL_S);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_last_checkpoint_that_hangs_keeps_nobody),
	};

	return cmocka_run_group_tests_name("journal_close", tests, NULL, NULL);
}

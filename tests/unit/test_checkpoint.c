/* SPDX-License-Identifier: Apache-2.0 */
/* The files of a checkpoint: what was answered with 0 is found, whatever is lost behind it, and
 * damage is never taken for an older state. */
#include "exporters/enforcer/checkpoint/checkpoint.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/crc32c.h"
#include "tests/support/dice.h"
#include "tests/support/journal_disk.h"
#include "tests/unit/unit.h"

enum { STEPS = 24, LOSSES = 4, TEXT_MAX = 64 };

static struct disk disk;
static struct toll_checkpoint ck;

/* What a reader has been told: a state is the last number, so that a frame missing shows. */
struct found {
	int state, frames;
	bool broken; /* not in order */
};

static int read_frame(void *ctx, const struct toll_frame *f)
{
	struct found *found = ctx;
	int state = 0;

	if (sscanf(f->payload.ptr, "state %d", &state) != 1)
		return TOLL_EINVALID;
	found->broken |= found->frames > 0 && state != found->state + 1;
	found->broken |= (found->frames == 0) != (f->kind == TOLL_FRAME_SNAPSHOT);
	found->state = state;
	found->frames++;
	return 0;
}

static int open_on(struct disk *d, struct found *found)
{
	*found = (struct found){ 0 };
	return toll_checkpoint_open(&ck, &d->io, read_frame, found);
}

/* Payloads of 64 B to 12 KiB, so that frames have one block or several. */
static int write_state(int state, bool whole)
{
	static char payload[3 * TOLL_FRAME_BLOCK];
	size_t len = state % 3 ? TEXT_MAX : sizeof(payload);

	memset(payload, 'x', sizeof(payload));
	snprintf(payload, sizeof(payload), "state %d.", state);
	return whole ? toll_checkpoint_write_snapshot(&ck, toll_slice(payload, len))
	             : toll_checkpoint_write_changes(&ck, toll_slice(payload, len));
}

static bool is_whole(int state)
{
	return state == 1 || state % 5 == 0;
}

static int setup(void **state TOLL_UNUSED)
{
	disk_init(&disk);
	disk.fail_with = EIO;
	return 0;
}

static int teardown(void **state TOLL_UNUSED)
{
	disk_destroy(&disk);
	return 0;
}

/* Writes states 1..last; returns the last that was answered with 0. */
static int write_states(int last)
{
	struct found found;
	int good = 0;

	assert_int_equal(open_on(&disk, &found), 0);
	for (int i = 1; i <= last; i++)
		if (write_state(i, is_whole(i)) == 0)
			good = i;
	return good;
}

static void what_was_written_is_found(void **state TOLL_UNUSED)
{
	struct found found;

	assert_int_equal(write_states(STEPS), STEPS);
	toll_checkpoint_close(&ck);
	assert_int_equal(open_on(&disk, &found), 0);
	assert_int_equal(found.state, STEPS);
	assert_int_equal(found.frames, STEPS % 5 + 1);
	assert_false(found.broken);
	assert_true(toll_checkpoint_wants_snapshot(&ck));
	assert_int_equal(write_state(STEPS + 1, true), 0);
	assert_false(toll_checkpoint_wants_snapshot(&ck));
	toll_checkpoint_close(&ck);
	assert_int_equal(open_on(&disk, &found), 0);
	assert_int_equal(found.state, STEPS + 1);
	toll_checkpoint_close(&ck);
}

/* ---- power loss ---- */

struct dice_loss {
	struct disk_loss super;
	uint32_t percent; /* of sectors that are there */
};

static size_t keep(struct disk_loss *l, const struct disk_op *op TOLL_UNUSED, size_t len)
{
	const struct dice_loss *loss = (const struct dice_loss *)l;

	if (pick(100) < loss->percent)
		return len;
	return len > 1 && pick(4) == 0 ? pick((uint32_t)len) : 0;
}

/* Every operation that was made, and what of the rest is lost: never less than what was answered by
 * then, never something in between. */
static void look_after(const struct disk_history *h, int at_least, int at_most)
{
	static const uint32_t percents[LOSSES] = { 0, 30, 80, 100 };

	for (int i = 0; i < LOSSES; i++) {
		struct dice_loss loss = { { keep }, percents[i] };
		struct disk after;
		struct found found;

		disk_init(&after);
		disk_crash(h, &loss.super, &after);
		assert_int_equal(open_on(&after, &found), 0);
		assert_false(found.broken);
		assert_in_range(found.state, at_least, at_most);
		assert_int_equal(write_state(1000, true), 0);
		toll_checkpoint_close(&ck);
		assert_int_equal(open_on(&after, &found), 0);
		assert_int_equal(found.state, 1000);
		toll_checkpoint_close(&ck);
		disk_destroy(&after);
	}
}

static void power_may_go_at_any_operation(void **state TOLL_UNUSED)
{
	size_t answered[STEPS + 2] = { 0 };
	struct disk_history h;
	struct found found;
	int done = 0;

	disk.recording = true;
	assert_int_equal(open_on(&disk, &found), 0);
	for (int i = 1; i <= STEPS; i++) {
		if (i % 7 == 0)
			disk.fail_syncs = 1;
		answered[i] = write_state(i, is_whole(i) || toll_checkpoint_wants_snapshot(&ck))
		                      ? SIZE_MAX
		                      : disk.op_count;
	}
	toll_checkpoint_close(&ck);
	disk_history_init(&h, &disk);
	while (h.at < disk.op_count) {
		disk_history_step(&h);
		for (int i = done + 1; i <= STEPS; i++)
			if (answered[i] <= h.at)
				done = i;
		look_after(&h, done, STEPS);
	}
	assert_int_equal(done, STEPS);
	disk_history_release(&h);
}

/* ---- a disk that fails ---- */

/* Call number `from` and all after it fail until the process is gone. */
static void killed_at_any_call(void **state TOLL_UNUSED)
{
	for (long from = 1;; from++) {
		struct found found;
		int good = 0;

		disk_destroy(&disk);
		disk_init(&disk);
		disk.fail_with = EIO;
		disk.fail_from = from;
		disk.fail_to = LONG_MAX;
		if (open_on(&disk, &found) == 0)
			for (int i = 1; i <= STEPS; i++)
				if (write_state(i, is_whole(i)) == 0)
					good = i;
		toll_checkpoint_close(&ck);
		disk.fail_from = disk.fail_to = 0;
		if (!disk.failed)
			break;
		assert_int_equal(open_on(&disk, &found), 0);
		assert_false(found.broken);
		assert_in_range(found.state, good, good + 1);
		toll_checkpoint_close(&ck);
	}
}

/* One call fails, or a few, then the disk is well again. */
static void goes_on_after_failures(void **state TOLL_UNUSED)
{
	for (long from = 0; from < 50; from++) {
		struct found found;

		disk_destroy(&disk);
		disk_init(&disk);
		disk.fail_with = ENOSPC;
		assert_int_equal(open_on(&disk, &found), 0);
		disk.fail_from = disk.calls + from;
		disk.fail_to = disk.fail_from + from % 3;
		for (int i = 1; i < STEPS; i++)
			(void)write_state(i, is_whole(i) || toll_checkpoint_wants_snapshot(&ck));
		disk.fail_to = 0;
		assert_int_equal(write_state(STEPS, true), 0);
		toll_checkpoint_close(&ck);
		assert_int_equal(open_on(&disk, &found), 0);
		assert_int_equal(found.state, STEPS);
		toll_checkpoint_close(&ck);
	}
}

static void a_full_disk_has_room_for_what_was_allocated(void **state TOLL_UNUSED)
{
	struct found found;

	assert_int_equal(open_on(&disk, &found), 0);
	disk.full_at = 1;
	for (int i = 1; i <= 200; i++)
		assert_int_equal(write_state(i, toll_checkpoint_wants_snapshot(&ck)), 0);
	toll_checkpoint_close(&ck);
}

/* ---- damage ---- */

static struct disk_file *file_of(const char *name)
{
	struct disk_name *n = disk_find(&disk, name);

	if (!n)
		abort();
	return &disk.files[n->file];
}

/* The one that tells, before the last frame; and the last one, which a torn write may be. */
static void damage_is_not_taken_for_an_older_state(void **state TOLL_UNUSED)
{
	struct disk copy;
	struct found found;

	assert_int_equal(write_states(STEPS), STEPS);
	toll_checkpoint_close(&ck);
	disk_init(&copy);
	disk_copy(&copy, &disk);
	for (uint32_t n = 0; n < 150; n++) {
		struct disk_file *f = file_of(ck.good ? "checkpoint.1" : "checkpoint.0");
		size_t at = pick((uint32_t)ck.end);
		int err;

		f->bytes[at] ^= (unsigned char)(1 + pick(255));
		err = open_on(&disk, &found);
		assert_true(err == TOLL_EINVALID || (err == 0 && found.state >= STEPS - 1));
		if (err) {
			assert_non_null(disk_find(&disk, "checkpoint.0.damaged"));
			assert_int_equal(ck.generation, 0);
			assert_int_equal(write_state(7, true), 0);
			toll_checkpoint_close(&ck);
			assert_int_equal(open_on(&disk, &found), 0);
			assert_int_equal(found.state, 7);
		}
		toll_checkpoint_close(&ck);
		disk_copy(&disk, &copy);
		assert_int_equal(open_on(&disk, &found), 0);
		toll_checkpoint_close(&ck);
	}
	disk_destroy(&copy);
}

/* Cut anywhere: what is behind the cut was the last write, or it is damage. */
static void cut_at_every_block(void **state TOLL_UNUSED)
{
	struct disk copy;
	struct found found;

	assert_int_equal(write_states(STEPS), STEPS);
	toll_checkpoint_close(&ck);
	disk_init(&copy);
	disk_copy(&copy, &disk);
	for (size_t at = 0; at < ck.end; at += 397) {
		unsigned good = ck.good;
		uint64_t end = ck.end;
		struct disk_file *f = file_of(good ? "checkpoint.1" : "checkpoint.0");
		int err;

		f->size = at;
		err = open_on(&disk, &found);
		assert_true(err == TOLL_EINVALID || (err == 0 && found.state > STEPS - 5));
		toll_checkpoint_close(&ck);
		disk_copy(&disk, &copy);
		ck.good = good;
		ck.end = end;
	}
	disk_destroy(&copy);
}

static void a_newer_version_is_left_alone(void **state TOLL_UNUSED)
{
	struct toll_frame f = { .kind = TOLL_FRAME_SNAPSHOT, .generation = 9 };
	unsigned char head[TOLL_FRAME_HEAD];
	struct found found;
	uint32_t crc;

	toll_frame_head(&f, head);
	head[4] = 2;
	assert_int_equal(write_states(3), 3);
	toll_checkpoint_close(&ck);
	crc = toll_crc32c(0, head, TOLL_FRAME_HEAD - 4);
	memcpy(head + TOLL_FRAME_HEAD - 4, &crc, 4);
	memcpy(file_of("checkpoint.0")->bytes, head, sizeof(head));
	assert_int_equal(open_on(&disk, &found), TOLL_EUNSUPPORTED);
	toll_checkpoint_close(&ck);
	assert_memory_equal(file_of("checkpoint.0")->bytes, head, sizeof(head));
	assert_null(disk_find(&disk, "checkpoint.0.damaged"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_was_written_is_found),
		TEST(power_may_go_at_any_operation),
		TEST(killed_at_any_call),
		TEST(goes_on_after_failures),
		TEST(a_full_disk_has_room_for_what_was_allocated),
		TEST(damage_is_not_taken_for_an_older_state),
		TEST(cut_at_every_block),
		TEST(a_newer_version_is_left_alone),
	};

	return cmocka_run_group_tests_name("checkpoint", tests, NULL, NULL);
}

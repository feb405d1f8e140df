/* SPDX-License-Identifier: Apache-2.0 */
/* test_journal_damage.c - whatever becomes of its bytes, a journal starts, gives out every intact
 * record and no other, and says exactly what is missing.
 *
 * TOLL_JOURNAL_FLIPS=1000000 flips so many bits (quick form: 10,000). */
#include <stdlib.h>
#include <time.h>

#include "base/crc32c.h"
#include "base/log.h"
#include "tests/support/dice.h"
#include "tests/support/journal.h"
#include "tests/unit/unit.h"

enum { RECORDS = 45, QUICK_FLIPS = 10000 };

static struct disk original, unclosed, damaged;
static struct sent sent[RECORDS];

/* Three records a group, a cursor that has done the first five. */
static int fill(void **state)
{
	struct toll_journal_cursor *c;
	struct toll_journal *j;

	(void)state;
	toll_log_set_sink(no_line, NULL);
	random_state = 2463534242;
	disk_init(&original);
	disk_init(&unclosed);
	disk_init(&damaged);
	j = open_on(&original);
	assert_int_equal(toll_journal_cursor(j, "c", &c), 0);
	for (uint32_t id = 0; id < RECORDS; id++) {
		sent_init(&sent[id], id, NULL);
		assert_int_equal(toll_journal_append(j, &sent[id].entry), 0);
		if (id % 3 == 2)
			toll_journal_sync_once(j);
		if (id == 5) {
			toll_journal_advance(c, sent[4].entry.end);
			assert_int_equal(toll_journal_checkpoint(j), 0);
		}
	}
	disk_copy(&unclosed, &original);
	assert_int_equal(toll_journal_close(j, 0), 0);
	return 0;
}

static int empty(void **state)
{
	(void)state;
	disk_destroy(&original);
	disk_destroy(&unclosed);
	disk_destroy(&damaged);
	return 0;
}

/* Reads all; every id of 0..to is either delivered or in a gap of the right worth. Returns how many
 * are missing. */
static uint32_t read_all(struct toll_journal *j, uint32_t to)
{
	struct toll_journal_reader *r;
	struct toll_journal_record record;
	struct toll_journal_mark at = { 0 };
	uint32_t missing = 0;
	int got;

	assert_int_equal(toll_journal_reader_new(j, at, &r), 0);
	while ((got = toll_journal_read(r, &record)) != TOLL_JOURNAL_END) {
		assert_in_range(got, TOLL_JOURNAL_RECORD, TOLL_JOURNAL_GAP);
		assert_int_equal(record.begin.seq, at.seq);
		assert_true(record.end.seq > at.seq && record.end.seq <= to);
		if (got == TOLL_JOURNAL_RECORD)
			assert_int_equal(sent_id(&record), at.seq);
		else
			missing += (uint32_t)(record.end.seq - at.seq);
		at = record.end;
		/* Exactly, whatever was lost before. */
		assert_int_equal(at.items, sent[at.seq - 1].entry.end.items);
		assert_true(at.pico == sent[at.seq - 1].entry.end.pico);
	}
	assert_int_equal(at.seq, to);
	toll_journal_reader_free(r);
	return missing;
}

static struct disk_file *file_of(struct disk *d, const char *name)
{
	struct disk_name *n = disk_find(d, name);

	assert_non_null(n);
	if (!n)
		abort(); /* so that compilers see it, too */
	return &d->files[n->file];
}

static struct disk_file *any_file(struct disk *d)
{
	for (;;) {
		struct disk_name *n = &d->names[pick(DISK_FILES)];

		if (n->file >= 0 && d->files[n->file].size)
			return &d->files[n->file];
	}
}

static void one_bit_costs_one_record_at_most(void **state)
{
	const char *wish = getenv("TOLL_JOURNAL_FLIPS");
	uint64_t flips = wish ? strtoull(wish, NULL, 10) : QUICK_FLIPS, lost = 0;

	(void)state;
	for (uint64_t i = 0; i < flips; i++) {
		struct disk_file *f;
		struct toll_journal *j;
		uint32_t missing;

		disk_copy(&damaged, &original);
		f = any_file(&damaged);
		f->bytes[pick((uint32_t)f->size)] ^= (unsigned char)(1 << pick(8));
		j = open_on(&damaged);
		missing = read_all(j, RECORDS);
		assert_in_range(missing, 0, 1);
		lost += missing;
		assert_int_equal(toll_journal_close(j, 0), 0);
	}
	assert_in_range(lost, flips / 20, flips - flips / 20); /* both ends have been seen */
}

/* No checkpoint tells the end of a journal that was killed: the groups do. Only in the last one a
 * damaged record is taken for one that was never durable. */
static void one_bit_in_a_killed_journal_hides_no_group_before_the_last(void **state)
{
	uint64_t lost = 0;

	(void)state;
	for (int i = 0; i < 4000; i++) {
		struct disk_file *f;
		struct toll_journal *j;
		uint64_t end;

		disk_copy(&damaged, &unclosed);
		f = any_file(&damaged);
		f->bytes[pick((uint32_t)f->size)] ^= (unsigned char)(1 << pick(8));
		j = open_on(&damaged);
		end = toll_journal_end(j).seq;
		assert_in_range(end, RECORDS - 3, RECORDS);
		lost += read_all(j, (uint32_t)end);
		assert_int_equal(toll_journal_close(j, 0), 0);
	}
	assert_in_range(lost, 200, 3800);
}

/* Many at once: whole stretches of noise. */
static void noise_costs_what_it_covers(void **state)
{
	(void)state;
	for (int i = 0; i < 500; i++) {
		struct disk_file *f;
		struct toll_journal *j;

		disk_copy(&damaged, &original);
		f = any_file(&damaged);
		for (size_t at = pick((uint32_t)f->size), n = pick(6000); n && at < f->size; n--)
			f->bytes[at++] = (unsigned char)pick(256);
		j = open_on(&damaged);
		read_all(j, RECORDS);
		assert_int_equal(toll_journal_close(j, 0), 0);
	}
}

/* Makes one record unreadable, in whichever segment it is. */
static void spoil(struct disk *d, uint32_t id)
{
	for (int i = 0; i < DISK_FILES; i++) {
		struct disk_name *n = &d->names[i];
		struct disk_file *f = n->file >= 0 ? &d->files[n->file] : NULL;
		unsigned char *at =
			f ? memmem(f->bytes, f->size, sent[id].bytes, sent_len(id)) : NULL;

		if (at)
			*at ^= 1;
	}
}

/* The end of an acknowledged group and the beginning of the last one: where the log ends is known,
 * what it was worth only at most. */
static void what_is_missing_before_the_end_is_no_less_than_it_was(void **state)
{
	struct toll_journal *j;
	struct toll_journal_mark end;

	(void)state;
	disk_copy(&damaged, &unclosed);
	spoil(&damaged, RECORDS - 4);
	spoil(&damaged, RECORDS - 3);
	j = open_on(&damaged);
	end = toll_journal_end(j);
	assert_int_equal(end.seq, RECORDS - 3);
	assert_int_equal(end.items, sent[RECORDS - 3].entry.end.items);
	assert_true(end.pico == sent[RECORDS - 3].entry.end.pico);
	assert_int_equal(toll_journal_close(j, 0), 0);
}

/* Which of the records lie wholly before this byte of the file. */
static uint32_t whole_before(const struct disk_file *f, uint64_t stamp, uint64_t size)
{
	struct toll_journal_head head;
	uint32_t count = 0;

	for (uint64_t at = TOLL_JOURNAL_BLOCK; at + TOLL_JOURNAL_HEAD <= f->size;
	     at += TOLL_JOURNAL_ALIGN)
		if (toll_journal_head_read(f->bytes + at, stamp, &head) &&
		    at + TOLL_JOURNAL_HEAD + head.payload_len <= size)
			count++;
	return count;
}

static void truncate_everywhere(uint64_t first_seq, uint64_t stamp)
{
	char name[TOLL_JOURNAL_SEGMENT_NAME];
	const struct disk_file *whole;
	uint32_t all;

	toll_journal_segment_name(first_seq, name);
	whole = file_of(&original, name);
	all = whole_before(whole, stamp, whole->size);
	assert_true(all > 2);
	for (size_t size = 0; size <= whole->size; size++) {
		struct toll_journal *j;

		disk_copy(&damaged, &original);
		disk_file_resize(file_of(&damaged, name), size);
		j = open_on(&damaged);
		assert_int_equal(read_all(j, RECORDS), all - whole_before(whole, stamp, size));
		assert_int_equal(toll_journal_close(j, 0), 0);
	}
}

static void a_segment_cut_anywhere_loses_what_was_behind(void **state)
{
	struct toll_journal *j;
	uint64_t second, last, stamps[2];

	(void)state;
	disk_copy(&damaged, &original);
	j = open_on(&damaged);
	assert_true(j->segment_count > 3);
	second = j->segments[1]->begin.seq;
	last = j->segments[j->segment_count - 1]->begin.seq;
	stamps[0] = toll_journal_stamp(&j->id, second);
	stamps[1] = toll_journal_stamp(&j->id, last);
	assert_int_equal(toll_journal_close(j, 0), 0);
	truncate_everywhere(second, stamps[0]);
	truncate_everywhere(last, stamps[1]);
}

static void a_segment_that_is_gone_is_a_gap(void **state)
{
	struct toll_journal *j;
	uint64_t first, behind;
	char name[TOLL_JOURNAL_SEGMENT_NAME];

	(void)state;
	disk_copy(&damaged, &original);
	j = open_on(&damaged);
	first = j->segments[1]->begin.seq;
	behind = j->segments[1]->end.seq;
	assert_int_equal(toll_journal_close(j, 0), 0);
	toll_journal_segment_name(first, name);
	disk_unname(&damaged, name);
	j = open_on(&damaged);
	assert_int_equal(read_all(j, RECORDS), behind - first);
	assert_int_equal(toll_journal_close(j, 0), 0);
}

static uint64_t cursor_after(const char *name)
{
	struct toll_journal *j = open_on(&damaged);
	struct toll_journal_cursor *c;
	uint64_t seq;

	assert_int_equal(toll_journal_cursor(j, name, &c), 0);
	seq = toll_journal_cursor_mark(c).seq;
	assert_int_equal(toll_journal_close(j, 0), 0);
	return seq;
}

static void one_damaged_slot_sets_a_cursor_back_a_little(void **state)
{
	(void)state;
	disk_copy(&damaged, &original);
	assert_int_equal(cursor_after("c"), 5);
	for (size_t slot = 0; slot < 2; slot++) {
		disk_copy(&damaged, &original);
		file_of(&damaged, "checkpoint")->bytes[slot * TOLL_JOURNAL_SLOT + 90] ^= 1;
		assert_in_range(cursor_after("c"), 0, 5);
	}
}

/* Whoever asks gets all there is rather than nothing, until somebody says that all have asked. */
static void without_a_checkpoint_everything_is_read_again(void **state)
{
	struct toll_journal_cursor *lost;
	struct toll_journal *j;

	(void)state;
	for (int damage = 0; damage < 2; damage++) {
		disk_copy(&damaged, &original);
		if (damage)
			memset(file_of(&damaged, "checkpoint")->bytes, 0xff, TOLL_JOURNAL_SLOT * 2);
		else
			disk_unname(&damaged, "checkpoint");
		assert_int_equal(cursor_after("c"), 0);
		assert_int_equal(cursor_after("d"), 0);
		j = open_on(&damaged);
		assert_int_equal(read_all(j, RECORDS), 0);
		assert_int_equal(toll_journal_cursor(j, TOLL_JOURNAL_LOST, &lost), 0);
		toll_journal_forget(lost);
		assert_int_equal(toll_journal_close(j, 0), 0);
		assert_int_equal(cursor_after("e"), RECORDS);
	}
}

static void what_a_newer_version_wrote_is_left_alone(void **state)
{
	struct toll_journal_settings set = small_journal(&damaged);
	struct toll_error why = { 0 };
	struct toll_journal *j;

	(void)state;
	for (size_t slot = 0; slot < 2; slot++) {
		unsigned char *at;

		disk_copy(&damaged, &original);
		at = file_of(&damaged, "checkpoint")->bytes + slot * TOLL_JOURNAL_SLOT;
		at[12] = TOLL_JOURNAL_VERSION + 1;
		for (uint32_t crc = toll_crc32c(0, at + 12, TOLL_JOURNAL_SLOT - 12), i = 0; i < 4;
		     i++)
			at[8 + i] = (unsigned char)(crc >> 8 * i);
		assert_int_equal(toll_journal_open(&set, &j, &why), TOLL_EUNSUPPORTED);
		assert_non_null(strstr(why.text, "newer version"));
	}
}

/* A payload that holds a record: when the head around it is damaged, the search comes by. */
static void a_payload_that_looks_like_a_record_is_none(void **state)
{
	unsigned char fake[8 + TOLL_JOURNAL_HEAD + 64] = { 0 };
	struct toll_journal_head head = { .begin = { .seq = 1 }, .payload_len = 64 };
	struct sent first;
	struct toll_journal_record record;
	struct toll_journal_reader *r;
	struct toll_journal *j;
	char name[TOLL_JOURNAL_SEGMENT_NAME];
	struct disk d;

	(void)state;
	disk_init(&d);
	j = open_on(&d);
	sent_init(&first, 0, NULL);
	first.entry.parts[0] = toll_slice(fake, sizeof(fake));
	first.entry.part_count = 1;
	head.stamp = 12345; /* whoever sends it does not know better */
	head.payload_crc = toll_crc32c(0, fake + 8 + TOLL_JOURNAL_HEAD, 64);
	toll_journal_head_write(&head, fake + 8);
	assert_int_equal(toll_journal_append(j, &first.entry), 0);
	toll_journal_sync_once(j);
	assert_int_equal(toll_journal_close(j, 0), 0);
	toll_journal_segment_name(0, name);
	file_of(&d, name)->bytes[TOLL_JOURNAL_BLOCK] ^= 1;
	j = open_on(&d);
	assert_int_equal(toll_journal_reader_new(j, (struct toll_journal_mark){ 0 }, &r), 0);
	assert_int_equal(toll_journal_read(r, &record), TOLL_JOURNAL_GAP);
	assert_int_equal(record.end.seq, 1);
	assert_int_equal(toll_journal_read(r, &record), TOLL_JOURNAL_END);
	toll_journal_reader_free(r);
	assert_int_equal(toll_journal_close(j, 0), 0);
	disk_destroy(&d);
}

/* A large last segment full of what makes the search work hardest. */
static void a_start_takes_two_seconds_at_most(void **state)
{
	enum { LARGE = 32 << 20 };
	char name[TOLL_JOURNAL_SEGMENT_NAME];
	struct disk_file *f;
	struct toll_journal *j;
	clock_t start;

	(void)state;
	disk_copy(&damaged, &original);
	toll_journal_segment_name(RECORDS, name);
	disk_name_it(&damaged, name, damaged.file_count++);
	f = file_of(&damaged, name);
	disk_file_resize(f, LARGE);
	for (size_t at = 0; at < LARGE; at += 8)
		memcpy(f->bytes + at, "TRJ1TRJ1", 8);
	start = clock();
	j = open_on(&damaged);
	assert_in_range((clock() - start) / (CLOCKS_PER_SEC / 1000), 0, 2000);
	assert_int_equal(read_all(j, RECORDS), 0);
	assert_int_equal(toll_journal_close(j, 0), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_bit_costs_one_record_at_most),
		cmocka_unit_test(one_bit_in_a_killed_journal_hides_no_group_before_the_last),
		cmocka_unit_test(what_is_missing_before_the_end_is_no_less_than_it_was),
		cmocka_unit_test(noise_costs_what_it_covers),
		cmocka_unit_test(a_segment_cut_anywhere_loses_what_was_behind),
		cmocka_unit_test(a_segment_that_is_gone_is_a_gap),
		cmocka_unit_test(one_damaged_slot_sets_a_cursor_back_a_little),
		cmocka_unit_test(without_a_checkpoint_everything_is_read_again),
		cmocka_unit_test(what_a_newer_version_wrote_is_left_alone),
		cmocka_unit_test(a_payload_that_looks_like_a_record_is_none),
		cmocka_unit_test(a_start_takes_two_seconds_at_most),
	};

	return cmocka_run_group_tests(tests, fill, empty);
}

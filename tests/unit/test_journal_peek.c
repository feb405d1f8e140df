/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/journal_peek.h"

#include <stdlib.h>

#include "base/log.h"
#include "tests/support/dice.h"
#include "tests/support/folder.h"
#include "tests/support/journal.h"
#include "tests/unit/unit.h"

enum { RECORDS = 45 };

static struct disk disk, other;
static struct sent sent[RECORDS * 4];

static struct toll_peek *peek_at(struct disk *d)
{
	struct toll_peek *p = NULL;
	struct toll_error why = { 0 };

	if (toll_peek_through(&d->io, "test", &p, &why) < 0)
		fail_msg("%s", why.text);
	return p;
}

static void append(struct toll_journal *j, uint32_t from, uint32_t to)
{
	for (uint32_t id = from; id < to; id++) {
		sent_init(&sent[id], id, NULL);
		assert_int_equal(toll_journal_append(j, &sent[id].entry), 0);
		if (id % 3 == 2)
			toll_journal_sync_once(j);
	}
	toll_journal_sync_once(j);
}

/* A journal and who peeks at it have one disk. */
static void stay(struct toll_journal_io *io)
{
	(void)io;
}

static void new_disk(struct disk *d)
{
	disk_init(d);
	d->io.release = stay;
}

/* A journal that is open, with a cursor behind its fifth record. */
static struct toll_journal *begin(struct toll_journal_cursor **ret)
{
	struct toll_journal *j;

	toll_log_set_sink(no_line, NULL);
	new_disk(&disk);
	new_disk(&other);
	j = open_on(&disk);
	assert_int_equal(toll_journal_cursor(j, "c", ret), 0);
	append(j, 0, RECORDS);
	toll_journal_advance(*ret, sent[4].entry.end);
	assert_int_equal(toll_journal_checkpoint(j), 0);
	return j;
}

static void end(struct toll_journal *j)
{
	if (j)
		assert_int_equal(toll_journal_close(j, 0), 0);
	assert_int_equal(disk.allocations, 0);
	assert_int_equal(disk.opened, 0);
	disk_destroy(&disk);
	disk_destroy(&other);
}

static void same_mark(struct toll_journal_mark a, struct toll_journal_mark b)
{
	assert_int_equal(a.seq, b.seq);
	assert_int_equal(a.items, b.items);
	assert_true(a.pico == b.pico);
}

/* ---- what is found ---- */

static void shows_a_journal_that_is_at_work(void **state TOLL_UNUSED)
{
	struct toll_journal_cursor *cursor;
	struct toll_journal *j = begin(&cursor);
	struct toll_peek *p = peek_at(&disk);
	struct toll_journal_record r;
	struct toll_journal_cursor *seen = toll_journal_cursor_at(p->journal, 0);
	uint32_t id = 0;

	assert_string_equal(toll_journal_epoch(p->journal), toll_journal_epoch(j));
	assert_string_equal(toll_journal_cursor_name(seen), "c");
	same_mark(toll_journal_cursor_mark(seen), toll_journal_cursor_mark(cursor));
	same_mark(toll_journal_end(p->journal), toll_journal_end(j));
	assert_int_equal(p->segment_count, j->segment_count);
	assert_true(p->segment_count > 2 && p->bytes >= p->segment_count * (16 << 10));
	assert_false(p->checkpoint_lost || p->begin_unknown);
	for (size_t i = 0; i < p->segment_count; i++) {
		assert_false(p->segments[i].head_damaged);
		assert_true(p->segments[i].made_wall_ms > 0);
		same_mark(p->segments[i].begin, j->segments[i]->begin);
	}
	assert_int_equal(toll_peek_from(p, 0), 0);
	while (toll_peek_next(p, &r) == TOLL_PEEK_RECORD)
		assert_int_equal(sent_id(&r), id++);
	assert_int_equal(id, RECORDS);
	assert_int_equal(toll_peek_from(p, 30), 0);
	assert_int_equal(toll_peek_next(p, &r), TOLL_PEEK_RECORD);
	same_mark(r.begin, toll_peek_segment_of(p, 30)->begin);
	toll_peek_close(p);
	append(j, RECORDS, RECORDS + 6); /* nothing has become of it */
	end(j);
}

/* ---- nothing is changed ---- */

static void assert_same_disks(const struct disk *a, struct disk *b)
{
	for (int i = 0; i < DISK_FILES; i++) {
		const struct disk_file *f, *g;
		struct disk_name *n;

		if (a->names[i].file < 0)
			continue;
		n = disk_find(b, a->names[i].name);
		assert_non_null(n);
		if (!n)
			abort(); /* so that compilers see it, too */
		f = &a->files[a->names[i].file];
		g = &b->files[n->file];
		assert_int_equal(f->size, g->size);
		if (f->size)
			assert_memory_equal(f->bytes, g->bytes, f->size);
	}
}

static uint32_t count_names(const struct disk *d)
{
	uint32_t n = 0;

	for (int i = 0; i < DISK_FILES; i++)
		n += d->names[i].file >= 0;
	return n;
}

/* What a start would find, whatever has become of the bytes. */
static void same_as_a_start_finds(void)
{
	struct toll_peek *p = peek_at(&disk);
	struct toll_journal *j;
	struct toll_journal_reader *reader;
	struct toll_journal_record a = { .begin = { 0 } }, b = { .begin = { 0 } };
	int got, found;

	j = open_on(&other);
	same_mark(toll_journal_begin(p->journal), toll_journal_begin(j));
	same_mark(toll_journal_end(p->journal), toll_journal_end(j));
	assert_int_equal(toll_journal_reader_new(j, toll_journal_begin(j), &reader), 0);
	assert_int_equal(toll_peek_from(p, 0), 0);
	while ((got = toll_journal_read(reader, &a)) != TOLL_JOURNAL_END) {
		do {
			found = toll_peek_next(p, &b);
			assert_int_equal(found, got == TOLL_JOURNAL_RECORD ? TOLL_PEEK_RECORD
			                                                   : TOLL_PEEK_DAMAGE);
		} while (b.end.seq < a.end.seq); /* a gap ends with its segment */
		same_mark(a.end, b.end);
		if (got == TOLL_JOURNAL_RECORD)
			assert_int_equal(sent_id(&b), sent_id(&a));
	}
	assert_int_equal(toll_peek_next(p, &b), TOLL_PEEK_END);
	toll_journal_reader_free(reader);
	assert_int_equal(toll_journal_close(j, 0), 0);
	toll_peek_close(p);
}

static void
whatever_is_damaged_it_finds_what_a_start_would_and_changes_nothing(void **state TOLL_UNUSED)
{
	struct toll_journal_cursor *cursor;
	struct toll_journal *j = begin(&cursor);
	static struct disk whole;

	new_disk(&whole);
	disk_copy(&whole, &disk);
	assert_int_equal(toll_journal_close(j, 0), 0);
	for (int i = 0; i < 600; i++) {
		struct disk_name *n;
		struct disk_file *f;
		uint32_t names;

		disk_copy(&disk, &whole);
		do
			n = &disk.names[pick(DISK_FILES)];
		while (n->file < 0);
		f = &disk.files[n->file];
		if (i % 5 == 4 && f->size)
			disk_file_resize(f, pick((uint32_t)f->size));
		for (size_t at = f->size ? pick((uint32_t)f->size) : 0, len = pick(900);
		     len && at < f->size; len--)
			f->bytes[at++] = (unsigned char)pick(256);
		disk_copy(&other, &disk);
		names = count_names(&disk);
		same_as_a_start_finds();
		assert_int_equal(count_names(&disk), names);
	}
	disk_destroy(&whole);
	end(NULL);
}

static void leaves_every_byte_as_it_was(void **state TOLL_UNUSED)
{
	struct toll_journal_cursor *cursor;
	struct toll_journal *j = begin(&cursor);
	struct toll_journal_record r;
	struct toll_peek *p;

	for (int lost = 0; lost < 2; lost++) {
		if (lost)
			disk_unname(&disk, "checkpoint");
		disk_copy(&other, &disk);
		p = peek_at(&disk);
		assert_int_equal(p->checkpoint_lost, lost);
		assert_int_equal(toll_peek_from(p, 0), 0);
		while (toll_peek_next(p, &r) == TOLL_PEEK_RECORD)
			continue;
		toll_peek_close(p);
		assert_same_disks(&other, &disk);
		assert_same_disks(&disk, &other);
	}
	end(j);
}

/* ---- beside its process ---- */

/* Segments are removed and used again while they are read: what went is told from damage. */
static void what_its_process_removes_meanwhile_is_no_damage(void **state TOLL_UNUSED)
{
	struct toll_journal_cursor *cursor;
	struct toll_journal *j = begin(&cursor);
	struct toll_peek *p = peek_at(&disk);
	struct toll_journal_mark at = toll_journal_begin(p->journal), last;
	struct toll_journal_record r;
	uint32_t gone = 0;
	int got;

	last = toll_journal_end(p->journal);
	assert_int_equal(toll_peek_from(p, 0), 0);
	assert_int_equal(toll_peek_next(p, &r), TOLL_PEEK_RECORD);
	at = r.end;
	toll_journal_advance(cursor, sent[30].entry.end);
	toll_journal_keep_once(j);
	append(j, RECORDS, RECORDS * 4); /* into the segments that were there */
	while ((got = toll_peek_next(p, &r)) != TOLL_PEEK_END) {
		assert_int_equal(r.begin.seq, at.seq);
		same_mark(r.end, sent[r.end.seq - 1].entry.end);
		at = r.end;
		if (got == TOLL_PEEK_RECORD)
			assert_int_equal(sent_id(&r), r.begin.seq);
		else
			assert_int_equal(got, TOLL_PEEK_GONE);
		gone += got == TOLL_PEEK_GONE;
	}
	same_mark(at, last);
	assert_true(gone > 0);
	toll_peek_close(p);
	end(j);
}

/* ---- a directory ---- */

static void what_is_no_journal_is_said_and_nothing_is_made(void **state TOLL_UNUSED)
{
	struct toll_error why;
	struct toll_peek *p;

	assert_int_equal(folder_make("none"), 0);
	assert_int_equal(toll_peek_open(folder, &p, &why), TOLL_EREFUSED);
	assert_non_null(strstr(why.text, "there is no journal"));
	assert_int_equal(toll_peek_open(path, &p, &why), TOLL_EDOWN);
	assert_non_null(strstr(why.text, "No such file or directory"));
	assert_int_equal(each_name(NULL), 0);
	assert_int_equal(folder_remove(), 0);
}

static void tells_whether_a_process_has_it(void **state TOLL_UNUSED)
{
	struct toll_journal_settings set = TOLL_JOURNAL_DEFAULTS(folder, "journal/test");
	struct toll_journal *j;
	struct toll_peek *p;

	assert_int_equal(folder_make("none"), 0);
	assert_int_equal(toll_journal_open(&set, &j, NULL), 0);
	assert_int_equal(toll_peek_open(folder, &p, NULL), 0);
	assert_true(p->in_use);
	toll_peek_close(p);
	assert_int_equal(toll_journal_close(j, 0), 0);
	assert_int_equal(toll_peek_open(folder, &p, NULL), 0);
	assert_false(p->in_use);
	toll_peek_close(p);
	assert_int_equal(folder_remove(), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shows_a_journal_that_is_at_work),
		cmocka_unit_test(
			whatever_is_damaged_it_finds_what_a_start_would_and_changes_nothing),
		cmocka_unit_test(leaves_every_byte_as_it_was),
		cmocka_unit_test(what_its_process_removes_meanwhile_is_no_damage),
		cmocka_unit_test(what_is_no_journal_is_said_and_nothing_is_made),
		cmocka_unit_test(tells_whether_a_process_has_it),
	};

	return cmocka_run_group_tests_name("journal_peek", tests, NULL, NULL);
}

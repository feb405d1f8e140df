/* SPDX-License-Identifier: Apache-2.0 */
/* journal.c - a process that writes a journal until it is killed, and one that tells what it finds.
 *
 *   write <directory> <first id>   "ack <id> <sequence>" for each record that was acknowledged,
 *                                  "done <sequence>" before the cursor moves there
 *   read <directory>               "open <ms>", "begin <sequence>", "cursor <sequence>", then
 *                                  "record <id> <sequence>", "gap <from> <to>", at last "end"
 */
#include <inttypes.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/macro.h"
#include "base/thread.h"
#include "pipeline/journal.h"

enum { SLOTS = 48, LEN_MOST = 9000 };

struct slot {
	struct toll_journal_entry entry;
	struct slot *next;
	uint64_t id;
	unsigned char bytes[LEN_MOST];
};

static struct slot slots[SLOTS], *unused;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* guards unused */
static sem_t unused_count;
static struct toll_journal_cursor *cursor;

static void die(const char *what)
{
	fprintf(stderr, "%s\n", what);
	exit(1);
}

/* Lines are whole, whenever the process dies: one write each, shorter than PIPE_BUF. */
static void tell(const char *what, uint64_t a, uint64_t b)
{
	char line[80];
	int len = snprintf(line, sizeof(line), "%s %" PRIu64 " %" PRIu64 "\n", what, a, b);

	if (write(STDOUT_FILENO, line, (size_t)len) != len)
		die("stdout");
}

static size_t fill(uint64_t id, unsigned char *bytes)
{
	size_t len = 16 + id * 2654435761u % (id % 13 ? 700 : LEN_MOST - 16);

	memcpy(bytes, &id, sizeof(id));
	for (size_t i = sizeof(id); i < len; i++)
		bytes[i] = (unsigned char)(id * 29 + i * 5 + (i >> 7));
	return len;
}

static void put_back(struct slot *s)
{
	pthread_mutex_lock(&lock);
	s->next = unused;
	unused = s;
	pthread_mutex_unlock(&lock);
	sem_post(&unused_count);
}

static struct slot *take(void)
{
	struct slot *s;

	while (sem_wait(&unused_count) < 0)
		continue;
	pthread_mutex_lock(&lock);
	s = unused;
	unused = s->next;
	pthread_mutex_unlock(&lock);
	return s;
}

static void acknowledged(struct toll_journal_entry *e, int err)
{
	struct slot *s = toll_container_of(e, struct slot, entry);

	if (!err)
		tell("ack", s->id, e->begin.seq);
	put_back(s);
}

/* Reads behind the writer, so that segments go and come again. */
static void *follow(void *journal)
{
	struct toll_journal_reader *r;
	struct toll_journal_record record;

	if (toll_journal_reader_new(journal, toll_journal_cursor_mark(cursor), &r) < 0)
		die("no reader");
	for (;;) {
		int got = toll_journal_read(r, &record);

		if (got == TOLL_JOURNAL_END) {
			usleep(500);
			continue;
		}
		if (got != TOLL_JOURNAL_RECORD)
			die("the reader found a gap");
		if (record.end.seq % 16)
			continue;
		tell("done", record.end.seq, 0);
		toll_journal_advance(cursor, record.end);
	}
	return NULL;
}

static struct toll_journal *open_journal(const char *directory)
{
	struct toll_journal_settings set = TOLL_JOURNAL_DEFAULTS(directory, "journal/test");
	struct toll_error why;
	struct toll_journal *j;

	set.segment_bytes = 128 << 10;
	set.max_bytes = 4 << 20;
	set.checkpoint_interval_ns = 20 * TOLL_MS;
	if (toll_journal_open(&set, &j, &why) < 0)
		die(why.text);
	if (toll_journal_cursor(j, "c", &cursor) < 0)
		die("no cursor");
	return j;
}

static void write_until_killed(const char *directory, uint64_t id)
{
	struct toll_journal *j = open_journal(directory);
	pthread_t thread;

	sem_init(&unused_count, 0, 0);
	for (int i = 0; i < SLOTS; i++)
		put_back(&slots[i]);
	if (toll_thread_start(&thread, "follow", follow, j) < 0)
		die("no thread");
	for (;; id++) {
		struct slot *s = take();

		s->id = id;
		s->entry = (struct toll_journal_entry){
			.parts = { toll_slice(s->bytes, fill(id, s->bytes)) },
			.part_count = 1,
			.items = 1,
			.done = acknowledged,
		};
		if (toll_journal_append(j, &s->entry) < 0) {
			put_back(s);
			usleep(1000);
		}
	}
}

static void tell_record(const struct toll_journal_record *record)
{
	unsigned char expected[LEN_MOST];
	uint64_t id;

	if (record->payload.len < 16)
		die("a record that nobody wrote");
	memcpy(&id, record->payload.ptr, sizeof(id));
	if (fill(id, expected) != record->payload.len ||
	    memcmp(expected, record->payload.ptr, record->payload.len) != 0)
		die("a record that nobody wrote");
	tell("record", id, record->begin.seq);
}

static void read_all(const char *directory)
{
	uint64_t start = toll_clock_mono_ns();
	struct toll_journal *j = open_journal(directory);
	struct toll_journal_reader *r;
	struct toll_journal_record record;
	int got;

	tell("open", (toll_clock_mono_ns() - start) / TOLL_MS, 0);
	tell("begin", toll_journal_begin(j).seq, 0);
	tell("cursor", toll_journal_cursor_mark(cursor).seq, 0);
	if (toll_journal_reader_new(j, toll_journal_begin(j), &r) < 0)
		die("no reader");
	while ((got = toll_journal_read(r, &record)) > TOLL_JOURNAL_END) {
		if (got == TOLL_JOURNAL_RECORD)
			tell_record(&record);
		else
			tell("gap", record.begin.seq, record.end.seq);
	}
	if (got < 0)
		die("cannot read");
	toll_journal_reader_free(r);
	toll_journal_close(j, 0);
	tell("end", 0, 0);
}

int main(int argc, char **argv)
{
	if (argc == 4 && strcmp(argv[1], "write") == 0)
		write_until_killed(argv[2], strtoull(argv[3], NULL, 10));
	else if (argc == 3 && strcmp(argv[1], "read") == 0)
		read_all(argv[2]);
	else
		die("journal write <directory> <first id> | read <directory>");
	return 0;
}

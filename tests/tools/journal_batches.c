/* SPDX-License-Identifier: Apache-2.0 */
/* journal_batches.c - a journal of priced batches made by chance.
 *
 *   write <directory> <records> <cursor>=<sequence> ...   makes it and ends; says "<sequence> <cost
 *                                                         record>" for each span of it
 *   run <directory>                                       appends as fast as it can, with a cursor
 *                                                         that follows, until standard input ends
 */
#include <poll.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "pipeline/journal.h"
#include "pipeline/record.h"
#include "proto/cost_record.h"
#include "tests/support/random_batch.h"

static sem_t answered;
static struct toll_journal_cursor *follower;

static void die(const char *what)
{
	fprintf(stderr, "%s\n", what);
	exit(1);
}

static void done(struct toll_journal_entry *e, int err)
{
	if (err)
		die("not journaled");
	if (follower)
		toll_journal_advance(follower, e->end);
	sem_post(&answered);
}

static struct toll_journal *open_journal(const char *directory)
{
	struct toll_journal_settings set = TOLL_JOURNAL_DEFAULTS(directory, "journal/test");
	struct toll_journal *j;
	struct toll_error why;

	set.segment_bytes = 64 << 10;
	set.checkpoint_interval_ns = 5 * TOLL_MS;
	if (toll_journal_open(&set, &j, &why) < 0)
		die(why.text);
	sem_init(&answered, 0, 0);
	return j;
}

static struct toll_batch *make(struct chance *c)
{
	struct toll_batch *b = random_batch(c);

	/* Dollars that add up to something readable. */
	for (uint32_t i = 0; i < b->span_count; i++)
		b->spans[i].cost_pico %= INT64_C(5000000000000);
	toll_batch_seal(b);
	return b;
}

static void append(struct toll_journal *j, const struct toll_batch *b, struct toll_journal_entry *e)
{
	void *memory;

	*e = (struct toll_journal_entry){ .done = done };
	if (toll_record_new(b, e, &memory) < 0 || toll_journal_append(j, e) < 0)
		die("not appended");
	while (sem_wait(&answered) < 0)
		continue;
	free(memory);
}

static void tell(const struct toll_batch *b, uint64_t seq)
{
	for (uint32_t i = 0; i < b->span_count; i++) {
		char *text, *end;

		if (b->spans[i].dropped)
			continue;
		text = malloc(toll_cost_record_bound(b, &b->spans[i]));
		if (!text)
			die("out of memory");
		end = toll_cost_record(b, &b->spans[i], text);
		printf("%llu %.*s\n", (unsigned long long)seq, (int)(end - text), text);
		free(text);
	}
}

/* Behind which record each cursor of the arguments stands. */
static void set_cursors(struct toll_journal *j, int count, char **cursors, uint64_t seq,
                        struct toll_journal_mark end)
{
	for (int i = 0; i < count; i++) {
		struct toll_journal_cursor *c;
		char name[64];
		size_t len = strcspn(cursors[i], "=");

		snprintf(name, sizeof(name), "%.*s", (int)len, cursors[i]);
		if (toll_journal_cursor(j, name, &c) < 0)
			die("no cursor");
		if (strtoull(cursors[i] + len + 1, NULL, 10) == seq)
			toll_journal_advance(c, end);
	}
}

static void write_some(const char *directory, uint64_t records, int count, char **cursors)
{
	struct toll_journal *j = open_journal(directory);
	struct chance c = { 42 };

	set_cursors(j, count, cursors, 0, (struct toll_journal_mark){ 0 });
	for (uint64_t i = 0; i < records; i++) {
		struct toll_batch *b = make(&c);
		struct toll_journal_entry e;

		append(j, b, &e);
		tell(b, e.begin.seq);
		set_cursors(j, count, cursors, e.end.seq, e.end);
		toll_batch_unref(b);
	}
	toll_journal_close(j, 0);
}

static bool goes_on(void)
{
	struct pollfd in = { STDIN_FILENO, POLLIN, 0 };

	return poll(&in, 1, 0) == 0;
}

static void run(const char *directory)
{
	struct toll_journal *j = open_journal(directory);
	struct chance c = { 43 };
	uint64_t count = 0;

	if (toll_journal_cursor(j, "follower", &follower) < 0)
		die("no cursor");
	do {
		struct toll_batch *b = make(&c);
		struct toll_journal_entry e;

		append(j, b, &e);
		toll_batch_unref(b);
		if (++count == 500)
			puts("running");
		if (count == 500)
			fflush(stdout);
	} while (goes_on());
	toll_journal_close(j, 0);
}

int main(int argc, char **argv)
{
	if (argc >= 4 && strcmp(argv[1], "write") == 0)
		write_some(argv[2], strtoull(argv[3], NULL, 10), argc - 4, argv + 4);
	else if (argc == 3 && strcmp(argv[1], "run") == 0)
		run(argv[2]);
	else
		die("journal_batches write <directory> <records> <cursor>=<sequence> ... | run "
		    "<directory>");
	return 0;
}

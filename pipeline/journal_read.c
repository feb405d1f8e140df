/* SPDX-License-Identifier: Apache-2.0 */
/* journal_read.c - readers: every record in order, and exactly what is missing between them.
 *
 * A record says what lies before it, so two intact ones tell what is missing between them, in
 * records, items and money. */
#include <errno.h>

#include "pipeline/journal_private.h"
#include "pipeline/journal_scan.h"

#define AGAIN 100 /* not yet enum toll_journal_read */

struct toll_journal_reader {
	struct toll_journal *journal;
	struct toll_journal_mark at; /* everything before was given out */
	uint64_t from;               /* where to look: there is nothing between at and there */
	struct toll_journal_segment *segment; /* pinned, and open; or NULL */
	struct toll_journal_scan scan;
	struct toll_journal_mark until; /* what the segment held when the scan got its limit */
	bool last;                      /* nothing followed it then */
	/* Found behind a gap that was given out first. */
	bool held;
	struct toll_journal_head head;
	struct toll_slice payload;
};

int toll_journal_reader_new(struct toll_journal *j, struct toll_journal_mark from,
                            struct toll_journal_reader **ret)
{
	struct toll_journal_reader *r = j->io->alloc(j->io, sizeof(*r));

	if (!r)
		return TOLL_ENOMEM;
	r->journal = j;
	r->at = from;
	r->from = from.seq;
	*ret = r;
	return 0;
}

/* True: it is there still. */
static bool unpin(struct toll_journal *j, struct toll_journal_segment *s)
{
	bool last, gone;

	pthread_mutex_lock(&j->lock);
	gone = s->gone;
	last = --s->readers == 0 && gone;
	pthread_mutex_unlock(&j->lock);
	if (last)
		j->io->free(j->io, s);
	return !gone;
}

static void leave_segment(struct toll_journal_reader *r)
{
	if (!r->segment)
		return;
	r->journal->io->close(r->journal->io, r->scan.file);
	toll_journal_scan_release(&r->scan);
	unpin(r->journal, r->segment);
	r->segment = NULL;
}

struct toll_journal_reader *toll_journal_reader_free(struct toll_journal_reader *r)
{
	if (r) {
		leave_segment(r);
		r->journal->io->free(r->journal->io, r);
	}
	return NULL;
}

static int give_gap(struct toll_journal_reader *r, struct toll_journal_mark to,
                    struct toll_journal_record *ret)
{
	*ret = (struct toll_journal_record){ .begin = r->at, .end = to };
	r->at = to;
	return TOLL_JOURNAL_GAP;
}

/* The first segment that ends behind this sequence; under lock. */
static struct toll_journal_segment *find_segment(struct toll_journal *j, uint64_t seq)
{
	size_t low = 0, high = j->segment_count;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (j->segments[middle]->end.seq > seq)
			high = middle;
		else
			low = middle + 1;
	}
	return low < j->segment_count ? j->segments[low] : NULL;
}

/* How far the open segment may be read. False: it was dropped. */
static bool look(struct toll_journal_reader *r)
{
	const struct toll_journal_segment *s = r->segment;
	struct toll_journal *j = r->journal;
	bool there;

	pthread_mutex_lock(&j->lock);
	r->scan.limit = s->used;
	r->scan.until = s->end.seq;
	r->until = s->end;
	there = !s->gone;
	r->last = there && s == j->segments[j->segment_count - 1];
	pthread_mutex_unlock(&j->lock);
	return there;
}

static int open_segment(struct toll_journal_reader *r, struct toll_journal_segment *s)
{
	struct toll_journal *j = r->journal;
	char name[TOLL_JOURNAL_SEGMENT_NAME];
	int file;

	toll_journal_segment_name(s->begin.seq, name);
	file = j->io->open(j->io, name, TOLL_JOURNAL_OPEN_READ);
	if (file < 0)
		return file;
	toll_journal_scan_init(&r->scan, j->io, file, toll_journal_stamp(&j->id, s->begin.seq));
	r->scan.next = r->from;
	r->segment = s;
	return 0;
}

/* 1: the segment that goes on at r->from is open; 0: there is none, and the log ends at *ret_end.
 */
static int enter_segment(struct toll_journal_reader *r, struct toll_journal_mark *ret_end)
{
	struct toll_journal *j = r->journal;
	struct toll_journal_segment *s;
	bool there;
	int err;

	do {
		pthread_mutex_lock(&j->lock);
		*ret_end = j->end;
		s = find_segment(j, r->from);
		if (s)
			s->readers++;
		pthread_mutex_unlock(&j->lock);
		if (!s)
			return 0;
		err = open_segment(r, s);
		there = err == 0 || unpin(j, s);
	} while (!there); /* removed this very moment */
	return err < 0 ? toll_journal_error(err) : 1;
}

static int give_record(struct toll_journal_reader *r, struct toll_journal_record *ret)
{
	*ret = (struct toll_journal_record){ r->head.begin, toll_journal_head_end(&r->head),
		                             r->payload, r->head.type, r->head.items };
	r->held = false;
	r->at = ret->end;
	return TOLL_JOURNAL_RECORD;
}

/* The segment has been read as far as it goes. What is missing at its end shows when the next
 * record is found, or there is none. */
static int end_of_segment(struct toll_journal_reader *r, struct toll_journal_record *ret)
{
	const struct toll_journal_mark until = r->until;

	if (r->last)
		return r->at.seq < until.seq ? give_gap(r, until, ret) : TOLL_JOURNAL_END;
	r->from = until.seq;
	leave_segment(r);
	return AGAIN;
}

static int read_on(struct toll_journal_reader *r, struct toll_journal_record *ret)
{
	struct toll_journal_mark end = { 0 };
	int got = r->segment ? 1 : enter_segment(r, &end);

	if (got < 0)
		return got;
	if (!r->segment)
		return end.seq > r->at.seq ? give_gap(r, end, ret) : TOLL_JOURNAL_END;
	if (!look(r)) {
		leave_segment(r);
		return AGAIN;
	}
	got = toll_journal_scan_next(&r->scan, &r->head, &r->payload);
	if (got < 0)
		return got;
	if (got == 0)
		return end_of_segment(r, ret);
	r->held = true;
	r->from = r->scan.next;
	return r->head.begin.seq > r->at.seq ? give_gap(r, r->head.begin, ret)
	                                     : give_record(r, ret);
}

int toll_journal_read(struct toll_journal_reader *r, struct toll_journal_record *ret)
{
	int got = AGAIN;

	if (r->held)
		return give_record(r, ret);
	while (got == AGAIN)
		got = read_on(r, ret);
	return got;
}

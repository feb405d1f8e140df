/* SPDX-License-Identifier: Apache-2.0 */
/* journal_peek.h - a journal looked at from outside: nothing is written and no lock is taken, so it
 * works beside the process that has the journal, and on a copy. What is found is what a start would
 * find: the same code finds it. One thread. */
#ifndef TOLL_PIPELINE_JOURNAL_PEEK_H
#define TOLL_PIPELINE_JOURNAL_PEEK_H

#include "pipeline/journal.h"

struct toll_peek_segment {
	char name[32];
	struct toll_journal_mark begin, end;
	uint64_t file_bytes;
	uint64_t made_wall_ms; /* 0: not known */
	bool head_damaged;
};

struct toll_peek {
	struct toll_journal
		*journal;     /* for epoch, marks and cursors: those of the last checkpoint */
	bool in_use;          /* a process has it right now */
	bool checkpoint_lost; /* nobody knows who has done what: all is held */
	bool begin_unknown; /* the oldest segment's head is damaged: what was before it is not told
	                     */
	struct toll_peek_segment *segments;
	size_t segment_count;
	uint64_t bytes; /* of all files that segments are in, or will be */

	/* Private. */
	struct toll_journal_io *io;
	struct toll_journal_reader *reader;
	struct toll_journal_mark gap, gap_end; /* not given out yet */
};

/* TOLL_EREFUSED: there is no journal; nothing is made. */
int toll_peek_open(const char *directory, struct toll_peek **ret,
                   struct toll_error *reterr) TOLL_MUST_CHECK;
struct toll_peek *toll_peek_close(struct toll_peek *p); /* always returns NULL */

/* The same through another table, which is released at the end, also of a failed open. */
int toll_peek_through(struct toll_journal_io *take_io, const char *directory,
                      struct toll_peek **ret, struct toll_error *reterr) TOLL_MUST_CHECK;

enum toll_peek_found {
	TOLL_PEEK_END = 0,
	TOLL_PEEK_RECORD,
	TOLL_PEEK_DAMAGE, /* [begin, end) cannot be read, though its segment is there */
	TOLL_PEEK_GONE,   /* [begin, end): its process has removed the segment meanwhile */
};

/* Reading begins with the segment that holds this sequence, or with the oldest. */
int toll_peek_from(struct toll_peek *p, uint64_t seq) TOLL_MUST_CHECK;
/* enum toll_peek_found, in order and without holes; negative: memory or disk fail, it may be tried
 * again. What is missing ends with its segment. */
int toll_peek_next(struct toll_peek *p, struct toll_journal_record *ret) TOLL_MUST_CHECK;
/* The segment that a sequence belongs to, or NULL. */
const struct toll_peek_segment *toll_peek_segment_of(const struct toll_peek *p, uint64_t seq);

#endif

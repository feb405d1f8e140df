/* SPDX-License-Identifier: Apache-2.0 */
/* journal_scan.h - goes through the bytes of one segment and finds every intact record, whatever is
 * between them: padding, torn writes, damage, what a file held before.
 *
 * Only a record whose head, payload and stamp agree is ever given out. */
#ifndef TOLL_PIPELINE_JOURNAL_SCAN_H
#define TOLL_PIPELINE_JOURNAL_SCAN_H

#include "pipeline/journal_format.h"
#include "pipeline/journal_io.h"

struct toll_journal_scan {
	struct toll_journal_io *io;
	int file;
	uint64_t stamp;
	uint64_t at;     /* where the next record may begin; only goes up */
	uint64_t limit;  /* bytes to look at; the caller may raise it */
	uint64_t next;   /* sequences below are passed over */
	uint64_t until;  /* so are this one and those above */
	bool unreadable; /* the disk refused some of it, which counts as zeros */
	unsigned char *buf;
	size_t room, have;
	uint64_t buf_at; /* where in the file buf[0] lies */
};

/* Nothing is read yet. Release afterwards. */
void toll_journal_scan_init(struct toll_journal_scan *s, struct toll_journal_io *io, int file,
                            uint64_t stamp);
void toll_journal_scan_release(struct toll_journal_scan *s);
/* 1: the next intact record in [next, until), payload valid until the next call, and `next` is past
 * it; 0: there is none below the limit; TOLL_ENOMEM, TOLL_EDOWN: may be tried again. */
int toll_journal_scan_next(struct toll_journal_scan *s, struct toll_journal_head *ret,
                           struct toll_slice *ret_payload) TOLL_MUST_CHECK;

#endif

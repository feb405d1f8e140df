/* SPDX-License-Identifier: Apache-2.0 */
/* journal_private.h - inside a journal: what its files share. Who does what:
 *   journal.c            life, append, what others may ask
 *   journal_sync.c       the sync thread: groups, and their answers
 *   journal_files.c      segments begin, end, are used again
 *   journal_cursor.c     cursors
 *   journal_checkpoint.c the file that makes cursors durable
 *   journal_keep.c       the keeper thread: checkpoints, removal, a spare segment ahead of need
 *   journal_recover.c    what is found at the start; journal_tail.c: where it ends
 *   journal_read.c       readers
 *
 * Locks, in this order: files, saving, lock. Nothing waits for the disk under `lock`. */
#ifndef TOLL_PIPELINE_JOURNAL_PRIVATE_H
#define TOLL_PIPELINE_JOURNAL_PRIVATE_H

#include <pthread.h>

#include "pipeline/journal_format.h"
#include "pipeline/journal_io.h"

#define TOLL_JOURNAL_SPARE "spare"
#define TOLL_JOURNAL_IOV   1024

/* Guarded by journal.lock. */
struct toll_journal_segment {
	struct toll_journal_mark begin, end; /* the next one begins at end, or it is the last */
	uint64_t file_bytes;
	uint64_t used;    /* what is durable lies below */
	unsigned readers; /* have it open, or are about to */
	bool gone;        /* removed; the last reader frees it */
};

struct toll_journal_cursor {
	struct toll_journal *journal;
	bool used, claimed;
	bool durable;   /* a checkpoint has it */
	bool forgotten; /* and still holds what it held, until a checkpoint is without it */
	char name[TOLL_JOURNAL_NAME_MAX + 1];
	struct toll_journal_mark mark, saved; /* saved: what the checkpoint on disk says */
	struct toll_journal_mark dropped;     /* so much of each */
};

struct toll_journal {
	struct toll_journal_settings set;
	struct toll_journal_io *io;
	struct toll_journal_identity id;
	char epoch[33];
	pthread_t sync_thread, keep_thread;
	bool sync_runs, keep_runs;

	pthread_mutex_t files; /* guards spare, and who makes, renames and removes segments */
	int spare;             /* a file of segment_bytes called "spare", or -1 */

	pthread_mutex_t saving; /* guards the checkpoint */
	int checkpoint;
	struct toll_journal_checkpoint saved; /* the last one on disk */
	struct toll_journal_checkpoint next;
	unsigned char slot[TOLL_JOURNAL_SLOT];

	/* The sync thread's. */
	struct toll_journal_segment *active; /* last of segments, or NULL: none can be written */
	int active_file;
	uint64_t last_group_ns;
	struct iovec iov[TOLL_JOURNAL_IOV];

	pthread_mutex_t lock;      /* guards all that follows */
	pthread_cond_t work, keep; /* for either thread */
	struct toll_journal_entry *first, **last;
	uint64_t queued_bytes; /* waiting, or in the group that is being written */
	bool closing;
	int refusal; /* why appends are refused until then; 0 */
	uint64_t refusal_until_ns, backoff_ns;
	struct toll_journal_mark end; /* durable; only the sync thread moves it */
	struct toll_journal_segment **segments;
	size_t segment_count, segment_room;
	struct toll_journal_cursor cursors[TOLL_JOURNAL_CURSORS_MAX];
	struct toll_journal_stats stats; /* what is counted */

	pthread_mutex_t listening; /* guards listeners */
	struct toll_journal_listener *listeners;
};

/* ---- journal_sync.c ---- */
/* Writes, syncs and answers one group. False: nothing waits. */
bool toll_journal_sync_once(struct toll_journal *j);
void *toll_journal_sync_main(void *journal);

/* ---- journal_keep.c ---- */
void toll_journal_keep_once(struct toll_journal *j);
void *toll_journal_keep_main(void *journal);

/* ---- journal_files.c; the caller holds `files` ---- */
/* j->spare is there afterwards. may_drop: what can go makes room for it, and so does the policy;
 * for the sync thread only, while no segment is active. */
int toll_journal_spare_make(struct toll_journal *j, bool may_drop) TOLL_MUST_CHECK;
void toll_journal_spare_discard(struct toll_journal *j);
/* The spare, whose content is durable, becomes the segment that is written. */
int toll_journal_spare_take(struct toll_journal *j, struct toll_journal_mark begin) TOLL_MUST_CHECK;
/* Removes what all durable cursors have passed. True: something went. */
bool toll_journal_remove_passed(struct toll_journal *j);
/* The sync thread, without `files`: nothing more is written to the active segment. cut: its room
 * behind what is durable is given back, because the disk has failed there or nothing will come. */
void toll_journal_seal(struct toll_journal *j, bool cut);
/* Room for one more in j->segments; under lock. */
int toll_journal_segment_room(struct toll_journal *j) TOLL_MUST_CHECK;
uint64_t toll_journal_bytes(struct toll_journal *j); /* under `lock`, without the spare */

/* ---- journal_checkpoint.c ---- */
/* 0: j->saved is what was found; TOLL_EINVALID: nothing usable, make one; TOLL_EUNSUPPORTED; or why
 * it cannot be told. */
int toll_journal_checkpoint_load(struct toll_journal *j) TOLL_MUST_CHECK;
int toll_journal_checkpoint_make(struct toll_journal *j) TOLL_MUST_CHECK;
/* Both slots, so that losing either loses nothing. */
int toll_journal_checkpoint_both(struct toll_journal *j) TOLL_MUST_CHECK;

/* ---- journal_recover.c ---- */
int toll_journal_recover(struct toll_journal *j, struct toll_error *reterr) TOLL_MUST_CHECK;
/* A file, or a negative errno. */
int toll_journal_open_segment(struct toll_journal *j, uint64_t first_seq,
                              enum toll_journal_open how) TOLL_MUST_CHECK;

/* ---- journal_tail.c ---- */
/* Finds the end of the last segment, which is j->end from then on, whatever happens. */
int toll_journal_recover_last(struct toll_journal *j) TOLL_MUST_CHECK;

/* ---- journal_cursor.c ---- */
/* The checkpoint was lost: this one stands at the oldest record, and new ones begin there. */
#define TOLL_JOURNAL_LOST ""
/* The lowest of all; `lock` is held. saved: of what is on disk. False: there is no cursor. */
bool toll_journal_lowest(struct toll_journal *j, bool saved, struct toll_journal_mark *ret);
/* Moves those before `to` there and counts what they had not done. Under `lock`. */
void toll_journal_drop_before(struct toll_journal *j, struct toll_journal_mark begin,
                              struct toll_journal_mark to);

/* For people: what an error means where a disk is concerned. */
static inline const char *toll_journal_why(int err)
{
	if (err == TOLL_EFULL)
		return "no room on disk or over the cap";
	return err == TOLL_EDOWN ? "the disk fails" : toll_err_text(err);
}

static inline struct toll_journal_mark toll_journal_between(struct toll_journal_mark from,
                                                            struct toll_journal_mark to)
{
	return (struct toll_journal_mark){ to.seq - from.seq, to.items - from.items,
		                           to.pico - from.pico };
}

static inline void toll_journal_mark_add(struct toll_journal_mark *sum,
                                         struct toll_journal_mark more)
{
	sum->seq += more.seq;
	sum->items += more.items;
	sum->pico += more.pico;
}

#endif

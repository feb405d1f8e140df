/* SPDX-License-Identifier: Apache-2.0 */
/* journal.h - an append-only log of records on disk: nothing that was answered with 0 is lost.
 *
 * One directory, one journal, one process: a second one is refused. Records are appended from any
 * thread without waiting; a thread of the journal writes and syncs what has come together and
 * answers each. Cursors say how far each user has come; a segment goes when all are past it.
 * Format, promises and reasons: docs/adr/0027-the-journal.md. */
#ifndef TOLL_PIPELINE_JOURNAL_H
#define TOLL_PIPELINE_JOURNAL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/slice.h"
#include "cost/money.h"

struct toll_journal;
struct toll_journal_cursor;
struct toll_journal_io;
struct toll_journal_reader;

enum toll_journal_policy {
	TOLL_JOURNAL_REFUSE = 0,  /* full: appends fail with TOLL_EFULL */
	TOLL_JOURNAL_DROP_OLDEST, /* full: the oldest segment goes, what is lost is counted */
};

/* What is borrowed must live as long as the journal. */
struct toll_journal_settings {
	const char *directory;
	const char *who;                 /* for log lines: "journal/traces" */
	uint64_t segment_bytes;          /* of one file, preallocated; a multiple of 4 KiB */
	uint64_t max_bytes;              /* of all files */
	uint64_t queue_bytes;            /* of records that wait to be written */
	uint64_t sync_interval_ns;       /* groups are so far apart ... */
	uint64_t sync_bytes;             /* ... unless so much waits */
	uint64_t checkpoint_interval_ns; /* cursors become durable so often */
	enum toll_journal_policy policy;
	struct toll_journal_io *io; /* NULL: the directory; else released at the end, also of a
	                               failed open */
	bool by_hand;               /* tests: no threads, see journal_private.h */
};

#define TOLL_JOURNAL_DEFAULTS(directory_, who_)                                                \
	{                                                                                      \
		.directory = (directory_), .who = (who_), .segment_bytes = UINT64_C(32) << 20, \
		.max_bytes = UINT64_C(1) << 30, .queue_bytes = UINT64_C(32) << 20,             \
		.sync_interval_ns = 2000000, .sync_bytes = 256 << 10,                          \
		.checkpoint_interval_ns = 1000000000,                                          \
	}

/* A place between two records: what lies before it since the journal began. The difference of two
 * is what lies between them, exactly, whatever has become of the records. */
struct toll_journal_mark {
	uint64_t seq;   /* records; also the sequence of the record that begins here */
	uint64_t items; /* spans, as their appenders said */
	toll_i128 pico; /* money likewise, picodollars */
};

#define TOLL_JOURNAL_PARTS_MAX 4

/* One record on its way in. The caller's from before append until done has been called; so are the
 * bytes of its parts: they are written from where they lie. */
struct toll_journal_entry {
	struct toll_slice parts[TOLL_JOURNAL_PARTS_MAX];
	uint32_t part_count;
	uint32_t items;
	toll_i128 pico;
	uint16_t type; /* of the payload: the caller's business */
	/* Exactly once for every append that returned 0, on the journal's thread, in order. err 0:
	 * durable, and [begin, end) is its place. Else it is not, and will not be delivered while
	 * this process lives; after a crash it may be found nevertheless. Must not block. */
	void (*done)(struct toll_journal_entry *e, int err);
	struct toll_journal_mark begin, end;

	/* The journal's. */
	struct toll_journal_entry *next;
	uint64_t payload_len;
	uint32_t payload_crc;
	unsigned char head[88];
};

/* Opens or makes the journal. What is found is recovered: in at most a few times the time it takes
 * to read one segment, whatever the bytes are. TOLL_EREFUSED: another process has it;
 * TOLL_EUNSUPPORTED: a newer version wrote it; else the disk's error. */
int toll_journal_open(const struct toll_journal_settings *set, struct toll_journal **ret,
                      struct toll_error *reterr) TOLL_MUST_CHECK;
/* Other limits, from now on; any thread. What is over a smaller one goes as it is done. */
void toll_journal_limit(struct toll_journal *j, uint64_t max_bytes,
                        enum toll_journal_policy policy);
/* No new appends; what waits is written and answered, cursors are checkpointed. Readers must be
 * gone. TOLL_ETIMEOUT: the disk has not come back until the deadline (0: waits for ever); the
 * journal is left behind with its threads and its lock, and nothing of it may be freed. */
int toll_journal_close(struct toll_journal *j, uint64_t deadline_mono_ns);

/* Any thread, never waits for the disk. Negative: not taken, done is not called. TOLL_EFULL (no
 * room in queue or on disk), TOLL_ETOOBIG (for one segment), TOLL_EDOWN (the disk fails),
 * TOLL_ESHUTDOWN. */
int toll_journal_append(struct toll_journal *j, struct toll_journal_entry *e) TOLL_MUST_CHECK;

/* 32 hex digits that name this journal as long as its directory lives: with a sequence they name a
 * record for ever. */
const char *toll_journal_epoch(const struct toll_journal *j);
struct toll_journal_mark toll_journal_begin(struct toll_journal *j); /* oldest kept */
struct toll_journal_mark toll_journal_end(struct toll_journal *j);   /* durable */

/* Called on the journal's thread after every group that has become durable. Must not block, nor
 * listen or unlisten. */
struct toll_journal_listener {
	struct toll_journal_listener *next;
	void (*durable)(struct toll_journal_listener *l);
};
void toll_journal_listen(struct toll_journal *j, struct toll_journal_listener *l);
void toll_journal_unlisten(struct toll_journal *j, struct toll_journal_listener *l);

/* ---- cursors (any thread) ---- */

#define TOLL_JOURNAL_CURSORS_MAX 64
#define TOLL_JOURNAL_NAME_MAX    127 /* bytes of a cursor's name */

/* The one of that name, or a new one at the durable end. Cursors live until they are forgotten,
 * also over restarts: one that nobody moves holds everything after it. TOLL_EFULL: there are too
 * many; TOLL_ETOOBIG: the name. The journal's. */
int toll_journal_cursor(struct toll_journal *j, const char *name,
                        struct toll_journal_cursor **ret) TOLL_MUST_CHECK;
/* The i-th, in no order, or NULL. */
struct toll_journal_cursor *toll_journal_cursor_at(struct toll_journal *j, unsigned i);
const char *toll_journal_cursor_name(const struct toll_journal_cursor *c);
struct toll_journal_mark toll_journal_cursor_mark(struct toll_journal_cursor *c);
/* Has anybody asked for it since the journal was opened? */
bool toll_journal_cursor_claimed(struct toll_journal_cursor *c);
/* Everything before `to` is done. Never goes back. Durable within checkpoint_interval. */
void toll_journal_advance(struct toll_journal_cursor *c, struct toll_journal_mark to);
/* What had not been done when it was dropped (TOLL_JOURNAL_DROP_OLDEST), since open. */
struct toll_journal_mark toll_journal_cursor_dropped(struct toll_journal_cursor *c);
/* It must not be used any more, and holds nothing from the next checkpoint on. */
void toll_journal_forget(struct toll_journal_cursor *c);
/* Makes all cursors durable now; waits for the disk. */
int toll_journal_checkpoint(struct toll_journal *j) TOLL_MUST_CHECK;

/* ---- reading (one thread per reader; waits for the disk) ---- */

enum toll_journal_read {
	TOLL_JOURNAL_END = 0, /* nothing durable left; a listener hears of more */
	TOLL_JOURNAL_RECORD,
	TOLL_JOURNAL_GAP, /* [begin, end) cannot be read any more: damaged or dropped */
};

struct toll_journal_record {
	struct toll_journal_mark begin, end;
	struct toll_slice payload; /* until the next read */
	uint16_t type;
	uint32_t items;
};

/* From there on, in order, without holes: what is not a record is a gap. */
int toll_journal_reader_new(struct toll_journal *j, struct toll_journal_mark from,
                            struct toll_journal_reader **ret) TOLL_MUST_CHECK;
struct toll_journal_reader *toll_journal_reader_free(struct toll_journal_reader *r);
/* enum toll_journal_read; negative: memory or disk fail, the same read may be tried again. */
int toll_journal_read(struct toll_journal_reader *r,
                      struct toll_journal_record *ret) TOLL_MUST_CHECK;

/* ---- for metrics ---- */

struct toll_journal_stats {
	struct toll_journal_mark begin, end;
	uint64_t bytes, segments; /* on disk now, the spare one included */
	uint64_t queued_bytes;    /* wait to be written */
	uint64_t groups;          /* synced since open */
	uint64_t refused_full, refused_down;
	uint64_t failed_records;          /* answered with an error */
	uint64_t failed_syncs;            /* writes and syncs that failed, checkpoints too */
	struct toll_journal_mark dropped; /* by TOLL_JOURNAL_DROP_OLDEST, not done by all */
	bool full, down;
};
void toll_journal_stats(struct toll_journal *j, struct toll_journal_stats *ret);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* spool.h - one pipeline's journal and what belongs to it. The host keeps it: a reload opens the
 * same directory again and gets the same one. */
#ifndef TOLL_PIPELINE_SPOOL_H
#define TOLL_PIPELINE_SPOOL_H

#include <stdatomic.h>
#include <stdbool.h>

#include "base/memory.h"
#include "pipeline/journal.h"

struct toll_host;
struct toll_repeats;
struct toll_repeats_saver;
struct toll_repeats_settings;
struct toll_spools;

/* Where journals are and how large they may be: what an extension file_storage publishes under its
 * id as the service "storage". Borrowed for calls only. */
#define TOLL_STORAGE "storage"
struct toll_storage {
	const char *directory; /* canonical; each pipeline has one inside */
	uint64_t max_bytes;    /* of the files of one journal */
	uint64_t segment_bytes, sync_interval_ns;
	enum toll_journal_policy policy;
	struct toll_journal_io *io; /* tests, as by_hand: journal.h */
	bool by_hand;
};

/* The cursor of spool.repeats; no exporter is called so. */
#define TOLL_SPOOL_REPEATS "deduplicate"

/* Read-only for all but its owner. */
struct toll_spool {
	struct toll_journal *journal;
	const char *pipeline;         /* its id */
	const char *directory;        /* its own */
	const char *who;              /* for log lines: "journal/traces" */
	uint64_t max_bytes;           /* inside toll_spools_each() */
	struct toll_memory *memory;   /* the process's: what is read back is charged to it */
	struct toll_repeats *repeats; /* requests that were taken lately; NULL: nobody asks */
	_Atomic(struct toll_repeats_saver *) saver; /* the same on disk */
	struct toll_spool *next;                    /* the host's */
};

/* The pipeline's, opened, or the one that is open already: every open wants its let_go. What is on
 * disk is recovered first, in about the time of reading one segment. reterr says what to do. Main
 * thread. */
int toll_spool_open(struct toll_host *h, const struct toll_storage *st, const char *pipeline,
                    struct toll_spool **ret, struct toll_error *reterr) TOLL_MUST_CHECK;
/* What of the limits a running journal can take over, it does; the log names the rest. */
void toll_spool_limit(struct toll_spool *s, const struct toll_storage *st);
/* The last one closes the journal; the log tells what waits in it. Nothing may be on its way to it,
 * no reader open. Where the disk does not come back it is left behind after a moment, lock and all.
 * NULL is accepted. Main thread; always returns NULL. */
struct toll_spool *toll_spool_let_go(struct toll_host *h, struct toll_spool *s);

/* Around each append, until its answer has been worked off: any thread. */
void toll_spool_enter(struct toll_spool *s);
void toll_spool_leave(struct toll_spool *s);
/* Waits until all have left. TOLL_ETIMEOUT: the disk has not answered until the deadline. */
int toll_spool_settle(struct toll_spool *s, uint64_t deadline_mono_ns) TOLL_MUST_CHECK;

/* ---- spool_repeats.c ---- */

/* From here on what the journal takes is remembered in s->repeats, as far as the limits go; what
 * they were before does not count. The first time it is read what was taken before; disk trouble is
 * an error then. Main thread. */
int toll_spool_remember(struct toll_spool *s, const struct toll_repeats_settings *limits,
                        struct toll_error *reterr) TOLL_MUST_CHECK;
void toll_spool_limit_repeats(struct toll_spool *s, const struct toll_repeats_settings *limits);
/* A record of this digest is durable. The journal's thread, in its order. */
void toll_spool_note(struct toll_spool *s, const uint64_t digest[2], struct toll_journal_mark end);
/* Before the journal is closed. TOLL_ETIMEOUT: the disk hangs, everything must stay. */
int toll_spool_close_repeats(struct toll_spool *s, uint64_t deadline_mono_ns) TOLL_MUST_CHECK;

/* A cursor that nobody wants any more holds everything behind it: those without a name that
 * `wanted` knows go, and the log tells what they still held. Nobody may use one of them. */
void toll_spool_forget(struct toll_spool *s, bool (*wanted)(void *ctx, const char *cursor),
                       void *ctx);

/* All that are open. Taken and let go on the main thread; NULL: out of memory. */
struct toll_spools *toll_spools_get(struct toll_host *h);
void toll_spools_let_go(struct toll_host *h, struct toll_spools *all);
/* Those whose directory is right below `directory`; any thread, under a lock. */
void toll_spools_each(struct toll_spools *all, const char *directory,
                      void (*fn)(void *ctx, const struct toll_spool *s), void *ctx);

/* The log names journals below `directory` that are not open and hold what nobody has had. Reads
 * disks: at the start of the process. */
void toll_spools_tell_orphans(struct toll_spools *all, const char *directory);

/* "/var/lib/x" and "traces/2" -> "/var/lib/x/traces%2F2"; malloc'ed, NULL: out of memory. */
char *toll_spool_path(const char *directory, const char *pipeline);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* repeats_saver.h - what a journal has taken is known as a repeat after a restart too.
 *
 * Digests of its records go to a store about once a second, by a thread of its own; a cursor of the
 * journal keeps the records whose digests are not there yet. A start reads the store, then those
 * records. */
#ifndef TOLL_PIPELINE_REPEATS_SAVER_H
#define TOLL_PIPELINE_REPEATS_SAVER_H

#include <stdint.h>

#include "base/error.h"
#include "pipeline/journal.h"
#include "pipeline/repeats.h"

struct toll_journal_io;
struct toll_repeats_saver;

/* Borrowed, but for io: they must outlive the saver. */
struct toll_repeats_saver_settings {
	struct toll_journal *journal;
	struct toll_journal_io *io; /* the store's directory; taken, also when opening fails */
	const char *cursor;
	const char *who; /* for log lines */
	struct toll_repeats_settings limits;
	uint64_t interval_ns; /* digests are saved so often */
	/* A disk that fails for so long must not fill the journal: what waits is given up. */
	uint64_t patience_ns;
};

#define TOLL_REPEATS_INTERVAL_NS UINT64_C(1000000000)
#define TOLL_REPEATS_PATIENCE_NS UINT64_C(10000000000)

/* *ret_repeats: a ring that knows all of that, the caller's; free it after the saver. What cannot
 * be read is told and not known. TOLL_ENOMEM, the disk's errors. Waits for the disk. */
int toll_repeats_saver_open(const struct toll_repeats_saver_settings *set,
                            struct toll_repeats_saver **ret, struct toll_repeats **ret_repeats,
                            struct toll_error *reterr) TOLL_MUST_CHECK;
/* What was noted is saved first. TOLL_ETIMEOUT: the disk has not answered until the deadline: left
 * behind with its thread, and nothing of it may be freed. NULL is accepted. Before the journal is
 * closed. */
int toll_repeats_saver_close(struct toll_repeats_saver *s, uint64_t deadline_mono_ns);

/* Any thread. */
void toll_repeats_saver_limit(struct toll_repeats_saver *s,
                              const struct toll_repeats_settings *limits);

/* A record is durable; digest 0, 0: nobody asks for it. The journal's thread, in its order; never
 * waits for the disk. */
void toll_repeats_saver_note(struct toll_repeats_saver *s, const uint64_t digest[2],
                             struct toll_journal_mark end);

#endif

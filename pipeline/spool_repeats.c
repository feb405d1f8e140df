/* SPDX-License-Identifier: Apache-2.0 */
/* spool_repeats.c - the requests that one journal has taken lately: in memory, and in a directory
 * beside its segments. */
#include <stdio.h>
#include <stdlib.h>

#include "pipeline/journal_io.h"
#include "pipeline/repeats.h"
#include "pipeline/repeats_saver.h"
#include "pipeline/spool.h"

#define DIRECTORY "deduplicate"

static int open_directory(const struct toll_spool *s, struct toll_journal_io **ret,
                          struct toll_error *reterr)
{
	char *path;
	int err;

	if (asprintf(&path, "%s/" DIRECTORY, s->directory) < 0)
		return toll_fail(reterr, TOLL_ENOMEM, "out of memory");
	err = toll_journal_disk(path, ret, reterr);
	free(path);
	return err;
}

int toll_spool_remember(struct toll_spool *s, const struct toll_repeats_settings *limits,
                        struct toll_error *reterr)
{
	struct toll_repeats_saver_settings set = { .journal = s->journal,
		                                   .cursor = TOLL_SPOOL_REPEATS,
		                                   .who = s->who,
		                                   .limits = *limits,
		                                   .interval_ns = TOLL_REPEATS_INTERVAL_NS,
		                                   .patience_ns = TOLL_REPEATS_PATIENCE_NS };
	struct toll_repeats_saver *saver;
	int err;

	if (s->repeats)
		return 0;
	err = open_directory(s, &set.io, reterr);
	if (!err)
		err = toll_repeats_saver_open(&set, &saver, &s->repeats, reterr);
	if (!err)
		atomic_store_explicit(&s->saver, saver, memory_order_release);
	return err;
}

void toll_spool_limit_repeats(struct toll_spool *s, const struct toll_repeats_settings *limits)
{
	if (!s->repeats)
		return;
	toll_repeats_limit(s->repeats, limits->max_age, limits->max_bytes);
	toll_repeats_saver_limit(s->saver, limits);
}

void toll_spool_note(struct toll_spool *s, const uint64_t digest[2], struct toll_journal_mark end)
{
	struct toll_repeats_saver *saver = atomic_load_explicit(&s->saver, memory_order_acquire);

	if (saver)
		toll_repeats_saver_note(saver, digest, end);
}

int toll_spool_close_repeats(struct toll_spool *s, uint64_t deadline_mono_ns)
{
	int err = toll_repeats_saver_close(s->saver, deadline_mono_ns);

	if (err)
		return err;
	s->saver = NULL;
	s->repeats = toll_repeats_free(s->repeats);
	return 0;
}

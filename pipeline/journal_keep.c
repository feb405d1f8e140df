/* SPDX-License-Identifier: Apache-2.0 */
/* journal_keep.c - what a group must not wait for: checkpoints, removal, the next segment. */
#include "base/clock.h"
#include "base/thread.h"
#include "pipeline/journal_private.h"

/* The segment that is written is half full and there is none to follow it. */
static bool wants_spare(struct toll_journal *j)
{
	const struct toll_journal_segment *last;
	bool wants;

	pthread_mutex_lock(&j->lock);
	last = j->segment_count ? j->segments[j->segment_count - 1] : NULL;
	wants = j->spare < 0 && !j->refusal && last && last->used > j->set.segment_bytes / 2;
	pthread_mutex_unlock(&j->lock);
	return wants;
}

static void end_refusal(struct toll_journal *j)
{
	pthread_mutex_lock(&j->lock);
	if (j->refusal == TOLL_EFULL)
		j->refusal = 0;
	pthread_mutex_unlock(&j->lock);
}

void toll_journal_keep_once(struct toll_journal *j)
{
	if (toll_journal_checkpoint(j) < 0)
		return;
	pthread_mutex_lock(&j->files);
	if (toll_journal_remove_passed(j))
		end_refusal(j);
	/* Where it fails, the sync thread finds out when it needs one. */
	if (wants_spare(j) && toll_journal_spare_make(j, false) < 0)
		toll_journal_spare_discard(j);
	pthread_mutex_unlock(&j->files);
}

void *toll_journal_keep_main(void *journal)
{
	struct toll_journal *j = journal;
	bool closing;

	do {
		pthread_mutex_lock(&j->lock);
		if (!j->closing)
			toll_cond_wait_until(&j->keep, &j->lock,
			                     toll_clock_mono_ns() + j->set.checkpoint_interval_ns);
		closing = j->closing;
		pthread_mutex_unlock(&j->lock);
		if (!closing)
			toll_journal_keep_once(j);
	} while (!closing);
	return NULL;
}

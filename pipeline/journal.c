/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/journal.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/crc32c.h"
#include "base/log.h"
#include "base/thread.h"
#include "pipeline/journal_private.h"

static int check(const struct toll_journal_settings *s, struct toll_error *reterr)
{
	if (s->segment_bytes < UINT64_C(4) * TOLL_JOURNAL_BLOCK ||
	    s->segment_bytes % TOLL_JOURNAL_BLOCK)
		return toll_fail(reterr, TOLL_ECONFIG,
		                 "%s: segments are whole blocks of 4 KiB, at least four", s->who);
	if (s->max_bytes / 2 < s->segment_bytes)
		return toll_fail(reterr, TOLL_ECONFIG, "%s: the disk cap is at least two segments",
		                 s->who);
	return 0;
}

static void init(struct toll_journal *j, const struct toll_journal_settings *set,
                 struct toll_journal_io *io)
{
	j->set = *set;
	j->io = io;
	j->spare = j->checkpoint = j->active_file = -1;
	j->last = &j->first;
	pthread_mutex_init(&j->files, NULL);
	pthread_mutex_init(&j->saving, NULL);
	pthread_mutex_init(&j->lock, NULL);
	pthread_mutex_init(&j->listening, NULL);
}

/* Also of half-built ones. Threads have ended. */
static void release(struct toll_journal *j)
{
	struct toll_journal_io *io = j->io;

	toll_journal_seal(j, true);
	toll_journal_spare_discard(j);
	if (j->checkpoint >= 0)
		io->close(io, j->checkpoint);
	for (size_t i = 0; i < j->segment_count; i++)
		io->free(io, j->segments[i]);
	io->free(io, j->segments);
	pthread_mutex_destroy(&j->files);
	pthread_mutex_destroy(&j->saving);
	pthread_mutex_destroy(&j->lock);
	pthread_mutex_destroy(&j->listening);
	io->free(io, j);
	io->release(io);
}

static int start_threads(struct toll_journal *j)
{
	int err = toll_thread_start(&j->sync_thread, "toll-journal", toll_journal_sync_main, j);

	j->sync_runs = err == 0;
	if (!err)
		err = toll_thread_start(&j->keep_thread, "toll-jkeeper", toll_journal_keep_main, j);
	j->keep_runs = err == 0;
	return err;
}

static void begin_closing(struct toll_journal *j)
{
	pthread_mutex_lock(&j->lock);
	j->closing = true;
	pthread_cond_signal(&j->work);
	pthread_cond_signal(&j->keep);
	pthread_mutex_unlock(&j->lock);
}

static int join_threads(struct toll_journal *j, uint64_t deadline_mono_ns)
{
	if (j->sync_runs && toll_thread_join_until(j->sync_thread, deadline_mono_ns) < 0)
		return TOLL_ETIMEOUT;
	j->sync_runs = false;
	if (j->keep_runs && toll_thread_join_until(j->keep_thread, deadline_mono_ns) < 0)
		return TOLL_ETIMEOUT;
	j->keep_runs = false;
	return 0;
}

static int start(struct toll_journal *j, struct toll_error *reterr)
{
	int err = toll_cond_init(&j->work);

	if (err < 0)
		return toll_fail(reterr, err, "out of memory");
	err = toll_cond_init(&j->keep);
	if (err < 0) {
		pthread_cond_destroy(&j->work);
		return toll_fail(reterr, err, "out of memory");
	}
	err = toll_journal_recover(j, reterr);
	if (!err && !j->set.by_hand) {
		err = start_threads(j);
		if (err < 0)
			toll_fail(reterr, err, "%s: no thread", j->set.who);
	}
	if (err < 0) {
		begin_closing(j);
		(void)join_threads(j, 0);
		pthread_cond_destroy(&j->work);
		pthread_cond_destroy(&j->keep);
	}
	return err;
}

int toll_journal_open(const struct toll_journal_settings *set, struct toll_journal **ret,
                      struct toll_error *reterr)
{
	struct toll_journal_io *io = set->io;
	struct toll_journal *j;
	int err = io ? 0 : toll_journal_disk(set->directory, &io, reterr);

	if (err < 0)
		return err;
	err = check(set, reterr);
	j = err < 0 ? NULL : io->alloc(io, sizeof(*j));
	if (!j) {
		io->release(io);
		return err < 0 ? err : toll_fail(reterr, TOLL_ENOMEM, "out of memory");
	}
	init(j, set, io);
	err = start(j, reterr);
	if (err < 0) {
		release(j);
		return err;
	}
	*ret = j;
	return 0;
}

static void *finish(void *journal)
{
	struct toll_journal *j = journal;

	if (toll_journal_checkpoint(j) == 0) {
		pthread_mutex_lock(&j->files);
		toll_journal_remove_passed(j);
		pthread_mutex_unlock(&j->files);
	}
	return NULL;
}

/* On a thread, so that a disk that hangs only now does not keep the caller. */
static int finish_until(struct toll_journal *j, uint64_t deadline_mono_ns)
{
	pthread_t thread;

	if (!j->set.by_hand && toll_thread_start(&thread, "toll-journal", finish, j) == 0)
		return toll_thread_join_until(thread, deadline_mono_ns);
	finish(j);
	return 0;
}

int toll_journal_close(struct toll_journal *j, uint64_t deadline_mono_ns)
{
	int err;

	begin_closing(j);
	err = join_threads(j, deadline_mono_ns);
	while (!err && toll_journal_sync_once(j)) /* where there were no threads */
		continue;
	if (!err)
		err = finish_until(j, deadline_mono_ns);
	if (err < 0) {
		TOLL_WARN(j->set.who, "the disk does not come back: left behind");
		return TOLL_ETIMEOUT;
	}
	pthread_cond_destroy(&j->work);
	pthread_cond_destroy(&j->keep);
	release(j);
	return 0;
}

void toll_journal_limit(struct toll_journal *j, uint64_t max_bytes, enum toll_journal_policy policy)
{
	pthread_mutex_lock(&j->lock);
	j->set.max_bytes = max_bytes;
	j->set.policy = policy;
	if (j->refusal == TOLL_EFULL)
		j->refusal = 0; /* the next append finds out */
	pthread_mutex_unlock(&j->lock);
}

/* Under lock: why not, or 0. */
static int refusal_of(struct toll_journal *j, uint64_t bytes)
{
	if (j->closing)
		return TOLL_ESHUTDOWN;
	if (j->refusal && toll_clock_mono_ns() < j->refusal_until_ns)
		return j->refusal;
	/* A record larger than the whole queue gets into an empty one. */
	return j->queued_bytes && j->queued_bytes + bytes > j->set.queue_bytes ? TOLL_EFULL : 0;
}

static void count_refusal(struct toll_journal *j, int err)
{
	if (err == TOLL_EFULL)
		j->stats.refused_full++;
	else
		j->stats.refused_down++;
}

static int enqueue(struct toll_journal *j, struct toll_journal_entry *e, uint64_t bytes)
{
	int err;
	bool wake;

	pthread_mutex_lock(&j->lock);
	err = refusal_of(j, bytes);
	if (err < 0) {
		count_refusal(j, err);
	} else {
		wake = !j->first || (j->queued_bytes < j->set.sync_bytes &&
		                     j->queued_bytes + bytes >= j->set.sync_bytes);
		e->next = NULL;
		*j->last = e;
		j->last = &e->next;
		j->queued_bytes += bytes;
		if (wake)
			pthread_cond_signal(&j->work);
	}
	pthread_mutex_unlock(&j->lock);
	return err;
}

int toll_journal_append(struct toll_journal *j, struct toll_journal_entry *e)
{
	uint64_t bytes;

	e->payload_len = 0;
	for (uint32_t i = 0; i < e->part_count; i++)
		e->payload_len += e->parts[i].len;
	bytes = toll_journal_record_bytes(e->payload_len);
	if (e->payload_len > UINT32_MAX || bytes > j->set.segment_bytes - TOLL_JOURNAL_BLOCK)
		return TOLL_ETOOBIG;
	e->payload_crc = 0;
	for (uint32_t i = 0; i < e->part_count; i++)
		e->payload_crc = toll_crc32c(e->payload_crc, e->parts[i].ptr, e->parts[i].len);
	return enqueue(j, e, bytes);
}

const char *toll_journal_epoch(const struct toll_journal *j)
{
	return j->epoch;
}

/* Under lock. */
static struct toll_journal_mark oldest(const struct toll_journal *j)
{
	return j->segment_count ? j->segments[0]->begin : j->end;
}

struct toll_journal_mark toll_journal_begin(struct toll_journal *j)
{
	struct toll_journal_mark m;

	pthread_mutex_lock(&j->lock);
	m = oldest(j);
	pthread_mutex_unlock(&j->lock);
	return m;
}

struct toll_journal_mark toll_journal_end(struct toll_journal *j)
{
	struct toll_journal_mark m;

	pthread_mutex_lock(&j->lock);
	m = j->end;
	pthread_mutex_unlock(&j->lock);
	return m;
}

void toll_journal_listen(struct toll_journal *j, struct toll_journal_listener *l)
{
	pthread_mutex_lock(&j->listening);
	l->next = j->listeners;
	j->listeners = l;
	pthread_mutex_unlock(&j->listening);
}

void toll_journal_unlisten(struct toll_journal *j, struct toll_journal_listener *l)
{
	pthread_mutex_lock(&j->listening);
	for (struct toll_journal_listener **link = &j->listeners; *link; link = &(*link)->next) {
		if (*link != l)
			continue;
		*link = l->next;
		break;
	}
	pthread_mutex_unlock(&j->listening);
}

void toll_journal_stats(struct toll_journal *j, struct toll_journal_stats *ret)
{
	pthread_mutex_lock(&j->lock);
	*ret = j->stats;
	ret->begin = oldest(j);
	ret->end = j->end;
	ret->bytes = toll_journal_bytes(j) + (j->spare >= 0 ? j->set.segment_bytes : 0);
	ret->segments = j->segment_count + (j->spare >= 0);
	ret->queued_bytes = j->queued_bytes;
	ret->full = j->refusal == TOLL_EFULL;
	ret->down = j->refusal && !ret->full;
	pthread_mutex_unlock(&j->lock);
}

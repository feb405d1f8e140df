/* SPDX-License-Identifier: Apache-2.0 */
/* journal_sync.c - what waits becomes a group: written, synced, answered.
 *
 * The head of each record says where its group begins: a group is written only after the one before
 * is durable, so one intact record proves everything before its group. */
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/thread.h"
#include "pipeline/journal_private.h"

#define BACKOFF_FIRST (100 * TOLL_MS)
#define BACKOFF_MOST  (3 * TOLL_S)
#define FULL_FOR      TOLL_S
/* iovecs of one record: head, parts, padding. */
#define IOV_RECORD (TOLL_JOURNAL_PARTS_MAX + 2)

static const unsigned char zeros[TOLL_JOURNAL_BLOCK];

struct group {
	struct toll_journal_entry *first;
	uint64_t bytes; /* of records; the padding to a block comes on top */
	uint32_t count;
};

/* Does it fit into what is left of the segment? */
static bool fits(const struct toll_journal *j, uint64_t bytes)
{
	return j->active && bytes <= j->set.segment_bytes - j->active->used;
}

/* As much as fits into one segment, in order: into this one if the first record does. */
static struct group take_group(struct toll_journal *j)
{
	struct group g = { .first = j->first };
	const bool here = g.first && fits(j, toll_journal_record_bytes(g.first->payload_len));
	const uint64_t most = j->set.segment_bytes - (here ? j->active->used : TOLL_JOURNAL_BLOCK);
	struct toll_journal_entry **link = &g.first;

	for (; *link; link = &(*link)->next) {
		uint64_t bytes = toll_journal_record_bytes((*link)->payload_len);

		if (g.bytes + bytes > most)
			break;
		g.bytes += bytes;
		g.count++;
	}
	j->first = *link;
	*link = NULL;
	if (!j->first)
		j->last = &j->first;
	return g;
}

static void number_group(struct toll_journal *j, const struct group *g, uint64_t stamp)
{
	struct toll_journal_mark at = j->end;
	uint32_t in_group = 0;

	for (struct toll_journal_entry *e = g->first; e; e = e->next) {
		const struct toll_journal_head head = {
			.stamp = stamp,
			.begin = at,
			.pico = e->pico,
			.payload_len = (uint32_t)e->payload_len,
			.payload_crc = e->payload_crc,
			.in_group = in_group,
			.items = e->items,
			.type = e->type,
		};

		in_group++;
		e->begin = at;
		at = toll_journal_head_end(&head);
		e->end = at;
		toll_journal_head_write(&head, e->head);
	}
}

static int lay_out(struct iovec *iov, const struct toll_journal_entry *e)
{
	int n = 0;

	iov[n++] = toll_journal_piece(e->head, sizeof(e->head));
	for (uint32_t i = 0; i < e->part_count; i++)
		iov[n++] = toll_journal_piece(e->parts[i].ptr, e->parts[i].len);
	iov[n++] = toll_journal_piece(zeros, toll_journal_record_bytes(e->payload_len) -
	                                             TOLL_JOURNAL_HEAD - e->payload_len);
	return n;
}

static int write_group(struct toll_journal *j, const struct group *g, int file, uint64_t at)
{
	uint64_t flushed = 0, laid = 0;
	int n = 0, err;

	for (const struct toll_journal_entry *e = g->first; e; e = e->next) {
		n += lay_out(j->iov + n, e);
		laid += toll_journal_record_bytes(e->payload_len);
		if (e->next && n + IOV_RECORD < TOLL_JOURNAL_IOV)
			continue;
		if (!e->next)
			j->iov[n++] = toll_journal_piece(
				zeros,
				toll_journal_round_up(g->bytes, TOLL_JOURNAL_BLOCK) - g->bytes);
		err = toll_journal_write_all(j->io, file, j->iov, n, at + flushed);
		if (err < 0)
			return err;
		flushed = laid;
		n = 0;
	}
	return j->io->datasync(j->io, file);
}

static int write_segment_head(struct toll_journal *j, int file)
{
	const struct toll_journal_segment_head head = {
		.id = j->id,
		.begin = j->end,
		.segment_bytes = j->set.segment_bytes,
		.made_wall_ms = toll_clock_wall_ms(),
	};
	unsigned char bytes[TOLL_JOURNAL_SEGMENT_HEAD];
	struct iovec iov[] = { toll_journal_piece(bytes, sizeof(bytes)),
		               toll_journal_piece(zeros, TOLL_JOURNAL_BLOCK - sizeof(bytes)) };

	toll_journal_segment_head_write(&head, bytes);
	return toll_journal_write_all(j->io, file, iov, 2, 0);
}

/* The group is the first of a new segment, which is there only once the group is durable. */
static int begin_segment(struct toll_journal *j, const struct group *g)
{
	int err;

	pthread_mutex_lock(&j->files);
	err = toll_journal_spare_make(j, true);
	if (err < 0)
		goto out;
	number_group(j, g, toll_journal_stamp(&j->id, j->end.seq));
	err = toll_journal_error(write_segment_head(j, j->spare));
	if (!err)
		err = toll_journal_error(write_group(j, g, j->spare, TOLL_JOURNAL_BLOCK));
	if (!err)
		err = toll_journal_spare_take(j, j->end);
	if (err < 0)
		toll_journal_spare_discard(j);
out:
	pthread_mutex_unlock(&j->files);
	return err;
}

/* 0, or the error; *ret_refuse: nothing can be appended, for now. */
static int store(struct toll_journal *j, const struct group *g, bool *ret_refuse)
{
	int err;

	*ret_refuse = !fits(j, g->bytes);
	if (*ret_refuse) {
		toll_journal_seal(j, false);
		return begin_segment(j, g);
	}
	number_group(j, g, toll_journal_stamp(&j->id, j->active->begin.seq));
	err = write_group(j, g, j->active_file, j->active->used);
	if (err < 0)
		toll_journal_seal(j, true);
	return toll_journal_error(err);
}

static void answer(struct toll_journal_entry *e, int err)
{
	struct toll_journal_entry *next;

	for (; e; e = next) {
		next = e->next;
		e->done(e, err);
	}
}

static void publish(struct toll_journal *j, const struct group *g)
{
	const struct toll_journal_entry *e = g->first;
	bool half;

	while (e->next)
		e = e->next;
	pthread_mutex_lock(&j->lock);
	j->active->used += toll_journal_round_up(g->bytes, TOLL_JOURNAL_BLOCK);
	j->active->end = j->end = e->end;
	j->queued_bytes -= g->bytes;
	j->stats.groups++;
	j->refusal = 0;
	j->backoff_ns = 0;
	half = j->active->used > j->set.segment_bytes / 2;
	if (half && j->spare < 0)
		pthread_cond_signal(&j->keep);
	pthread_mutex_unlock(&j->lock);
	answer(g->first, 0);
	pthread_mutex_lock(&j->listening);
	for (struct toll_journal_listener *l = j->listeners; l; l = l->next)
		l->durable(l);
	pthread_mutex_unlock(&j->listening);
}

/* Under lock. */
static void refuse(struct toll_journal *j, int err)
{
	j->backoff_ns = j->backoff_ns ? j->backoff_ns * 2 : BACKOFF_FIRST;
	if (j->backoff_ns > BACKOFF_MOST)
		j->backoff_ns = BACKOFF_MOST;
	j->refusal = err;
	j->refusal_until_ns = toll_clock_mono_ns() + (err == TOLL_EFULL ? FULL_FOR : j->backoff_ns);
}

/* When nothing can be appended, what waits behind the group would wait in vain. */
static void fail(struct toll_journal *j, struct group *g, int err, bool nothing_fits)
{
	struct toll_journal_entry *rest = NULL;

	pthread_mutex_lock(&j->lock);
	j->queued_bytes -= g->bytes;
	j->stats.failed_records += g->count;
	if (err != TOLL_EFULL)
		j->stats.failed_syncs++;
	if (nothing_fits) {
		refuse(j, err);
		rest = j->first;
		j->first = NULL;
		j->last = &j->first;
		for (struct toll_journal_entry *e = rest; e; e = e->next)
			j->stats.failed_records++;
		if (rest)
			j->queued_bytes = 0;
	}
	pthread_mutex_unlock(&j->lock);
	TOLL_WARN(j->set.who, "%u record%s not journaled: %s", g->count, TOLL_PLURAL(g->count),
	          toll_journal_why(err));
	answer(g->first, err);
	answer(rest, err);
}

bool toll_journal_sync_once(struct toll_journal *j)
{
	struct group g;
	bool refuses;
	int err;

	pthread_mutex_lock(&j->lock);
	g = take_group(j);
	pthread_mutex_unlock(&j->lock);
	if (!g.first)
		return false;
	err = store(j, &g, &refuses);
	if (err < 0)
		fail(j, &g, err, refuses);
	else
		publish(j, &g);
	return true;
}

/* Until something waits, and until it is time for it. False: the end. */
static bool wait_for_work(struct toll_journal *j)
{
	uint64_t due;

	while (!j->first && !j->closing)
		toll_cond_wait_until(&j->work, &j->lock, 0);
	due = j->last_group_ns + j->set.sync_interval_ns;
	while (!j->closing && j->queued_bytes < j->set.sync_bytes && toll_clock_mono_ns() < due)
		toll_cond_wait_until(&j->work, &j->lock, due);
	j->last_group_ns = toll_clock_mono_ns();
	return j->first != NULL;
}

void *toll_journal_sync_main(void *journal)
{
	struct toll_journal *j = journal;
	bool more;

	do {
		pthread_mutex_lock(&j->lock);
		more = wait_for_work(j);
		pthread_mutex_unlock(&j->lock);
		if (more)
			toll_journal_sync_once(j);
	} while (more);
	return NULL;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* journal_tail.c - where the log ends, as its last segment tells it, and that this stays so. */
#include "base/log.h"
#include "pipeline/journal_private.h"
#include "pipeline/journal_scan.h"

/* The end of the log as one segment tells it. */
struct tail {
	struct toll_journal_mark end; /* everything before was durable, and so is this group as far
	                                 as it has no holes */
	uint64_t end_at;              /* where that is in the file */
	uint64_t last_at;             /* behind the last intact record */
	uint64_t group;               /* sequence the last group begins with, and ... */
	uint64_t group_at;            /* ... behind what was found before it */
};

static void take_record(struct tail *t, const struct toll_journal_head *h, uint64_t behind)
{
	const uint64_t group = h->begin.seq - h->in_group;

	if (group > t->group) {
		t->group = group;
		t->group_at = t->last_at;
	}
	if (group > t->end.seq) {
		t->end = h->begin; /* what is missing of its group counts as lost as well */
		t->end.seq = group;
		t->end_at = t->last_at;
	}
	t->last_at = behind;
	if (h->begin.seq == t->end.seq) {
		t->end = toll_journal_head_end(h);
		t->end_at = behind;
	}
}

static int find_tail(struct toll_journal *j, int file, const struct toll_journal_segment *s,
                     struct tail *ret, bool *ret_unreadable)
{
	struct toll_journal_scan scan;
	struct toll_journal_head head;
	struct toll_slice payload;
	int err;

	*ret = (struct tail){ .end = s->begin,
		              .end_at = TOLL_JOURNAL_BLOCK,
		              .last_at = TOLL_JOURNAL_BLOCK,
		              .group = s->begin.seq };
	toll_journal_scan_init(&scan, j->io, file, toll_journal_stamp(&j->id, s->begin.seq));
	scan.limit = s->file_bytes;
	scan.next = s->begin.seq;
	while ((err = toll_journal_scan_next(&scan, &head, &payload)) > 0)
		take_record(ret, &head, scan.at);
	*ret_unreadable = scan.unreadable;
	toll_journal_scan_release(&scan);
	return err;
}

/* The bytes of the last group once more: it may be in the page cache only, and where a sync has
 * failed for it, the next one would succeed without writing it. The slot is not in use yet. */
static int write_again(struct toll_journal *j, int file, uint64_t from, uint64_t to)
{
	while (from < to) {
		size_t len = to - from < sizeof(j->slot) ? (size_t)(to - from) : sizeof(j->slot);
		ssize_t got = toll_journal_read_all(j->io, file, j->slot, len, from);
		struct iovec iov = { j->slot, got > 0 ? (size_t)got : 0 };
		int err = got <= 0 ? (int)got : toll_journal_write_all(j->io, file, &iov, 1, from);

		if (err < 0)
			return err;
		if ((size_t)got < len)
			break; /* the file ends here */
		from += len;
	}
	return j->io->datasync(j->io, file);
}

/* Whoever reads the end of the log now must find it after a power loss too: else its sequences
 * would be given out again. A checkpoint that knows of it proves it durable. */
static void make_durable(struct toll_journal *j, const struct toll_journal_segment *s, int file,
                         const struct tail *t)
{
	const uint64_t from = toll_journal_round_up(t->group_at, TOLL_JOURNAL_BLOCK);
	int err;

	if (j->saved.end.seq >= t->end.seq)
		return;
	err = write_again(j, file, from, s->used);
	if (err < 0)
		TOLL_WARN(j->set.who, "segment %llu cannot be synced",
		          (unsigned long long)s->begin.seq);
}

/* What nobody needs gives its room back. */
static void cut(struct toll_journal *j, struct toll_journal_segment *s, int file,
                const struct tail *t, bool unreadable)
{
	const uint64_t behind = s->end.seq > t->end.seq ? t->last_at : t->end_at;

	s->used = toll_journal_round_up(behind, TOLL_JOURNAL_BLOCK);
	if (s->used > s->file_bytes)
		s->used = s->file_bytes;
	if (!unreadable && j->io->truncate(j->io, file, s->used) == 0)
		s->file_bytes = s->used;
}

int toll_journal_recover_last(struct toll_journal *j)
{
	struct toll_journal_segment *s = j->segments[j->segment_count - 1];
	struct tail tail;
	int err, file = toll_journal_open_segment(j, s->begin.seq, TOLL_JOURNAL_OPEN_UPDATE);
	bool unreadable;

	if (file < 0)
		return toll_journal_error(file);
	err = find_tail(j, file, s, &tail, &unreadable);
	if (!err) {
		s->end = tail.end;
		if (j->end.seq > s->end.seq)
			s->end = j->end; /* as the checkpoint says */
		j->end = s->end;
		cut(j, s, file, &tail, unreadable);
		make_durable(j, s, file, &tail);
	}
	j->io->close(j->io, file);
	return err;
}

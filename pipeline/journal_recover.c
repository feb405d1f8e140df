/* SPDX-License-Identifier: Apache-2.0 */
/* journal_recover.c - what is found at the start: which segments, whose, and where the log ends.
 *
 * Only the last segment is read through: that another one follows proves a segment durable as far
 * as it goes. What is damaged inside shows when it is read. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/log.h"
#include "pipeline/journal_private.h"

/* More files than anybody's disk holds segments: what is beyond is not looked at. */
#define SEGMENTS_MAX 100000

struct names {
	struct toll_journal_io *io;
	uint64_t *seqs;
	size_t count, room;
	int err;
};

static void add_name(void *ctx, const char *name)
{
	struct names *n = ctx;
	uint64_t seq, *larger;

	if (n->err || n->count == SEGMENTS_MAX || !toll_journal_segment_parse(name, &seq))
		return;
	if (n->count == n->room) {
		larger = n->io->alloc(n->io, (n->room * 2 + 64) * sizeof(*larger));
		if (!larger) {
			n->err = TOLL_ENOMEM;
			return;
		}
		if (n->count)
			memcpy(larger, n->seqs, n->count * sizeof(*larger));
		n->io->free(n->io, n->seqs);
		n->seqs = larger;
		n->room = n->room * 2 + 64;
	}
	n->seqs[n->count++] = seq;
}

static int by_number(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* The head in the first block; TOLL_EINVALID where it is damaged or of another journal. */
static int read_segment_head(struct toll_journal *j, int file, bool any_journal,
                             struct toll_journal_segment_head *ret)
{
	unsigned char bytes[TOLL_JOURNAL_SEGMENT_HEAD];
	int err;

	if (toll_journal_read_all(j->io, file, bytes, sizeof(bytes), 0) != sizeof(bytes))
		return TOLL_EINVALID;
	err = toll_journal_segment_head_read(bytes, ret);
	if (!err && !any_journal &&
	    (memcmp(ret->id.epoch, j->id.epoch, sizeof(j->id.epoch)) != 0 ||
	     ret->id.seed != j->id.seed))
		return TOLL_EINVALID;
	return err;
}

int toll_journal_open_segment(struct toll_journal *j, uint64_t first_seq,
                              enum toll_journal_open how)
{
	char name[TOLL_JOURNAL_SEGMENT_NAME];

	toll_journal_segment_name(first_seq, name);
	return j->io->open(j->io, name, how);
}

/* Where the log begins in it: as its head says, else as its first record does, else by its name. */
static struct toll_journal_mark begin_of(struct toll_journal *j, int file, uint64_t first_seq)
{
	struct toll_journal_segment_head head;
	unsigned char bytes[TOLL_JOURNAL_HEAD];
	struct toll_journal_head record;

	if (read_segment_head(j, file, false, &head) == 0 && head.begin.seq == first_seq)
		return head.begin;
	TOLL_WARN(j->set.who, "segment %llu: its head is damaged", (unsigned long long)first_seq);
	if (toll_journal_read_all(j->io, file, bytes, sizeof(bytes), TOLL_JOURNAL_BLOCK) ==
	            sizeof(bytes) &&
	    toll_journal_head_read(bytes, toll_journal_stamp(&j->id, first_seq), &record) &&
	    record.begin.seq == first_seq)
		return record.begin;
	return (struct toll_journal_mark){ .seq = first_seq };
}

static int push_segment(struct toll_journal *j, struct toll_journal_mark begin, uint64_t bytes)
{
	struct toll_journal_segment *s;
	int err = toll_journal_segment_room(j);

	s = err < 0 ? NULL : j->io->alloc(j->io, sizeof(*s));
	if (!s)
		return TOLL_ENOMEM;
	*s = (struct toll_journal_segment){
		.begin = begin, .end = begin, .file_bytes = bytes, .used = bytes
	};
	if (j->segment_count)
		j->segments[j->segment_count - 1]->end = begin;
	j->segments[j->segment_count++] = s;
	return 0;
}

static int add_segment(struct toll_journal *j, uint64_t first_seq)
{
	int err, file = toll_journal_open_segment(j, first_seq, TOLL_JOURNAL_OPEN_READ);
	int64_t size = file < 0 ? file : j->io->size(j->io, file);

	err = size < 0 ? toll_journal_error((int)size)
	               : push_segment(j, begin_of(j, file, first_seq), (uint64_t)size);
	if (file >= 0)
		j->io->close(j->io, file);
	return err;
}

/* The next segment to be written would have the same name. */
static void remove_empty_last(struct toll_journal *j)
{
	struct toll_journal_segment *s = j->segments[j->segment_count - 1];
	char name[TOLL_JOURNAL_SEGMENT_NAME];

	if (s->end.seq != s->begin.seq)
		return;
	toll_journal_segment_name(s->begin.seq, name);
	j->io->unlink(j->io, name);
	j->io->free(j->io, s);
	j->segment_count--;
}

static int recover_segments(struct toll_journal *j, struct names *n)
{
	int err = toll_journal_error(j->io->each_name(j->io, add_name, n));

	if (!err)
		err = n->err;
	if (n->count)
		qsort(n->seqs, n->count, sizeof(*n->seqs), by_number);
	return err;
}

static int new_identity(struct toll_journal_identity *id)
{
	return getrandom(id, sizeof(*id), 0) == sizeof(*id) ? 0 : TOLL_EINTERNAL;
}

/* Without a checkpoint any segment tells whose it is. */
static int find_identity(struct toll_journal *j, const struct names *n)
{
	struct toll_journal_segment_head head = { 0 };
	int err = TOLL_EINVALID;

	for (size_t i = n->count; i-- > 0 && err == TOLL_EINVALID;) {
		int file = toll_journal_open_segment(j, n->seqs[i], TOLL_JOURNAL_OPEN_READ);

		if (file < 0)
			continue;
		err = read_segment_head(j, file, true, &head);
		j->io->close(j->io, file);
	}
	if (err == TOLL_EUNSUPPORTED)
		return err;
	if (n->count)
		TOLL_WARN(j->set.who,
		          "no usable checkpoint: everything there is will be read again");
	j->id = head.id;
	return err == 0 ? 0 : new_identity(&j->id);
}

/* Nobody knows any more who has done what. */
static void hold_everything(struct toll_journal *j)
{
	struct toll_journal_mark oldest = j->segment_count ? j->segments[0]->begin : j->end;
	struct toll_journal_saved *lost = &j->saved.cursors[0];

	if (oldest.seq == j->end.seq)
		return;
	*lost = (struct toll_journal_saved){ .name = TOLL_JOURNAL_LOST, .mark = oldest };
	j->saved.count = 1;
}

static void recover_cursors(struct toll_journal *j)
{
	for (uint32_t i = 0; i < j->saved.count; i++) {
		struct toll_journal_cursor *c = &j->cursors[i];

		c->journal = j;
		c->used = c->durable = true;
		memcpy(c->name, j->saved.cursors[i].name, sizeof(c->name));
		c->mark = c->saved = j->saved.cursors[i].mark;
		if (c->mark.seq > j->end.seq)
			j->end = c->mark;
	}
}

static int recover(struct toll_journal *j, struct names *n)
{
	int err, found = toll_journal_checkpoint_load(j);

	if (found < 0 && found != TOLL_EINVALID)
		return found;
	err = recover_segments(j, n);
	if (err < 0)
		return err;
	j->id = j->saved.id;
	j->end = j->saved.end;
	if (found < 0)
		err = find_identity(j, n);
	recover_cursors(j);
	for (size_t i = 0; i < n->count && !err; i++)
		err = add_segment(j, n->seqs[i]);
	if (!err && j->segment_count) {
		err = toll_journal_recover_last(j);
		if (!err)
			remove_empty_last(j);
		/* Removals that were not durable came back, perhaps with holes between them. */
		pthread_mutex_lock(&j->files);
		toll_journal_remove_passed(j);
		pthread_mutex_unlock(&j->files);
	}
	if (err < 0 || found == 0)
		return err;
	j->saved.id = j->id;
	j->saved.end = j->end;
	hold_everything(j);
	recover_cursors(j);
	return toll_journal_checkpoint_make(j);
}

int toll_journal_recover(struct toll_journal *j, struct toll_error *reterr)
{
	struct names n = { .io = j->io };
	int err;

	j->io->unlink(j->io, TOLL_JOURNAL_SPARE);
	err = recover(j, &n);
	j->io->free(j->io, n.seqs);
	if (err == TOLL_EUNSUPPORTED)
		return toll_fail(reterr, err, "%s was written by a newer version",
		                 j->set.directory);
	if (err < 0)
		return toll_fail(reterr, err, "%s: %s%s", j->set.directory, toll_journal_why(err),
		                 err == TOLL_EDOWN ? ", or a file in it belongs to another user"
		                                   : "");
	for (size_t i = 0; i < sizeof(j->id.epoch); i++)
		snprintf(j->epoch + 2 * i, 3, "%02x", j->id.epoch[i]);
	return 0;
}

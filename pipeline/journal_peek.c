/* SPDX-License-Identifier: Apache-2.0 */
/* journal_peek.c - a journal is opened by hand on a directory that takes every write and keeps
 * none. */
#include "pipeline/journal_peek.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/journal_private.h"

/* A segment may go between the list of names and its opening; so often that is begun again. */
#define TRIES 20

/* A handle of a file without bytes that is nowhere. */
#define NOWHERE INT_MAX

/* Reads go to what is below. */
struct overlay {
	struct toll_journal_io super;
	struct toll_journal_io *below;
	char made[64]; /* the name of a file that was made, and is nowhere */
	bool reading;  /* recovery is over */
};

static struct toll_journal_io *below(struct toll_journal_io *io)
{
	return toll_container_of(io, struct overlay, super)->below;
}

/* A segment that has gone since it was found reads as empty: a gap of exactly what it held. */
static int overlay_open(struct toll_journal_io *io, const char *name, enum toll_journal_open how)
{
	struct overlay *o = toll_container_of(io, struct overlay, super);
	int file;

	if (how == TOLL_JOURNAL_OPEN_NEW) {
		snprintf(o->made, sizeof(o->made), "%s", name);
		return NOWHERE;
	}
	file = o->below->open(o->below, name, TOLL_JOURNAL_OPEN_READ);
	return file == -ENOENT && o->reading ? NOWHERE : file;
}

static void overlay_close(struct toll_journal_io *io, int file)
{
	if (file != NOWHERE)
		below(io)->close(below(io), file);
}

static int64_t overlay_size(struct toll_journal_io *io, int file)
{
	return file == NOWHERE ? 0 : below(io)->size(below(io), file);
}

static int overlay_allocate(struct toll_journal_io *io, int file, uint64_t bytes)
{
	(void)io;
	(void)file;
	(void)bytes;
	return 0;
}

static int overlay_truncate(struct toll_journal_io *io, int file, uint64_t bytes)
{
	(void)io;
	(void)file;
	(void)bytes;
	return -EROFS; /* the file stays as long as it is */
}

static ssize_t overlay_pread(struct toll_journal_io *io, int file, void *buf, size_t len,
                             uint64_t at)
{
	return file == NOWHERE ? 0 : below(io)->pread(below(io), file, buf, len, at);
}

static ssize_t overlay_pwritev(struct toll_journal_io *io, int file, const struct iovec *iov,
                               int count, uint64_t at)
{
	ssize_t len = 0;

	(void)io;
	(void)file;
	(void)at;
	for (int i = 0; i < count; i++)
		len += (ssize_t)iov[i].iov_len;
	return len;
}

static int overlay_datasync(struct toll_journal_io *io, int file)
{
	(void)io;
	(void)file;
	return 0;
}

static int overlay_rename(struct toll_journal_io *io, const char *from, const char *to)
{
	struct overlay *o = toll_container_of(io, struct overlay, super);

	(void)to;
	return strcmp(from, o->made) == 0 ? 0 : -EROFS;
}

static int overlay_unlink(struct toll_journal_io *io, const char *name)
{
	(void)io;
	(void)name;
	return -EROFS;
}

static int overlay_sync_directory(struct toll_journal_io *io)
{
	(void)io;
	return 0;
}

static int overlay_each_name(struct toll_journal_io *io, void (*fn)(void *ctx, const char *name),
                             void *ctx)
{
	return below(io)->each_name(below(io), fn, ctx);
}

static void *overlay_alloc(struct toll_journal_io *io, size_t size)
{
	return below(io)->alloc(below(io), size);
}

static void overlay_free(struct toll_journal_io *io, void *object)
{
	below(io)->free(below(io), object);
}

/* What is below stays: an open may be tried again. */
static void overlay_release(struct toll_journal_io *io)
{
	free(toll_container_of(io, struct overlay, super));
}

static const struct toll_journal_io over = {
	.open = overlay_open,
	.close = overlay_close,
	.size = overlay_size,
	.allocate = overlay_allocate,
	.truncate = overlay_truncate,
	.pread = overlay_pread,
	.pwritev = overlay_pwritev,
	.datasync = overlay_datasync,
	.rename = overlay_rename,
	.unlink = overlay_unlink,
	.sync_directory = overlay_sync_directory,
	.each_name = overlay_each_name,
	.alloc = overlay_alloc,
	.free = overlay_free,
	.release = overlay_release,
};

/* ---- what is there ---- */

static bool head_of(struct toll_journal_io *io, const char *name,
                    struct toll_journal_segment_head *ret)
{
	unsigned char bytes[TOLL_JOURNAL_SEGMENT_HEAD];
	int file = io->open(io, name, TOLL_JOURNAL_OPEN_READ);
	ssize_t got;

	if (file < 0)
		return false;
	got = toll_journal_read_all(io, file, bytes, sizeof(bytes), 0);
	io->close(io, file);
	return got == (ssize_t)sizeof(bytes) && toll_journal_segment_head_read(bytes, ret) == 0;
}

static void fill_segment(struct toll_peek *p, const struct toll_journal_segment *from,
                         struct toll_peek_segment *to)
{
	struct toll_journal_segment_head head = { .made_wall_ms = 0 };

	to->begin = from->begin;
	to->end = from->end;
	to->file_bytes = from->file_bytes;
	toll_journal_segment_name(from->begin.seq, to->name);
	to->head_damaged = !head_of(p->io, to->name, &head) ||
	                   memcmp(&head.id, &p->journal->id, sizeof(head.id)) != 0;
	to->made_wall_ms = to->head_damaged ? 0 : head.made_wall_ms;
}

static int fill_segments(struct toll_peek *p)
{
	struct toll_journal *j = p->journal;

	p->segments = calloc(j->segment_count + 1, sizeof(*p->segments));
	if (!p->segments)
		return TOLL_ENOMEM;
	p->segment_count = j->segment_count;
	for (size_t i = 0; i < p->segment_count; i++)
		fill_segment(p, j->segments[i], &p->segments[i]);
	p->begin_unknown = p->segment_count && p->segments[0].head_damaged &&
	                   p->segments[0].begin.seq && !p->segments[0].begin.items;
	return 0;
}

struct sizes {
	struct toll_peek *peek;
	bool journal; /* something that only a journal has */
};

static void add_size(void *ctx, const char *name)
{
	struct sizes *s = ctx;
	struct toll_journal_io *io = s->peek->io;
	uint64_t first_seq;
	bool segment = toll_journal_segment_parse(name, &first_seq);
	int file;

	s->journal = s->journal || segment || strcmp(name, "checkpoint") == 0;
	if (!segment && strcmp(name, TOLL_JOURNAL_SPARE) != 0)
		return;
	file = io->open(io, name, TOLL_JOURNAL_OPEN_READ);
	if (file < 0)
		return;
	s->peek->bytes += (uint64_t)io->size(io, file);
	io->close(io, file);
}

/* ---- life ---- */

static struct overlay *overlay_new(struct toll_journal_io *io)
{
	struct overlay *o = calloc(1, sizeof(*o));

	if (o) {
		o->super = over;
		o->below = io;
	}
	return o;
}

static int open_once(struct toll_peek *p, const char *directory, struct toll_error *reterr)
{
	struct toll_journal_settings set = TOLL_JOURNAL_DEFAULTS(directory, "journal");
	struct overlay *o = overlay_new(p->io);
	int err;

	if (!o)
		return toll_fail(reterr, TOLL_ENOMEM, "out of memory");
	set.io = &o->super;
	set.by_hand = true;
	err = toll_journal_open(&set, &p->journal, reterr);
	if (!err)
		o->reading = true;
	return err;
}

static int open_journal(struct toll_peek *p, const char *directory, struct toll_error *reterr)
{
	struct sizes sizes = { .peek = p };
	int err = toll_journal_error(p->io->each_name(p->io, add_size, &sizes));

	if (err < 0)
		return toll_fail(reterr, err, "%s: %s", directory, toll_err_text(err));
	if (!sizes.journal)
		return toll_fail(reterr, TOLL_EREFUSED, "%s: there is no journal", directory);
	err = TOLL_EDOWN;
	for (int i = 0; i < TRIES && err == TOLL_EDOWN; i++)
		err = open_once(p, directory, reterr);
	if (!err && fill_segments(p) < 0)
		err = toll_fail(reterr, TOLL_ENOMEM, "out of memory");
	return err;
}

int toll_peek_through(struct toll_journal_io *take_io, const char *directory,
                      struct toll_peek **ret, struct toll_error *reterr)
{
	struct toll_peek *p = calloc(1, sizeof(*p));
	int err;

	if (!p) {
		take_io->release(take_io);
		return toll_fail(reterr, TOLL_ENOMEM, "out of memory");
	}
	p->io = take_io;
	err = open_journal(p, directory, reterr);
	if (err < 0) {
		toll_peek_close(p);
		return err;
	}
	for (unsigned i = 0; i < TOLL_JOURNAL_CURSORS_MAX; i++) {
		const struct toll_journal_cursor *c = toll_journal_cursor_at(p->journal, i);

		if (c && strcmp(toll_journal_cursor_name(c), TOLL_JOURNAL_LOST) == 0)
			p->checkpoint_lost = true;
	}
	*ret = p;
	return 0;
}

int toll_peek_open(const char *directory, struct toll_peek **ret, struct toll_error *reterr)
{
	struct toll_journal_io *io;
	bool in_use;
	int err = toll_journal_disk_unlocked(directory, &io, &in_use, reterr);

	if (!err)
		err = toll_peek_through(io, directory, ret, reterr);
	if (!err)
		(*ret)->in_use = in_use;
	return err;
}

struct toll_peek *toll_peek_close(struct toll_peek *p)
{
	if (!p)
		return NULL;
	toll_journal_reader_free(p->reader);
	if (p->journal)
		toll_journal_close(p->journal, 0);
	p->io->release(p->io);
	free(p->segments);
	free(p);
	return NULL;
}

/* ---- reading ---- */

const struct toll_peek_segment *toll_peek_segment_of(const struct toll_peek *p, uint64_t seq)
{
	for (size_t i = p->segment_count; i-- > 0;)
		if (p->segments[i].begin.seq <= seq)
			return &p->segments[i];
	return NULL;
}

int toll_peek_from(struct toll_peek *p, uint64_t seq)
{
	const struct toll_peek_segment *s = toll_peek_segment_of(p, seq);

	p->reader = toll_journal_reader_free(p->reader);
	p->gap = p->gap_end = (struct toll_journal_mark){ 0 };
	return toll_journal_reader_new(p->journal, s ? s->begin : toll_journal_begin(p->journal),
	                               &p->reader);
}

/* Segments lose their name before their bytes. */
static bool is_there(struct toll_peek *p, const struct toll_peek_segment *s)
{
	int file = p->io->open(p->io, s->name, TOLL_JOURNAL_OPEN_READ);

	if (file >= 0)
		p->io->close(p->io, file);
	return file != -ENOENT;
}

/* As far as the gap lies in one segment; where the next begins is not exact with a damaged head. */
static int give_gap(struct toll_peek *p, struct toll_journal_record *ret)
{
	const struct toll_peek_segment *s = toll_peek_segment_of(p, p->gap.seq);
	const struct toll_peek_segment *next = s ? s + 1 : NULL;
	struct toll_journal_mark end = p->gap_end;

	if (next && next < p->segments + p->segment_count && next->begin.seq < end.seq &&
	    !next->head_damaged)
		end = next->begin;
	*ret = (struct toll_journal_record){ .begin = p->gap, .end = end };
	p->gap = end;
	return s && !is_there(p, s) ? TOLL_PEEK_GONE : TOLL_PEEK_DAMAGE;
}

int toll_peek_next(struct toll_peek *p, struct toll_journal_record *ret)
{
	int got;

	if (p->gap.seq < p->gap_end.seq)
		return give_gap(p, ret);
	got = toll_journal_read(p->reader, ret);
	if (got != TOLL_JOURNAL_GAP)
		return got;
	p->gap = ret->begin;
	p->gap_end = ret->end;
	return give_gap(p, ret);
}

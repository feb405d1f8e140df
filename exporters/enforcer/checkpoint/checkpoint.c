/* SPDX-License-Identifier: Apache-2.0 */
#include "exporters/enforcer/checkpoint/checkpoint.h"

#include <errno.h>
#include <stdlib.h>

#define ROOM_AT_FIRST ((uint64_t)1 << 20)
#define READ_TRIES    3
#define FILE_MAX      ((int64_t)4 << 30) /* 2^28 buckets: far beyond any cap on names */

static const char *const names[2] = { "checkpoint.0", "checkpoint.1" };
static const char *const aside[2] = { "checkpoint.0.damaged", "checkpoint.1.damaged" };

/* ---- what is there ---- */

/* malloc'ed. What cannot be read for good is damaged. */
static int read_file(struct toll_checkpoint *c, unsigned i, char **ret_bytes,
                     struct toll_slice *ret)
{
	int64_t size = c->io->size(c->io, c->files[i]);
	char *bytes;
	ssize_t n = -1;

	*ret = toll_slice(NULL, 0);
	if (size < 0)
		return toll_journal_error((int)size);
	if (size > FILE_MAX)
		return TOLL_EINVALID;
	*ret_bytes = bytes = malloc((size_t)size + 1);
	if (!bytes)
		return TOLL_ENOMEM;
	for (int tries = 0; n < 0 && tries < READ_TRIES; tries++)
		n = toll_journal_read_all(c->io, c->files[i], bytes, (size_t)size, 0);
	c->room[i] = (uint64_t)size;
	*ret = toll_slice(bytes, n < 0 ? 0 : (size_t)n);
	return n < 0 ? TOLL_EINVALID : 0;
}

static int each_frame(struct toll_slice file, const struct toll_frames *frames,
                      toll_checkpoint_frame_fn *fn, void *ctx)
{
	uint64_t at = 0;
	int err = 0;

	for (uint64_t i = 0; i < frames->count && !err; i++) {
		struct toll_frame f;

		err = toll_frame_read(file, at, &f);
		if (!err && f.kind != TOLL_FRAME_SUPERSEDED)
			err = fn(ctx, &f);
		at += toll_frame_bytes(f.payload.len);
	}
	return err;
}

static bool holds_anything(struct toll_slice file)
{
	for (size_t i = 0; i < file.len; i++)
		if (file.ptr[i])
			return true;
	return false;
}

/* The newer of the two, unless that has been superseded by what cannot be read. */
static int choose(struct toll_checkpoint *c, const struct toll_slice files[2],
                  const struct toll_frames frames[2])
{
	unsigned newer = frames[1].count &&
	                 (!frames[0].count || frames[1].generation > frames[0].generation);

	c->good = newer;
	c->generation = frames[newer].generation;
	c->number = frames[newer].count;
	c->end = frames[newer].end;
	c->doubtful = true;
	if (frames[newer].count == 0)
		return holds_anything(files[0]) && holds_anything(files[1]) ? TOLL_EINVALID : 0;
	return frames[newer].superseded || frames[newer].torn ? TOLL_EINVALID : 0;
}

static int look(struct toll_checkpoint *c, toll_checkpoint_frame_fn *fn, void *ctx)
{
	struct toll_slice files[2] = { { 0 }, { 0 } };
	char *bytes[2] = { NULL, NULL };
	struct toll_frames frames[2] = { { 0 }, { 0 } };
	int err = 0;

	for (unsigned i = 0; i < 2 && !err; i++) {
		err = read_file(c, i, &bytes[i], &files[i]);
		if (!err)
			err = toll_frames_find(files[i], &frames[i]);
	}
	if (!err)
		err = choose(c, files, frames);
	if (!err)
		err = each_frame(files[c->good], &frames[c->good], fn, ctx);
	for (unsigned i = 0; i < 2; i++)
		free(bytes[i]);
	return err;
}

/* ---- life ---- */

/* A file that is missing is made with room, so that the first frames need none on a full disk. */
static int open_file(struct toll_checkpoint *c, unsigned i, bool *ret_made)
{
	int err, file = c->io->open(c->io, names[i], TOLL_JOURNAL_OPEN_UPDATE);

	if (file == -ENOENT) {
		*ret_made = true;
		file = c->io->open(c->io, names[i], TOLL_JOURNAL_OPEN_NEW);
	}
	c->files[i] = file;
	if (file < 0)
		return toll_journal_error(file);
	if (c->io->size(c->io, file) >= (int64_t)ROOM_AT_FIRST)
		return 0;
	err = c->io->allocate(c->io, file, ROOM_AT_FIRST);
	return toll_journal_error(err);
}

static int open_files(struct toll_checkpoint *c)
{
	bool made = false;
	int err = 0;

	for (unsigned i = 0; i < 2 && !err; i++)
		err = open_file(c, i, &made);
	return !err && made ? toll_journal_error(c->io->sync_directory(c->io)) : err;
}

/* For people to look at; the next damage takes its place. */
static int set_aside(struct toll_checkpoint *c)
{
	int err = 0;

	for (unsigned i = 0; i < 2 && !err; i++) {
		c->io->close(c->io, c->files[i]);
		c->files[i] = -1;
		c->room[i] = ROOM_AT_FIRST;
		err = toll_journal_error(c->io->rename(c->io, names[i], aside[i]));
	}
	c->generation = c->number = c->end = 0;
	return err ? err : open_files(c);
}

int toll_checkpoint_open(struct toll_checkpoint *c, struct toll_journal_io *io,
                         toll_checkpoint_frame_fn *fn, void *ctx)
{
	int err, broken;

	*c = (struct toll_checkpoint){ .io = io, .files = { -1, -1 } };
	err = open_files(c);
	if (!err)
		err = look(c, fn, ctx);
	if (err != TOLL_EINVALID)
		return err;
	broken = set_aside(c);
	return broken ? broken : err;
}

void toll_checkpoint_close(struct toll_checkpoint *c)
{
	if (!c->io)
		return;
	for (unsigned i = 0; i < 2; i++)
		if (c->files[i] >= 0)
			c->io->close(c->io, c->files[i]);
	c->io->release(c->io);
	c->io = NULL;
}

/* ---- writing ---- */

/* How far changes go on behind a snapshot: about as long as itself, within the room there is. */
static uint64_t limit_of(const struct toll_checkpoint *c)
{
	uint64_t limit = 2 * c->snapshot_bytes + ROOM_AT_FIRST / 2;
	uint64_t room = c->room[c->good] - ROOM_AT_FIRST / 8;

	return room < limit && room > c->snapshot_bytes ? room : limit;
}

bool toll_checkpoint_wants_snapshot(const struct toll_checkpoint *c)
{
	return c->doubtful || c->generation == 0 || c->end > limit_of(c);
}

/* More than is needed, so that a disk that is full later does not stop it: what is there already
 * will do then. */
static int make_room(struct toll_checkpoint *c, unsigned i, uint64_t needed)
{
	uint64_t wanted = 2 * needed + ROOM_AT_FIRST;
	int err;

	if (needed + ROOM_AT_FIRST / 2 <= c->room[i])
		return 0;
	err = c->io->allocate(c->io, c->files[i], wanted);
	if (err && needed <= c->room[i])
		return 0;
	if (err) {
		wanted = needed;
		err = c->io->allocate(c->io, c->files[i], wanted);
	}
	if (!err)
		c->room[i] = wanted;
	return err;
}

static int write_frame(struct toll_checkpoint *c, unsigned i, uint64_t at,
                       const struct toll_frame *f)
{
	static const char zeros[TOLL_FRAME_BLOCK];
	unsigned char head[TOLL_FRAME_HEAD];
	uint64_t bytes = toll_frame_bytes(f->payload.len);
	struct iovec iov[] = {
		toll_journal_piece(head, sizeof(head)),
		toll_journal_piece(f->payload.ptr, f->payload.len),
		toll_journal_piece(zeros, (size_t)(bytes - sizeof(head) - f->payload.len)),
	};
	int err = make_room(c, i, at + bytes);

	toll_frame_head(f, head);
	if (!err)
		err = toll_journal_write_all(c->io, c->files[i], iov, 3, at);
	if (!err)
		err = c->io->datasync(c->io, c->files[i]);
	return toll_journal_error(err);
}

/* Tells in the one file that the other has been whole. */
static int supersede(struct toll_checkpoint *c, const struct toll_checkpoint *before)
{
	struct toll_frame f = { .kind = TOLL_FRAME_SUPERSEDED,
		                .generation = before->generation,
		                .number = before->number };

	return write_frame(c, before->good, before->end, &f);
}

static int write_generation(struct toll_checkpoint *c, struct toll_slice payload)
{
	struct toll_checkpoint before = *c;
	struct toll_frame f = { .kind = TOLL_FRAME_SNAPSHOT,
		                .generation = c->generation + 1,
		                .payload = payload };
	int err = write_frame(c, !c->good, 0, &f);

	if (err)
		return err;
	c->good = !c->good;
	c->generation = f.generation;
	c->number = 1;
	c->end = c->snapshot_bytes = toll_frame_bytes(payload.len);
	return before.generation ? supersede(c, &before) : 0;
}

/* The first one goes to both files: a file that holds nothing at all has never been whole. */
int toll_checkpoint_write_snapshot(struct toll_checkpoint *c, struct toll_slice payload)
{
	bool first = c->generation == 0;
	int err = write_generation(c, payload);

	if (!err && first)
		err = write_generation(c, payload);
	c->doubtful = err != 0;
	return err;
}

int toll_checkpoint_write_changes(struct toll_checkpoint *c, struct toll_slice payload)
{
	struct toll_frame f = { .kind = TOLL_FRAME_CHANGES,
		                .generation = c->generation,
		                .number = c->number,
		                .payload = payload };
	int err = write_frame(c, c->good, c->end, &f);

	if (err) {
		c->doubtful = true;
		return err;
	}
	c->number++;
	c->end += toll_frame_bytes(payload.len);
	return 0;
}

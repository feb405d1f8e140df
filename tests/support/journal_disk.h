/* SPDX-License-Identifier: Apache-2.0 */
/* journal_disk.h - a directory in memory for journals: each call can be made to fail, all can be
 * recorded, and from a record come the states that a power loss may leave behind. */
#ifndef TOLL_TESTS_JOURNAL_DISK_H
#define TOLL_TESTS_JOURNAL_DISK_H

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/macro.h"
#include "pipeline/journal_io.h"

enum { DISK_FILES = 128, DISK_NAME = 40, DISK_SECTOR = 512 };

struct disk_file {
	unsigned char *bytes;
	size_t size, room;
	int opened;
};

struct disk_name {
	char name[DISK_NAME];
	int file; /* -1: nothing */
};

enum disk_what {
	DISK_WRITE = 0,
	DISK_RESIZE,
	DISK_LINK,
	DISK_RENAME,
	DISK_UNLINK,
	DISK_SYNC,
	DISK_SYNC_DIR,
	DISK_SYNC_FAILED, /* what waited for it may be there; no later sync will tell */
};

struct disk_op {
	enum disk_what what;
	int file;
	uint64_t at; /* RESIZE: the new size */
	size_t len;
	unsigned char *bytes;
	char name[DISK_NAME], to[DISK_NAME];
};

struct disk {
	struct toll_journal_io io;
	pthread_mutex_t lock;
	struct disk_file files[DISK_FILES];
	struct disk_name names[DISK_FILES];
	int file_count;

	struct disk_op *ops; /* what has been done, when recording */
	size_t op_count, op_room;
	bool recording;

	long calls;              /* so far */
	long fail_from, fail_to; /* calls of these numbers fail, from 1 */
	long fail_every;         /* so does every so many-th; 0: none */
	int fail_with;           /* errno */
	int fail_syncs;          /* so many of the next ones */
	bool failed;             /* one of them has */
	uint64_t full_at;        /* bytes in all files; 0: never */
	long allocations;        /* not freed yet */
	long opened;             /* not closed yet */
	bool kept;               /* release() leaves it to the test */
};

static inline struct disk *disk_of(struct toll_journal_io *io)
{
	return toll_container_of(io, struct disk, io);
}

/* ---- what operations do to files ---- */

static inline void disk_file_resize(struct disk_file *f, size_t size)
{
	if (size > f->room) {
		f->bytes = realloc(f->bytes, size);
		assert(f->bytes);
		f->room = size;
	}
	if (size > f->size)
		memset(f->bytes + f->size, 0, size - f->size);
	f->size = size;
}

static inline void disk_file_put(struct disk_file *f, uint64_t at, const void *bytes, size_t len)
{
	if (at + len > f->size)
		disk_file_resize(f, at + len);
	if (len)
		memcpy(f->bytes + at, bytes, len);
}

static inline struct disk_name *disk_find(struct disk *d, const char *name)
{
	for (int i = 0; i < DISK_FILES; i++)
		if (d->names[i].file >= 0 && strcmp(d->names[i].name, name) == 0)
			return &d->names[i];
	return NULL;
}

static inline void disk_unname(struct disk *d, const char *name)
{
	struct disk_name *n = disk_find(d, name);

	if (n)
		n->file = -1;
}

static inline void disk_name_it(struct disk *d, const char *name, int file)
{
	disk_unname(d, name);
	for (int i = 0; i < DISK_FILES; i++) {
		if (d->names[i].file >= 0)
			continue;
		snprintf(d->names[i].name, DISK_NAME, "%s", name);
		d->names[i].file = file;
		return;
	}
	assert(!"too many names");
}

/* A file that no name has any more, or a new one. With recording each is new. */
static inline int disk_new_file(struct disk *d)
{
	for (int f = 0; !d->recording && f < d->file_count; f++) {
		bool named = d->files[f].opened > 0;

		for (int i = 0; i < DISK_FILES; i++)
			named = named || d->names[i].file == f;
		if (!named) {
			d->files[f].size = 0;
			return f;
		}
	}
	assert(d->file_count < DISK_FILES);
	return d->file_count++;
}

static inline void disk_apply(struct disk *d, const struct disk_op *op)
{
	switch (op->what) {
	case DISK_WRITE:
		disk_file_put(&d->files[op->file], op->at, op->bytes, op->len);
		break;
	case DISK_RESIZE:
		disk_file_resize(&d->files[op->file], op->at);
		break;
	case DISK_LINK:
		disk_name_it(d, op->name, op->file);
		break;
	case DISK_RENAME:
		disk_unname(d, op->name);
		disk_name_it(d, op->to, op->file);
		break;
	case DISK_UNLINK:
		disk_unname(d, op->name);
		break;
	case DISK_SYNC:
	case DISK_SYNC_DIR:
	case DISK_SYNC_FAILED:
		break;
	}
}

/* Does it, and writes it down. */
static inline void disk_do(struct disk *d, struct disk_op op)
{
	disk_apply(d, &op);
	if (!d->recording)
		return;
	if (d->op_count == d->op_room) {
		d->op_room = d->op_room * 2 + 256;
		d->ops = realloc(d->ops, d->op_room * sizeof(*d->ops));
		assert(d->ops);
	}
	if (op.len) {
		unsigned char *copy = malloc(op.len);

		assert(copy);
		memcpy(copy, op.bytes, op.len);
		op.bytes = copy;
	}
	d->ops[d->op_count++] = op;
}

/* ---- the calls ---- */

/* Enters; 0, or the error this call has to fail with, and it has left again. */
static inline int disk_enter(struct disk *d)
{
	pthread_mutex_lock(&d->lock);
	d->calls++;
	if ((d->calls < d->fail_from || d->calls > d->fail_to) &&
	    !(d->fail_every && d->calls % d->fail_every == 0))
		return 0;
	d->failed = true;
	pthread_mutex_unlock(&d->lock);
	return -d->fail_with;
}

static inline int disk_leave(struct disk *d, int result)
{
	pthread_mutex_unlock(&d->lock);
	return result;
}

static inline int disk_open(struct toll_journal_io *io, const char *name,
                            enum toll_journal_open how)
{
	struct disk *d = disk_of(io);
	int err = disk_enter(d);
	struct disk_name *n = err ? NULL : disk_find(d, name);
	int file = n ? n->file : -1;
	struct disk_op op = { .what = DISK_LINK };

	if (err)
		return err;
	if (!n && how != TOLL_JOURNAL_OPEN_NEW)
		return disk_leave(d, -ENOENT);
	if (how == TOLL_JOURNAL_OPEN_NEW && n)
		disk_do(d, (struct disk_op){ .what = DISK_RESIZE, .file = file });
	if (!n) {
		op.file = file = disk_new_file(d);
		snprintf(op.name, DISK_NAME, "%s", name);
		disk_do(d, op);
	}
	d->files[file].opened++;
	d->opened++;
	return disk_leave(d, file);
}

static inline void disk_close(struct toll_journal_io *io, int file)
{
	struct disk *d = disk_of(io);

	pthread_mutex_lock(&d->lock);
	d->files[file].opened--;
	d->opened--;
	pthread_mutex_unlock(&d->lock);
}

static inline int64_t disk_size(struct toll_journal_io *io, int file)
{
	struct disk *d = disk_of(io);
	int err = disk_enter(d);

	return err ? err : disk_leave(d, (int)d->files[file].size);
}

static inline int disk_resize(struct toll_journal_io *io, int file, uint64_t bytes)
{
	struct disk *d = disk_of(io);
	int err = disk_enter(d);

	if (err)
		return err;
	disk_do(d, (struct disk_op){ .what = DISK_RESIZE, .file = file, .at = bytes });
	return disk_leave(d, 0);
}

static inline uint64_t disk_used(struct disk *d)
{
	uint64_t bytes = 0;

	for (int i = 0; i < DISK_FILES; i++)
		if (d->names[i].file >= 0)
			bytes += d->files[d->names[i].file].size;
	return bytes;
}

static inline int disk_allocate(struct toll_journal_io *io, int file, uint64_t bytes)
{
	struct disk *d = disk_of(io);

	if (d->full_at && disk_used(d) + bytes > d->full_at)
		return -ENOSPC;
	return disk_resize(io, file, bytes);
}

static inline ssize_t disk_pread(struct toll_journal_io *io, int file, void *buf, size_t len,
                                 uint64_t at)
{
	struct disk *d = disk_of(io);
	int err = disk_enter(d);
	struct disk_file *f = &d->files[file];
	size_t n;

	if (err)
		return err;
	n = at >= f->size ? 0 : f->size - at;
	n = n < len ? n : len;
	if (n)
		memcpy(buf, f->bytes + at, n);
	pthread_mutex_unlock(&d->lock);
	return (ssize_t)n;
}

static inline ssize_t disk_pwritev(struct toll_journal_io *io, int file, const struct iovec *iov,
                                   int count, uint64_t at)
{
	struct disk *d = disk_of(io);
	int err = disk_enter(d);
	unsigned char *whole;
	size_t len = 0, n = 0;

	if (err)
		return err;
	for (int i = 0; i < count; i++)
		len += iov[i].iov_len;
	whole = malloc(len + 1);
	assert(whole);
	for (int i = 0; i < count; n += iov[i++].iov_len)
		if (iov[i].iov_len)
			memcpy(whole + n, iov[i].iov_base, iov[i].iov_len);
	disk_do(d,
	        (struct disk_op){
			.what = DISK_WRITE, .file = file, .at = at, .len = len, .bytes = whole });
	free(whole);
	pthread_mutex_unlock(&d->lock);
	return (ssize_t)len;
}

static inline int disk_datasync(struct toll_journal_io *io, int file)
{
	struct disk *d = disk_of(io);
	int err = disk_enter(d);

	if (err)
		pthread_mutex_lock(&d->lock);
	if (!err && d->fail_syncs) {
		d->fail_syncs--;
		err = -EIO;
	}
	disk_do(d, (struct disk_op){ .what = err ? DISK_SYNC_FAILED : DISK_SYNC, .file = file });
	return disk_leave(d, err);
}

static inline int disk_sync_directory(struct toll_journal_io *io)
{
	struct disk *d = disk_of(io);
	int err = disk_enter(d);

	if (err)
		return err;
	disk_do(d, (struct disk_op){ .what = DISK_SYNC_DIR });
	return disk_leave(d, 0);
}

static inline int disk_rename(struct toll_journal_io *io, const char *from, const char *to)
{
	struct disk *d = disk_of(io);
	int err = disk_enter(d);
	struct disk_name *n = err ? NULL : disk_find(d, from);
	struct disk_op op = { .what = DISK_RENAME };

	if (err)
		return err;
	if (!n)
		return disk_leave(d, -ENOENT);
	op.file = n->file;
	snprintf(op.name, DISK_NAME, "%s", from);
	snprintf(op.to, DISK_NAME, "%s", to);
	disk_do(d, op);
	return disk_leave(d, 0);
}

static inline int disk_unlink(struct toll_journal_io *io, const char *name)
{
	struct disk *d = disk_of(io);
	int err = disk_enter(d);
	struct disk_op op = { .what = DISK_UNLINK };

	if (err)
		return err;
	if (!disk_find(d, name))
		return disk_leave(d, -ENOENT);
	snprintf(op.name, DISK_NAME, "%s", name);
	disk_do(d, op);
	return disk_leave(d, 0);
}

static inline int disk_each_name(struct toll_journal_io *io,
                                 void (*fn)(void *ctx, const char *name), void *ctx)
{
	struct disk *d = disk_of(io);
	int err = disk_enter(d);

	if (err)
		return err;
	pthread_mutex_unlock(&d->lock);
	for (int i = 0; i < DISK_FILES; i++)
		if (d->names[i].file >= 0)
			fn(ctx, d->names[i].name);
	return 0;
}

static inline void *disk_alloc(struct toll_journal_io *io, size_t size)
{
	struct disk *d = disk_of(io);
	void *object;

	if (disk_enter(d))
		return NULL;
	object = calloc(1, size);
	assert(object);
	d->allocations++;
	pthread_mutex_unlock(&d->lock);
	return object;
}

static inline void disk_free(struct toll_journal_io *io, void *object)
{
	struct disk *d = disk_of(io);

	if (!object)
		return;
	free(object);
	pthread_mutex_lock(&d->lock);
	d->allocations--;
	pthread_mutex_unlock(&d->lock);
}

static inline void disk_release(struct toll_journal_io *io)
{
	struct disk *d = disk_of(io);

	assert(d->allocations == 0);
	assert(d->opened == 0);
}

static inline void disk_init(struct disk *d)
{
	memset(d, 0, sizeof(*d));
	d->io = (struct toll_journal_io){
		disk_open,           disk_close,     disk_size,     disk_allocate, disk_resize,
		disk_pread,          disk_pwritev,   disk_datasync, disk_rename,   disk_unlink,
		disk_sync_directory, disk_each_name, disk_alloc,    disk_free,     disk_release,
	};
	pthread_mutex_init(&d->lock, NULL);
	for (int i = 0; i < DISK_FILES; i++)
		d->names[i].file = -1;
}

static inline void disk_destroy(struct disk *d)
{
	for (int i = 0; i < DISK_FILES; i++)
		free(d->files[i].bytes);
	for (size_t i = 0; i < d->op_count; i++)
		free(d->ops[i].bytes);
	free(d->ops);
	pthread_mutex_destroy(&d->lock);
}

/* The files and names of one as those of another, which keeps its memory. */
static inline void disk_copy(struct disk *to, const struct disk *from)
{
	for (int i = 0; i < from->file_count; i++) {
		to->files[i].size = 0;
		disk_file_put(&to->files[i], 0, from->files[i].bytes, from->files[i].size);
	}
	to->file_count = from->file_count;
	memcpy(to->names, from->names, sizeof(to->names));
}

/* ---- power loss ---- */

/* What of the unsynced is on disk: asked for each sector of a write, and each other operation. A
 * number of bytes up to len: so many of the sector are; for others 0 is no. */
struct disk_loss {
	size_t (*keep)(struct disk_loss *l, const struct disk_op *op, size_t len);
};

static inline void disk_lose(struct disk *d, const struct disk_op *op, struct disk_loss *loss)
{
	if (op->what != DISK_WRITE) {
		if (loss->keep(loss, op, 1))
			disk_apply(d, op);
		return;
	}
	for (size_t done = 0; done < op->len;) {
		uint64_t at = op->at + done;
		size_t n = DISK_SECTOR - at % DISK_SECTOR, kept;

		n = n < op->len - done ? n : op->len - done;
		kept = loss->keep(loss, op, n);
		if (kept)
			disk_file_put(&d->files[op->file], at, op->bytes + done, kept);
		done += n;
	}
}

/* Follows a record: what is durable, and what is not yet, after so many operations. */
struct disk_history {
	const struct disk *of;
	struct disk durable;
	size_t at;       /* operations so far */
	size_t *pending; /* those not synced, in order */
	bool *doomed;    /* of ops: its sync has failed */
	size_t pending_count;
};

static inline void disk_history_init(struct disk_history *h, const struct disk *of)
{
	memset(h, 0, sizeof(*h));
	h->of = of;
	disk_init(&h->durable);
	h->durable.file_count = of->file_count;
	h->pending = calloc(of->op_count + 1, sizeof(*h->pending));
	h->doomed = calloc(of->op_count + 1, sizeof(*h->doomed));
	assert(h->pending && h->doomed);
}

static inline void disk_history_release(struct disk_history *h)
{
	disk_destroy(&h->durable);
	free(h->pending);
	free(h->doomed);
}

static inline bool disk_synced_by(const struct disk_op *sync, const struct disk_op *op)
{
	if (op->what == DISK_WRITE || op->what == DISK_RESIZE)
		return sync->what != DISK_SYNC_DIR && sync->file == op->file;
	return sync->what == DISK_SYNC_DIR;
}

/* One operation on. The kernel keeps nothing of what a sync has failed for: the next one succeeds
 * without it. */
static inline void disk_history_step(struct disk_history *h)
{
	const struct disk_op *op = &h->of->ops[h->at];
	size_t left = 0;

	if (op->what < DISK_SYNC) {
		h->pending[h->pending_count++] = h->at++;
		return;
	}
	for (size_t i = 0; i < h->pending_count; i++) {
		const struct disk_op *p = &h->of->ops[h->pending[i]];

		if (disk_synced_by(op, p) && op->what == DISK_SYNC_FAILED)
			h->doomed[h->pending[i]] = true;
		else if (disk_synced_by(op, p)) {
			if (!h->doomed[h->pending[i]])
				disk_apply(&h->durable, p);
			continue;
		}
		h->pending[left++] = h->pending[i];
	}
	h->pending_count = left;
	h->at++;
}

/* The disk after power was lost here. */
static inline void disk_crash(const struct disk_history *h, struct disk_loss *loss,
                              struct disk *ret)
{
	disk_copy(ret, &h->durable);
	for (size_t i = 0; i < h->pending_count; i++)
		disk_lose(ret, &h->of->ops[h->pending[i]], loss);
}

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/repeats_store.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/crc32c.h"

#define BLOCK_MAGIC UINT64_C(0x3154505244434f54) /* "TOCDRPT1" */
#define SEED_MAGIC  UINT64_C(0x3144454553434f54) /* "TOCSEED1" */
#define SEED_BYTES  24
#define BATCH       16 /* blocks that are read or written at once */

static const char *const names[] = { "repeats.0", "repeats.1" };

struct file {
	int handle; /* negative: none */
	uint64_t generation;
	uint64_t blocks;        /* written */
	uint32_t first, newest; /* seconds of its first entry and of the newest; 0: empty */
};

struct toll_repeats_store {
	struct toll_journal_io *io;
	struct file files[2];
	unsigned current; /* where blocks are appended */
	uint32_t max_age;
	uint64_t max_blocks;
	unsigned char buf[BATCH * TOLL_REPEATS_BLOCK];
};

/* ---- blocks ---- */

static void block_write(unsigned char *to, uint64_t generation, const struct toll_repeats_saved *at,
                        size_t count)
{
	unsigned char *e = to + TOLL_REPEATS_BLOCK_HEAD;

	memset(to, 0, TOLL_REPEATS_BLOCK);
	toll_put_le(to, BLOCK_MAGIC, 8);
	toll_put_le(to + 12, count, 4);
	toll_put_le(to + 16, generation, 8);
	for (size_t i = 0; i < count; i++, e += TOLL_REPEATS_SAVED_BYTES) {
		toll_put_le(e, at[i].digest[0], 8);
		toll_put_le(e + 8, at[i].digest[1], 8);
		toll_put_le(e + 16, at[i].second, 4);
	}
	toll_put_le(to + 8, toll_crc32c(0, to + 12, TOLL_REPEATS_BLOCK - 12), 4);
}

static bool block_is_whole(const unsigned char *b)
{
	return toll_get_le(b, 8) == BLOCK_MAGIC &&
	       toll_get_le(b + 12, 4) <= TOLL_REPEATS_PER_BLOCK &&
	       toll_get_le(b + 8, 4) == toll_crc32c(0, b + 12, TOLL_REPEATS_BLOCK - 12);
}

static struct toll_repeats_saved entry_read(const unsigned char *b, size_t i)
{
	const unsigned char *e = b + TOLL_REPEATS_BLOCK_HEAD + i * TOLL_REPEATS_SAVED_BYTES;

	return (struct toll_repeats_saved){ { toll_get_le(e, 8), toll_get_le(e + 8, 8) },
		                            (uint32_t)toll_get_le(e + 16, 4) };
}

static void note_seconds(struct file *f, uint32_t second)
{
	f->first = f->first ? f->first : second;
	f->newest = second > f->newest ? second : f->newest;
}

/* ---- loading ---- */

struct loading {
	void (*fn)(void *ctx, const struct toll_repeats_saved *e);
	void *ctx;
	uint64_t damaged;
};

static void load_block(struct file *f, const unsigned char *b, struct loading *l)
{
	size_t count = toll_get_le(b + 12, 4);

	if (!block_is_whole(b)) {
		l->damaged++;
		return;
	}
	for (size_t i = 0; i < count; i++) {
		struct toll_repeats_saved e = entry_read(b, i);

		note_seconds(f, e.second);
		l->fn(l->ctx, &e);
	}
}

static int load_file(struct toll_repeats_store *s, struct file *f, struct loading *l)
{
	for (uint64_t at = 0; at < f->blocks; at += BATCH) {
		ssize_t n = f->handle < 0 ? 0
		                          : toll_journal_read_all(s->io, f->handle, s->buf,
		                                                  sizeof(s->buf),
		                                                  at * TOLL_REPEATS_BLOCK);

		if (n < 0)
			return toll_journal_error((int)n);
		memset(s->buf + n, 0, sizeof(s->buf) - (size_t)n);
		for (uint64_t i = 0; i < BATCH && at + i < f->blocks; i++)
			load_block(f, s->buf + i * TOLL_REPEATS_BLOCK, l);
	}
	return 0;
}

int toll_repeats_store_load(struct toll_repeats_store *s,
                            void (*fn)(void *ctx, const struct toll_repeats_saved *e), void *ctx,
                            uint64_t *ret_damaged)
{
	struct loading l = { fn, ctx, 0 };
	int err = load_file(s, &s->files[1 - s->current], &l);

	if (!err)
		err = load_file(s, &s->files[s->current], &l);
	*ret_damaged = l.damaged;
	return err;
}

/* ---- appending ---- */

/* All that is there when this one is full can go, but for what the other says it cannot. */
static bool is_over(const struct toll_repeats_store *s, const struct file *f, uint32_t now)
{
	return f->blocks && (f->blocks >= s->max_blocks ||
	                     (f->first && now > f->first && now - f->first > s->max_age));
}

/* The other file from its start, as the next generation. */
static int turn(struct toll_repeats_store *s)
{
	struct file *next = &s->files[1 - s->current];
	uint64_t generation = s->files[s->current].generation + 1;
	int handle = s->io->open(s->io, names[1 - s->current], TOLL_JOURNAL_OPEN_NEW);
	int err = handle < 0 ? handle : s->io->sync_directory(s->io);

	if (handle >= 0 && err < 0)
		s->io->close(s->io, handle);
	if (err < 0)
		return err;
	if (next->handle >= 0)
		s->io->close(s->io, next->handle);
	*next = (struct file){ .handle = handle, .generation = generation };
	s->current = 1 - s->current;
	return 0;
}

static int write_blocks(struct toll_repeats_store *s, struct file *f,
                        const struct toll_repeats_saved *at, size_t count, uint64_t *block)
{
	while (count) {
		size_t blocks = 0;
		struct iovec v;
		int err;

		for (; blocks < BATCH && count; blocks++) {
			size_t n = count < TOLL_REPEATS_PER_BLOCK ? count : TOLL_REPEATS_PER_BLOCK;

			block_write(s->buf + blocks * TOLL_REPEATS_BLOCK, f->generation, at, n);
			at += n;
			count -= n;
		}
		v = (struct iovec){ s->buf, blocks * TOLL_REPEATS_BLOCK };
		err = toll_journal_write_all(s->io, f->handle, &v, 1, *block * TOLL_REPEATS_BLOCK);
		if (err < 0)
			return err;
		*block += blocks;
	}
	return 0;
}

/* What failed is written once more, at the same place: a sync that succeeds then has all of it. */
int toll_repeats_store_append(struct toll_repeats_store *s, const struct toll_repeats_saved *at,
                              size_t count, uint32_t now)
{
	struct file *f = &s->files[s->current];
	uint64_t block;
	int err = f->handle < 0 || is_over(s, f, now) ? turn(s) : 0;

	f = &s->files[s->current];
	block = f->blocks;
	if (!err)
		err = write_blocks(s, f, at, count, &block);
	if (!err)
		err = s->io->datasync(s->io, f->handle);
	if (err < 0)
		return toll_journal_error(err);
	f->blocks = block;
	for (size_t i = 0; i < count; i++)
		note_seconds(f, at[i].second);
	return 0;
}

void toll_repeats_store_limit(struct toll_repeats_store *s, uint32_t max_age, uint64_t max_bytes)
{
	s->max_age = max_age;
	s->max_blocks = max_bytes / TOLL_REPEATS_BLOCK;
}

/* ---- opening ---- */

static int read_some(struct toll_repeats_store *s, const char *name, size_t len, size_t *ret)
{
	int handle = s->io->open(s->io, name, TOLL_JOURNAL_OPEN_READ);
	ssize_t n;

	*ret = 0;
	if (handle < 0)
		return handle == -ENOENT ? 0 : handle;
	n = toll_journal_read_all(s->io, handle, s->buf, len, 0);
	s->io->close(s->io, handle);
	*ret = n < 0 ? 0 : (size_t)n;
	return n < 0 ? (int)n : 0;
}

static int write_seed(struct toll_repeats_store *s, uint64_t seed)
{
	struct iovec v = { s->buf, SEED_BYTES };
	int handle = s->io->open(s->io, "seed.new", TOLL_JOURNAL_OPEN_NEW), err;

	if (handle < 0)
		return handle;
	memset(s->buf, 0, SEED_BYTES);
	toll_put_le(s->buf, SEED_MAGIC, 8);
	toll_put_le(s->buf + 16, seed, 8);
	toll_put_le(s->buf + 8, toll_crc32c(0, s->buf + 12, SEED_BYTES - 12), 4);
	err = toll_journal_write_all(s->io, handle, &v, 1, 0);
	if (!err)
		err = s->io->datasync(s->io, handle);
	s->io->close(s->io, handle);
	if (!err)
		err = s->io->rename(s->io, "seed.new", "seed");
	return err ? err : s->io->sync_directory(s->io);
}

/* Under another seed no digest of before matches any more: requests that come again count twice,
 * but none is taken for another. */
static int open_seed(struct toll_repeats_store *s, uint64_t random, uint64_t *ret)
{
	size_t n;
	int err = read_some(s, "seed", SEED_BYTES, &n);

	if (err < 0)
		return err;
	*ret = toll_get_le(s->buf + 16, 8);
	if (n == SEED_BYTES && toll_get_le(s->buf, 8) == SEED_MAGIC &&
	    toll_get_le(s->buf + 8, 4) == toll_crc32c(0, s->buf + 12, SEED_BYTES - 12))
		return 0;
	*ret = random;
	return write_seed(s, random);
}

/* The generation stands in every block: the first whole one tells. */
static int open_file(struct toll_repeats_store *s, unsigned i)
{
	struct file *f = &s->files[i];
	int64_t size;

	f->handle = s->io->open(s->io, names[i], TOLL_JOURNAL_OPEN_UPDATE);
	if (f->handle == -ENOENT)
		return 0;
	if (f->handle < 0)
		return f->handle;
	size = s->io->size(s->io, f->handle);
	if (size < 0)
		return (int)size;
	f->blocks = ((uint64_t)size + TOLL_REPEATS_BLOCK - 1) / TOLL_REPEATS_BLOCK;
	for (uint64_t b = 0; b < f->blocks && !f->generation; b++) {
		ssize_t n = toll_journal_read_all(s->io, f->handle, s->buf, TOLL_REPEATS_BLOCK,
		                                  b * TOLL_REPEATS_BLOCK);

		if (n < 0)
			return (int)n;
		if (n == TOLL_REPEATS_BLOCK && block_is_whole(s->buf))
			f->generation = toll_get_le(s->buf + 16, 8);
	}
	return 0;
}

int toll_repeats_store_open(struct toll_journal_io *take_io, uint64_t random, uint64_t *ret_seed,
                            struct toll_repeats_store **ret)
{
	struct toll_repeats_store *s = take_io->alloc(take_io, sizeof(*s));
	int err;

	if (!s) {
		take_io->release(take_io);
		return TOLL_ENOMEM;
	}
	s->io = take_io;
	s->files[0].handle = s->files[1].handle = -1;
	toll_repeats_store_limit(s, 600, 16 << 20);
	err = open_seed(s, random, ret_seed);
	for (unsigned i = 0; i < 2 && !err; i++)
		err = open_file(s, i);
	if (err < 0) {
		toll_repeats_store_free(s);
		return toll_journal_error(err);
	}
	s->current = s->files[1].generation > s->files[0].generation;
	*ret = s;
	return 0;
}

struct toll_repeats_store *toll_repeats_store_free(struct toll_repeats_store *s)
{
	struct toll_journal_io *io;

	if (!s)
		return NULL;
	io = s->io;
	for (unsigned i = 0; i < 2; i++)
		if (s->files[i].handle >= 0)
			io->close(io, s->files[i].handle);
	io->free(io, s);
	io->release(io);
	return NULL;
}

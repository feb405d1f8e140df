/* SPDX-License-Identifier: Apache-2.0 */
/* journal_disk.c - a journal's directory as POSIX has it, and the lock on it. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/macro.h"
#include "pipeline/journal_io.h"

struct disk {
	struct toll_journal_io super;
	int directory, lock;
};

static struct disk *disk_of(struct toll_journal_io *io)
{
	return toll_container_of(io, struct disk, super);
}

static int or_errno(int result)
{
	return result < 0 ? -errno : result;
}

static int disk_open(struct toll_journal_io *io, const char *name, enum toll_journal_open how)
{
	static const int flags[] = { O_RDONLY, O_RDWR, O_RDWR | O_CREAT | O_TRUNC };

	return or_errno(
		openat(disk_of(io)->directory, name, flags[how] | O_CLOEXEC | O_NOFOLLOW, 0600));
}

static void disk_close(struct toll_journal_io *io, int file)
{
	(void)io;
	close(file);
}

static int64_t disk_size(struct toll_journal_io *io, int file)
{
	struct stat st;

	(void)io;
	return fstat(file, &st) < 0 ? -errno : (int64_t)st.st_size;
}

static int disk_truncate(struct toll_journal_io *io, int file, uint64_t bytes)
{
	(void)io;
	return or_errno(ftruncate(file, (off_t)bytes));
}

/* Some file systems cannot reserve space: there a full disk shows later, at a write. */
static int disk_allocate(struct toll_journal_io *io, int file, uint64_t bytes)
{
	int err;

	do
		err = or_errno(fallocate(file, 0, 0, (off_t)bytes));
	while (err == -EINTR);
	return err == -EOPNOTSUPP || err == -ENOSYS ? disk_truncate(io, file, bytes) : err;
}

static ssize_t disk_pread(struct toll_journal_io *io, int file, void *buf, size_t len, uint64_t at)
{
	ssize_t n = pread(file, buf, len, (off_t)at);

	(void)io;
	return n < 0 ? -errno : n;
}

static ssize_t disk_pwritev(struct toll_journal_io *io, int file, const struct iovec *iov,
                            int count, uint64_t at)
{
	ssize_t n = pwritev(file, iov, count, (off_t)at);

	(void)io;
	return n < 0 ? -errno : n;
}

static int disk_datasync(struct toll_journal_io *io, int file)
{
	(void)io;
	return or_errno(fdatasync(file));
}

static int disk_rename(struct toll_journal_io *io, const char *from, const char *to)
{
	int dir = disk_of(io)->directory;

	return or_errno(renameat(dir, from, dir, to));
}

static int disk_unlink(struct toll_journal_io *io, const char *name)
{
	return or_errno(unlinkat(disk_of(io)->directory, name, 0));
}

static int disk_sync_directory(struct toll_journal_io *io)
{
	return or_errno(fsync(disk_of(io)->directory));
}

static int disk_each_name(struct toll_journal_io *io, void (*fn)(void *ctx, const char *name),
                          void *ctx)
{
	int fd = openat(disk_of(io)->directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *found;
	int err;

	if (!dir) {
		err = -errno;
		if (fd >= 0)
			close(fd);
		return err;
	}
	for (errno = 0; (found = readdir(dir)); errno = 0)
		fn(ctx, found->d_name);
	err = -errno;
	closedir(dir);
	return err;
}

static void *disk_alloc(struct toll_journal_io *io, size_t size)
{
	(void)io;
	return calloc(1, size);
}

static void disk_free(struct toll_journal_io *io, void *object)
{
	(void)io;
	free(object);
}

static void disk_release(struct toll_journal_io *io)
{
	struct disk *d = disk_of(io);

	if (d->lock >= 0)
		close(d->lock);
	if (d->directory >= 0)
		close(d->directory);
	free(d);
}

static const struct toll_journal_io on_disk = {
	.open = disk_open,
	.close = disk_close,
	.size = disk_size,
	.allocate = disk_allocate,
	.truncate = disk_truncate,
	.pread = disk_pread,
	.pwritev = disk_pwritev,
	.datasync = disk_datasync,
	.rename = disk_rename,
	.unlink = disk_unlink,
	.sync_directory = disk_sync_directory,
	.each_name = disk_each_name,
	.alloc = disk_alloc,
	.free = disk_free,
	.release = disk_release,
};

/* Of the open file, not of the process: it holds against a second journal in this process too, and
 * no close of another descriptor lets go of it. */
static int lock_directory(struct disk *d)
{
	struct flock whole = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	d->lock = openat(d->directory, "lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	return d->lock < 0 ? -1 : fcntl(d->lock, F_OFD_SETLK, &whole);
}

static struct disk *disk_new(void)
{
	struct disk *d = calloc(1, sizeof(*d));

	if (d) {
		d->super = on_disk;
		d->directory = d->lock = -1;
	}
	return d;
}

int toll_journal_disk(const char *directory, struct toll_journal_io **ret,
                      struct toll_error *reterr)
{
	struct disk *d = disk_new();
	int err;

	if (!d)
		return toll_fail(reterr, TOLL_ENOMEM, "out of memory");
	if (mkdir(directory, 0700) < 0 && errno != EEXIST)
		d->directory = -1;
	else
		d->directory = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (d->directory >= 0 && lock_directory(d) == 0) {
		*ret = &d->super;
		return 0;
	}
	err = d->lock >= 0 && (errno == EAGAIN || errno == EACCES) ? TOLL_EREFUSED
	                                                           : toll_journal_error(-errno);
	if (err == TOLL_EREFUSED)
		toll_fail(reterr, err, "%s is in use by another process", directory);
	else
		toll_fail(reterr, err, "%s: %s%s", directory, strerror(errno),
		          errno == EACCES
		                  ? ": it and its files must belong to the user that spantoll "
		                    "runs as"
		                  : "");
	disk_release(&d->super);
	return err;
}

/* Asking needs no right to write. */
static bool is_locked(const struct disk *d)
{
	struct flock whole = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	int file = openat(d->directory, "lock", O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	bool locked = file >= 0 && fcntl(file, F_OFD_GETLK, &whole) == 0 && whole.l_type != F_UNLCK;

	if (file >= 0)
		close(file);
	return locked;
}

int toll_journal_disk_unlocked(const char *directory, struct toll_journal_io **ret,
                               bool *ret_in_use, struct toll_error *reterr)
{
	struct disk *d = disk_new();
	int err;

	if (!d)
		return toll_fail(reterr, TOLL_ENOMEM, "out of memory");
	d->directory = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (d->directory < 0) {
		err = toll_fail(reterr, toll_journal_error(-errno), "%s: %s", directory,
		                strerror(errno));
		disk_release(&d->super);
		return err;
	}
	*ret_in_use = is_locked(d);
	*ret = &d->super;
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* journal_io.h - the few things a journal asks of its directory, the allocator included: a test may
 * put its own behind them, to make each fail and to record them all.
 *
 * Names are those inside the directory. Functions return 0 (or what they say), or a negative errno.
 * Any thread, several at once. */
#ifndef TOLL_PIPELINE_JOURNAL_IO_H
#define TOLL_PIPELINE_JOURNAL_IO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "base/error.h"

enum toll_journal_open {
	TOLL_JOURNAL_OPEN_READ = 0,
	TOLL_JOURNAL_OPEN_UPDATE,
	TOLL_JOURNAL_OPEN_NEW
};

struct toll_journal_io {
	/* A handle. NEW: empty, also where there was one. */
	int (*open)(struct toll_journal_io *io, const char *name, enum toll_journal_open how);
	void (*close)(struct toll_journal_io *io, int file);
	int64_t (*size)(struct toll_journal_io *io, int file);
	/* Disk space for the file as long as that; what was not written reads as zeros. */
	int (*allocate)(struct toll_journal_io *io, int file, uint64_t bytes);
	int (*truncate)(struct toll_journal_io *io, int file, uint64_t bytes);
	/* May read or write less, like their namesakes. */
	ssize_t (*pread)(struct toll_journal_io *io, int file, void *buf, size_t len, uint64_t at);
	ssize_t (*pwritev)(struct toll_journal_io *io, int file, const struct iovec *iov, int count,
	                   uint64_t at);
	int (*datasync)(struct toll_journal_io *io, int file);
	int (*rename)(struct toll_journal_io *io, const char *from, const char *to);
	int (*unlink)(struct toll_journal_io *io, const char *name);
	int (*sync_directory)(struct toll_journal_io *io);
	int (*each_name)(struct toll_journal_io *io, void (*fn)(void *ctx, const char *name),
	                 void *ctx);
	void *(*alloc)(struct toll_journal_io *io, size_t size); /* zeroed; NULL */
	void (*free)(struct toll_journal_io *io, void *object);
	/* Gives up the lock; the table is gone afterwards. */
	void (*release)(struct toll_journal_io *io);
};

/* The directory (made with mode 0700 when it is not there), locked for this process by an open file
 * description lock on its file `lock`. TOLL_EREFUSED: somebody else has it. */
int toll_journal_disk(const char *directory, struct toll_journal_io **ret,
                      struct toll_error *reterr) TOLL_MUST_CHECK;

/* The directory as it is, for reading beside whoever has the lock: nothing is made. *ret_in_use:
 * somebody has it. */
int toll_journal_disk_unlocked(const char *directory, struct toll_journal_io **ret,
                               bool *ret_in_use, struct toll_error *reterr) TOLL_MUST_CHECK;

/* Bytes to be written. */
static inline struct iovec toll_journal_piece(const void *bytes, size_t len)
{
	union {
		const void *in;
		void *out; /* pwritev does not change it, struct iovec cannot say so */
	} same = { bytes };

	return (struct iovec){ same.out, len };
}

/* Helpers that go on where the above did less. Short: -EIO. */
int toll_journal_write_all(struct toll_journal_io *io, int file, struct iovec *iov, int count,
                           uint64_t at) TOLL_MUST_CHECK;
/* Bytes read; less than len: the file ends there. */
ssize_t toll_journal_read_all(struct toll_journal_io *io, int file, void *buf, size_t len,
                              uint64_t at) TOLL_MUST_CHECK;
/* The error that clients hear of. */
int toll_journal_error(int negative_errno);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/journal_io.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

static int advance(struct iovec **iov, int count, size_t done)
{
	while (count && done >= (*iov)->iov_len) {
		done -= (*iov)->iov_len;
		(*iov)++;
		count--;
	}
	if (count) {
		(*iov)->iov_base = (char *)(*iov)->iov_base + done;
		(*iov)->iov_len -= done;
	}
	return count;
}

int toll_journal_write_all(struct toll_journal_io *io, int file, struct iovec *iov, int count,
                           uint64_t at)
{
	while ((count = advance(&iov, count, 0)) > 0) {
		ssize_t n = io->pwritev(io, file, iov, count < IOV_MAX ? count : IOV_MAX, at);

		if (n == -EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? (int)n : -EIO;
		at += (uint64_t)n;
		count = advance(&iov, count, (size_t)n);
	}
	return 0;
}

ssize_t toll_journal_read_all(struct toll_journal_io *io, int file, void *buf, size_t len,
                              uint64_t at)
{
	size_t have = 0;

	while (have < len) {
		ssize_t n = io->pread(io, file, (char *)buf + have, len - have, at + have);

		if (n == -EINTR)
			continue;
		if (n < 0)
			return n;
		if (n == 0)
			break;
		have += (size_t)n;
	}
	return (ssize_t)have;
}

int toll_journal_error(int negative_errno)
{
	switch (-negative_errno) {
	case 0:
		return 0;
	case ENOSPC:
	case EDQUOT:
	case EFBIG:
		return TOLL_EFULL;
	case ENOMEM:
		return TOLL_ENOMEM;
	default:
		return TOLL_EDOWN;
	}
}

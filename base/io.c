/* SPDX-License-Identifier: Apache-2.0 */
#include "base/io.h"

#include <errno.h>
#include <unistd.h>

int toll_write_all(int fd, struct toll_slice *rest)
{
	while (rest->len) {
		ssize_t n = write(fd, rest->ptr, rest->len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno;
		*rest = toll_slice(rest->ptr + n, rest->len - (size_t)n);
	}
	return 0;
}

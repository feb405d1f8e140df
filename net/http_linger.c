/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http_linger.h"

#include <errno.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/macro.h"

#define LINGER_NS (5 * TOLL_S)
#define READS     64 /* of one socket in one go: others want their turn */

void toll_http_linger_add(struct toll_http_linger *l, int fd)
{
	if (l->count == TOLL_HTTP_LINGERING) {
		close(fd);
		return;
	}
	shutdown(fd, SHUT_WR);
	l->fds[l->count] = fd;
	l->deadlines[l->count++] = toll_clock_mono_ns() + LINGER_NS;
}

unsigned toll_http_linger_polls(const struct toll_http_linger *l, struct pollfd *out)
{
	for (unsigned i = 0; i < l->count; i++)
		out[i] = (struct pollfd){ .fd = l->fds[i], .events = POLLIN };
	return l->count;
}

/* False: its end, or an error. */
static bool read_some(int fd)
{
	char scratch[16384] TOLL_UNINITIALIZED;

	for (int i = 0; i < READS; i++) {
		ssize_t n = recv(fd, scratch, sizeof(scratch), MSG_DONTWAIT);

		if (n == 0)
			return false;
		if (n < 0)
			return errno == EAGAIN || errno == EINTR;
	}
	return true;
}

void toll_http_linger_run(struct toll_http_linger *l)
{
	uint64_t now = toll_clock_mono_ns();
	unsigned kept = 0;

	for (unsigned i = 0; i < l->count; i++) {
		if (now > l->deadlines[i] || !read_some(l->fds[i])) {
			close(l->fds[i]);
			continue;
		}
		l->fds[kept] = l->fds[i];
		l->deadlines[kept++] = l->deadlines[i];
	}
	l->count = kept;
}

void toll_http_linger_release(struct toll_http_linger *l)
{
	for (unsigned i = 0; i < l->count; i++)
		close(l->fds[i]);
	l->count = 0;
}

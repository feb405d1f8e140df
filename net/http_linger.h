/* SPDX-License-Identifier: Apache-2.0 */
/* http_linger.h - connections that were answered before their body had come: read to their end for
 * a while. Closing a socket with unread bytes resets it, and the client might lose the answer. */
#ifndef TOLL_NET_HTTP_LINGER_H
#define TOLL_NET_HTTP_LINGER_H

#include <poll.h>
#include <stdint.h>

#define TOLL_HTTP_LINGERING 16

/* One thread's; all zero is empty. */
struct toll_http_linger {
	unsigned count;
	int fds[TOLL_HTTP_LINGERING];
	uint64_t deadlines[TOLL_HTTP_LINGERING];
};

/* Takes the socket, or closes it when there are too many. */
void toll_http_linger_add(struct toll_http_linger *l, int fd);
/* What to poll for: at most TOLL_HTTP_LINGERING entries are written, their number returned. */
unsigned toll_http_linger_polls(const struct toll_http_linger *l, struct pollfd *out);
/* Reads what is there; closes those that ended or stayed too long. */
void toll_http_linger_run(struct toll_http_linger *l);
void toll_http_linger_release(struct toll_http_linger *l);

#endif

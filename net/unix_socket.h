/* SPDX-License-Identifier: Apache-2.0 */
/* unix_socket.h - listening at a path. */
#ifndef TOLL_NET_UNIX_SOCKET_H
#define TOLL_NET_UNIX_SOCKET_H

#include <sys/types.h>
#include <sys/un.h>

#include "base/error.h"

struct toll_unix_socket {
	char path[sizeof(((struct sockaddr_un *)NULL)->sun_path)]; /* "": none */
	dev_t dev;
	ino_t ino;
};

/* A listening, non-blocking, close-on-exec socket. What a process that is gone left at the path is
 * replaced; one that somebody answers on is not (TOLL_EFULL). setting: for the sentence. */
int toll_unix_listen(const char *path, const char *setting, int *ret_fd,
                     struct toll_unix_socket *ret, struct toll_error *reterr) TOLL_MUST_CHECK;

/* Removes the path, if it still is this socket. */
void toll_unix_unlink(struct toll_unix_socket *s);

#endif

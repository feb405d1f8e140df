/* SPDX-License-Identifier: Apache-2.0 */
/* unix_socket.h - listening at a path, which a reload may hand from one server to the next.
 *
 * A path belongs to the youngest server of this process that listens there for the same setting.
 * It is removed with the last one; one that ends before the server it came after (a reload that
 * failed) gives the path back. Any thread. */
#ifndef TOLL_NET_UNIX_SOCKET_H
#define TOLL_NET_UNIX_SOCKET_H

#include <sys/types.h>
#include <sys/un.h>

#include "base/error.h"

#define TOLL_UNIX_PATH_MAX sizeof(((struct sockaddr_un *)NULL)->sun_path)

/* Stays where it is until toll_unix_unlink(). */
struct toll_unix_socket {
	struct toll_unix_socket *older; /* of this process */
	char path[TOLL_UNIX_PATH_MAX];  /* "": none */
	char aside[TOLL_UNIX_PATH_MAX]; /* its name while path is not, or not yet, its own */
	char setting[192];
	int fd; /* the caller's, or -1 */
	dev_t dev;
	ino_t ino;
};

/* A listening, non-blocking, close-on-exec socket; where setting listens at path already, a
 * duplicate of that one: no connection is lost between them. What a process that is gone left at
 * the path is replaced; one that somebody answers on is not (TOLL_EFULL). setting: the YAML path,
 * for the sentence as well. */
int toll_unix_listen(const char *path, const char *setting, int *ret_fd,
                     struct toll_unix_socket *ret, struct toll_error *reterr) TOLL_MUST_CHECK;

/* For a library that binds by itself: it is to listen at ret->aside, and then gets the path.
 * Errors as above. Nothing to undo before toll_unix_publish(). */
int toll_unix_reserve(const char *path, const char *setting, struct toll_unix_socket *ret,
                      struct toll_error *reterr) TOLL_MUST_CHECK;
int toll_unix_publish(struct toll_unix_socket *s, struct toll_error *reterr) TOLL_MUST_CHECK;

/* Removes the path, if it still is this socket and nobody else's. Before its descriptor is closed.
 * Legal twice, and for one that is all zero. */
void toll_unix_unlink(struct toll_unix_socket *s);

#endif

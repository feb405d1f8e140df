/* SPDX-License-Identifier: Apache-2.0 */
#include "net/unix_socket.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define BACKLOG 128

static int new_socket(void)
{
	return socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

static bool is_socket(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0 && S_ISSOCK(st.st_mode);
}

static bool somebody_answers(const struct sockaddr_un *a)
{
	int fd = new_socket();
	bool yes = fd < 0 || connect(fd, (const struct sockaddr *)a, sizeof(*a)) == 0 ||
	           errno != ECONNREFUSED;

	if (fd >= 0)
		close(fd);
	return yes;
}

static int bind_at(int fd, const struct sockaddr_un *a)
{
	if (bind(fd, (const struct sockaddr *)a, sizeof(*a)) == 0)
		return 0;
	if (errno != EADDRINUSE)
		return -1;
	if (!is_socket(a->sun_path) || somebody_answers(a)) {
		errno = EADDRINUSE;
		return -1;
	}
	unlink(a->sun_path);
	return bind(fd, (const struct sockaddr *)a, sizeof(*a));
}

static void remember(const char *path, struct toll_unix_socket *ret)
{
	struct stat st = { 0 };

	*ret = (struct toll_unix_socket){ .path = "" };
	if (lstat(path, &st) < 0)
		return;
	memcpy(ret->path, path, strlen(path) + 1);
	ret->dev = st.st_dev;
	ret->ino = st.st_ino;
}

int toll_unix_listen(const char *path, const char *setting, int *ret_fd,
                     struct toll_unix_socket *ret, struct toll_error *reterr)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd, err;

	if (!*path || strlen(path) >= sizeof(a.sun_path))
		return toll_fail(reterr, TOLL_ECONFIG,
		                 "%s: the path of a socket has 1 to %zu bytes: \"%s\"", setting,
		                 sizeof(a.sun_path) - 1, path);
	memcpy(a.sun_path, path, strlen(path) + 1);
	fd = new_socket();
	if (fd >= 0 && bind_at(fd, &a) == 0 && listen(fd, BACKLOG) == 0) {
		remember(path, ret);
		*ret_fd = fd;
		return 0;
	}
	err = errno;
	if (fd >= 0)
		close(fd);
	return toll_fail(reterr, err == EADDRINUSE ? TOLL_EFULL : TOLL_EDOWN,
	                 "%s: cannot listen on %s: %s", setting, path,
	                 err == EADDRINUSE ? "another process or file is there" : strerror(err));
}

void toll_unix_unlink(struct toll_unix_socket *s)
{
	struct stat st;

	if (*s->path && lstat(s->path, &st) == 0 && st.st_dev == s->dev && st.st_ino == s->ino)
		unlink(s->path);
	s->path[0] = '\0';
}

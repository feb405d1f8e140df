/* SPDX-License-Identifier: Apache-2.0 */
#include "net/unix_socket.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define BACKLOG 128
#define SUFFIX  sizeof(".999")

static struct toll_unix_socket *youngest;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* of the list, and of what is in it */

/* ---- the file ---- */

static int new_socket(void)
{
	return socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

static bool somebody_answers(const char *path)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = new_socket();
	bool yes;

	memcpy(a.sun_path, path, strlen(path) + 1);
	yes = fd < 0 || connect(fd, (const struct sockaddr *)&a, sizeof(a)) == 0 ||
	      errno != ECONNREFUSED;
	if (fd >= 0)
		close(fd);
	return yes;
}

/* 0: nothing is there any more; -1 with errno. */
static int make_way(const char *path)
{
	struct stat st;

	if (lstat(path, &st) < 0)
		return errno == ENOENT ? 0 : -1;
	if (!S_ISSOCK(st.st_mode) || somebody_answers(path)) {
		errno = EADDRINUSE;
		return -1;
	}
	return unlink(path);
}

static int bind_at(int fd, const char *path)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };

	memcpy(a.sun_path, path, strlen(path) + 1);
	return bind(fd, (const struct sockaddr *)&a, sizeof(a));
}

static bool is_at(const char *path, const struct toll_unix_socket *s)
{
	struct stat st;

	return lstat(path, &st) == 0 && st.st_dev == s->dev && st.st_ino == s->ino;
}

static int remember(const char *path, struct toll_unix_socket *s)
{
	struct stat st;

	if (lstat(path, &st) < 0)
		return -1;
	s->dev = st.st_dev;
	s->ino = st.st_ino;
	return 0;
}

static int fail(const char *path, const char *setting, struct toll_error *reterr)
{
	bool taken = errno == EADDRINUSE;

	return toll_fail(reterr, taken ? TOLL_EFULL : TOLL_EDOWN, "%s: cannot listen on %s: %s",
	                 setting, path,
	                 taken ? "another process or file is there" : strerror(errno));
}

/* ---- those of this process; the lock is held ---- */

static void join(struct toll_unix_socket *s)
{
	s->older = youngest;
	youngest = s;
}

static void leave(struct toll_unix_socket *s)
{
	struct toll_unix_socket **at = &youngest;

	while (*at && *at != s)
		at = &(*at)->older;
	if (*at)
		*at = s->older;
}

/* Who listens at the path for the same setting. */
static struct toll_unix_socket *find(const struct toll_unix_socket *s)
{
	struct toll_unix_socket *o = youngest;

	while (o && (strcmp(o->path, s->path) != 0 || strcmp(o->setting, s->setting) != 0 ||
	             !is_at(o->path, o)))
		o = o->older;
	return o;
}

/* Another server with the same socket, or the one whose place s has taken. */
static struct toll_unix_socket *find_heir(const struct toll_unix_socket *s)
{
	struct toll_unix_socket *o = youngest;

	while (o && (strcmp(o->path, s->path) != 0 || (o->ino != s->ino && !*o->aside)))
		o = o->older;
	return o;
}

/* ---- for servers ---- */

static int begin(const char *path, const char *setting, size_t more, struct toll_unix_socket *ret,
                 struct toll_error *reterr)
{
	size_t most = TOLL_UNIX_PATH_MAX - 1 - more;

	*ret = (struct toll_unix_socket){ .fd = -1 };
	if (!*path || strlen(path) > most)
		return toll_fail(reterr, TOLL_ECONFIG,
		                 "%s: the path of a socket has 1 to %zu bytes: \"%s\"", setting,
		                 most, path);
	memcpy(ret->path, path, strlen(path) + 1);
	snprintf(ret->setting, sizeof(ret->setting), "%s", setting);
	return 0;
}

static int listen_anew(struct toll_unix_socket *s)
{
	int saved;

	s->fd = new_socket();
	if (s->fd >= 0 && make_way(s->path) == 0 && bind_at(s->fd, s->path) == 0 &&
	    listen(s->fd, BACKLOG) == 0 && remember(s->path, s) == 0)
		return 0;
	saved = errno;
	if (s->fd >= 0)
		close(s->fd);
	errno = saved;
	return -1;
}

static int listen_with(struct toll_unix_socket *s, const struct toll_unix_socket *older)
{
	s->dev = older->dev;
	s->ino = older->ino;
	s->fd = fcntl(older->fd, F_DUPFD_CLOEXEC, 0);
	return s->fd < 0 ? -1 : 0;
}

int toll_unix_listen(const char *path, const char *setting, int *ret_fd,
                     struct toll_unix_socket *ret, struct toll_error *reterr)
{
	const struct toll_unix_socket *older;
	int err = begin(path, setting, 0, ret, reterr);

	if (err)
		return err;
	pthread_mutex_lock(&lock);
	older = find(ret);
	if ((older && older->fd >= 0 ? listen_with(ret, older) : listen_anew(ret)) < 0)
		err = fail(path, setting, reterr);
	else
		join(ret);
	pthread_mutex_unlock(&lock);
	if (err)
		ret->path[0] = '\0';
	else
		*ret_fd = ret->fd;
	return err;
}

int toll_unix_reserve(const char *path, const char *setting, struct toll_unix_socket *ret,
                      struct toll_error *reterr)
{
	static unsigned names;
	int err = begin(path, setting, SUFFIX - 1, ret, reterr);

	if (err)
		return err;
	pthread_mutex_lock(&lock);
	if (!find(ret) && make_way(path) < 0)
		err = fail(path, setting, reterr);
	snprintf(ret->aside, sizeof(ret->aside), "%s.%u", path, names++ % 1000);
	pthread_mutex_unlock(&lock);
	if (err)
		ret->path[0] = '\0';
	return err;
}

/* The one before keeps a name to come back by. */
static int take_over(struct toll_unix_socket *s, struct toll_unix_socket *older)
{
	if (renameat2(AT_FDCWD, s->aside, AT_FDCWD, s->path, RENAME_EXCHANGE) < 0)
		return -1;
	memcpy(older->aside, s->aside, sizeof(older->aside));
	return 0;
}

int toll_unix_publish(struct toll_unix_socket *s, struct toll_error *reterr)
{
	struct toll_unix_socket *older;
	int err;

	pthread_mutex_lock(&lock);
	older = find(s);
	err = remember(s->aside, s);
	if (!err)
		err = older ? take_over(s, older) : rename(s->aside, s->path);
	if (err) {
		err = fail(s->path, s->setting, reterr);
		unlink(s->aside);
		s->path[0] = '\0';
	} else {
		s->aside[0] = '\0';
		join(s);
	}
	pthread_mutex_unlock(&lock);
	return err;
}

static void remove_file(struct toll_unix_socket *s)
{
	struct toll_unix_socket *heir = find_heir(s);

	if (*s->aside) {
		if (is_at(s->aside, s))
			unlink(s->aside);
	} else if (is_at(s->path, s) && !heir) {
		unlink(s->path);
	} else if (is_at(s->path, s) && *heir->aside && rename(heir->aside, s->path) == 0) {
		heir->aside[0] = '\0';
	}
}

void toll_unix_unlink(struct toll_unix_socket *s)
{
	if (!*s->path)
		return;
	pthread_mutex_lock(&lock);
	leave(s);
	remove_file(s);
	pthread_mutex_unlock(&lock);
	s->path[0] = '\0';
}

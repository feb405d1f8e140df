/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/directory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int sync_directory(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), err = 0;

	if (fd < 0)
		return -errno;
	/* Some file systems cannot, and need not: theirs are durable, or nothing is. */
	if (fsync(fd) < 0 && errno != EINVAL && errno != ENOTSUP)
		err = -errno;
	close(fd);
	return err;
}

/* path is cut at its last name, and mended; *ret_cut: where, or NULL: it has one name. */
static const char *parent_of(char *path, char **ret_cut)
{
	char *slash = strrchr(path, '/');

	*ret_cut = slash;
	if (!slash)
		return ".";
	if (slash == path) {
		*ret_cut = NULL;
		return "/";
	}
	*slash = '\0';
	return path;
}

static int make_one(char *path, mode_t mode)
{
	struct stat st;
	const char *parent;
	char *cut;
	int err;

	if (mkdir(path, mode) < 0 && errno != EEXIST)
		return -errno;
	if (stat(path, &st) < 0)
		return -errno;
	if (!S_ISDIR(st.st_mode))
		return -ENOTDIR;
	parent = parent_of(path, &cut);
	err = sync_directory(parent);
	if (cut)
		*cut = '/';
	/* What one may not read, somebody else has made long ago. */
	return err == -EACCES ? 0 : err;
}

int toll_directory_make(const char *path, mode_t mode, int parents)
{
	char *copy = strdup(path), *slash;
	int err = copy ? 0 : -ENOMEM;

	for (slash = copy; parents && !err && (slash = strchr(slash + 1, '/')) != NULL;) {
		*slash = '\0';
		if (access(copy, F_OK) < 0)
			err = make_one(copy, mode);
		*slash = '/';
	}
	if (!err)
		err = make_one(copy, mode);
	free(copy);
	return err;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "exporters/file/rotate.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"

#define FILE_MODE 0640

int toll_rotating_open(struct toll_rotating_file *f, bool truncate)
{
	struct stat st;

	/* A pipe that nobody reads is an error, not a wait. */
	f->fd = open(f->path,
	             O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY | O_NONBLOCK |
	                     (truncate ? O_TRUNC : 0),
	             FILE_MODE);
	if (f->fd < 0)
		return errno;
	if (fcntl(f->fd, F_SETFL, O_APPEND) || fstat(f->fd, &st)) {
		int err = errno;

		toll_rotating_close(f);
		return err;
	}
	f->regular = S_ISREG(st.st_mode);
	f->size = f->regular ? (uint64_t)st.st_size : 0;
	f->begun = f->size;
	return 0;
}

void toll_rotating_close(struct toll_rotating_file *f)
{
	if (f->fd >= 0)
		close(f->fd);
	f->fd = -1;
}

/* ---- names of backups: <stem>-<time><extension>, beside the file ---- */

struct name_parts {
	char folder[PATH_MAX];
	char stem[NAME_MAX + 1];
	char extension[NAME_MAX + 1]; /* with its dot; "" when there is none */
};

static int split_path(const char *path, struct name_parts *ret)
{
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
	const char *dot = strrchr(name, '.');
	size_t folder = slash ? (size_t)(slash - path) + 1 : 0;
	size_t stem = dot && dot != name ? (size_t)(dot - name) : strlen(name);

	if (folder >= sizeof(ret->folder) || strlen(name) >= sizeof(ret->stem))
		return ENAMETOOLONG;
	snprintf(ret->folder, sizeof(ret->folder), "%.*s", (int)folder, path);
	snprintf(ret->stem, sizeof(ret->stem), "%.*s", (int)stem, name);
	snprintf(ret->extension, sizeof(ret->extension), "%s", name + stem);
	return 0;
}

#define TIME_TEXT "2026-11-21T10-15-00.123"

static bool is_time(const char *text)
{
	for (const char *p = TIME_TEXT; *p; p++, text++)
		if (*p >= '0' && *p <= '9' ? *text < '0' || *text > '9' : *text != *p)
			return false;
	return true;
}

static bool is_backup(const struct name_parts *n, const char *name)
{
	size_t stem = strlen(n->stem);

	return strncmp(name, n->stem, stem) == 0 && name[stem] == '-' &&
	       strlen(name) > stem + strlen(TIME_TEXT) && is_time(name + stem + 1) &&
	       strcmp(name + stem + 1 + strlen(TIME_TEXT), n->extension) == 0;
}

/* Two in one millisecond wait for the next. */
static int backup_path(const struct name_parts *n, char *buf, size_t size)
{
	char when[32];
	struct stat st;
	uint64_t now = toll_clock_wall_ns();
	int len;

	do {
		toll_clock_rfc3339(now, 1, when, sizeof(when));
		when[strlen(when) - 1] = '\0'; /* Z */
		for (char *p = when; *p; p++)
			if (*p == ':')
				*p = '-';
		len = snprintf(buf, size, "%s%s-%s%s", n->folder, n->stem, when, n->extension);
		if (len < 0 || (size_t)len >= size)
			return ENAMETOOLONG;
		now += TOLL_MS;
	} while (lstat(buf, &st) == 0);
	return 0;
}

/* Times sort as text. Removes the oldest one when there are more than may be; repeats while it can.
 */
static void prune(const struct toll_rotating_file *f, const struct name_parts *n)
{
	char oldest[NAME_MAX + 1], path[PATH_MAX + NAME_MAX + 1];
	unsigned count;

	do {
		DIR *d = opendir(n->folder[0] ? n->folder : ".");
		const struct dirent *e;

		count = 0;
		oldest[0] = '\0';
		while (d && (e = readdir(d)) != NULL) {
			if (!is_backup(n, e->d_name))
				continue;
			count++;
			if (!oldest[0] || strcmp(e->d_name, oldest) < 0)
				snprintf(oldest, sizeof(oldest), "%s", e->d_name);
		}
		if (d)
			closedir(d);
		if (count <= f->max_backups)
			return;
		snprintf(path, sizeof(path), "%s%s", n->folder, oldest);
	} while (unlink(path) == 0);
}

static int rotate(struct toll_rotating_file *f)
{
	struct name_parts n;
	char to[PATH_MAX];
	int err = split_path(f->path, &n);

	if (!err)
		err = backup_path(&n, to, sizeof(to));
	if (!err && rename(f->path, to) && errno != ENOENT)
		err = errno;
	if (err)
		return err;
	toll_rotating_close(f);
	if (f->max_backups)
		prune(f, &n);
	return toll_rotating_open(f, false);
}

/* ---- writing ---- */

int toll_rotating_begin(struct toll_rotating_file *f, uint64_t expected)
{
	int err = f->fd < 0 ? toll_rotating_open(f, false) : 0;

	if (!err && f->max_bytes && f->regular && f->size && f->size + expected > f->max_bytes)
		err = rotate(f);
	f->begun = f->size;
	return err;
}

int toll_rotating_write(struct toll_rotating_file *f, const char *bytes, size_t len)
{
	struct toll_slice rest = toll_slice(bytes, len);
	int err = toll_write_all(f->fd, &rest);

	f->size += len - rest.len;
	return err;
}

void toll_rotating_undo(struct toll_rotating_file *f)
{
	if (f->fd >= 0 && f->regular && f->size != f->begun &&
	    ftruncate(f->fd, (off_t)f->begun) == 0)
		f->size = f->begun;
	toll_rotating_close(f);
}

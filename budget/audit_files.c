/* SPDX-License-Identifier: Apache-2.0 */
#include "budget/audit_files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/slice.h"

#define SEQ_DIGITS 12 /* at least: `ls` sorts them as well */

int toll_audit_path_split(const char *path, struct toll_audit_path *ret)
{
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
	const char *dot = strrchr(name, '.');
	size_t folder = slash ? (size_t)(slash - path) + 1 : 0;
	size_t stem = dot && dot != name ? (size_t)(dot - name) : strlen(name);

	if (!*name)
		return EISDIR;
	if (folder >= sizeof(ret->folder) || strlen(name) >= sizeof(ret->stem))
		return ENAMETOOLONG;
	snprintf(ret->folder, sizeof(ret->folder), "%.*s", slash ? (int)folder : 2,
	         slash ? path : "./");
	snprintf(ret->stem, sizeof(ret->stem), "%.*s", (int)stem, name);
	snprintf(ret->extension, sizeof(ret->extension), "%s", name + stem);
	return 0;
}

int toll_audit_backup_path(const struct toll_audit_path *p, uint64_t first_seq, char *buf)
{
	int len = snprintf(buf, PATH_MAX, "%s%s-%0*" PRIu64 "%s", p->folder, p->stem, SEQ_DIGITS,
	                   first_seq, p->extension);

	return len < 0 || len >= PATH_MAX ? ENAMETOOLONG : 0;
}

/* 0: not one of ours. */
static uint64_t seq_of(const struct toll_audit_path *p, const char *name)
{
	size_t stem = strlen(p->stem), digits;
	uint64_t seq;

	if (strncmp(name, p->stem, stem) != 0 || name[stem] != '-')
		return 0;
	name += stem + 1;
	digits = strspn(name, "0123456789");
	if (digits < SEQ_DIGITS || strcmp(name + digits, p->extension) != 0 ||
	    !toll_slice_digits(toll_slice(name, digits), UINT64_MAX, &seq))
		return 0;
	return seq;
}

static int append(struct toll_audit_backups *b, uint64_t seq)
{
	size_t room = b->count & (b->count - 1) ? 0 : b->count ? 2 * b->count : 1;
	uint64_t *more = room ? realloc(b->at, room * sizeof(*more)) : b->at;

	if (!more)
		return ENOMEM;
	b->at = more;
	b->at[b->count++] = seq;
	return 0;
}

static int by_number(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

int toll_audit_backups_list(const struct toll_audit_path *p, struct toll_audit_backups *ret)
{
	struct toll_audit_backups b = { 0 };
	DIR *folder = opendir(p->folder);
	const struct dirent *entry;
	int err = 0;

	if (!folder)
		return errno;
	while (!err && (entry = readdir(folder)) != NULL) {
		uint64_t seq = seq_of(p, entry->d_name);

		if (seq)
			err = append(&b, seq);
	}
	closedir(folder);
	if (err) {
		toll_audit_backups_release(&b);
		return err;
	}
	if (b.count)
		qsort(b.at, b.count, sizeof(*b.at), by_number);
	*ret = b;
	return 0;
}

void toll_audit_backups_release(struct toll_audit_backups *b)
{
	free(b->at);
	*b = (struct toll_audit_backups){ 0 };
}

int toll_audit_backups_prune(const struct toll_audit_path *p, size_t keep)
{
	struct toll_audit_backups b = { 0 };
	char path[PATH_MAX];
	int err;

	if (!keep)
		return 0;
	err = toll_audit_backups_list(p, &b);
	if (err)
		return err;
	for (size_t i = 0; b.at && i + keep < b.count && !err; i++) {
		err = toll_audit_backup_path(p, b.at[i], path);
		if (!err && unlink(path) && errno != ENOENT)
			err = errno;
	}
	toll_audit_backups_release(&b);
	return err;
}

int toll_audit_folder_sync(const struct toll_audit_path *p)
{
	int fd = open(p->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int err = fd < 0 || fsync(fd) ? errno : 0;

	if (fd >= 0)
		close(fd);
	return err == EINVAL ? 0 : err; /* some file systems have nothing to sync there */
}

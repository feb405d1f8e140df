/* SPDX-License-Identifier: Apache-2.0 */
#include "budget/audit_log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "budget/audit_end.h"
#include "budget/audit_files.h"

#define FILE_MODE      0600
#define BYTES_PER_MEGA UINT64_C(1000000)

const struct toll_field toll_audit_fields[] = {
	TOLL_FIELD(
		struct toll_audit_config, path, STRING, "",
		"File of JSON lines, each chained to the one before and on disk before a flag is "
		"set; empty: none."),
	TOLL_FIELD(struct toll_audit_config, max_megabytes, INT, "100",
	           "A larger file moves aside; 0: never.", .min = 0, .max = 1000000),
	TOLL_FIELD(struct toll_audit_config, max_backups, INT, "10",
	           "Files moved aside that are kept; 0: all.", .min = 0, .max = 100000),
	TOLL_FIELD_END,
};

struct toll_audit_log {
	struct toll_audit_path parts;
	uint64_t max_bytes;
	size_t max_backups;
	int lock, fd; /* -1: not open */
	dev_t dev;    /* of the file that state.size is of; ino 0: none was seen yet */
	ino_t ino;
	uint64_t first_seq; /* in the file; 0: it is empty */
	struct toll_audit_state state;
	char path[PATH_MAX], lock_path[PATH_MAX];
	char line[TOLL_AUDIT_LINE_MAX];
};

static int disk_error(struct toll_error *reterr, const char *path, int err)
{
	return toll_fail(reterr, TOLL_EDOWN, "%.160s: %s", path, strerror(err));
}

/* ---- life ---- */

int toll_audit_log_new(const struct toll_audit_config *conf, struct toll_audit_log **ret,
                       struct toll_error *reterr)
{
	struct toll_audit_log *log = calloc(1, sizeof(*log));

	if (!log)
		return toll_fail(reterr, TOLL_ENOMEM, "out of memory");
	log->lock = log->fd = -1;
	log->max_bytes = (uint64_t)conf->max_megabytes * BYTES_PER_MEGA;
	log->max_backups = (size_t)conf->max_backups;
	log->state.last = toll_audit_start();
	if (conf->path.len + sizeof(".lock") > sizeof(log->path) ||
	    toll_audit_path_split(conf->path.ptr, &log->parts)) {
		free(log);
		return toll_fail(reterr, TOLL_EINVALID, "\"%.*s\" names no file",
		                 TOLL_FMT(toll_slice_cut(conf->path, 160)));
	}
	memcpy(log->path, conf->path.ptr, conf->path.len);
	memcpy(log->lock_path, conf->path.ptr, conf->path.len);
	memcpy(log->lock_path + conf->path.len, ".lock", sizeof(".lock"));
	*ret = log;
	return 0;
}

static void close_file(struct toll_audit_log *log)
{
	if (log->fd >= 0)
		close(log->fd);
	log->fd = -1;
}

struct toll_audit_log *toll_audit_log_free(struct toll_audit_log *log)
{
	if (!log)
		return NULL;
	close_file(log);
	if (log->lock >= 0)
		close(log->lock);
	free(log);
	return NULL;
}

const struct toll_audit_state *toll_audit_log_state(const struct toll_audit_log *log)
{
	return &log->state;
}

/* ---- opening ---- */

static int take_lock(struct toll_audit_log *log, struct toll_error *reterr)
{
	int fd, err;

	if (log->lock >= 0)
		return 0;
	fd = open(log->lock_path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, FILE_MODE);
	if (fd < 0)
		return disk_error(reterr, log->lock_path, errno);
	if (flock(fd, LOCK_EX | LOCK_NB) == 0) {
		log->lock = fd;
		return 0;
	}
	err = errno;
	close(fd);
	if (err != EWOULDBLOCK)
		return disk_error(reterr, log->lock_path, err);
	return toll_fail(reterr, TOLL_EREFUSED,
	                 "%.160s: another enforcer writes to it: each needs a file of its own",
	                 log->path);
}

/* Of a file that nobody wrote to since: what a failure left behind the last line is cut off. After
 * a failed sync as well: its pages may count as clean without being on disk, so they are written
 * anew, not synced again. */
static int cut_back(const struct toll_audit_log *log, uint64_t size)
{
	if (size == log->state.size)
		return 0;
	return ftruncate(log->fd, (off_t)log->state.size) || fdatasync(log->fd) ? errno : 0;
}

/* The end of the chain that an empty file goes on from. */
static int find_chain(struct toll_audit_log *log, struct toll_error *reterr)
{
	struct toll_audit_backups backups;
	struct toll_audit_end end;
	char path[PATH_MAX];
	int err;

	log->first_seq = log->state.size = 0;
	if (log->state.last.seq)
		return 0; /* we have seen it */
	err = toll_audit_backups_list(&log->parts, &backups);
	if (err)
		return disk_error(reterr, log->parts.folder, err);
	if (backups.count == 0)
		return 0;
	err = toll_audit_backup_path(&log->parts, backups.at[backups.count - 1], path);
	toll_audit_backups_release(&backups);
	if (err)
		return disk_error(reterr, log->path, err);
	err = toll_audit_end_of(path, &end, reterr);
	if (!err)
		log->state.last = end.last;
	return err;
}

/* Of a file that we do not know. */
static int find_end(struct toll_audit_log *log, uint64_t size, struct toll_error *reterr)
{
	struct toll_audit_end end;
	int err = toll_audit_end_read(log->fd, log->path, size, &end, reterr);

	if (err)
		return err;
	log->state.size = end.size;
	err = cut_back(log, size);
	if (err)
		return disk_error(reterr, log->path, err);
	log->state.torn_bytes += size - end.size;
	if (end.size == 0)
		return find_chain(log, reterr);
	log->first_seq = end.first_seq;
	log->state.last = end.last;
	return 0;
}

static int examine(struct toll_audit_log *log, struct toll_error *reterr)
{
	struct stat st;
	int err;

	if (fstat(log->fd, &st))
		return disk_error(reterr, log->path, errno);
	if (!S_ISREG(st.st_mode))
		return toll_fail(reterr, TOLL_EINVALID, "%.160s is not a file", log->path);
	if (log->ino == st.st_ino && log->dev == st.st_dev &&
	    (uint64_t)st.st_size >= log->state.size) {
		err = cut_back(log, (uint64_t)st.st_size);
		return err ? disk_error(reterr, log->path, err) : 0;
	}
	log->ino = 0;
	err = find_end(log, (uint64_t)st.st_size, reterr);
	if (err)
		return err;
	err = toll_audit_folder_sync(&log->parts);
	if (err)
		return disk_error(reterr, log->parts.folder, err);
	log->dev = st.st_dev;
	log->ino = st.st_ino;
	return 0;
}

static int open_file(struct toll_audit_log *log, struct toll_error *reterr)
{
	int err;

	log->fd = open(log->path,
	               O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY | O_NONBLOCK | O_NOFOLLOW,
	               FILE_MODE);
	if (log->fd < 0)
		return disk_error(reterr, log->path, errno);
	err = examine(log, reterr);
	if (err)
		close_file(log);
	return err;
}

/* Somebody may have moved the file or removed it: nothing must go to where nobody finds it. */
static bool is_in_place(const struct toll_audit_log *log)
{
	struct stat st;

	return lstat(log->path, &st) == 0 && st.st_ino == log->ino && st.st_dev == log->dev;
}

int toll_audit_log_open(struct toll_audit_log *log, struct toll_error *reterr)
{
	int err = take_lock(log, reterr);

	if (err)
		return err;
	if (log->fd >= 0 && !is_in_place(log))
		close_file(log);
	return log->fd >= 0 ? 0 : open_file(log, reterr);
}

/* ---- appending ---- */

/* To a name that is free: chains that were mixed up by hand are not lost on top. */
static int move_aside(const struct toll_audit_log *log, struct toll_error *reterr)
{
	char to[PATH_MAX];
	struct stat st;
	int err = toll_audit_backup_path(&log->parts, log->first_seq, to);

	if (err)
		return disk_error(reterr, log->path, err);
	if (lstat(to, &st) == 0)
		return disk_error(reterr, to, EEXIST);
	if (rename(log->path, to))
		return disk_error(reterr, log->path, errno);
	return 0;
}

/* A crash in between leaves no file, or an empty one: the chain goes on from the newest backup. */
static int rotate(struct toll_audit_log *log, struct toll_error *reterr)
{
	int err = move_aside(log, reterr);

	if (err)
		return err;
	close_file(log);
	err = open_file(log, reterr);
	if (!err)
		log->state.prune_errno = toll_audit_backups_prune(&log->parts, log->max_backups);
	return err;
}

/* What it leaves behind on failure is cut off when the file is opened again. */
static int write_line(struct toll_audit_log *log, size_t len, struct toll_error *reterr)
{
	struct toll_slice rest = toll_slice(log->line, len);
	int err = toll_write_all(log->fd, &rest);

	if (!err && fdatasync(log->fd))
		err = errno;
	if (!err)
		return 0;
	close_file(log);
	return disk_error(reterr, log->path, err);
}

int toll_audit_log_append(struct toll_audit_log *log, struct toll_slice object,
                          struct toll_error *reterr)
{
	struct toll_audit_link next;
	int len, err = toll_audit_log_open(log, reterr);

	if (err)
		return err;
	len = toll_audit_line_write(&log->state.last, object, log->line, &next);
	if (len < 0)
		return toll_fail(reterr, len,
		                 "an audit record that is no JSON object of at most %d "
		                 "bytes",
		                 TOLL_AUDIT_OBJECT_MAX);
	if (log->max_bytes && log->first_seq && log->state.size + (uint64_t)len > log->max_bytes)
		err = rotate(log, reterr);
	if (!err)
		err = write_line(log, (size_t)len, reterr);
	if (err)
		return err;
	log->state.size += (uint64_t)len;
	log->state.last = next;
	if (!log->first_seq)
		log->first_seq = next.seq;
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* audit_verify.c - reads an audit log from its first line to its last. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "budget/audit_files.h"
#include "budget/audit_log.h"

#define BUFFER (4 * TOLL_AUDIT_LINE_MAX)

struct reader {
	int fd;
	const char *path;
	bool newest; /* the file that is written to: its end may be unfinished */
	uint64_t line;
	size_t at, len; /* of the buffer */
	bool eof;
	char buffer[BUFFER];
};

static int cannot(struct toll_error *reterr, const char *path, int err)
{
	return toll_fail(reterr, TOLL_EDOWN, "%.160s: %s", path, strerror(err));
}

static void break_off(struct toll_audit_report *r, const struct reader *in, const char *why)
{
	r->broken = true;
	r->line = in->line;
	snprintf(r->file, sizeof(r->file), "%s", in->path);
	if (r->why != why)
		snprintf(r->why, sizeof(r->why), "%s", why);
}

/* ---- lines ---- */

/* 0 or errno. */
static int fill(struct reader *in)
{
	ssize_t n;

	memmove(in->buffer, in->buffer + in->at, in->len - in->at);
	in->len -= in->at;
	in->at = 0;
	do
		n = read(in->fd, in->buffer + in->len, sizeof(in->buffer) - in->len);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno;
	in->eof = n == 0;
	in->len += (size_t)n;
	return 0;
}

/* The next line with its newline; at the end, what is there without one, perhaps nothing. A line
 * that is too long comes in pieces, which are no lines. */
static int next_line(struct reader *in, struct toll_slice *ret)
{
	const char *newline;
	int err = 0;

	for (;;) {
		newline = memchr(in->buffer + in->at, '\n', in->len - in->at);
		if (newline || in->eof || in->len - in->at >= TOLL_AUDIT_LINE_MAX)
			break;
		err = fill(in);
		if (err)
			return err;
	}
	*ret = toll_slice(in->buffer + in->at,
	                  newline ? (size_t)(newline + 1 - (in->buffer + in->at))
	                          : in->len - in->at);
	in->at += ret->len;
	in->line += ret->len > 0;
	return 0;
}

static bool is_at_end(struct reader *in)
{
	return in->at == in->len && (in->eof || (fill(in) == 0 && in->len == 0));
}

/* ---- the chain ---- */

static bool follows(struct toll_audit_report *r, const struct toll_audit_link *before,
                    const struct toll_audit_link *own, const struct reader *in)
{
	/* Where the oldest files are gone, the first line that is left is believed. */
	const struct toll_audit_link *last = r->lines || own->seq == 1 ? &r->last : before;

	if (own->seq != last->seq + 1) {
		snprintf(r->why, sizeof(r->why),
		         "seq %" PRIu64 " stands after %" PRIu64 ": lines %s", own->seq, last->seq,
		         own->seq > last->seq ? "are missing" : "were put in or changed places");
		break_off(r, in, r->why);
		return false;
	}
	if (strcmp(before->hash, last->hash) == 0)
		return true;
	break_off(r, in, "its prev is not the hash of the line before: that one was replaced");
	return false;
}

static void check_line(struct toll_audit_report *r, struct reader *in, struct toll_slice line)
{
	struct toll_audit_link before, own;
	bool whole = line.ptr[line.len - 1] == '\n';
	const char *why = "it ends without a newline";

	if (whole)
		why = toll_audit_line_read(toll_slice(line.ptr, line.len - 1), &before, &own);
	if (why && in->newest && (!whole || memchr(line.ptr, 0, line.len)) && is_at_end(in)) {
		r->torn_bytes = line.len;
	} else if (why) {
		break_off(r, in, why);
	} else if (follows(r, &before, &own, in)) {
		if (!r->lines)
			r->first_seq = own.seq;
		r->last = own;
		r->lines++;
	}
}

static int check_file(struct toll_audit_report *r, int fd, const char *path, bool newest,
                      struct toll_error *reterr)
{
	struct reader in = { .fd = fd, .path = path, .newest = newest };
	struct toll_slice line;

	do {
		int err = next_line(&in, &line);

		if (err)
			return cannot(reterr, path, err);
		if (line.len)
			check_line(r, &in, line);
	} while (line.len && !r->broken);
	r->files++;
	return 0;
}

/* ---- the files ---- */

static bool is_same_file(int a, int b)
{
	struct stat x, y;

	return a >= 0 && b >= 0 && fstat(a, &x) == 0 && fstat(b, &y) == 0 && x.st_ino == y.st_ino &&
	       x.st_dev == y.st_dev;
}

static int check_backups(struct toll_audit_report *r, const struct toll_audit_path *parts,
                         const struct toll_audit_backups *backups, int newest,
                         struct toll_error *reterr)
{
	char path[PATH_MAX];
	int err = 0;

	for (size_t i = 0; i < backups->count && !err && !r->broken; i++) {
		int fd = -1;

		err = toll_audit_backup_path(parts, backups->at[i], path);
		if (!err)
			fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd < 0 && errno == ENOENT && !r->lines)
			continue; /* removed while we looked */
		if (fd < 0)
			return cannot(reterr, path, err ? err : errno);
		if (!is_same_file(fd, newest)) /* moved aside while we looked */
			err = check_file(r, fd, path, false, reterr);
		close(fd);
	}
	return err;
}

int toll_audit_verify(const char *path, struct toll_audit_report *ret, struct toll_error *reterr)
{
	/* Before the others are listed: what is moved aside meanwhile is still this one. */
	int fd = open(path, O_RDONLY | O_CLOEXEC), opened = fd < 0 ? errno : 0;
	struct toll_audit_backups backups = { 0 };
	struct toll_audit_path parts;
	int err = toll_audit_path_split(path, &parts);

	*ret = (struct toll_audit_report){ .last = toll_audit_start() };
	if (!err)
		err = toll_audit_backups_list(&parts, &backups);
	if (!err && fd < 0 && (opened != ENOENT || backups.count == 0))
		err = opened;
	err = err ? cannot(reterr, path, err) : check_backups(ret, &parts, &backups, fd, reterr);
	if (!err && !ret->broken && fd >= 0)
		err = check_file(ret, fd, path, true, reterr);
	toll_audit_backups_release(&backups);
	if (fd >= 0)
		close(fd);
	return err;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "budget/audit_end.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The last line and an unfinished one. */
#define TAIL_MAX ((size_t)2 * TOLL_AUDIT_LINE_MAX)

static int fail(struct toll_error *reterr, const char *path, const char *which, const char *why)
{
	return toll_fail(reterr, TOLL_EINVALID,
	                 "%.120s: the %s line: %.80s; \"spantoll budget audit --verify\" tells "
	                 "more; move it away to begin a new one",
	                 path, which, why);
}

/* Exactly those bytes. 0 or errno. */
static int read_at(int fd, uint64_t at, char *buf, size_t len)
{
	while (len) {
		ssize_t n = pread(fd, buf, len, (off_t)at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n ? errno : EIO;
		buf += n;
		at += (uint64_t)n;
		len -= (size_t)n;
	}
	return 0;
}

/* A line that a crash has left: what the disk had not taken yet reads as zeros. */
static bool is_torn(struct toll_slice line)
{
	return memchr(line.ptr, 0, line.len) != NULL;
}

/* Cuts the last line off text, newline included; false: there is none. */
static bool cut_line(struct toll_slice *text, struct toll_slice *ret)
{
	const char *begin;

	if (!text->len || text->ptr[text->len - 1] != '\n')
		return false;
	begin = text->len > 1 ? memrchr(text->ptr, '\n', text->len - 1) : NULL;
	begin = begin ? begin + 1 : text->ptr;
	*ret = toll_slice(begin, (size_t)(text->ptr + text->len - 1 - begin));
	text->len = (size_t)(begin - text->ptr);
	return true;
}

/* The whole lines of the tail: without what follows the last newline, without a torn last line. */
static struct toll_slice whole_lines(const char *tail, size_t len)
{
	const char *newline = memrchr(tail, '\n', len);
	struct toll_slice lines = toll_slice(tail, newline ? (size_t)(newline - tail) + 1 : 0);
	struct toll_slice rest = lines, last;

	return cut_line(&rest, &last) && is_torn(last) ? rest : lines;
}

/* A file without a whole line is ours to cut only when it can be the beginning of one. */
static bool may_be_ours(struct toll_slice text)
{
	static const char begin[] = "{\"seq\":";
	size_t n = strnlen(text.ptr, text.len);

	return memcmp(text.ptr, begin, n < sizeof(begin) ? n : sizeof(begin) - 1) == 0;
}

static int read_first(int fd, const char *path, uint64_t size, char *buf,
                      struct toll_audit_end *end, struct toll_error *reterr)
{
	size_t len = size < TOLL_AUDIT_LINE_MAX ? (size_t)size : TOLL_AUDIT_LINE_MAX;
	struct toll_audit_link before, first;
	const char *newline, *why;
	int err = read_at(fd, 0, buf, len);

	if (err)
		return toll_fail(reterr, TOLL_EDOWN, "%.160s: %s", path, strerror(err));
	newline = memchr(buf, '\n', len);
	why = newline ? toll_audit_line_read(toll_slice(buf, (size_t)(newline - buf)), &before,
	                                     &first)
	              : "too long";
	if (why)
		return fail(reterr, path, "first", why);
	end->first_seq = first.seq;
	return 0;
}

static int read_last(const char *path, struct toll_slice lines, struct toll_audit_end *end,
                     struct toll_error *reterr)
{
	struct toll_audit_link before;
	struct toll_slice last = { 0 };
	const char *why = cut_line(&lines, &last) ? toll_audit_line_read(last, &before, &end->last)
	                                          : "too long";

	return why ? fail(reterr, path, "last", why) : 0;
}

int toll_audit_end_read(int fd, const char *path, uint64_t size, struct toll_audit_end *ret,
                        struct toll_error *reterr)
{
	char tail[TAIL_MAX] = { 0 };
	size_t len = size < TAIL_MAX ? (size_t)size : TAIL_MAX;
	struct toll_audit_end end = { .last = toll_audit_start() };
	struct toll_slice lines;
	int err = read_at(fd, size - len, tail, len);

	if (err)
		return toll_fail(reterr, TOLL_EDOWN, "%.160s: %s", path, strerror(err));
	lines = whole_lines(tail, len);
	if (lines.len == 0 && len == size && may_be_ours(toll_slice(tail, len))) {
		*ret = end;
		return 0;
	}
	err = read_last(path, lines, &end, reterr);
	end.size = size - len + lines.len;
	if (!err)
		err = read_first(fd, path, end.size, tail, &end, reterr);
	if (!err)
		*ret = end;
	return err;
}

int toll_audit_end_of(const char *path, struct toll_audit_end *ret, struct toll_error *reterr)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK), err;
	struct stat st;

	if (fd < 0 || fstat(fd, &st)) {
		err = toll_fail(reterr, TOLL_EDOWN, "%.160s: %s", path, strerror(errno));
	} else {
		err = toll_audit_end_read(fd, path, (uint64_t)st.st_size, ret, reterr);
	}
	if (fd >= 0)
		close(fd);
	return err;
}

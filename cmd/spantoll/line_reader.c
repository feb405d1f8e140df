/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/spantoll/line_reader.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define FIRST_ROOM ((size_t)256 << 10)

int toll_lines_open(struct toll_line_reader *r, const char *name, struct toll_error *reterr)
{
	struct stat st;

	*r = (struct toll_line_reader){ .name = name };
	r->in = strcmp(name, "-") == 0 ? stdin : fopen(name, "re");
	if (!r->in)
		return toll_fail(reterr, TOLL_EINVALID, "%s: %s", name, strerror(errno));
	if (fstat(fileno(r->in), &st) == 0 && S_ISREG(st.st_mode))
		r->total = (uint64_t)st.st_size;
	return 0;
}

void toll_lines_close(struct toll_line_reader *r)
{
	if (r->in && r->in != stdin)
		fclose(r->in);
	free(r->buf);
	*r = (struct toll_line_reader){ 0 };
}

/* Room behind len: what was given out goes, or the buffer doubles. */
static int make_room(struct toll_line_reader *r, struct toll_error *reterr)
{
	size_t room = r->room ? 2 * r->room : FIRST_ROOM;
	char *bigger;

	if (r->at) {
		memmove(r->buf, r->buf + r->at, r->len - r->at);
		r->len -= r->at;
		r->at = 0;
	}
	if (r->len < r->room)
		return 0;
	if (room > TOLL_LINE_BYTES_MAX)
		return toll_fail(reterr, TOLL_ETOOBIG, "%s: more than 64 MiB without a newline",
		                 r->name);
	bigger = realloc(r->buf, room);
	if (!bigger)
		return toll_fail(reterr, TOLL_ENOMEM, "out of memory");
	r->buf = bigger;
	r->room = room;
	return 0;
}

static int fill(struct toll_line_reader *r, struct toll_error *reterr)
{
	int err = make_room(r, reterr);
	size_t n;

	if (err)
		return err;
	n = fread(r->buf + r->len, 1, r->room - r->len, r->in);
	if (n == 0 && ferror(r->in))
		return toll_fail(reterr, TOLL_EINVALID, "%s: %s", r->name, strerror(errno));
	r->eof = n == 0;
	r->len += n;
	r->read += n;
	return 0;
}

int toll_lines_peek(struct toll_line_reader *r, struct toll_slice *ret, struct toll_error *reterr)
{
	int err = r->len > r->at || r->eof ? 0 : fill(r, reterr);

	if (!err)
		*ret = toll_slice(r->buf + r->at, r->len - r->at);
	return err;
}

static struct toll_slice give(struct toll_line_reader *r, size_t len, size_t taken)
{
	struct toll_slice s = toll_slice(r->buf + r->at, len);

	r->at += taken;
	r->line++;
	return s;
}

int toll_lines_next(struct toll_line_reader *r, struct toll_slice *ret, struct toll_error *reterr)
{
	size_t searched = 0;
	int err;

	for (;;) {
		size_t left = r->len - r->at;
		const char *newline =
			left > searched ? memchr(r->buf + r->at + searched, '\n', left - searched)
					: NULL;

		if (newline) {
			size_t len = (size_t)(newline - (r->buf + r->at));

			*ret = give(r, len, len + 1);
			return 1;
		}
		if (r->eof && left == 0)
			return 0;
		if (r->eof) {
			*ret = give(r, left, left);
			return 1;
		}
		searched = left;
		err = fill(r, reterr);
		if (err)
			return err;
	}
}

int toll_lines_rest(struct toll_line_reader *r, struct toll_slice *ret, struct toll_error *reterr)
{
	while (!r->eof) {
		int err = fill(r, reterr);

		if (err)
			return err;
	}
	*ret = give(r, r->len - r->at, r->len - r->at);
	return 0;
}

void toll_lines_back(struct toll_line_reader *r, struct toll_slice last)
{
	r->at = (size_t)(last.ptr - r->buf);
	r->line--;
}

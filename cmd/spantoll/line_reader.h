/* SPDX-License-Identifier: Apache-2.0 */
/* line_reader.h - the lines of a file or of standard input, in memory that is bounded by the
 * longest line. */
#ifndef TOLL_CMD_LINE_READER_H
#define TOLL_CMD_LINE_READER_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/error.h"
#include "base/slice.h"

#define TOLL_LINE_BYTES_MAX ((size_t)64 << 20)

struct toll_line_reader {
	const char *name;
	FILE *in;
	char *buf;
	size_t room, at, len;
	bool eof;
	uint64_t line;        /* number of the last one, from 1 */
	uint64_t read, total; /* bytes; total 0: nobody knows */
};

/* "-": standard input. The sentence names the file. */
int toll_lines_open(struct toll_line_reader *r, const char *name,
                    struct toll_error *reterr) TOLL_MUST_CHECK;
void toll_lines_close(struct toll_line_reader *r);

/* What the file begins with, at least a byte if it has one; nothing is taken. */
int toll_lines_peek(struct toll_line_reader *r, struct toll_slice *ret,
                    struct toll_error *reterr) TOLL_MUST_CHECK;
/* 1: a line without its newline; valid until the next call. 0: no more.
 * TOLL_ETOOBIG: longer than TOLL_LINE_BYTES_MAX; TOLL_EINVALID: it cannot be read; TOLL_ENOMEM. */
int toll_lines_next(struct toll_line_reader *r, struct toll_slice *ret,
                    struct toll_error *reterr) TOLL_MUST_CHECK;
/* All that has not been read, at most TOLL_LINE_BYTES_MAX. */
int toll_lines_rest(struct toll_line_reader *r, struct toll_slice *ret,
                    struct toll_error *reterr) TOLL_MUST_CHECK;
/* The next call begins again at what the last one gave. */
void toll_lines_back(struct toll_line_reader *r, struct toll_slice last);

#endif

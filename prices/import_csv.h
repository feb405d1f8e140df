/* SPDX-License-Identifier: Apache-2.0 */
/* import_csv.h - lines of a comma-separated table (RFC 4180), one at a time, without allocation. */
#ifndef TOLL_PRICES_IMPORT_CSV_H
#define TOLL_PRICES_IMPORT_CSV_H

#include "base/error.h"
#include "base/slice.h"

enum {
	TOLL_CSV_COLUMNS = 64,
	TOLL_CSV_LINE = 8192, /* bytes of a line's cells */
	TOLL_CSV_END = 1,
};

struct toll_csv_line {
	struct toll_slice text; /* as it stands */
	struct toll_slice cells[TOLL_CSV_COLUMNS];
	size_t count;
};

struct toll_csv {
	struct toll_slice text;
	size_t at;
	unsigned line_no;
	const char *why;
	char bytes[TOLL_CSV_LINE];
};

void toll_csv_init(struct toll_csv *c, struct toll_slice text);
/* 0; TOLL_CSV_END; or TOLL_EINVALID with c->why. Cells live until the next line. */
int toll_csv_next(struct toll_csv *c, struct toll_csv_line *ret) TOLL_MUST_CHECK;

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* table.h - tables of text on a terminal, by libsmartcols. */
#ifndef TOLL_CMD_TABLE_H
#define TOLL_CMD_TABLE_H

#include <stddef.h>

#include "base/slice.h"

struct libscols_table;

struct toll_table_column {
	const char *name;
	double width; /* a part of the terminal's; 0: as wide as it needs */
	int flags;    /* SCOLS_FL_... */
};

struct libscols_table *toll_table_new(const struct toll_table_column *columns, size_t count);
/* prefix and text, malloc'ed; NULL: out of memory. */
char *toll_table_cell(struct toll_slice text, const char *prefix);
/* Takes the cells, also on failure: malloc'ed texts, NULL means out of memory. */
int toll_table_take_line(struct libscols_table *table, char **take_cells, size_t count);

/* On a terminal that is narrower than a column wants it to be, that column is left out. */
struct toll_table_fit {
	size_t width;
	size_t column;
};
void toll_table_fit(struct libscols_table *table, const struct toll_table_fit *fits, size_t count);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/spantoll/table.h"

#include <libsmartcols/libsmartcols.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/macro.h"
#include "cmd/spantoll/options.h"

struct libscols_table *toll_table_new(const struct toll_table_column *columns, size_t count)
{
	struct libscols_table *table;

	setlocale(LC_CTYPE, ""); /* widths of UTF-8 text */
	scols_init_debug(0);
	table = scols_new_table();
	for (size_t i = 0; table && i < count; i++)
		if (!scols_table_new_column(table, columns[i].name, columns[i].width,
		                            columns[i].flags)) {
			scols_unref_table(table);
			table = NULL;
		}
	if (table)
		scols_table_enable_colors(table, toll_colour_wanted(STDOUT_FILENO));
	return table;
}

char *toll_table_cell(struct toll_slice text, const char *prefix)
{
	char *cell = NULL;

	return asprintf(&cell, "%s%.*s", prefix, TOLL_FMT(text)) < 0 ? NULL : cell;
}

int toll_table_take_line(struct libscols_table *table, char **take_cells, size_t count)
{
	struct libscols_line *line = scols_table_new_line(table, NULL);
	int err = line ? 0 : -1;

	for (size_t i = 0; i < count; i++) {
		if (!err && (!take_cells[i] || scols_line_refer_data(line, i, take_cells[i]) < 0))
			err = -1;
		if (err)
			free(take_cells[i]);
	}
	return err;
}

void toll_table_fit(struct libscols_table *table, const struct toll_table_fit *fits, size_t count)
{
	size_t width = scols_table_get_termwidth(table);

	if (!isatty(STDOUT_FILENO))
		return;
	for (size_t i = 0; i < count; i++)
		if (width < fits[i].width)
			scols_column_set_flags(scols_table_get_column(table, fits[i].column),
			                       SCOLS_FL_HIDDEN);
}

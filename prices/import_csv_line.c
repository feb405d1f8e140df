/* SPDX-License-Identifier: Apache-2.0 */
#include "prices/import_csv.h"

void toll_csv_init(struct toll_csv *c, struct toll_slice text)
{
	if (text.len >= 3 && memcmp(text.ptr, "\xef\xbb\xbf", 3) == 0)
		text = toll_slice(text.ptr + 3, text.len - 3);
	c->text = text;
	c->at = 0;
	c->line_no = 0;
	c->why = NULL;
}

static int refuse(struct toll_csv *c, const char *why)
{
	c->why = why;
	return TOLL_EINVALID;
}

static int peek(const struct toll_csv *c)
{
	return c->at < c->text.len ? (unsigned char)c->text.ptr[c->at] : -1;
}

static bool at_end_of_cell(const struct toll_csv *c)
{
	int b = peek(c);

	return b < 0 || b == ',' || b == '\n' || b == '\r';
}

/* "a ""quoted"" cell"; c->at is behind the first quote. */
static int read_quoted(struct toll_csv *c, char *out, size_t room, size_t *ret_len)
{
	size_t len = 0;

	for (;; c->at++) {
		int b = peek(c);

		if (b < 0)
			return refuse(c, "ends within quotes");
		if (b == '"') {
			c->at++;
			if (peek(c) != '"')
				break;
		}
		if (len == room)
			return refuse(c, "is longer than 8192 bytes");
		out[len++] = (char)b;
	}
	*ret_len = len;
	return at_end_of_cell(c) ? 0 : refuse(c, "has text behind a closing quote");
}

static int read_plain(struct toll_csv *c, char *out, size_t room, size_t *ret_len)
{
	size_t len = 0;

	for (; !at_end_of_cell(c); c->at++) {
		if (peek(c) == '"')
			return refuse(c, "has a quote inside a cell without quotes");
		if (len == room)
			return refuse(c, "is longer than 8192 bytes");
		out[len++] = c->text.ptr[c->at];
	}
	*ret_len = len;
	return 0;
}

static int read_cells(struct toll_csv *c, struct toll_csv_line *ret)
{
	char *out = c->bytes;
	size_t used = 0;

	for (;; c->at++) {
		size_t len = 0;
		bool quoted = peek(c) == '"';
		int err;

		if (ret->count == TOLL_CSV_COLUMNS)
			return refuse(c, "has more than 64 columns");
		c->at += quoted;
		err = (quoted ? read_quoted : read_plain)(c, out + used, TOLL_CSV_LINE - used,
		                                          &len);
		if (err)
			return err;
		ret->cells[ret->count++] = toll_slice_trim(toll_slice(out + used, len), " ");
		used += len;
		if (peek(c) != ',')
			return 0;
	}
}

int toll_csv_next(struct toll_csv *c, struct toll_csv_line *ret)
{
	size_t start = c->at;
	int err;

	if (c->at >= c->text.len)
		return TOLL_CSV_END;
	c->line_no++;
	ret->count = 0;
	err = read_cells(c, ret);
	if (err)
		return err;
	ret->text = toll_slice(c->text.ptr + start, c->at - start);
	c->at += peek(c) == '\r';
	c->at += peek(c) == '\n';
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* import_csv.c - a table of prices (RFC 4180) whose first line names the columns.
 *
 * id, meter, usd, per, attribute, step, at_least, valid_from, valid_to and unit have a meaning; any
 * other column is a field to match. A cell is the text itself, or "prefix:x", "suffix:x", "glob:x",
 * "one_of:a|b"; an empty one asks for nothing. Lines of one id and one time that stand together are
 * the meters of one rule. A line with a unit and no id is a row of that unit. */
#include <stdlib.h>

#include "base/arena.h"
#include "base/hash.h"
#include "base/macro.h"
#include "base/utf8.h"
#include "prices/import_csv.h"
#include "prices/import_write.h"

enum { ONE_OF_MAX = 64, UNITS_MAX = 10000 };

static const char *const words[] = { "id",   "meter",    "usd",        "per",      "attribute",
	                             "step", "at_least", "valid_from", "valid_to", "unit" };

struct table {
	struct toll_import *im;
	struct toll_csv csv;
	struct toll_slice names[TOLL_CSV_COLUMNS];
	char name_bytes[TOLL_CSV_LINE];
	size_t columns;
	struct toll_csv_line line;
	bool open;      /* a rule is being written: */
	char key[512];  /* its id and times */
	uint64_t asked; /* of its cells of fields, a hash */
	char from[16], to[16];
	struct toll_table units; /* that have rows; their names are in the arena */
	struct toll_arena arena;
	int err;
};

/* ---- cells ---- */

static struct toll_slice cell(const struct table *t, const struct toll_csv_line *line,
                              const char *name)
{
	for (size_t i = 0; i < t->columns && i < line->count; i++)
		if (toll_slice_is(t->names[i], name))
			return line->cells[i];
	return toll_slice(NULL, 0);
}

static bool is_word(struct toll_slice name)
{
	for (size_t i = 0; i < TOLL_COUNT(words); i++)
		if (toll_slice_is(name, words[i]))
			return true;
	return false;
}

static bool begins(struct toll_slice s, const char *with, struct toll_slice *ret_rest)
{
	size_t len = strlen(with);

	if (s.len <= len || memcmp(s.ptr, with, len) != 0)
		return false;
	*ret_rest = toll_slice(s.ptr + len, s.len - len);
	return true;
}

static size_t split(struct toll_slice s, struct toll_slice texts[ONE_OF_MAX])
{
	size_t count = 0, start = 0;

	for (size_t i = 0; i <= s.len && count < ONE_OF_MAX; i++) {
		if (i < s.len && s.ptr[i] != '|')
			continue;
		texts[count++] = toll_slice(s.ptr + start, i - start);
		start = i + 1;
	}
	return count;
}

static void write_condition(struct toll_import *im, const char *field, struct toll_slice s)
{
	struct toll_slice texts[ONE_OF_MAX], rest;

	if (begins(s, "one_of:", &rest))
		toll_import_one_of(im, field, texts, split(rest, texts));
	else if (begins(s, "prefix:", &rest))
		toll_import_pattern(im, field, "prefix", rest);
	else if (begins(s, "suffix:", &rest))
		toll_import_pattern(im, field, "suffix", rest);
	else if (begins(s, "glob:", &rest))
		toll_import_pattern(im, field, "glob", rest);
	else
		toll_import_exact(im, field, s);
}

/* ---- lines ---- */

/* Digits and letters: what per, step and at_least are made of, and the names of meters. */
static bool is_simple(struct toll_slice s)
{
	for (size_t i = 0; i < s.len; i++) {
		char c = s.ptr[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
		      c == '_' || c == '.' || c == '-' || (c == ' ' && i > 0)))
			return false;
	}
	return s.len < 64;
}

static bool has_condition(const struct table *t)
{
	for (size_t i = 0; i < t->columns && i < t->line.count; i++)
		if (!is_word(t->names[i]) && t->line.cells[i].len)
			return true;
	return false;
}

static bool all_simple(const struct table *t)
{
	static const char *const simple[] = { "meter", "per", "attribute", "step", "at_least" };

	for (size_t i = 0; i < TOLL_COUNT(simple); i++)
		if (!is_simple(cell(t, &t->line, simple[i])))
			return false;
	return true;
}

static bool is_day(struct toll_slice s)
{
	return !s.len || (s.len == 10 && toll_import_day(s).len);
}

static bool has_too_many(struct toll_slice s)
{
	size_t bars = 0;
	struct toll_slice rest;

	if (!begins(s, "one_of:", &rest))
		return false;
	for (size_t i = 0; i < rest.len; i++)
		bars += rest.ptr[i] == '|';
	return bars >= ONE_OF_MAX;
}

/* Everything that could spoil the document; NULL: the line can be written. */
static const char *why_not(const struct table *t)
{
	const struct toll_csv_line *l = &t->line;

	if (!toll_import_is_amount(cell(t, l, "usd")))
		return "usd is no amount of money";
	if (!cell(t, l, "per").len || !all_simple(t))
		return "per is missing, or one of meter, per, attribute, step, at_least is odd";
	if (!is_day(cell(t, l, "valid_from")) || !is_day(cell(t, l, "valid_to")))
		return "valid_from and valid_to are days: 2026-11-21";
	for (size_t i = 0; i < l->count; i++)
		if (l->cells[i].len && !toll_import_fits(l->cells[i]))
			return "a cell is too long, or has a control character";
	for (size_t i = 0; i < l->count; i++)
		if (has_too_many(l->cells[i]))
			return "one_of takes 64 texts";
	if (cell(t, l, "unit").len)
		return NULL;
	if (!cell(t, l, "id").len || !cell(t, l, "meter").len)
		return "needs id and meter, or unit";
	return has_condition(t) ? NULL : "matches every span: fill at least one column of a field";
}

/* ---- rules ---- */

static void copy(char *to, size_t size, struct toll_slice s)
{
	snprintf(to, size, "%.*s", TOLL_FMT(s));
}

/* What the lines of one rule have in common. */
static void key_of(const struct table *t, char *buf, size_t size)
{
	snprintf(buf, size, "%.*s\n%.*s\n%.*s", TOLL_FMT(cell(t, &t->line, "id")),
	         TOLL_FMT(cell(t, &t->line, "valid_from")),
	         TOLL_FMT(cell(t, &t->line, "valid_to")));
}

/* What the line asks of spans. */
static uint64_t asked_of(const struct table *t)
{
	uint64_t hash = 0;

	for (size_t i = 0; i < t->columns && i < t->line.count; i++)
		if (!is_word(t->names[i]) && t->line.cells[i].len)
			hash = toll_hash_seeded(t->line.cells[i], hash + i);
	return hash;
}

static void close_rule(struct table *t)
{
	if (!t->open)
		return;
	toll_import_price_end(t->im);
	toll_import_rule_end(t->im, toll_slice_str(t->from), toll_slice_str(t->to));
	t->open = false;
}

static void open_rule(struct table *t)
{
	key_of(t, t->key, sizeof(t->key));
	t->asked = asked_of(t);
	copy(t->from, sizeof(t->from), cell(t, &t->line, "valid_from"));
	copy(t->to, sizeof(t->to), cell(t, &t->line, "valid_to"));
	toll_import_rule(t->im, cell(t, &t->line, "id"), "");
	for (size_t i = 0; i < t->columns && i < t->line.count; i++) {
		char field[256];

		if (is_word(t->names[i]) || !t->line.cells[i].len)
			continue;
		copy(field, sizeof(field), t->names[i]);
		write_condition(t->im, field, t->line.cells[i]);
	}
	toll_import_price(t->im);
	t->open = true;
}

static int put_more(char *buf, size_t size, int at, const char *name, struct toll_slice value)
{
	if (!value.len || at < 0 || (size_t)at >= size)
		return at;
	return at + snprintf(buf + at, size - (size_t)at, "%s%s: %.*s", at ? ", " : "", name,
	                     TOLL_FMT(value));
}

static void write_meter(struct table *t)
{
	char meter[64], per[64], more[320] = "";
	int at = put_more(more, sizeof(more), 0, "attribute", cell(t, &t->line, "attribute"));

	at = put_more(more, sizeof(more), at, "step", cell(t, &t->line, "step"));
	put_more(more, sizeof(more), at, "at_least", cell(t, &t->line, "at_least"));
	copy(meter, sizeof(meter), cell(t, &t->line, "meter"));
	copy(per, sizeof(per), cell(t, &t->line, "per"));
	toll_import_meter(t->im, meter, cell(t, &t->line, "usd"), per, more[0] ? more : NULL);
	toll_import_meter_end(t->im, false);
}

static void write_rule_line(struct table *t)
{
	const char *why = why_not(t);
	char key[sizeof(t->key)];

	if (cell(t, &t->line, "unit").len)
		return; /* in the second pass */
	if (why) {
		toll_import_leave_out(t->im, t->line.text, why);
		return;
	}
	key_of(t, key, sizeof(key));
	if (!t->open || strcmp(key, t->key) != 0) {
		close_rule(t);
		open_rule(t);
	} else if (t->asked != asked_of(t)) {
		toll_import_leave_out(t->im, t->line.text,
		                      "has the id of the line before and asks for other spans");
		return;
	}
	write_meter(t);
}

/* Whether a unit's rows may go on here: it is new, or the one that is being written. */
static bool unit_may_come(struct table *t, struct toll_slice unit)
{
	uint32_t *value;
	bool added = false;
	struct toll_slice name;

	if (toll_table_find(&t->units, unit))
		return toll_slice_is(unit, t->im->unit);
	name = toll_arena_dup(&t->arena, unit);
	t->err = name.ptr ? toll_table_insert(&t->units, name, &value, &added) : t->arena.err;
	return !t->err;
}

static void write_unit_line(struct table *t)
{
	const char *why = why_not(t);
	char per[64];

	if (!cell(t, &t->line, "unit").len)
		return;
	if (!why && !unit_may_come(t, cell(t, &t->line, "unit")))
		why = "the lines of this unit do not stand together";
	if (why) {
		toll_import_leave_out(t->im, t->line.text, why);
		return;
	}
	copy(per, sizeof(per), cell(t, &t->line, "per"));
	toll_import_unit(t->im, cell(t, &t->line, "unit"), cell(t, &t->line, "usd"), per,
	                 cell(t, &t->line, "valid_from"), cell(t, &t->line, "valid_to"));
}

/* ---- the table ---- */

static int each_line(struct table *t, struct toll_slice text, void (*write)(struct table *),
                     struct toll_error *reterr)
{
	int err;

	toll_csv_init(&t->csv, text);
	err = toll_csv_next(&t->csv, &t->line); /* the names */
	while (!err && !t->err && (err = toll_csv_next(&t->csv, &t->line)) == 0)
		if (t->line.count > 1 || t->line.cells[0].len)
			write(t);
	if (err == TOLL_CSV_END || t->err)
		return 0;
	return toll_fail(reterr, TOLL_EINVALID, "%s:%u: %s", t->im->name, t->csv.line_no,
	                 t->csv.why);
}

static bool is_name(const struct table *t, size_t i)
{
	for (size_t j = 0; j < i; j++)
		if (toll_slice_eq(t->names[i], t->names[j]))
			return false;
	return toll_import_fits(t->names[i]);
}

static int read_names(struct table *t, struct toll_slice text, struct toll_error *reterr)
{
	toll_csv_init(&t->csv, text);
	if (toll_csv_next(&t->csv, &t->line) != 0)
		return toll_fail(reterr, TOLL_EINVALID, "%s: has no line of names", t->im->name);
	t->columns = t->line.count;
	memcpy(t->name_bytes, t->csv.bytes, sizeof(t->name_bytes));
	for (size_t i = 0; i < t->columns; i++) {
		size_t at = (size_t)(t->line.cells[i].ptr - t->csv.bytes);

		t->names[i] = toll_slice(t->name_bytes + at, t->line.cells[i].len);
		if (!is_name(t, i))
			return toll_fail(reterr, TOLL_EINVALID,
			                 "%s:1: column %zu has no name of its own", t->im->name,
			                 i + 1);
	}
	if (!cell(t, &t->line, "usd").len || !cell(t, &t->line, "per").len)
		return toll_fail(reterr, TOLL_EINVALID,
		                 "%s:1: the first line must name the columns, with usd and per "
		                 "among them",
		                 t->im->name);
	return 0;
}

static int write_table(struct table *t, struct toll_slice text, struct toll_error *reterr)
{
	int err = read_names(t, text, reterr);

	if (err)
		return err;
	toll_import_begin(t->im);
	err = each_line(t, text, write_rule_line, reterr);
	close_rule(t);
	if (!err)
		err = each_line(t, text, write_unit_line, reterr);
	if (!err && t->err)
		err = toll_fail(reterr, t->err, "%s: %s", t->im->name, toll_err_text(t->err));
	return err ? err : toll_import_end(t->im, reterr);
}

static bool is_utf8(struct toll_slice s)
{
	for (size_t i = 0, len; i < s.len; i += len) {
		len = (uint8_t)s.ptr[i] < 0x80
		              ? 1
		              : toll_utf8_length((const uint8_t *)s.ptr + i, s.len - i);
		if (!len)
			return false;
	}
	return true;
}

int toll_import_csv(struct toll_import *im, struct toll_slice text, struct toll_error *reterr)
{
	struct table *t;
	int err;

	if (text.len > TOLL_IMPORT_MAX_BYTES)
		return toll_fail(reterr, TOLL_ETOOBIG,
		                 "%s: is larger than what is read at once (32 MiB)", im->name);
	if (!is_utf8(text))
		return toll_fail(reterr, TOLL_EINVALID, "%s: is not UTF-8", im->name);
	t = calloc(1, sizeof(*t));
	if (!t)
		return toll_fail(reterr, TOLL_ENOMEM, "%s: out of memory", im->name);
	t->im = im;
	toll_arena_init(&t->arena, (size_t)8 << 20);
	err = toll_table_init(&t->units, UNITS_MAX);
	if (err)
		toll_fail(reterr, err, "%s: out of memory", im->name);
	else
		err = write_table(t, text, reterr);
	toll_table_release(&t->units);
	toll_arena_release(&t->arena);
	free(t);
	return err;
}

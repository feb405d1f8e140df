/* SPDX-License-Identifier: Apache-2.0 */
/* journal_inspect.c - `spantoll journal inspect`: who is how far behind, and what is in which
 * segment.
 */
#include <inttypes.h>
#include <libsmartcols/libsmartcols.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/macro.h"
#include "cmd/spantoll/journal_survey.h"
#include "cmd/spantoll/json_text.h"
#include "cmd/spantoll/table.h"

#define VERB "journal inspect"

struct options {
	const char *directory;
	bool json, quick;
};

/* survey NULL: it was not read through. */
struct view {
	const char *directory;
	struct toll_peek *peek;
	const struct toll_journal_survey *survey;
};

static const char *name_of(const struct toll_journal_cursor *c)
{
	const char *name = toll_journal_cursor_name(c);

	return *name ? name : "(checkpoint lost)";
}

static struct toll_journal_mark behind(const struct view *v, struct toll_journal_cursor *c)
{
	return toll_journal_minus(toll_journal_end(v->peek->journal), toll_journal_cursor_mark(c));
}

/* What is not known of the oldest counts as nothing. */
static struct toll_journal_mark held_by(const struct toll_peek *p, size_t i)
{
	struct toll_journal_mark held =
		toll_journal_minus(p->segments[i].end, p->segments[i].begin);

	if (i == 0 && p->begin_unknown)
		held.items = 0, held.pico = 0;
	return held;
}

static struct toll_journal_mark held_by_all(const struct toll_peek *p)
{
	struct toll_journal_mark sum = { 0 };

	for (size_t i = 0; i < p->segment_count; i++) {
		struct toll_journal_mark held = held_by(p, i);

		sum.seq += held.seq;
		sum.items += held.items;
		sum.pico += held.pico;
	}
	return sum;
}

/* ---- for programs ---- */

static void print_json_cursors(const struct view *v)
{
	struct toll_journal_cursor *c;

	for (unsigned i = 0; (c = toll_journal_cursor_at(v->peek->journal, i)); i++) {
		fputs(i ? ",{\"name\":" : "{\"name\":", stdout);
		toll_json_print(stdout, toll_journal_cursor_name(c));
		printf(",\"next_seq\":%" PRIu64 ",\"behind\":", toll_journal_cursor_mark(c).seq);
		toll_journal_print_worth(stdout, behind(v, c));
		fputs("}}", stdout);
	}
}

static void print_json_segments(const struct view *v)
{
	for (size_t i = 0; i < v->peek->segment_count; i++) {
		const struct toll_peek_segment *s = &v->peek->segments[i];

		printf("%s{\"name\":\"%s\",\"first_seq\":%" PRIu64 ",\"held\":", i ? "," : "",
		       s->name, s->begin.seq);
		toll_journal_print_worth(stdout, held_by(v->peek, i));
		printf("},\"bytes\":%" PRIu64 ",\"made_ms\":%" PRIu64 ",\"head_damaged\":%s",
		       s->file_bytes, s->made_wall_ms, s->head_damaged ? "true" : "false");
		if (v->survey) {
			fputs(",\"lost\":", stdout);
			toll_journal_print_worth(stdout, v->survey->lost_of[i]);
			putchar('}');
		}
		putchar('}');
	}
}

static void print_json(const struct view *v)
{
	const struct toll_peek *p = v->peek;

	fputs("{\"directory\":", stdout);
	toll_json_print(stdout, v->directory);
	printf(",\"epoch\":\"%s\",\"in_use\":%s,\"checkpoint_lost\":%s,\"bytes\":%" PRIu64
	       ",\"next_seq\":%" PRIu64 ",\"held\":",
	       toll_journal_epoch(p->journal), p->in_use ? "true" : "false",
	       p->checkpoint_lost ? "true" : "false", p->bytes, toll_journal_end(p->journal).seq);
	toll_journal_print_worth(stdout, held_by_all(p));
	fputs("},\"cursors\":[", stdout);
	print_json_cursors(v);
	fputs("],\"segments\":[", stdout);
	print_json_segments(v);
	puts("]}");
}

/* ---- for people ---- */

static char *number_cell(uint64_t n)
{
	char *cell = NULL;

	return asprintf(&cell, "%" PRIu64, n) < 0 ? NULL : cell;
}

static char *usd_cell(toll_i128 pico)
{
	char usd[TOLL_MONEY_TEXT];

	toll_money_print_usd(pico, usd);
	return strdup(usd);
}

static char *bytes_cell(uint64_t bytes)
{
	char *cell = NULL;
	int n = bytes < 1 << 20 ? asprintf(&cell, "%.0f KiB", (double)bytes / 1024)
	                        : asprintf(&cell, "%.1f MiB", (double)bytes / (1 << 20));

	return n < 0 ? NULL : cell;
}

static char *time_cell(uint64_t ms)
{
	char text[32] = "";

	if (ms)
		toll_clock_rfc3339(ms * TOLL_MS, 0, text, sizeof(text));
	return strdup(text);
}

static char *damage_cell(const struct view *v, size_t i)
{
	uint64_t lost = v->survey ? v->survey->lost_of[i].seq : 0;
	char *cell = NULL;

	if (lost)
		return asprintf(&cell, "%" PRIu64 " record%s", lost, TOLL_PLURAL(lost)) < 0 ? NULL
		                                                                            : cell;
	if (v->peek->segments[i].head_damaged)
		return strdup("its head");
	return strdup(v->survey ? "none" : "not looked for");
}

enum { CURSOR = 0, NEXT, BEHIND, SPANS, WORTH, CURSOR_COLUMNS };

static int add_cursor(struct libscols_table *table, const struct view *v,
                      struct toll_journal_cursor *c)
{
	struct toll_journal_mark m = behind(v, c);
	char *cells[CURSOR_COLUMNS] = { [CURSOR] = strdup(name_of(c)),
		                        [NEXT] = number_cell(toll_journal_cursor_mark(c).seq),
		                        [BEHIND] = number_cell(m.seq),
		                        [SPANS] = number_cell(m.items),
		                        [WORTH] = usd_cell(m.pico) };

	return toll_table_take_line(table, cells, CURSOR_COLUMNS);
}

static int print_cursors(const struct view *v)
{
	static const struct toll_table_column columns[CURSOR_COLUMNS] = {
		[CURSOR] = { "CURSOR", 0.3, SCOLS_FL_TRUNC },
		[NEXT] = { "NEXT RECORD", 0, SCOLS_FL_RIGHT },
		[BEHIND] = { "RECORDS BEHIND", 0, SCOLS_FL_RIGHT },
		[SPANS] = { "SPANS", 0, SCOLS_FL_RIGHT },
		[WORTH] = { "WORTH", 0, SCOLS_FL_RIGHT },
	};
	struct libscols_table *table = toll_table_new(columns, CURSOR_COLUMNS);
	struct toll_journal_cursor *c;
	int err = table ? 0 : -1;

	for (unsigned i = 0; !err && (c = toll_journal_cursor_at(v->peek->journal, i)); i++)
		err = add_cursor(table, v, c);
	err = err ? err : scols_print_table(table);
	scols_unref_table(table);
	return err < 0 ? toll_journal_no_memory(VERB) : TOLL_EXIT_OK;
}

enum { SEGMENT = 0, RECORDS, HELD, HELD_WORTH, SIZE, BEGUN, DAMAGE, SEGMENT_COLUMNS };

static int add_segment(struct libscols_table *table, const struct view *v, size_t i)
{
	const struct toll_peek_segment *s = &v->peek->segments[i];
	struct toll_journal_mark held = held_by(v->peek, i);
	char *cells[SEGMENT_COLUMNS] = {
		[SEGMENT] = strdup(s->name),        [RECORDS] = number_cell(held.seq),
		[HELD] = number_cell(held.items),   [HELD_WORTH] = usd_cell(held.pico),
		[SIZE] = bytes_cell(s->file_bytes), [BEGUN] = time_cell(s->made_wall_ms),
		[DAMAGE] = damage_cell(v, i)
	};

	return toll_table_take_line(table, cells, SEGMENT_COLUMNS);
}

static int print_segments(const struct view *v)
{
	static const struct toll_table_column columns[SEGMENT_COLUMNS] = {
		[SEGMENT] = { "SEGMENT", 0, 0 },
		[RECORDS] = { "RECORDS", 0, SCOLS_FL_RIGHT },
		[HELD] = { "SPANS", 0, SCOLS_FL_RIGHT },
		[HELD_WORTH] = { "WORTH", 0, SCOLS_FL_RIGHT },
		[SIZE] = { "SIZE", 0, SCOLS_FL_RIGHT },
		[BEGUN] = { "BEGUN", 0, 0 },
		[DAMAGE] = { "DAMAGE", 0, 0 },
	};
	static const struct toll_table_fit narrow[] = { { 110, BEGUN }, { 90, SIZE } };
	struct libscols_table *table = toll_table_new(columns, SEGMENT_COLUMNS);
	int err = table ? 0 : -1;

	for (size_t i = 0; i < v->peek->segment_count && !err; i++)
		err = add_segment(table, v, i);
	if (!err)
		toll_table_fit(table, narrow, TOLL_COUNT(narrow));
	err = err ? err : scols_print_table(table);
	scols_unref_table(table);
	return err < 0 ? toll_journal_no_memory(VERB) : TOLL_EXIT_OK;
}

static int print_text(const struct view *v)
{
	const struct toll_peek *p = v->peek;
	char worth[TOLL_JOURNAL_WORTH], *size = bytes_cell(p->bytes);
	int rc;

	if (!size)
		return toll_journal_no_memory(VERB);
	printf("Epoch %s, %s; %s in %s on disk.\n\n", toll_journal_epoch(p->journal),
	       p->in_use ? "in use by a process" : "in use by nobody",
	       toll_journal_worth(held_by_all(p), worth), size);
	free(size);
	if (toll_journal_cursor_at(p->journal, 0))
		rc = print_cursors(v);
	else
		rc = puts("No cursor: nobody waits for anything.") < 0;
	if (rc == TOLL_EXIT_OK && p->segment_count) {
		putchar('\n');
		rc = print_segments(v);
	}
	if (v->survey && v->survey->lost.seq)
		printf("\nLost: %s. spantoll journal verify lists where.\n",
		       toll_journal_worth(v->survey->lost, worth));
	return rc;
}

/* ---- the verb ---- */

static int inspect(const struct options *o)
{
	struct toll_journal_survey survey = { .losses = NULL };
	struct view v = { .directory = o->directory, .survey = o->quick ? NULL : &survey };
	int err, rc = toll_journal_look(VERB, o->directory, &v.peek);

	if (rc != TOLL_EXIT_OK)
		return rc;
	err = o->quick ? 0 : toll_journal_survey(v.peek, &survey);
	if (err)
		rc = toll_journal_cannot_read(VERB, err);
	else if (o->json)
		print_json(&v);
	else
		rc = print_text(&v);
	toll_journal_survey_release(&survey);
	toll_peek_close(v.peek);
	return rc;
}

int toll_journal_verb_inspect(int argc, char **argv)
{
	struct options o = { .directory = NULL };
	const struct toll_option options[] = {
		{ "quick", NULL, "do not read everything: damage inside of segments is not seen",
		  .flag = &o.quick },
		{ "json", NULL, "for programs", .flag = &o.json },
		TOLL_OPTION_END,
	};
	const struct toll_usage usage = {
		VERB, "DIRECTORY",
		"Shows a journal: its epoch, what it holds, how far each cursor (an exporter) is\n"
		"behind in records, spans and dollars, and its segments with their damage. Beside\n"
		"a running daemon cursors are those of its last checkpoint, at most a second "
		"old.\n",
		"Examples:\n"
		"  spantoll journal inspect /var/lib/spantoll/journal/traces\n"
		"  spantoll journal inspect --quick --json /var/lib/spantoll/journal/traces\n"
		"Exit status: 0, 1 it cannot be read. Damage is shown, not judged: see verify.\n",
		options
	};
	int rc = toll_journal_directory(&usage, argc, argv, &o.directory);

	return rc >= 0 ? rc : inspect(&o);
}

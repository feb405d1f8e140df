/* SPDX-License-Identifier: Apache-2.0 */
/* journal_verify.c - `spantoll journal verify`: is a journal whole, and if not, what exactly is
 * lost?
 */
#include <inttypes.h>
#include <libsmartcols/libsmartcols.h>
#include <stdlib.h>
#include <string.h>

#include "base/macro.h"
#include "cmd/spantoll/journal_survey.h"
#include "cmd/spantoll/json_text.h"
#include "cmd/spantoll/table.h"

#define VERB "journal verify"

/* The i-th cursor that has not passed it, or NULL. */
static const char *waits_for(const struct toll_peek *p, const struct toll_journal_loss *loss,
                             unsigned i)
{
	struct toll_journal_cursor *c;

	for (unsigned k = 0; (c = toll_journal_cursor_at(p->journal, k)); k++)
		if (toll_journal_cursor_mark(c).seq < loss->end.seq && i-- == 0)
			return *toll_journal_cursor_name(c) ? toll_journal_cursor_name(c)
			                                    : "everybody";
	return NULL;
}

/* ---- for programs ---- */

static void print_json_loss(const struct toll_peek *p, const struct toll_journal_loss *loss)
{
	const char *name;

	toll_journal_print_worth(stdout, toll_journal_minus(loss->end, loss->begin));
	printf(",\"first_seq\":%" PRIu64 ",\"last_seq\":%" PRIu64 ",\"why\":\"%s\",\"segment\":",
	       loss->begin.seq, loss->end.seq - 1, toll_journal_why_text(loss->why));
	toll_json_print(stdout, loss->segment ? loss->segment->name : "");
	fputs(",\"not_yet_at\":[", stdout);
	for (unsigned i = 0; (name = waits_for(p, loss, i)); i++) {
		fputs(i ? "," : "", stdout);
		toll_json_print(stdout, name);
	}
	fputs("]}", stdout);
}

static void print_json(const struct toll_peek *p, const struct toll_journal_survey *s)
{
	printf("{\"whole\":%s,\"epoch\":\"%s\",\"in_use\":%s,\"intact\":",
	       toll_journal_is_whole(p, s) ? "true" : "false", toll_journal_epoch(p->journal),
	       p->in_use ? "true" : "false");
	toll_journal_print_worth(stdout, s->whole);
	fputs("},\"lost\":", stdout);
	toll_journal_print_worth(stdout, s->lost);
	printf(",\"exact\":%s},\"gone\":", s->inexact ? "false" : "true");
	toll_journal_print_worth(stdout, s->gone);
	printf("},\"checkpoint_lost\":%s,\"heads_damaged\":%zu,\"losses\":[",
	       p->checkpoint_lost ? "true" : "false", s->heads_damaged);
	for (size_t i = 0; i < s->loss_count; i++) {
		fputs(i ? "," : "", stdout);
		print_json_loss(p, &s->losses[i]);
	}
	puts("]}");
}

/* ---- for people ---- */

enum { RECORDS = 0, SPANS, WORTH, WHY, SEGMENT, WAITS, COLUMNS };

static char *records_cell(const struct toll_journal_loss *loss)
{
	char *cell = NULL;
	int n = loss->end.seq - loss->begin.seq == 1 ? asprintf(&cell, "%" PRIu64, loss->begin.seq)
	                                             : asprintf(&cell, "%" PRIu64 " to %" PRIu64,
	                                                        loss->begin.seq, loss->end.seq - 1);

	return n < 0 ? NULL : cell;
}

static char *waits_cell(const struct toll_peek *p, const struct toll_journal_loss *loss)
{
	char *cell = strdup("");
	const char *name;

	for (unsigned i = 0; cell && (name = waits_for(p, loss, i)); i++) {
		char *longer = NULL;

		if (asprintf(&longer, "%s%s%s", cell, i ? ", " : "", name) < 0)
			longer = NULL;
		free(cell);
		cell = longer;
	}
	return cell;
}

static int add_line(struct libscols_table *table, const struct toll_peek *p,
                    const struct toll_journal_loss *loss)
{
	const struct toll_journal_mark worth = toll_journal_minus(loss->end, loss->begin);
	char usd[TOLL_MONEY_TEXT], spans[24], *cells[COLUMNS];

	toll_money_print_wide(worth.pico, usd);
	snprintf(spans, sizeof(spans), "%" PRIu64, worth.items);
	cells[RECORDS] = records_cell(loss);
	cells[SPANS] = toll_table_cell(toll_slice_str(spans), "");
	cells[WORTH] = toll_table_cell(toll_slice_str(usd), "$");
	cells[WHY] = toll_table_cell(toll_slice_str(toll_journal_why_text(loss->why)), "");
	cells[SEGMENT] =
		toll_table_cell(toll_slice_str(loss->segment ? loss->segment->name : ""), "");
	cells[WAITS] = waits_cell(p, loss);
	return toll_table_take_line(table, cells, COLUMNS);
}

static int print_losses(const struct toll_peek *p, const struct toll_journal_survey *s)
{
	static const struct toll_table_column columns[COLUMNS] = {
		[RECORDS] = { "RECORDS", 0, 0 },
		[SPANS] = { "SPANS", 0, SCOLS_FL_RIGHT },
		[WORTH] = { "WORTH", 0, SCOLS_FL_RIGHT },
		[WHY] = { "WHY", 0, 0 },
		[SEGMENT] = { "SEGMENT", 0, 0 },
		[WAITS] = { "NOT YET AT", 0.2, SCOLS_FL_WRAP },
	};
	static const struct toll_table_fit narrow[] = { { 100, SEGMENT } };
	struct libscols_table *table = toll_table_new(columns, COLUMNS);
	int err = table ? 0 : -1;

	for (size_t i = 0; i < s->loss_count && !err; i++)
		err = add_line(table, p, &s->losses[i]);
	if (!err)
		toll_table_fit(table, narrow, TOLL_COUNT(narrow));
	err = err ? err : scols_print_table(table);
	scols_unref_table(table);
	return err < 0 ? toll_journal_no_memory(VERB) : TOLL_EXIT_OK;
}

static void print_other_damage(const struct toll_peek *p, const struct toll_journal_survey *s)
{
	if (s->inexact)
		puts("What the first of them held is not known: the head of the oldest segment is "
		     "damaged too.");
	if (s->loss_count == TOLL_JOURNAL_LOSSES_MAX)
		puts("Only the first places are listed; the sum is of all.");
	if (p->checkpoint_lost)
		puts("The checkpoint is lost: nobody knows what the exporters have, so a start "
		     "gives them all of it again.");
	for (size_t i = 0; i < p->segment_count; i++)
		if (p->segments[i].head_damaged)
			printf("The head of segment %s is damaged; its records do not need it.\n",
			       p->segments[i].name);
}

static void print_circumstances(const struct toll_peek *p, const struct toll_journal_survey *s)
{
	char worth[TOLL_JOURNAL_WORTH];

	if (p->in_use)
		puts("A process has it: this is what was durable when reading began.");
	if (s->gone.seq)
		printf("Meanwhile it removed %s.\n", toll_journal_worth(s->gone, worth));
}

static int print_text(const struct toll_peek *p, const struct toll_journal_survey *s)
{
	char worth[TOLL_JOURNAL_WORTH];
	bool whole = toll_journal_is_whole(p, s);
	int rc = TOLL_EXIT_OK;

	if (s->lost.seq) {
		printf("Lost: %s.\n", toll_journal_worth(s->lost, worth));
		rc = print_losses(p, s);
	}
	printf("%s: %s in %zu segment%s.\n", whole ? "Whole" : "Intact",
	       toll_journal_worth(s->whole, worth), p->segment_count,
	       TOLL_PLURAL(p->segment_count));
	print_other_damage(p, s);
	print_circumstances(p, s);
	return rc;
}

/* ---- the verb ---- */

static int verify(const char *directory, bool json)
{
	struct toll_journal_survey s;
	struct toll_peek *p;
	int err, rc = toll_journal_look(VERB, directory, &p);

	if (rc != TOLL_EXIT_OK)
		return rc;
	err = toll_journal_survey(p, &s);
	if (err)
		rc = toll_journal_cannot_read(VERB, err);
	else if (json)
		print_json(p, &s);
	else
		rc = print_text(p, &s);
	if (!err && !toll_journal_is_whole(p, &s))
		rc = TOLL_EXIT_FAILED;
	toll_journal_survey_release(&s);
	toll_peek_close(p);
	return rc;
}

int toll_journal_verb_verify(int argc, char **argv)
{
	const char *directory;
	bool json = false;
	const struct toll_option options[] = {
		{ "json", NULL, "for programs", .flag = &json },
		TOLL_OPTION_END,
	};
	const struct toll_usage usage = {
		VERB, "DIRECTORY",
		"Reads every byte of a journal, checks every record and decodes it, and tells\n"
		"what is lost: records, spans and dollars, exactly, where they were, and which\n"
		"exporters had not got them yet. Nothing is written.\n",
		"Examples:\n"
		"  spantoll journal verify /var/lib/spantoll/journal/traces\n"
		"  spantoll journal verify --json copy-of-it\n"
		"Exit status: 0 it is whole, 1 it is not, or cannot be read.\n",
		options
	};
	int rc = toll_journal_directory(&usage, argc, argv, &directory);

	return rc >= 0 ? rc : verify(directory, json);
}

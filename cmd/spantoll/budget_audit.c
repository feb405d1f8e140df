/* SPDX-License-Identifier: Apache-2.0 */
/* budget_audit.c - `spantoll budget audit`: what was done to flags, as a daemon tells it; and with
 * --verify FILE: does an audit log still say what was written? That reads the files alone. */
#include <inttypes.h>
#include <json-c/json.h>
#include <libsmartcols/libsmartcols.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "budget/audit_log.h"
#include "cmd/spantoll/budget_json.h"
#include "cmd/spantoll/budget_subject.h"
#include "cmd/spantoll/budget_verb.h"
#include "cmd/spantoll/json_text.h"
#include "cmd/spantoll/table.h"

#define VERB "budget audit"

static void print_json(const struct toll_audit_report *r)
{
	printf("{\"whole\":%s,\"files\":%" PRIu64 ",\"lines\":%" PRIu64 ",\"first_seq\":%" PRIu64
	       ",\"last_seq\":%" PRIu64 ",\"last_hash\":\"%s\",\"unfinished_bytes\":%" PRIu64,
	       r->broken ? "false" : "true", r->files, r->lines, r->first_seq, r->last.seq,
	       r->last.hash, r->torn_bytes);
	if (r->broken) {
		fputs(",\"broken\":{\"file\":", stdout);
		toll_json_print(stdout, r->file);
		printf(",\"line\":%" PRIu64 ",\"why\":", r->line);
		toll_json_print(stdout, r->why);
		putchar('}');
	}
	puts("}");
}

static void print_lines(const struct toll_audit_report *r)
{
	printf("%" PRIu64 " line%s in %" PRIu64 " file%s", r->lines, TOLL_PLURAL(r->lines),
	       r->files, TOLL_PLURAL(r->files));
	if (r->lines)
		printf(", seq %" PRIu64 " to %" PRIu64, r->first_seq, r->last.seq);
}

static void print_text(const struct toll_audit_report *r)
{
	if (r->broken) {
		printf("%s:%" PRIu64 ": %s\nBefore it, ", r->file, r->line, r->why);
		print_lines(r);
		puts(" hold.");
		return;
	}
	fputs("Whole: ", stdout);
	print_lines(r);
	puts(".");
	if (r->first_seq > 1)
		puts("What was before that is in files that are gone: the first line is believed.");
	if (r->torn_bytes)
		printf("An unfinished line of %" PRIu64
		       " bytes at the end: one in the making, or a crash; "
		       "the daemon\ncuts it off when it opens the file.\n",
		       r->torn_bytes);
	if (r->lines)
		printf("The last hash is %s.\nLines cut off the end leave no trace in the file: "
		       "keep this "
		       "hash elsewhere and look for it next time.\n",
		       r->last.hash);
}

static int verify(const char *file, bool json)
{
	struct toll_audit_report report;
	struct toll_error why;

	if (toll_audit_verify(file, &report, &why) < 0) {
		fprintf(stderr, "spantoll " VERB ": %s\n", why.text);
		return TOLL_EXIT_FAILED;
	}
	if (json)
		print_json(&report);
	else
		print_text(&report);
	return report.broken ? TOLL_EXIT_FAILED : TOLL_EXIT_OK;
}

/* ---- what a daemon tells ---- */

enum { TIME = 0, SUBJECT, WHAT, WHY, AMOUNTS, BY, COLUMNS };

/* "$512.40/$500 in 24h" */
static char *amounts_cell(struct json_object *e)
{
	char spent[TOLL_MONEY_TEXT], limit[TOLL_MONEY_TEXT], *cell = NULL;

	toll_budget_usd(e, "spent_usd", spent);
	toll_budget_usd(e, "limit_usd", limit);
	if (!*spent)
		return strdup("");
	return asprintf(&cell, "%s/%s in %s", spent, limit, toll_budget_text(e, "window")) < 0
	               ? NULL
	               : cell;
}

/* What a person has said, else what the rule says. */
static char *why_cell(struct json_object *e)
{
	const char *reason = toll_budget_text(e, "reason"), *why = toll_budget_text(e, "why");
	const char *budget = toll_budget_text(e, "budget");
	char *cell = NULL;

	if (!*why)
		why = budget;
	return asprintf(&cell, "%s%s%s", reason, *reason && *why ? ": " : "", why) < 0 ? NULL
	                                                                               : cell;
}

static char *text_cell(const char *text)
{
	return toll_table_cell(toll_slice_str(text), "");
}

static int add_line(struct libscols_table *table, struct json_object *e)
{
	char when[32], *cells[COLUMNS];
	const char *who = toll_budget_text(e, "who");

	toll_clock_rfc3339(toll_budget_count(e, "time_ms") * TOLL_MS, 0, when, sizeof(when));
	cells[TIME] = text_cell(when);
	cells[SUBJECT] = text_cell(toll_budget_text(e, "subject"));
	cells[WHAT] = text_cell(toll_budget_text(e, "what"));
	cells[WHY] = why_cell(e);
	cells[AMOUNTS] = amounts_cell(e);
	cells[BY] = text_cell(*who ? who : toll_budget_text(e, "by"));
	return toll_table_take_line(table, cells, COLUMNS);
}

static int print_events(struct json_object *events)
{
	static const struct toll_table_column columns[COLUMNS] = {
		[TIME] = { "TIME", 0, 0 },           [SUBJECT] = { "SUBJECT", 0.2, SCOLS_FL_TRUNC },
		[WHAT] = { "WHAT", 0, 0 },           [WHY] = { "WHY", 0.25, SCOLS_FL_WRAP },
		[AMOUNTS] = { "SPENT/LIMIT", 0, 0 }, [BY] = { "BY", 0.1, SCOLS_FL_TRUNC },
	};
	static const struct toll_table_fit narrow[] = { { 120, BY }, { 100, AMOUNTS } };
	size_t count = json_object_array_length(events);
	struct libscols_table *table = toll_table_new(columns, COLUMNS);
	int err = table ? 0 : -1;

	for (size_t i = 0; i < count && !err; i++)
		err = add_line(table, json_object_array_get_idx(events, i));
	if (!err)
		toll_table_fit(table, narrow, TOLL_COUNT(narrow));
	err = err ? err : scols_print_table(table);
	scols_unref_table(table);
	return err < 0 ? toll_budget_no_memory(VERB) : TOLL_EXIT_OK;
}

static int print_answer(struct json_object *answer, bool json)
{
	struct json_object *events;

	if (json) {
		toll_budget_print_json(answer);
		return TOLL_EXIT_OK;
	}
	if (!json_object_object_get_ex(answer, "events", &events) ||
	    !json_object_is_type(events, json_type_array)) {
		fputs("spantoll " VERB ": that is not the answer of spantoll's /v1/audit\n",
		      stderr);
		return TOLL_EXIT_FAILED;
	}
	if (json_object_array_length(events))
		return print_events(events);
	puts("Nothing was done to any flag yet.");
	return TOLL_EXIT_OK;
}

static int ask(const struct toll_budget_flags *f, const char *subject, int64_t limit)
{
	char prefix[64], *path;
	struct toll_budget_question q = { VERB, "GET", NULL, NULL };
	struct json_object *answer = NULL;
	int rc;

	snprintf(prefix, sizeof(prefix), "/v1/audit?limit=%" PRId64 "&subject=", limit);
	path = toll_budget_path(prefix, subject, NULL, NULL);
	q.path = path;
	rc = path ? toll_budget_ask(f, &q, &answer) : toll_budget_no_memory(VERB);
	if (rc == TOLL_EXIT_OK)
		rc = print_answer(answer, f->json);
	json_object_put(answer);
	free(path);
	return rc;
}

/* ---- which of the two ---- */

int toll_budget_verb_audit(int argc, char **argv)
{
	struct toll_budget_flags flags = TOLL_BUDGET_FLAGS_INIT;
	char subject[TOLL_BUDGET_SUBJECT_TEXT] = "";
	const char *file = NULL;
	int64_t limit = 100;
	const struct toll_option options[] = {
		TOLL_BUDGET_OPTIONS(&flags),
		{ "limit", "N", "events, the newest; at most 1000", .number = &limit },
		{ "verify", "FILE", "check this log, as audit::path names it", .text = &file },
		TOLL_OPTION_END,
	};
	const struct toll_usage usage = {
		VERB, "[SUBJECT]",
		"Tells what was done to flags, when, why and by whom; newest last. SUBJECT is a\n"
		"service, or DIMENSION=VALUE.\n"
		"\n"
		"With --verify it checks the hashes that chain the lines of an audit log to each\n"
		"other, over all its files, and tells the first line that was changed, taken\n"
		"out, put in or moved. That reads beside a daemon that writes, and asks none.\n",
		"Examples:\n"
		"  spantoll budget audit payment-svc\n"
		"  spantoll budget audit --verify /var/lib/spantoll/audit.jsonl\n"
		"Exit status: 0, 1 the log is broken or nobody answers.\n",
		options
	};
	int rest, rc = toll_options_parse_mixed(&usage, argc, argv, &rest);

	if (rc >= 0)
		return rc;
	if (argc - rest > (file ? 0 : 1)) {
		fprintf(stderr,
		        "spantoll " VERB ": one SUBJECT, or --verify FILE; not also \"%s\"\n",
		        argv[argc - 1]);
		return TOLL_EXIT_USAGE;
	}
	if (file)
		return verify(file, flags.json);
	rc = rest < argc ? toll_budget_subject(VERB, argv[rest], subject) : TOLL_EXIT_OK;
	return rc ? rc : ask(&flags, subject, limit);
}

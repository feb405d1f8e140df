/* SPDX-License-Identifier: Apache-2.0 */
/* verb_unpriced.c - `spantoll unpriced`: what goes without a price, how often, and the rules that
 * would price it. */
#include <errno.h>
#include <inttypes.h>
#include <libsmartcols/libsmartcols.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "cmd/spantoll/ask_daemon.h"
#include "cmd/spantoll/json_text.h"
#include "cmd/spantoll/options.h"
#include "cmd/spantoll/unpriced_rows.h"
#include "cmd/spantoll/unpriced_rules.h"
#include "cmd/spantoll/verb.h"

#define PAGE "/debug/unpricedz?format=json&top=1024"

struct unpriced_options {
	const char *endpoint;
	int64_t top;
	bool json, rules;
};

/* ---- where rows come from ---- */

static int ask_daemon(const struct unpriced_options *o, struct toll_unpriced_rows *rows,
                      struct toll_error *reterr)
{
	char *body;
	size_t len;
	int err = toll_ask_daemon(o->endpoint, PAGE, &body, &len, reterr);

	if (err)
		return err;
	err = toll_unpriced_rows_of_daemon(rows, body, len, reterr);
	free(body);
	return err;
}

static int read_file(const char *name, struct toll_unpriced_rows *rows, struct toll_error *reterr)
{
	FILE *in;
	int err;

	if (strcmp(name, "-") == 0)
		return toll_unpriced_rows_add_records(rows, stdin, "standard input", reterr);
	in = fopen(name, "re");
	if (!in)
		return toll_fail(reterr, TOLL_EINVALID, "%s: %s", name, strerror(errno));
	err = toll_unpriced_rows_add_records(rows, in, name, reterr);
	fclose(in);
	return err;
}

static int gather(const struct unpriced_options *o, char **files, int count,
                  struct toll_unpriced_rows *rows, struct toll_error *reterr)
{
	int err = count ? 0 : ask_daemon(o, rows, reterr);

	for (int i = 0; i < count && !err; i++)
		err = read_file(files[i], rows, reterr);
	toll_unpriced_rows_sort(rows);
	return err;
}

/* ---- what is shown ---- */

static uint32_t shown(const struct unpriced_options *o, const struct toll_unpriced_rows *rows)
{
	return o->top && o->top < rows->count ? (uint32_t)o->top : rows->count;
}

static uint64_t not_shown(const struct unpriced_options *o, const struct toll_unpriced_rows *rows)
{
	uint64_t spans = rows->others;

	for (uint32_t i = shown(o, rows); i < rows->count; i++)
		spans += rows->rows[i].spans;
	return spans;
}

static void print_member(const char *name, const char *text)
{
	printf(",\"%s\":", name);
	toll_json_print(stdout, text);
}

static void print_json(const struct unpriced_options *o, const struct toll_unpriced_rows *rows)
{
	uint32_t count = shown(o, rows);

	fputs("{\"unpriced\":[", stdout);
	for (uint32_t i = 0; i < count; i++) {
		const struct toll_unpriced_what *w = &rows->rows[i];

		printf("%s\n{\"spans\":%" PRIu64, i ? "," : "", w->spans);
		print_member("service", w->service);
		print_member("operation", w->operation);
		print_member("model", w->model);
		print_member("error", w->error);
		printf(",\"last_ms\":%" PRIu64 "}", w->last_ms);
	}
	printf("],\n\"others\":%" PRIu64 ",\"skipped_lines\":%" PRIu64 "}\n", not_shown(o, rows),
	       rows->skipped);
}

static int add_line(struct libscols_table *table, const struct toll_unpriced_what *w)
{
	struct libscols_line *line = scols_table_new_line(table, NULL);
	char spans[32], when[32] = "-", why[640];

	if (!line)
		return -1;
	snprintf(spans, sizeof(spans), "%" PRIu64, w->spans);
	snprintf(why, sizeof(why), "%s%s%s", w->error, *w->model ? "; model " : "", w->model);
	if (w->last_ms)
		toll_clock_rfc3339(w->last_ms * TOLL_MS, 0, when, sizeof(when));
	return scols_line_set_data(line, 0, spans) || scols_line_set_data(line, 1, w->service) ||
	       scols_line_set_data(line, 2, w->operation) || scols_line_set_data(line, 3, why) ||
	       scols_line_set_data(line, 4, when);
}

static struct libscols_table *new_table(void)
{
	struct libscols_table *table;

	setlocale(LC_CTYPE, ""); /* widths of UTF-8 text */
	scols_init_debug(0);
	table = scols_new_table();
	if (table && scols_table_new_column(table, "SPANS", 0, SCOLS_FL_RIGHT) &&
	    scols_table_new_column(table, "SERVICE", 0, 0) &&
	    scols_table_new_column(table, "OPERATION", 0.3, SCOLS_FL_TRUNC) &&
	    scols_table_new_column(table, "WHY", 0, SCOLS_FL_WRAP) &&
	    scols_table_new_column(table, "LAST", 0, 0))
		return table;
	scols_unref_table(table);
	return NULL;
}

static int print_rows(const struct unpriced_options *o, const struct toll_unpriced_rows *rows)
{
	struct libscols_table *table = new_table();
	uint32_t count = shown(o, rows);
	int err = table ? 0 : -1;

	for (uint32_t i = 0; i < count && !err; i++)
		err = add_line(table, &rows->rows[i]);
	err = err ? err : scols_print_table(table);
	scols_unref_table(table);
	if (err < 0)
		fputs("spantoll unpriced: out of memory\n", stderr);
	return err < 0 ? -1 : 0;
}

static int print_table(const struct unpriced_options *o, const struct toll_unpriced_rows *rows)
{
	uint64_t others = not_shown(o, rows);

	if (!rows->count && !others) {
		puts("Every span has a price.");
		return 0;
	}
	if (print_rows(o, rows) < 0)
		return -1;
	if (others)
		printf("and %" PRIu64 " spans of others\n", others);
	puts("\nRules that would price them; fill in every \"?\", and name the file in the "
	     "extension "
	     "pricebook:\n");
	if (!toll_unpriced_print_rules(rows, shown(o, rows), stdout))
		puts("# none: no price is missing, see the reasons above");
	return 0;
}

static int print(const struct unpriced_options *o, const struct toll_unpriced_rows *rows)
{
	if (rows->skipped)
		fprintf(stderr,
		        "spantoll unpriced: lines skipped, for they are no cost records "
		        "(encoding: json of the exporters kafka and file): %" PRIu64 "\n",
		        rows->skipped);
	if (o->json)
		print_json(o, rows);
	else if (o->rules)
		toll_unpriced_print_rules(rows, shown(o, rows), stdout);
	else
		return print_table(o, rows);
	return 0;
}

static void print_problem(const struct unpriced_options *o, bool daemon, const char *why)
{
	fprintf(stderr, "spantoll unpriced: %s\n", why);
	if (daemon)
		fprintf(stderr,
		        "A daemon tells it where the extension zpages is on: add `zpages: {}` to "
		        "extensions and\nto service::extensions, and see that --endpoint (%s) is "
		        "its "
		        "endpoint. Or name files of records.\n",
		        o->endpoint);
}

int toll_verb_unpriced(int argc, char **argv)
{
	struct unpriced_options o = { .endpoint = TOLL_ZPAGES_ENDPOINT, .top = 20 };
	const struct toll_option options[] = {
		{ "endpoint", "HOST:PORT", "the extension zpages of the daemon that is asked",
		  .text = &o.endpoint },
		{ "top", "N", "rows; 0: all", .number = &o.top },
		{ "rules", NULL, "print only the price document that would price them",
		  .flag = &o.rules },
		{ "json", NULL, "for programs", .flag = &o.json },
		TOLL_OPTION_END,
	};
	const struct toll_usage usage = {
		"unpriced", "[FILE]...",
		"Lists what goes without a price, most frequent first, and the rules that would "
		"price "
		"it.\nAsks a running daemon, or counts the flat records (one JSON object per line) "
		"of "
		"files;\n\"-\" is standard input.\n",
		"Examples:\n"
		"  spantoll unpriced                         since the daemon on this machine "
		"started\n"
		"  spantoll unpriced --rules > more.yaml     to fill in and name under files:\n"
		"  kcat -C -t otel-cost-spans -e | spantoll unpriced -\n",
		options
	};
	struct toll_unpriced_rows rows = { 0 };
	struct toll_error why;
	int rest, rc = toll_options_parse(&usage, argc, argv, &rest);

	if (rc >= 0)
		return rc;
	rc = gather(&o, argv + rest, argc - rest, &rows, &why) < 0 ? TOLL_EXIT_FAILED
	                                                           : TOLL_EXIT_OK;
	if (rc == TOLL_EXIT_FAILED)
		print_problem(&o, rest == argc, why.text);
	else if (print(&o, &rows) < 0)
		rc = TOLL_EXIT_FAILED;
	toll_unpriced_rows_release(&rows);
	return rc;
}

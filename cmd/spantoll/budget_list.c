/* SPDX-License-Identifier: Apache-2.0 */
/* budget_list.c - `spantoll budget list`: who has spent how much of which budget, and what follows.
 */
#include <json-c/json.h>
#include <libsmartcols/libsmartcols.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/macro.h"
#include "cmd/spantoll/budget_json.h"
#include "cmd/spantoll/budget_rules.h"
#include "cmd/spantoll/budget_verb.h"
#include "cmd/spantoll/table.h"
#include "cost/name.h"

#define VERB "budget list"

enum { SUBJECT = 0, SPENT, LIMIT, PERCENT, WINDOW, EMA, STATE, FORECAST, BUDGET, COLUMNS };

struct options {
	struct toll_budget_flags daemon;
	const char *match; /* NULL: all */
	int64_t top;
	bool rules;
};

/* ---- which rows, in which order ---- */

/* Who has neither a budget nor spent anything is not worth a line. */
static bool is_wanted(const struct options *o, struct json_object *row)
{
	if (!o->match && !json_object_object_get_ex(row, "limit_usd", NULL) &&
	    toll_budget_number(row, "spent_usd") == 0 && !*toll_budget_text(row, "override"))
		return false;
	return !o->match || toll_name_match(toll_slice_str(o->match),
	                                    toll_slice_str(toll_budget_text(row, "subject")));
}

/* What needs a look first: by the share of the budget that is used, then by what is spent. */
static int by_need(const void *a, const void *b)
{
	struct json_object *x = *(struct json_object *const *)a;
	struct json_object *y = *(struct json_object *const *)b;
	double px = toll_budget_number(x, "utilization_pct");
	double py = toll_budget_number(y, "utilization_pct");

	if (px == py) {
		px = toll_budget_number(x, "spent_usd");
		py = toll_budget_number(y, "spent_usd");
	}
	return (px < py) - (px > py);
}

/* Takes away what is not wanted; returns how many are left. */
static size_t choose(const struct options *o, struct json_object *rows)
{
	size_t count = json_object_array_length(rows), kept = 0;

	for (size_t i = 0; i < count; i++) {
		struct json_object *row = json_object_array_get_idx(rows, i);

		if (is_wanted(o, row))
			json_object_array_put_idx(rows, kept++, json_object_get(row));
	}
	if (count > kept)
		json_object_array_del_idx(rows, kept, count - kept);
	json_object_array_sort(rows, by_need);
	if (o->top && kept > (size_t)o->top)
		json_object_array_del_idx(rows, (size_t)o->top, kept - (size_t)o->top);
	return kept;
}

/* ---- cells ---- */

/* "override: deny, 58 min" */
static void print_state(struct json_object *row, char *buf, size_t size)
{
	const char *state = toll_budget_text(row, "state"),
		   *what = toll_budget_text(row, "override");
	uint64_t until_ms = toll_budget_count(row, "until_ms"), now_ms = toll_clock_wall_ms();
	char left[48] = "";

	if (until_ms > now_ms && *what)
		toll_budget_duration((double)(until_ms - now_ms) / 1e3, left, sizeof(left));
	snprintf(buf, size, "%s%s%s%s%s", state, *what ? ": " : "", what, *left ? ", " : "", left);
}

static void print_forecast(struct json_object *row, char *buf, size_t size)
{
	char time[48];

	*buf = '\0';
	if (!json_object_object_get_ex(row, "forecast_s", NULL))
		return;
	if (toll_budget_number(row, "forecast_s") <= 0) {
		snprintf(buf, size, "reached");
		return;
	}
	toll_budget_duration(toll_budget_number(row, "forecast_s"), time, sizeof(time));
	snprintf(buf, size, "in %s", time);
}

static void print_percent(struct json_object *row, char *buf, size_t size)
{
	*buf = '\0';
	if (json_object_object_get_ex(row, "utilization_pct", NULL))
		snprintf(buf, size, "%.0f%%", toll_budget_number(row, "utilization_pct"));
}

/* An average has no more digits than matter. */
static void print_average(struct json_object *row, char buf[TOLL_MONEY_TEXT])
{
	double usd = toll_budget_number(row, "ema_usd");

	buf[0] = '\0';
	if (json_object_object_get_ex(row, "ema_usd", NULL) && usd >= 0 && usd < 1e9)
		toll_money_print_usd((toll_i128)(usd * 1e6) * (TOLL_PICO_PER_USD / 1000000), buf);
}

static const char *colour_of(const char *state)
{
	static const char *const colours[][2] = { { "throttled", "red" },
		                                  { "over", "yellow" },
		                                  { "capped", "yellow" },
		                                  { "shadow", "cyan" },
		                                  { "override", "magenta" } };

	for (size_t i = 0; i < TOLL_COUNT(colours); i++)
		if (strcmp(colours[i][0], state) == 0)
			return colours[i][1];
	return NULL;
}

static int add_line(struct libscols_table *table, struct json_object *row)
{
	struct libscols_line *line = scols_table_new_line(table, NULL);
	char spent[TOLL_MONEY_TEXT], limit[TOLL_MONEY_TEXT], ema[TOLL_MONEY_TEXT];
	char percent[32], state[128], forecast[64];
	const char *cells[COLUMNS] = { [SUBJECT] = toll_budget_text(row, "subject"),
		                       [SPENT] = spent,
		                       [LIMIT] = limit,
		                       [PERCENT] = percent,
		                       [WINDOW] = toll_budget_text(row, "window"),
		                       [EMA] = ema,
		                       [STATE] = state,
		                       [FORECAST] = forecast,
		                       [BUDGET] = toll_budget_text(row, "budget") };
	const char *colour = colour_of(toll_budget_text(row, "state"));
	int err = line ? 0 : -1;

	toll_budget_usd(row, "spent_usd", spent);
	toll_budget_usd(row, "limit_usd", limit);
	print_average(row, ema);
	print_percent(row, percent, sizeof(percent));
	print_state(row, state, sizeof(state));
	print_forecast(row, forecast, sizeof(forecast));
	for (size_t i = 0; i < COLUMNS && !err; i++)
		err = scols_line_set_data(line, i, cells[i]);
	if (!err && colour)
		err = scols_cell_set_color(scols_line_get_cell(line, STATE), colour);
	return err;
}

/* ---- the whole ---- */

static int print_table(struct json_object *rows)
{
	static const struct toll_table_column columns[COLUMNS] = {
		[SUBJECT] = { "SUBJECT", 0.25, SCOLS_FL_TRUNC },
		[SPENT] = { "SPENT", 0, SCOLS_FL_RIGHT },
		[LIMIT] = { "LIMIT", 0, SCOLS_FL_RIGHT },
		[PERCENT] = { "%", 0, SCOLS_FL_RIGHT },
		[WINDOW] = { "WINDOW", 0, 0 },
		[EMA] = { "EMA", 0, SCOLS_FL_RIGHT },
		[STATE] = { "STATE", 0, 0 },
		[FORECAST] = { "FORECAST", 0, 0 },
		[BUDGET] = { "BUDGET", 0.1, SCOLS_FL_TRUNC },
	};
	/* Names and states are what people came for. */
	static const struct toll_table_fit narrow[] = {
		{ 120, BUDGET }, { 104, EMA }, { 88, WINDOW }, { 70, FORECAST }
	};
	struct libscols_table *table = toll_table_new(columns, COLUMNS);
	size_t count = json_object_array_length(rows);
	int err = table ? 0 : -1;

	for (size_t i = 0; i < count && !err; i++)
		err = add_line(table, json_object_array_get_idx(rows, i));
	if (!err)
		toll_table_fit(table, narrow, TOLL_COUNT(narrow));
	err = err ? err : scols_print_table(table);
	scols_unref_table(table);
	return err < 0 ? toll_budget_no_memory(VERB) : TOLL_EXIT_OK;
}

static int print(const struct options *o, struct json_object *answer)
{
	struct json_object *rows;
	size_t shown, count;
	int rc;

	if (!json_object_object_get_ex(answer, "rows", &rows) ||
	    !json_object_is_type(rows, json_type_array)) {
		fputs("spantoll " VERB ": that is not the answer of spantoll's /v1/spend\n",
		      stderr);
		return TOLL_EXIT_FAILED;
	}
	count = choose(o, rows);
	if (o->daemon.json) {
		toll_budget_print_json(answer);
		return TOLL_EXIT_OK;
	}
	if (!count) {
		puts(o->match ? "Nobody of that name has spent anything."
		              : "Nobody has spent anything yet.");
		return TOLL_EXIT_OK;
	}
	rc = print_table(rows);
	shown = json_object_array_length(rows);
	if (rc == TOLL_EXIT_OK && shown < count)
		printf("and %zu more: --top 0 shows all\n", count - shown);
	return rc;
}

static int warn_of_kill(const struct options *o)
{
	const struct toll_budget_question q = { VERB, "GET", "/v1/kill", NULL };
	struct json_object *answer;
	int rc = toll_budget_ask(&o->daemon, &q, &answer);

	if (rc != TOLL_EXIT_OK)
		return rc;
	if (toll_budget_flag(answer, "on"))
		printf("The kill switch is on, nobody is throttled: %s\n\n",
		       toll_budget_text(answer, "by"));
	json_object_put(answer);
	return rc;
}

static int list(const struct options *o)
{
	const struct toll_budget_question q = { VERB, "GET", "/v1/spend", NULL };
	struct json_object *answer;
	int rc = o->daemon.json ? TOLL_EXIT_OK : warn_of_kill(o);

	if (rc == TOLL_EXIT_OK)
		rc = toll_budget_ask(&o->daemon, &q, &answer);
	if (rc != TOLL_EXIT_OK)
		return rc;
	rc = print(o, answer);
	json_object_put(answer);
	return rc;
}

int toll_budget_verb_list(int argc, char **argv)
{
	struct options o = { .daemon = TOLL_BUDGET_FLAGS_INIT, .top = 40 };
	const struct toll_option options[] = {
		TOLL_BUDGET_OPTIONS(&o.daemon),
		{ "top", "N", "rows; 0: all", .number = &o.top },
		{ "rules", NULL, "the budgets themselves, and where each comes from",
		  .flag = &o.rules },
		TOLL_OPTION_END,
	};
	const struct toll_usage usage = {
		VERB, "[PATTERN]",
		"Lists who has spent how much of which budget, fullest first: spend of the whole\n"
		"fleet in the budget's window, the average that decides, and when the limit is\n"
		"reached at this rate. PATTERN picks subjects; * and ? for any.\n",
		"States: ok, over (the limit, but not yet throttled), throttled, capped\n"
		"(max_throttled_fraction holds the flag back), shadow (would be throttled),\n"
		"override, off, none (no budget).\n"
		"\n"
		"Examples:\n"
		"  spantoll budget list\n"
		"  spantoll budget list 'tenant:*' --top 5\n"
		"  spantoll budget list --rules\n",
		options
	};
	int rest, rc = toll_options_parse_mixed(&usage, argc, argv, &rest);

	if (rc >= 0)
		return rc;
	if (argc - rest > 1) {
		fprintf(stderr, "spantoll " VERB ": one PATTERN, in quotes; not also \"%s\"\n",
		        argv[rest + 1]);
		return TOLL_EXIT_USAGE;
	}
	o.match = rest < argc ? argv[rest] : NULL;
	return o.rules ? toll_budget_list_rules(&o.daemon) : list(&o);
}

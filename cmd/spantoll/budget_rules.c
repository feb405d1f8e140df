/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/spantoll/budget_rules.h"

#include <json-c/json.h>
#include <libsmartcols/libsmartcols.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/macro.h"
#include "cmd/spantoll/budget_json.h"
#include "cmd/spantoll/budget_verb.h"
#include "cmd/spantoll/table.h"

#define VERB "budget list"

enum { NAME = 0, MATCH, LIMIT, WINDOW, MODE, SOURCE, COLUMNS };

/* "service=payment-* tenant=acme" */
static char *match_text(struct json_object *budget)
{
	struct json_object *match;
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);
	bool first = true;

	if (!out)
		return NULL;
	if (json_object_object_get_ex(budget, "match", &match) &&
	    json_object_is_type(match, json_type_object)) {
		json_object_object_foreach(match, name, glob)
		{
			fprintf(out, "%s%s=%s", first ? "" : " ", name,
			        json_object_get_string(glob));
			first = false;
		}
	}
	return fclose(out) ? NULL : text;
}

static char *text_cell(const char *text)
{
	return toll_table_cell(toll_slice_str(text), "");
}

/* "24h", "month Europe/Berlin" */
static char *window_text(struct json_object *budget)
{
	const char *period = toll_budget_text(budget, "period");
	const char *zone = toll_budget_text(budget, "timezone");
	char *text;

	if (!*period)
		return text_cell(toll_budget_text(budget, "window"));
	return asprintf(&text, "%s%s%s", period, *zone ? " " : "", zone) < 0 ? NULL : text;
}

static int add_line(struct libscols_table *table, struct json_object *row)
{
	struct json_object *budget = NULL;
	char limit[TOLL_MONEY_TEXT], *cells[COLUMNS];

	json_object_object_get_ex(row, "budget", &budget);
	toll_budget_usd(budget, "limit", limit);
	cells[NAME] = text_cell(toll_budget_text(row, "name"));
	cells[MATCH] = match_text(budget);
	cells[LIMIT] = text_cell(limit);
	cells[WINDOW] = window_text(budget);
	cells[MODE] = text_cell(toll_budget_text(budget, "mode"));
	cells[SOURCE] = text_cell(toll_budget_text(row, "source"));
	return toll_table_take_line(table, cells, COLUMNS);
}

static int print_table(struct json_object *rows)
{
	static const struct toll_table_column columns[COLUMNS] = {
		[NAME] = { "BUDGET", 0.2, SCOLS_FL_TRUNC },
		[MATCH] = { "MATCH", 0.3, SCOLS_FL_WRAP },
		[LIMIT] = { "LIMIT", 0, SCOLS_FL_RIGHT },
		[WINDOW] = { "WINDOW", 0, 0 },
		[MODE] = { "MODE", 0, 0 },
		[SOURCE] = { "FROM", 0, 0 },
	};
	struct libscols_table *table = toll_table_new(columns, COLUMNS);
	size_t count = json_object_array_length(rows);
	int err = table ? 0 : -1;

	for (size_t i = 0; i < count && !err; i++)
		err = add_line(table, json_object_array_get_idx(rows, i));
	err = err ? err : scols_print_table(table);
	scols_unref_table(table);
	return err < 0 ? toll_budget_no_memory(VERB) : TOLL_EXIT_OK;
}

int toll_budget_list_rules(const struct toll_budget_flags *f)
{
	const struct toll_budget_question q = { VERB, "GET", "/v1/budgets", NULL };
	struct json_object *answer, *rows;
	int rc = toll_budget_ask(f, &q, &answer);

	if (rc != TOLL_EXIT_OK)
		return rc;
	if (f->json)
		toll_budget_print_json(answer);
	else if (json_object_object_get_ex(answer, "budgets", &rows) &&
	         json_object_is_type(rows, json_type_array))
		rc = print_table(rows);
	json_object_put(answer);
	return rc;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/spantoll/explain_text.h"

#include <json-c/json.h>
#include <libsmartcols/libsmartcols.h>
#include <stdlib.h>
#include <string.h>

#include "base/macro.h"

enum { CELL = 160 };

static struct json_object *member(struct json_object *o, const char *name)
{
	struct json_object *value;

	return json_object_object_get_ex(o, name, &value) ? value : NULL;
}

/* "" where it is absent. */
static const char *text(struct json_object *o, const char *name)
{
	struct json_object *value = member(o, name);

	return value ? json_object_get_string(value) : "";
}

/* ---- the rule ---- */

static void print_condition(struct json_object *c, FILE *out)
{
	static const struct {
		const char *op, *sign;
	} signs[] = { { "exact", " = " },
		      { "one_of", " one of " },
		      { "prefix", " begins with " },
		      { "suffix", " ends with " },
		      { "glob", " like " },
		      { "exists", " is there" },
		      { "absent", " is absent" } };
	struct json_object *texts = member(c, "texts");
	size_t count = texts ? json_object_array_length(texts) : 0;

	fputs(text(c, "field"), out);
	for (size_t i = 0; i < TOLL_COUNT(signs); i++)
		if (strcmp(signs[i].op, text(c, "op")) == 0)
			fputs(signs[i].sign, out);
	for (size_t i = 0; i < count && i < 4; i++)
		fprintf(out, "%s%s", i ? ", " : "",
		        json_object_get_string(json_object_array_get_idx(texts, i)));
	if (count > 4)
		fprintf(out, ", and %zu more", count - 4);
}

static void print_validity(struct json_object *rule, FILE *out)
{
	const char *from = text(rule, "valid_from"), *to = text(rule, "valid_to");

	if (*from)
		fprintf(out, ", valid from %.10s", from);
	if (*to)
		fprintf(out, ", valid until %.10s", to);
}

static void print_rule(struct json_object *span, struct json_object *rule, FILE *out)
{
	struct json_object *match = member(rule, "match");
	size_t count = match ? json_object_array_length(match) : 0;

	fprintf(out, "  rule   %s  (class %s: %s", text(rule, "id"), text(rule, "class"),
	        text(rule, "class_means"));
	print_validity(rule, out);
	fputs(")\n", out);
	for (size_t i = 0; i < count; i++) {
		fputs(i ? "         " : "  match  ", out);
		print_condition(json_object_array_get_idx(match, i), out);
		fputc('\n', out);
	}
	if (*text(rule, "source"))
		fprintf(out, "  source %s%s%s\n", text(rule, "source"),
		        *text(rule, "checked_at") ? ", checked " : "", text(rule, "checked_at"));
	fprintf(out, "  book   version %s, layer %s\n", text(span, "price_version"),
	        text(rule, "layer"));
}

/* ---- the bill ---- */

static void print_rate(struct json_object *line, char buf[CELL])
{
	const char *unit = text(line, "unit"), *per = text(line, "per");

	if (*text(line, "rate"))
		snprintf(buf, CELL, "%s", text(line, "rate"));
	else if (strcmp(per, "1") == 0)
		snprintf(buf, CELL, "$%s per %s", text(line, "usd"), unit);
	else
		snprintf(buf, CELL, "$%s per %s %s", text(line, "usd"), per, unit);
}

static void print_name(struct json_object *line, char buf[CELL])
{
	const char *attribute = text(line, "attribute"), *as = text(line, "as");

	snprintf(buf, CELL, "  %s%s%s%s", *attribute ? attribute : text(line, "meter"),
	         *as ? " (at the rate of " : "", as, *as ? ")" : "");
}

static int add_line(struct libscols_table *table, struct json_object *o)
{
	struct libscols_line *line = scols_table_new_line(table, NULL);
	char name[CELL], rate[CELL], amount[CELL];

	if (!line)
		return -1;
	print_name(o, name);
	print_rate(o, rate);
	snprintf(amount, sizeof(amount), "$%s", text(o, "amount"));
	return scols_line_set_data(line, 0, name) ||
	       scols_line_set_data(line, 1, text(o, "quantity")) ||
	       scols_line_set_data(line, 2, text(o, "billed")) ||
	       scols_line_set_data(line, 3, rate) || scols_line_set_data(line, 4, amount);
}

static void print_lines(struct json_object *lines, FILE *out)
{
	struct libscols_table *table;
	size_t count = json_object_array_length(lines);
	int err = -1;

	if (!count)
		return;
	scols_init_debug(0);
	table = scols_new_table();
	if (table && scols_table_new_column(table, "  METER", 0, 0) &&
	    scols_table_new_column(table, "QUANTITY", 0, SCOLS_FL_RIGHT) &&
	    scols_table_new_column(table, "BILLED", 0, SCOLS_FL_RIGHT) &&
	    scols_table_new_column(table, "RATE", 0, 0) &&
	    scols_table_new_column(table, "AMOUNT", 0, SCOLS_FL_RIGHT)) {
		scols_table_set_stream(table, out);
		err = 0;
	}
	for (size_t i = 0; i < count && !err; i++) {
		struct json_object *line = json_object_array_get_idx(lines, i);

		if (strcmp(text(line, "billed"), "0") != 0)
			err = add_line(table, line);
	}
	if (!err && scols_print_table(table) == 0)
		fputc('\n', out);
	scols_unref_table(table);
}

/* ---- a span ---- */

static void print_result(struct json_object *span, FILE *out)
{
	const char *state = text(span, "state"), *amount = text(span, "amount");

	if (strcmp(state, "unpriced") == 0) {
		fprintf(out, "  no price: %s\n", text(span, "error"));
		return;
	}
	if (strcmp(text(span, "source"), "client") == 0)
		fputs("  the client's own amount (trust_client)\n", out);
	if (*text(span, "exact"))
		fprintf(out, "  exactly $%s, rounded once, half to even\n", text(span, "exact"));
	fprintf(out, "  %s  $%s", strcmp(state, "free") == 0 ? "free" : "cost", amount);
	if (strtod(text(span, "adjusted_count"), NULL) > 1)
		fprintf(out, "; stands for %s spans, so totals get $%s",
		        text(span, "adjusted_count"), text(span, "amount_in_totals"));
	fputc('\n', out);
}

static void print_span(struct json_object *span, FILE *out)
{
	struct json_object *rule = member(span, "rule"), *lines = member(span, "lines");

	fprintf(out, "%s  %s\n", text(span, "service"), text(span, "operation"));
	fprintf(out, "  span   %s of trace %s\n", text(span, "span_id"), text(span, "trace_id"));
	if (rule)
		print_rule(span, rule, out);
	if (lines)
		print_lines(lines, out);
	print_result(span, out);
}

int toll_explain_print(struct toll_slice json, FILE *out)
{
	struct json_tokener *tokener = json_tokener_new();
	struct json_object *o =
		tokener ? json_tokener_parse_ex(tokener, json.ptr, (int)json.len) : NULL;
	struct json_object *spans = o ? member(o, "spans") : NULL;
	int count = -1;

	if (spans && json_object_is_type(spans, json_type_array))
		count = (int)json_object_array_length(spans);
	for (int i = 0; i < count; i++) {
		if (i)
			fputc('\n', out);
		print_span(json_object_array_get_idx(spans, (size_t)i), out);
	}
	json_object_put(o);
	json_tokener_free(tokener);
	return count;
}

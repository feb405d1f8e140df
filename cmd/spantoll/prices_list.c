/* SPDX-License-Identifier: Apache-2.0 */
/* prices_list.c - `spantoll prices list`: the rows of a price book. */
#include <libsmartcols/libsmartcols.h>
#include <stdlib.h>
#include <string.h>

#include "base/macro.h"
#include "cmd/spantoll/prices_text.h"
#include "cmd/spantoll/prices_verb.h"
#include "cmd/spantoll/table.h"

struct list {
	const struct toll_prices_book *b;
	const char *match;            /* NULL: all rows */
	struct libscols_table *table; /* or JSON */
	bool any, failed;
};

static bool is_pattern(const char *text)
{
	return strpbrk(text, "*?");
}

static bool contains(const char *text, const char *part)
{
	return text && strcasestr(text, part);
}

/* A pattern is one of ids; any other text may be in the id or in what is matched. */
static bool is_wanted(const struct list *l, const struct toll_price_rule *rule)
{
	const struct toll_slice wanted = toll_slice_str(l->match ? l->match : "");
	const struct toll_condition glob = { .op = TOLL_MATCH_GLOB,
		                             .texts = &wanted,
		                             .text_count = 1 };
	char *match;
	bool found;

	if (!l->match)
		return true;
	if (is_pattern(l->match))
		return toll_condition_holds(&glob, true, rule->id);
	if (memmem(rule->id.ptr, rule->id.len, wanted.ptr, wanted.len))
		return true;
	match = toll_prices_text(toll_prices_print_match, rule);
	found = contains(match, l->match);
	free(match);
	return found;
}

static void add_row(struct list *l, const struct toll_price *price, bool is_unit)
{
	const struct toll_price_rule *rule = price->rule;
	char *cells[] = {
		toll_table_cell(rule->id, is_unit ? "unit " : ""),
		toll_prices_text(toll_prices_print_match, rule),
		toll_prices_text(toll_prices_print_price, rule),
		toll_prices_text(toll_prices_print_valid, rule),
		toll_table_cell(rule->discount, ""),
		toll_table_cell(rule->source, ""),
		toll_table_cell(rule->checked_at, ""),
	};

	if (toll_table_take_line(l->table, cells, TOLL_COUNT(cells)) < 0)
		l->failed = true;
}

static void show(struct list *l, const struct toll_price *price, bool is_unit)
{
	if (!is_wanted(l, price->rule))
		return;
	if (l->table) {
		add_row(l, price, is_unit);
	} else {
		fputs(l->any ? ",\n" : "\n", stdout);
		toll_prices_json_row(price, l->b->names[price->rule->layer], stdout);
	}
	l->any = true;
}

static void show_rules(struct list *l)
{
	for (uint32_t i = 0; i < toll_pricebook_rule_count(l->b->book); i++)
		show(l, toll_pricebook_rule(l->b->book, i), false);
}

static void show_units(struct list *l)
{
	for (uint32_t i = 0; i < toll_pricebook_unit_count(l->b->book); i++)
		show(l, toll_pricebook_unit_row(l->b->book, i), true);
}

static int print_json(struct list *l)
{
	fputs("{\"rules\":[", stdout);
	show_rules(l);
	l->any = false;
	fputs("],\n\"units\":[", stdout);
	show_units(l);
	fputs("]}\n", stdout);
	return TOLL_EXIT_OK;
}

static int print_table(struct list *l)
{
	static const struct toll_table_column columns[] = {
		{ "ID", 0, 0 },
		{ "MATCH", 0.25, SCOLS_FL_WRAP },
		{ "USD", 0.25, SCOLS_FL_WRAP },
		{ "VALID", 0, 0 },
		{ "DISCOUNT", 0, 0 },
		{ "SOURCE", 0.1, SCOLS_FL_TRUNC },
		{ "CHECKED", 0, 0 },
	};

	l->table = toll_table_new(columns, TOLL_COUNT(columns));
	if (l->table) {
		show_rules(l);
		show_units(l);
	}
	if (!l->table || l->failed || (l->any && scols_print_table(l->table) < 0)) {
		fputs("spantoll prices list: out of memory\n", stderr);
		scols_unref_table(l->table);
		return TOLL_EXIT_FAILED;
	}
	if (!l->any)
		fputs("spantoll prices list: no row is like that\n", stderr);
	scols_unref_table(l->table);
	return l->any ? TOLL_EXIT_OK : TOLL_EXIT_FAILED;
}

int toll_prices_verb_list(int argc, char **argv)
{
	struct toll_prices_flags flags = { 0 };
	struct list l = { 0 };
	bool json = false;
	const struct toll_option options[] = {
		TOLL_PRICES_OPTIONS(&flags),
		{ "match", "TEXT",
		  "only rows with TEXT in id or match; with * or ? a pattern of ids",
		  .text = &l.match },
		{ "json", NULL, "rows as JSON, as a document would say them", .flag = &json },
		TOLL_OPTION_END,
	};
	const struct toll_usage usage = {
		"prices list", "[FILE...]",
		"Lists the rules of a price book in the order they are tried, then its units. FILE "
		"is a\n"
		"price document, \"catalogue\" or \"catalogue:SECTION\"; none: the catalogue.\n",
		"Examples:\n"
		"  spantoll prices list --match gpt-4o\n"
		"  spantoll prices list --match 'aws/*' catalogue prices.yaml\n"
		"Exit status: 0, 1 no row is like that, 3 the documents are wrong.\n",
		options
	};
	struct toll_prices_book b;
	int rest, rc = toll_options_parse(&usage, argc, argv, &rest);

	if (rc >= 0)
		return rc;
	rc = toll_prices_book_load(&b, &flags, argv + rest, argc - rest);
	l.b = &b;
	if (rc == TOLL_EXIT_OK)
		rc = json ? print_json(&l) : print_table(&l);
	toll_prices_book_release(&b);
	return rc;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* prices_diff.c - `spantoll prices diff`: what is new, gone or dearer between two documents. */
#include <stdlib.h>
#include <string.h>

#include "base/macro.h"
#include "cmd/spantoll/json_text.h"
#include "cmd/spantoll/prices_changes.h"
#include "cmd/spantoll/prices_text.h"
#include "cmd/spantoll/prices_verb.h"

/* Rows of one book, by id and time; rules and units are told apart. */
struct rows {
	const struct toll_price **at;
	uint32_t count;
	bool units;
};

struct diff {
	bool json;
	uint32_t added, removed, changed;
};

/* ---- the rows of a book, in an order ---- */

static int order_of_texts(struct toll_slice a, struct toll_slice b)
{
	int diff = memcmp(a.ptr, b.ptr, a.len < b.len ? a.len : b.len);

	return diff ? diff : (a.len > b.len) - (a.len < b.len);
}

static int order_of(const struct toll_price *a, const struct toll_price *b)
{
	int diff = order_of_texts(a->rule->id, b->rule->id);
	int64_t left = a->rule->valid_from_s, right = b->rule->valid_from_s;

	return diff ? diff : (left > right) - (left < right);
}

static int by_id_and_date(const void *a, const void *b)
{
	const struct toll_price *const *left = a, *const *right = b;

	return order_of(*left, *right);
}

static bool sort_rows(const struct toll_pricebook *book, bool units, struct rows *ret)
{
	uint32_t count = units ? toll_pricebook_unit_count(book) : toll_pricebook_rule_count(book);

	*ret = (struct rows){ .count = count, .units = units };
	/* NOLINTNEXTLINE(bugprone-sizeof-expression) */
	ret->at = calloc((size_t)count + 1, sizeof(*ret->at));
	if (!ret->at)
		return false;
	for (uint32_t i = 0; i < count; i++)
		ret->at[i] =
			units ? toll_pricebook_unit_row(book, i) : toll_pricebook_rule(book, i);
	if (count)
		qsort(ret->at, count, sizeof(*ret->at), /* NOLINT(bugprone-sizeof-expression) */
		      by_id_and_date);
	return true;
}

/* ---- what differs ---- */

static void print_meter_line(const char *sign, const struct toll_meter *m)
{
	printf("    %s ", sign);
	toll_prices_print_meter(m, stdout);
	putchar('\n');
}

static void print_change(const struct toll_meter *old, const struct toll_meter *new)
{
	double factor = toll_prices_factor(&old->rate, &new->rate);

	fputs("    ~ ", stdout);
	toll_prices_print_meter(old, stdout);
	fputs(" -> ", stdout);
	toll_prices_print_meter(new, stdout);
	if (factor > 0 && !toll_rate_equal(&old->rate, &new->rate))
		printf(" (x %.4g)", factor);
	putchar('\n');
}

static void put_json_change(const struct toll_meter *old, const struct toll_meter *new,
                            bool is_unit)
{
	double factor = old && new ? toll_prices_factor(&old->rate, &new->rate) : 0;

	fputs("{\"old\":", stdout);
	if (old)
		toll_prices_json_meter(old, is_unit, stdout);
	else
		fputs("null", stdout);
	fputs(",\"new\":", stdout);
	if (new)
		toll_prices_json_meter(new, is_unit, stdout);
	else
		fputs("null", stdout);
	if (factor > 0)
		printf(",\"factor\":%.6g", factor);
	putchar('}');
}

/* Whether a text that is made of the rows differs; the texts are the caller's to free. */
static bool differs(void (*print)(const struct toll_price_rule *, FILE *),
                    const struct toll_price_rule *old, const struct toll_price_rule *new,
                    char *ret[2])
{
	ret[0] = toll_prices_text(print, old);
	ret[1] = toll_prices_text(print, new);
	return !ret[0] || !ret[1] || strcmp(ret[0], ret[1]) != 0;
}

static void print_other(const struct toll_price_rule *rule, FILE *out)
{
	if (rule->free)
		fputs("free", out);
	if (rule->priority)
		fprintf(out, "%spriority %d", rule->free ? ", " : "", rule->priority);
}

static void print_all_texts(const struct toll_price_rule *rule, FILE *out)
{
	for (uint32_t i = 0; i < rule->condition_count; i++) {
		fprintf(out, "%s%d ", i ? " " : "", rule->conditions[i].op);
		fwrite(rule->conditions[i].field.ptr, 1, rule->conditions[i].field.len, out);
		for (uint32_t t = 0; t < rule->conditions[i].text_count; t++) {
			fputc('|', out);
			fwrite(rule->conditions[i].texts[t].ptr, 1,
			       rule->conditions[i].texts[t].len, out);
		}
	}
}

static const struct aspect {
	const char *name;
	void (*compare)(const struct toll_price_rule *, FILE *);
	void (*show)(const struct toll_price_rule *, FILE *);
} aspects[] = {
	{ "match", print_all_texts, toll_prices_print_match },
	{ "valid", toll_prices_print_valid, toll_prices_print_valid },
	{ "other", print_other, print_other },
};

static bool aspect_differs(const struct aspect *a, const struct toll_price_rule *old,
                           const struct toll_price_rule *new)
{
	char *texts[2];
	bool different = differs(a->compare, old, new, texts);

	free(texts[0]);
	free(texts[1]);
	return different;
}

static void show_aspect(const struct diff *d, const struct aspect *a,
                        const struct toll_price_rule *old, const struct toll_price_rule *new)
{
	char *texts[2];

	differs(a->show, old, new, texts);
	if (d->json) {
		printf(",\"%s\":{\"old\":", a->name);
		toll_json_print(stdout, texts[0] ? texts[0] : "");
		fputs(",\"new\":", stdout);
		toll_json_print(stdout, texts[1] ? texts[1] : "");
		putchar('}');
	} else {
		printf("    ~ %s: %s -> %s\n", a->name, texts[0] && *texts[0] ? texts[0] : "-",
		       texts[1] && *texts[1] ? texts[1] : "-");
	}
	free(texts[0]);
	free(texts[1]);
}

/* ---- rows ---- */

static void begin_row(struct diff *d, const char *what, const struct toll_price *p, bool units)
{
	bool first = d->added + d->removed + d->changed == 0;
	char id[512];

	snprintf(id, sizeof(id), "%.*s", TOLL_FMT(p->rule->id));
	if (d->json) {
		printf("%s\n{\"change\":\"%s\",\"%s\":", first ? "" : ",", what,
		       units ? "unit" : "rule");
		toll_json_print(stdout, id);
	} else {
		char *valid = toll_prices_text(toll_prices_print_valid, p->rule);

		printf("%-8s %s%s%s%s\n", what, units ? "unit " : "", id,
		       valid && *valid ? "  " : "", valid ? valid : "");
		free(valid);
	}
}

static void show_whole(struct diff *d, const char *what, uint32_t *count,
                       const struct toll_price *p, bool units)
{
	begin_row(d, what, p, units);
	++*count;
	if (d->json) {
		fputs(",\"row\":", stdout);
		toll_prices_json_row(p, "", stdout);
		putchar('}');
		return;
	}
	for (uint32_t i = 0; i < p->rule->meter_count; i++)
		print_meter_line(*what == 'a' ? "+" : "-", &p->rule->meters[i]);
	if (p->rule->free)
		printf("    %s free\n", *what == 'a' ? "+" : "-");
}

static void show_meters(struct diff *d, const struct toll_prices_change *changes, size_t count,
                        bool units)
{
	if (d->json)
		fputs(",\"meters\":[", stdout);
	for (size_t i = 0; i < count; i++) {
		if (d->json) {
			fputs(i ? "," : "", stdout);
			put_json_change(changes[i].old, changes[i].new, units);
		} else if (changes[i].old && changes[i].new) {
			print_change(changes[i].old, changes[i].new);
		} else {
			print_meter_line(changes[i].new ? "+" : "-",
			                 changes[i].new ? changes[i].new : changes[i].old);
		}
	}
	if (d->json)
		putchar(']');
}

static void show_changes(struct diff *d, const struct toll_price *old, const struct toll_price *new,
                         bool units)
{
	struct toll_prices_change changes[2 * TOLL_PRICE_METERS];
	size_t count = toll_prices_changes(old->rule, new->rule, changes);
	bool different[TOLL_COUNT(aspects)], any = count > 0;

	for (size_t i = 0; i < TOLL_COUNT(aspects); i++) {
		different[i] = aspect_differs(&aspects[i], old->rule, new->rule);
		any = any || different[i];
	}
	if (!any)
		return;
	begin_row(d, "changed", new, units);
	d->changed++;
	show_meters(d, changes, count, units);
	for (size_t i = 0; i < TOLL_COUNT(aspects); i++)
		if (different[i])
			show_aspect(d, &aspects[i], old->rule, new->rule);
	if (d->json)
		putchar('}');
}

static void compare(struct diff *d, const struct rows *old, const struct rows *new)
{
	uint32_t i = 0, j = 0;

	while (i < old->count || j < new->count) {
		int order = i == old->count   ? 1
		            : j == new->count ? -1
		                              : order_of(old->at[i], new->at[j]);

		if (order < 0)
			show_whole(d, "removed", &d->removed, old->at[i++], old->units);
		else if (order > 0)
			show_whole(d, "added", &d->added, new->at[j++], new->units);
		else
			show_changes(d, old->at[i++], new->at[j++], new->units);
	}
}

static bool compare_books(struct diff *d, const struct toll_pricebook *old,
                          const struct toll_pricebook *new)
{
	bool ok = true;

	for (int units = 0; units < 2 && ok; units++) {
		struct rows before = { 0 }, after = { 0 };

		ok = sort_rows(old, units, &before) && sort_rows(new, units, &after);
		if (ok)
			compare(d, &before, &after);
		free(before.at);
		free(after.at);
	}
	return ok;
}

static int show_diff(struct diff *d, const struct toll_prices_book *old,
                     const struct toll_prices_book *new)
{
	bool ok;

	if (d->json)
		fputs("{\"changes\":[", stdout);
	ok = compare_books(d, old->book, new->book);
	if (d->json)
		printf("],\n\"added\":%u,\"removed\":%u,\"changed\":%u}\n", d->added, d->removed,
		       d->changed);
	else if (d->added + d->removed + d->changed)
		printf("%u added, %u removed, %u changed\n", d->added, d->removed, d->changed);
	if (!ok)
		fputs("spantoll prices diff: out of memory\n", stderr);
	return !ok || d->added + d->removed + d->changed ? TOLL_EXIT_FAILED : TOLL_EXIT_OK;
}

int toll_prices_verb_diff(int argc, char **argv)
{
	const struct toll_prices_flags flags = { 0 };
	struct diff d = { .json = false };
	const struct toll_option options[] = {
		{ "json", NULL, "for programs", .flag = &d.json },
		TOLL_OPTION_END,
	};
	const struct toll_usage usage = {
		"prices diff", "OLD NEW",
		"Tells which rows of two price documents are new, gone or different, and by which "
		"factor\n"
		"rates moved. Rows are the same where id and valid_from are. Sources do not "
		"count.\n"
		"OLD and NEW may be \"catalogue\" or \"catalogue:SECTION\".\n",
		"Exit status: 0 they say the same, 1 they do not, 2 wrong usage, 3 one of them is "
		"wrong.\n",
		options
	};
	struct toll_prices_book old, new;
	int rest, rc = toll_options_parse(&usage, argc, argv, &rest);

	if (rc >= 0)
		return rc;
	if (argc - rest != 2) {
		fputs("spantoll prices diff: name two documents: OLD NEW\n", stderr);
		return TOLL_EXIT_USAGE;
	}
	rc = toll_prices_book_load(&old, &flags, argv + rest, 1);
	if (rc == TOLL_EXIT_OK) {
		rc = toll_prices_book_load(&new, &flags, argv + rest + 1, 1);
		if (rc == TOLL_EXIT_OK)
			rc = show_diff(&d, &old, &new);
		toll_prices_book_release(&new);
	}
	toll_prices_book_release(&old);
	return rc;
}

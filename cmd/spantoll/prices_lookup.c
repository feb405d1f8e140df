/* SPDX-License-Identifier: Apache-2.0 */
/* prices_lookup.c - `spantoll prices lookup`: which rule prices a span, and why not another one. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cmd/spantoll/json_text.h"
#include "cmd/spantoll/prices_others.h"
#include "cmd/spantoll/prices_text.h"
#include "cmd/spantoll/prices_verb.h"
#include "cost/provider.h"
#include "prices/date.h"

/* The fields with a flag of their own; the others are attributes. */
enum { SERVICE, OPERATION, REGION, PROVIDER, MODEL, KIND, NAME, FIELDS };
static const char *const fields[] = { "service", "operation", "region", "provider",
	                              "model",   "kind",      "name" };

/* What spans call provider and model, best first of each. */
static const struct {
	const char *key, *slot;
} usages[] = {
#define TOLL_USAGE(id, key, slot, convention) { key, #slot },
#include "proto/usage.def"
};

struct lookup {
	const char *values[FIELDS];
	struct toll_option_list attributes;
	const char *at;
	bool json;

	int64_t at_s;
	struct toll_price_lookup l;
	char *lower[2]; /* provider and model are compared in lower case */
};

/* ---- the span ---- */

static char *lower_case(const char *text)
{
	char *copy = strdup(text);

	for (char *c = copy; c && *c; c++)
		*c = (char)tolower((unsigned char)*c);
	return copy;
}

/* By the id that spans have it under. */
static char *provider_id(const char *text)
{
	struct toll_slice id = toll_provider_id(toll_slice_str(text));

	return id.len ? strndup(id.ptr, id.len) : lower_case(text);
}

static void set_field(struct lookup *k, const struct toll_pricebook *book, struct toll_slice name,
                      const char *value)
{
	uint32_t field = toll_pricebook_field_index(book, name);

	if (field == TOLL_PRICEBOOK_FIELDS || !value)
		return;
	k->l.has |= UINT64_C(1) << field;
	k->l.values[field] = toll_slice_str(value);
}

/* The value of a field, also where it was given as an attribute. */
static int take_attributes(struct lookup *k)
{
	for (size_t i = 0; i < k->attributes.count; i++) {
		const char *text = k->attributes.at[i], *equals = strchr(text, '=');

		if (!equals || equals == text) {
			fprintf(stderr, "spantoll prices lookup: --attr %s: write KEY=VALUE\n",
			        text);
			return TOLL_EXIT_USAGE;
		}
		for (int f = 0; f < FIELDS; f++)
			if (toll_slice_is(toll_slice(text, (size_t)(equals - text)), fields[f]))
				k->values[f] = equals + 1;
	}
	return TOLL_EXIT_OK;
}

/* As the processor pricing finds it on a span: of several keys the earlier counts. */
static void take_usage(struct lookup *k, int field, const char *slot)
{
	for (size_t u = 0; u < TOLL_COUNT(usages) && !k->values[field]; u++)
		for (size_t i = 0; i < k->attributes.count; i++) {
			const char *text = k->attributes.at[i], *equals = strchr(text, '=');

			if (strcmp(usages[u].slot, slot) == 0 &&
			    toll_slice_is(toll_slice(text, (size_t)(equals - text)), usages[u].key))
				k->values[field] = equals + 1;
		}
}

static void describe_span(struct lookup *k, const struct toll_pricebook *book)
{
	for (size_t i = 0; i < k->attributes.count; i++) {
		const char *text = k->attributes.at[i], *equals = strchr(text, '=');

		set_field(k, book, toll_slice(text, (size_t)(equals - text)), equals + 1);
	}
	for (int f = 0; f < FIELDS; f++)
		set_field(k, book, toll_slice_str(fields[f]),
		          f == PROVIDER && k->lower[0] ? k->lower[0]
		          : f == MODEL && k->lower[1]  ? k->lower[1]
		                                       : k->values[f]);
}

/* ---- for people ---- */

static void print_line(const char *name, void (*print)(const struct toll_price_rule *, FILE *),
                       const struct toll_price_rule *rule)
{
	char *text = toll_prices_text(print, rule);

	if (text && *text)
		printf("  %-9s %s\n", name, text);
	free(text);
}

static void print_slice(const char *name, struct toll_slice text)
{
	if (text.len)
		printf("  %-9s %.*s\n", name, TOLL_FMT(text));
}

static void print_winner(const struct toll_prices_book *b, const struct toll_price *price)
{
	const struct toll_price_rule *rule = price->rule;

	printf("%.*s\n", TOLL_FMT(rule->id));
	print_line("match", toll_prices_print_match, rule);
	print_line("USD", toll_prices_print_price, rule);
	print_line("valid", toll_prices_print_valid, rule);
	print_slice("discount", rule->discount);
	printf("  %-9s %u: %s\n", "class", price->class, toll_prices_class_text(price->class));
	if (rule->priority)
		printf("  %-9s %d\n", "priority", rule->priority);
	printf("  %-9s %s\n", "document", b->names[rule->layer]);
	print_slice("source", rule->source);
	print_slice("checked", rule->checked_at);
}

/* ---- who else ---- */

static void print_others(const char *title, const struct toll_prices_other *others, size_t count)
{
	if (count)
		printf("\n%s\n", title);
	for (size_t i = 0; i < count; i++)
		printf("  %.*s: %s\n", TOLL_FMT(others[i].price->rule->id), others[i].why);
}

static void print_json_others(const char *name, const struct toll_prices_book *b,
                              const struct toll_prices_other *others, size_t count)
{
	printf(",\n\"%s\":[", name);
	for (size_t i = 0; i < count; i++) {
		fputs(i ? ",\n{\"why\":" : "\n{\"why\":", stdout);
		toll_json_print(stdout, others[i].why);
		fputs(",\"rule\":", stdout);
		toll_prices_json_row(others[i].price, b->names[others[i].price->rule->layer],
		                     stdout);
		putchar('}');
	}
	putchar(']');
}

static int show(const struct lookup *k, const struct toll_prices_book *b)
{
	const struct toll_price *winner = toll_pricebook_find(b->book, &k->l, k->at_s);
	struct toll_prices_other others[TOLL_PRICES_OTHERS] = { 0 };
	struct toll_prices_other nearest[TOLL_PRICES_NEAREST] = { 0 };
	size_t count = toll_prices_others(b->book, &k->l, k->at_s, winner, others);
	size_t near = winner ? 0 : toll_prices_nearest(b->book, &k->l, nearest);

	if (k->json) {
		fputs("{\"rule\":", stdout);
		if (winner)
			toll_prices_json_row(winner, b->names[winner->rule->layer], stdout);
		else
			fputs("null", stdout);
		print_json_others("others", b, others, count);
		print_json_others("nearest", b, nearest, near);
		puts("}");
	} else {
		if (winner)
			print_winner(b, winner);
		else
			puts("No rule prices such a span.");
		print_others(winner ? "It goes before these, which match too:"
		                    : "These match, at another time:",
		             others, count);
		print_others("These would, but for one thing:", nearest, near);
	}
	return winner ? TOLL_EXIT_OK : TOLL_EXIT_FAILED;
}

static int take_flags(struct lookup *k)
{
	k->at_s = (int64_t)time(NULL);
	if (k->at && !toll_date_read(toll_slice_str(k->at), &k->at_s)) {
		fprintf(stderr,
		        "spantoll prices lookup: --at %s: write 2026-11-20, or "
		        "2026-11-20T15:00:00Z\n",
		        k->at);
		return TOLL_EXIT_USAGE;
	}
	return take_attributes(k);
}

static int look_up(struct lookup *k, const struct toll_prices_book *b)
{
	int rc;

	take_usage(k, PROVIDER, "PROVIDER");
	take_usage(k, MODEL, "MODEL");
	if (k->values[PROVIDER])
		k->lower[0] = provider_id(k->values[PROVIDER]);
	if (k->values[MODEL])
		k->lower[1] = lower_case(k->values[MODEL]);
	describe_span(k, b->book);
	rc = show(k, b);
	free(k->lower[0]);
	free(k->lower[1]);
	return rc;
}

int toll_prices_verb_lookup(int argc, char **argv)
{
	struct toll_prices_flags flags = { 0 };
	struct lookup k = { .json = false };
	const struct toll_option options[] = {
		{ "service", "NAME", "service.name", .text = &k.values[SERVICE] },
		{ "operation", "TEXT", "route, folded path or method",
		  .text = &k.values[OPERATION] },
		{ "provider", "NAME", "openai, aws.bedrock, ...", .text = &k.values[PROVIDER] },
		{ "model", "NAME", "gpt-4o, ...", .text = &k.values[MODEL] },
		{ "region", "NAME", "us-east-1, ...", .text = &k.values[REGION] },
		{ "kind", "KIND", "server, client, producer, consumer, internal",
		  .text = &k.values[KIND] },
		{ "name", "TEXT", "the span's name", .text = &k.values[NAME] },
		{ "attr", "KEY=VALUE", "any attribute; may be repeated", .list = &k.attributes },
		{ "at", "DATE", "when the span ended; default: now", .text = &k.at },
		{ "json", NULL, "for programs", .flag = &k.json },
		TOLL_PRICES_OPTIONS(&flags),
		TOLL_OPTION_END,
	};
	const struct toll_usage usage = {
		"prices lookup", "[FILE...]",
		"Tells which rule prices a span with these attributes, and why the other rules "
		"that match\n"
		"do not. FILE is a price document, \"catalogue\" or \"catalogue:SECTION\"; none: "
		"the "
		"catalogue.\n",
		"Examples:\n"
		"  spantoll prices lookup --provider openai --model gpt-4o\n"
		"  spantoll prices lookup --config spantoll.yaml --service shop --operation "
		"'/carts/*'\n"
		"Exit status: 0, 1 no rule prices it, 3 the documents are wrong.\n",
		options
	};
	struct toll_prices_book b;
	int rest, rc = toll_options_parse(&usage, argc, argv, &rest);

	if (rc >= 0)
		return rc;
	rc = take_flags(&k);
	if (rc != TOLL_EXIT_OK)
		return rc;
	rc = toll_prices_book_load(&b, &flags, argv + rest, argc - rest);
	if (rc == TOLL_EXIT_OK)
		rc = look_up(&k, &b);
	toll_prices_book_release(&b);
	return rc;
}

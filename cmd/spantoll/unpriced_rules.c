/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/spantoll/unpriced_rules.h"

#include <string.h>

#include "base/macro.h"
#include "cmd/spantoll/json_text.h"

/* What processors/pricing and processors/cost say in cost.error. */
#define NO_DATA "no pricing data"
#define NO_UNIT "no price for unit "

static bool begins(const char *text, const char *with)
{
	return strncmp(text, with, strlen(with)) == 0;
}

static void put(FILE *out, const char *before, const char *text)
{
	fputs(before, out);
	toll_json_print(out, text); /* JSON's strings are YAML's */
}

static void print_meter(const char *meter, const char *per, FILE *out)
{
	fprintf(out, "      - {meter: %s, usd: \"?\", per: %s}\n", meter, per);
}

static void print_model_rule(const struct toll_unpriced_what *w, FILE *out)
{
	put(out, "  - id: ", w->model);
	put(out, "\n    match: {model: ", w->model);
	fputs("}\n    price:\n", out);
	print_meter("input_tokens", "1M", out);
	print_meter("output_tokens", "1M", out);
}

static void print_operation_rule(const struct toll_unpriced_what *w, FILE *out)
{
	char id[512];

	snprintf(id, sizeof(id), "%s:%s", w->service, w->operation);
	put(out, "  - id: ", id);
	put(out, "\n    match: {service: ", w->service);
	put(out, ", operation: ", w->operation);
	fputs("}    # without the operation: all of the service\n"
	      "    price:    # where it costs nothing, free: true instead\n",
	      out);
	print_meter("duration", "1s", out);
}

static bool needs_rule(const struct toll_unpriced_what *w)
{
	return begins(w->error, NO_DATA);
}

static bool needs_unit(const struct toll_unpriced_what *w)
{
	return begins(w->error, NO_UNIT);
}

/* One rule for a model, one for an operation of a service, one price for a unit. */
static bool is_same(const struct toll_unpriced_what *a, const struct toll_unpriced_what *b)
{
	if (needs_unit(a))
		return strcmp(a->error, b->error) == 0;
	if (!needs_rule(b) || strcmp(a->model, b->model) != 0)
		return false;
	return a->model[0] ||
	       (strcmp(a->operation, b->operation) == 0 && strcmp(a->service, b->service) == 0);
}

static bool was_before(const struct toll_unpriced_rows *rows, uint32_t i)
{
	for (uint32_t k = 0; k < i; k++)
		if (is_same(&rows->rows[i], &rows->rows[k]))
			return true;
	return false;
}

static unsigned print_list(const struct toll_unpriced_rows *rows, uint32_t most, const char *head,
                           bool (*wanted)(const struct toll_unpriced_what *w),
                           void (*print)(const struct toll_unpriced_what *w, FILE *out), FILE *out)
{
	unsigned printed = 0;

	for (uint32_t i = 0; i < rows->count && printed < most; i++) {
		if (!wanted(&rows->rows[i]) || was_before(rows, i))
			continue;
		if (!printed++)
			fputs(head, out);
		print(&rows->rows[i], out);
	}
	return printed;
}

static void print_rule(const struct toll_unpriced_what *w, FILE *out)
{
	if (w->model[0])
		print_model_rule(w, out);
	else
		print_operation_rule(w, out);
}

static void print_unit(const struct toll_unpriced_what *w, FILE *out)
{
	put(out, "  ", w->error + strlen(NO_UNIT));
	fputs(": [{usd: \"?\", per: 1}]\n", out);
}

unsigned toll_unpriced_print_rules(const struct toll_unpriced_rows *rows, uint32_t most, FILE *out)
{
	unsigned printed = 0;

	fputs("format: spantoll.prices/v1\n", out);
	printed += print_list(rows, most, "rules:\n", needs_rule, print_rule, out);
	printed += print_list(rows, most, "units:\n", needs_unit, print_unit, out);
	return printed;
}

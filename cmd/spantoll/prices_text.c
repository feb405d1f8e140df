/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/spantoll/prices_text.h"

#include <stdlib.h>

#include "prices/date.h"

enum { TEXTS_SHOWN = 6 };

/* Documents are somebody's: no control bytes to the terminal. */
static void print_clean(struct toll_slice s, FILE *out)
{
	for (size_t i = 0; i < s.len; i++)
		fputc((unsigned char)s.ptr[i] < 0x20 || s.ptr[i] == 0x7f ? '?' : s.ptr[i], out);
}

static void print_texts(const struct toll_condition *c, FILE *out)
{
	for (uint32_t i = 0; i < c->text_count && i < TEXTS_SHOWN; i++) {
		if (i)
			fputc('|', out);
		print_clean(c->texts[i], out);
	}
	if (c->text_count > TEXTS_SHOWN)
		fprintf(out, "|... (%u)", c->text_count);
}

void toll_prices_print_condition(const struct toll_condition *c, FILE *out)
{
	if (c->op == TOLL_MATCH_ABSENT)
		fputc('!', out);
	print_clean(c->field, out);
	if (c->op == TOLL_MATCH_EXISTS || c->op == TOLL_MATCH_ABSENT)
		return;
	fputs(c->op == TOLL_MATCH_GLOB ? "~" : c->op == TOLL_MATCH_SUFFIX ? "=..." : "=", out);
	print_texts(c, out);
	if (c->op == TOLL_MATCH_PREFIX)
		fputs("...", out);
}

void toll_prices_print_match(const struct toll_price_rule *rule, FILE *out)
{
	for (uint32_t i = 0; i < rule->condition_count; i++) {
		if (i)
			fputc(' ', out);
		toll_prices_print_condition(&rule->conditions[i], out);
	}
}

void toll_prices_print_meter_name(const struct toll_meter *m, FILE *out)
{
	if (m->kind == TOLL_QUANTITY_ATTRIBUTE)
		print_clean(m->attribute, out);
	else
		fputs(toll_quantity_info(m->kind)->name, out);
}

void toll_prices_print_meter(const struct toll_meter *m, FILE *out)
{
	struct toll_rate_text text;

	toll_prices_print_meter_name(m, out);
	toll_rate_text(&m->rate, m->kind, m->step, &text);
	fprintf(out, " %s/%s", text.usd, text.per);
	for (uint32_t i = 0; i < m->tier_count; i++) {
		const struct toll_tier *t = &m->tiers[i];

		toll_rate_text(&t->rate, m->kind, m->step, &text);
		fprintf(out, " (%s/%s over %lu %s)", text.usd, text.per, (unsigned long)t->over,
		        toll_quantity_info(t->of)->name);
	}
}

void toll_prices_print_price(const struct toll_price_rule *rule, FILE *out)
{
	if (rule->free)
		fputs("free", out);
	for (uint32_t i = 0; i < rule->meter_count; i++) {
		if (i)
			fputs(", ", out);
		toll_prices_print_meter(&rule->meters[i], out);
	}
}

void toll_prices_print_valid(const struct toll_price_rule *rule, FILE *out)
{
	bool from = rule->valid_from_s != TOLL_TIME_OPEN_FROM;
	bool to = rule->valid_to_s != TOLL_TIME_OPEN_TO;
	char text[TOLL_DATE_TEXT];

	if (from)
		fprintf(out, "%s%s", to ? "" : "from ", toll_date_print(rule->valid_from_s, text));
	if (to)
		fprintf(out, "%s%s", from ? " to " : "until ",
		        toll_date_print(rule->valid_to_s, text));
}

char *toll_prices_text(void (*print)(const struct toll_price_rule *, FILE *),
                       const struct toll_price_rule *rule)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	if (!out)
		return NULL;
	print(rule, out);
	return fclose(out) == 0 ? text : NULL;
}

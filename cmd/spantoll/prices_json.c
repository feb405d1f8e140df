/* SPDX-License-Identifier: Apache-2.0 */
/* prices_json.c - rows of a price book as JSON, with the members of a document's row. */
#include <inttypes.h>
#include <string.h>

#include "cmd/spantoll/json_text.h"
#include "cmd/spantoll/prices_text.h"
#include "prices/date.h"
#include "prices/per.h"

/* ,"name":"text"; nothing where there is no text. */
static void put_member(const char *name, struct toll_slice text, FILE *out)
{
	if (!text.len)
		return;
	fprintf(out, ",\"%s\":", name);
	toll_json_print_slice(out, text);
}

static void put_condition(const struct toll_condition *c, FILE *out)
{
	static const char *const names[] = { [TOLL_MATCH_PREFIX] = "prefix",
		                             [TOLL_MATCH_SUFFIX] = "suffix",
		                             [TOLL_MATCH_GLOB] = "glob" };

	toll_json_print_slice(out, c->field);
	switch (c->op) {
	case TOLL_MATCH_EXACT:
		fputc(':', out);
		toll_json_print_slice(out, c->texts[0]);
		break;
	case TOLL_MATCH_ONE_OF:
		for (uint32_t i = 0; i < c->text_count; i++) {
			fputs(i ? "," : ":{\"one_of\":[", out);
			toll_json_print_slice(out, c->texts[i]);
		}
		fputs("]}", out);
		break;
	case TOLL_MATCH_EXISTS:
	case TOLL_MATCH_ABSENT:
		fprintf(out, ":{\"exists\":%s}", c->op == TOLL_MATCH_EXISTS ? "true" : "false");
		break;
	default:
		fprintf(out, ":{\"%s\":", names[c->op]);
		toll_json_print_slice(out, c->texts[0]);
		fputc('}', out);
	}
}

static void put_match(const struct toll_price_rule *rule, FILE *out)
{
	for (uint32_t i = 0; i < rule->condition_count; i++) {
		fputs(i ? "," : ",\"match\":{", out);
		put_condition(&rule->conditions[i], out);
	}
	if (rule->condition_count)
		fputc('}', out);
}

/* step and at_least, with the unit of what is counted. */
static void put_amount(const char *name, uint64_t base, enum toll_quantity_kind kind, FILE *out)
{
	const char *unit = toll_quantity_info(kind)->unit;
	struct toll_per amount = { base, TOLL_PER_COUNT };
	char text[TOLL_PER_TEXT];

	if (strcmp(unit, "ns") == 0)
		amount.unit = TOLL_PER_TIME;
	else if (strcmp(unit, "byte") == 0)
		amount.unit = TOLL_PER_BYTES;
	else if (strcmp(unit, "byte ns") == 0)
		amount.unit = TOLL_PER_BYTE_TIME;
	put_member(name, toll_slice_str(toll_per_print(amount, text)), out);
}

static void put_rate(const struct toll_rate *rate, const struct toll_meter *m, FILE *out)
{
	struct toll_rate_text text;

	toll_rate_text(rate, m->kind, m->step, &text);
	fprintf(out, "\"usd\":\"%s\",\"per\":\"%s\"", text.usd, text.per);
}

static void put_tier(const struct toll_tier *t, const struct toll_meter *m, FILE *out)
{
	fputc('{', out);
	put_rate(&t->rate, m, out);
	put_amount("over", t->over, t->of, out);
	put_member("of", toll_slice_str(toll_quantity_info(t->of)->name), out);
	fputc('}', out);
}

void toll_prices_json_meter(const struct toll_meter *m, bool is_unit, FILE *out)
{
	fputc('{', out);
	if (!is_unit)
		fprintf(out, "\"meter\":\"%s\",", toll_quantity_info(m->kind)->name);
	put_rate(&m->rate, m, out);
	if (!is_unit)
		put_member("attribute", m->attribute, out);
	if (m->step)
		put_amount("step", m->step, m->kind, out);
	if (m->at_least)
		put_amount("at_least", m->at_least, m->kind, out);
	for (uint32_t i = 0; i < m->tier_count; i++) {
		fputs(i ? "," : ",\"tiers\":[", out);
		put_tier(&m->tiers[i], m, out);
	}
	fputs(m->tier_count ? "]}" : "}", out);
}

static void put_date(const char *name, int64_t s, int64_t open, FILE *out)
{
	char text[TOLL_DATE_TEXT];

	if (s != open)
		put_member(name, toll_slice_str(toll_date_print(s, text)), out);
}

static void put_price(const struct toll_price_rule *rule, bool is_unit, FILE *out)
{
	if (rule->free)
		fputs(",\"free\":true", out);
	for (uint32_t i = 0; i < rule->meter_count; i++) {
		fputs(i ? "," : ",\"price\":[", out);
		toll_prices_json_meter(&rule->meters[i], is_unit, out);
	}
	if (rule->meter_count)
		fputc(']', out);
}

void toll_prices_json_row(const struct toll_price *price, const char *document, FILE *out)
{
	const struct toll_price_rule *rule = price->rule;
	bool is_unit = rule->condition_count == 0;

	fputs("{\"id\":", out);
	toll_json_print_slice(out, rule->id);
	put_match(rule, out);
	put_price(rule, is_unit, out);
	if (rule->priority)
		fprintf(out, ",\"priority\":%" PRId32, rule->priority);
	put_date("valid_from", rule->valid_from_s, TOLL_TIME_OPEN_FROM, out);
	put_date("valid_to", rule->valid_to_s, TOLL_TIME_OPEN_TO, out);
	put_member("source", rule->source, out);
	put_member("checked_at", rule->checked_at, out);
	put_member("discount", rule->discount, out);
	put_member("document", toll_slice_str(document), out);
	if (!is_unit)
		fprintf(out, ",\"class\":%u", price->class);
	fputc('}', out);
}

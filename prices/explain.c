/* SPDX-License-Identifier: Apache-2.0 */
#include "prices/explain.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "cost/price_charge.h"
#include "prices/charge.h"
#include "proto/json_write.h"
#include "proto/sampling.h"

#define RATE_PLACES 24

/* ---- members ---- */

static void put_text(FILE *out, const char *name, struct toll_slice text)
{
	char *buf = text.len ? malloc(toll_json_string_bound(text.len)) : NULL;

	if (buf)
		fprintf(out, ",\"%s\":%.*s", name, (int)(toll_json_string(buf, text) - buf), buf);
	free(buf);
}

static void put_hex(FILE *out, const char *name, const void *bytes, size_t len)
{
	char buf[40];

	fprintf(out, "\"%s\":%.*s,", name, (int)(toll_json_hex(buf, bytes, len) - buf), buf);
}

static void put_quantity(FILE *out, const char *name, struct toll_quantity q)
{
	char text[TOLL_QUANTITY_TEXT];

	toll_quantity_print(q, text);
	fprintf(out, ",\"%s\":\"%s\"", name, text);
}

static void put_money(FILE *out, const char *name, toll_i128 pico)
{
	char text[TOLL_MONEY_TEXT];

	toll_money_print_wide(pico, text);
	fprintf(out, ",\"%s\":\"%s\"", name, text);
}

static void put_day(FILE *out, const char *name, int64_t unix_s)
{
	char text[32];

	if (unix_s > 0 && unix_s < INT64_C(253402300800)) /* 10000-01-01 */
		put_text(out, name,
		         toll_slice_str(toll_clock_rfc3339((uint64_t)unix_s * TOLL_S, 0, text,
		                                           sizeof(text))));
}

/* ---- the rule ---- */

static const char *const ops[] = {
	"exact", "one_of", "prefix", "suffix", "glob", "exists", "absent"
};

static void put_condition(FILE *out, const struct toll_condition *c)
{
	char *buf;

	fprintf(out, "{\"op\":\"%s\"", ops[c->op]);
	put_text(out, "field", c->field);
	fputs(",\"texts\":[", out);
	for (uint32_t i = 0; i < c->text_count; i++) {
		buf = malloc(toll_json_string_bound(c->texts[i].len));
		if (buf)
			fprintf(out, "%s%.*s", i ? "," : "",
			        (int)(toll_json_string(buf, c->texts[i]) - buf), buf);
		free(buf);
	}
	fputs("]}", out);
}

static void put_rule(FILE *out, const struct toll_price *price)
{
	static const char *const classes[] = { "", "service and operation, exactly",
		                               "an operation or route", "a service",
		                               "provider, model or attributes" };
	const struct toll_price_rule *r = price->rule;

	fprintf(out, ",\"rule\":{\"class\":%d,\"class_means\":\"%s\",\"layer\":%u,\"priority\":%d",
	        price->class, classes[price->class % TOLL_COUNT(classes)], r->layer, r->priority);
	put_text(out, "id", r->id);
	put_text(out, "source", r->source);
	put_text(out, "checked_at", r->checked_at);
	put_day(out, "valid_from", r->valid_from_s);
	put_day(out, "valid_to", r->valid_to_s);
	fputs(",\"match\":[", out);
	for (uint32_t i = 0; i < r->condition_count; i++) {
		fputs(i ? "," : "", out);
		put_condition(out, &r->conditions[i]);
	}
	fputs("]}", out);
}

/* ---- the bill ---- */

/* What people know a rate by: so many base units, called so. */
static const struct {
	const char *unit, *name;
	uint64_t base;
} usual[] = { { "token", "1M tokens", 1000000 },
	      { "character", "1M characters", 1000000 },
	      { "call", "1M calls", 1000000 },
	      { "unit", "1M units", 1000000 },
	      { "ns", "1s", 1000000000 },
	      { "byte", "1GiB", UINT64_C(1) << 30 },
	      { "byte ns", "1GiBs", (UINT64_C(1) << 30) * 1000000000 } };

/* The same rate as usd per per, where it is the same exactly. */
static void put_usual(FILE *out, const char *unit, const struct toll_rate *rate)
{
	toll_u128 price;
	char usd[64];

	for (size_t i = 0; i < TOLL_COUNT(usual); i++) {
		if (strcmp(usual[i].unit, unit) != 0 || !rate->per ||
		    __builtin_mul_overflow(rate->price, (toll_u128)usual[i].base, &price) ||
		    price % rate->per)
			continue;
		toll_decimal_print(price / rate->per, RATE_PLACES, false, usd);
		fprintf(out, ",\"rate\":\"$%s per %s\"", usd, usual[i].name);
	}
}

static void put_line(FILE *out, const struct toll_charged *line)
{
	const struct toll_quantity_info *kind = toll_quantity_info(line->kind);
	char usd[64];

	toll_decimal_print(line->rate->price, RATE_PLACES, false, usd);
	fprintf(out, "{\"meter\":\"%s\",\"unit\":\"%s\",\"usd\":\"%s\",\"per\":%" PRIu64,
	        kind->name, kind->unit, usd, line->rate->per ? line->rate->per : 1);
	put_usual(out, kind->unit, line->rate);
	if (line->meter->kind != line->kind)
		put_text(out, "as", toll_slice_str(toll_quantity_info(line->meter->kind)->name));
	put_text(out, "attribute", line->meter->attribute);
	put_quantity(out, "quantity", line->measured);
	put_quantity(out, "billed", line->billed);
	put_money(out, "amount", line->pico);
	fputs("}", out);
}

/* To a thousandth of a picodollar; that is what a person can check. */
static void put_exact(FILE *out, const struct toll_sum *sum, int64_t pico)
{
	char text[64];

	if (sum->whole == (toll_u128)pico * 1000000000000u && !sum->part)
		return;
	toll_decimal_print(sum->whole, RATE_PLACES, false, text);
	fprintf(out, ",\"exact\":\"%s%s\"", text, sum->part ? "..." : "");
}

static void put_bill(FILE *out, const struct toll_batch *b, const struct toll_span *s)
{
	struct toll_bill bill = { 0 };
	struct toll_span_cost cost;

	if (!s->price || !toll_span_charge(b, s, &bill, &cost))
		return;
	if (cost.pico != s->cost_pico) { /* trust_client */
		fputs(",\"source\":\"client\"", out);
		return;
	}
	put_exact(out, &cost.sum, cost.pico);
	fputs(",\"lines\":[", out);
	for (uint32_t i = 0; i < bill.count; i++) {
		fputs(i ? "," : "", out);
		put_line(out, &bill.lines[i]);
	}
	fputs("]", out);
}

/* ---- the span ---- */

static void put_result(FILE *out, const struct toll_batch *b, const struct toll_span *s)
{
	static const char *const states[] = { "unpriced", "free", "priced" };

	char adjusted[TOLL_ADJUSTED_TEXT];
	int len = toll_span_print_adjusted(s, adjusted);

	fprintf(out, ",\"state\":\"%s\",\"adjusted_count\":%.*s",
	        states[s->cost_state % TOLL_COUNT(states)], len, adjusted);
	put_text(out, "region", s->region);
	put_text(out, "price_version",
	         b->price_version ? toll_slice_str(b->price_version) : (struct toll_slice){ 0 });
	if (s->cost_state == TOLL_COST_UNPRICED) {
		put_text(out, "error",
		         s->cost_error.len ? s->cost_error : TOLL_SLICE("no cost processor"));
		return;
	}
	put_money(out, "amount", s->cost_pico);
	put_money(out, "amount_in_totals", toll_span_total_pico(s));
}

void toll_explain_span(const struct toll_batch *b, const struct toll_span *s, FILE *out)
{
	const struct toll_price *price = s->price;

	fputs("{", out);
	put_hex(out, "trace_id", s->trace_id, 16);
	put_hex(out, "span_id", s->span_id, 8);
	fprintf(out, "\"start_unix_nano\":\"%" PRIu64 "\",\"end_unix_nano\":\"%" PRIu64 "\"",
	        s->start_unix_nano, s->end_unix_nano);
	put_text(out, "service", b->resources[s->resource].service);
	put_text(out, "name", s->name);
	put_text(out, "operation", s->operation);
	put_result(out, b, s);
	if (price && price->rule)
		put_rule(out, price);
	if (s->cost_state != TOLL_COST_UNPRICED)
		put_bill(out, b, s);
	fputs("}", out);
}

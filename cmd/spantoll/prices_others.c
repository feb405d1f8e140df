/* SPDX-License-Identifier: Apache-2.0 */
/* prices_others.c - the rules beside the one that prices a span. */
#include "cmd/spantoll/prices_others.h"

#include <stdlib.h>

#include "cmd/spantoll/prices_text.h"

static void explain_date(const struct toll_price_rule *rule, char *buf, size_t size)
{
	char *valid = toll_prices_text(toll_prices_print_valid, rule);

	snprintf(buf, size, "is valid %s only", valid ? valid : "at another time");
	free(valid);
}

/* Every other rule that matches, in the order they would be tried. */
size_t toll_prices_others(const struct toll_pricebook *book, const struct toll_price_lookup *l,
                          int64_t at_s, const struct toll_price *winner,
                          struct toll_prices_other others[TOLL_PRICES_OTHERS])
{
	size_t count = 0;
	uint32_t first;

	for (uint32_t i = 0; i < toll_pricebook_rule_count(book) && count < TOLL_PRICES_OTHERS;
	     i++) {
		const struct toll_price *p = toll_pricebook_rule(book, i);

		if (p == winner || toll_prices_failing(p, l, &first))
			continue;
		others[count].price = p;
		if (!toll_prices_is_valid(p->rule, at_s))
			explain_date(p->rule, others[count].why, sizeof(others[count].why));
		else if (winner)
			toll_prices_why_after(winner, p, others[count].why);
		count++;
	}
	return count;
}

static void explain_miss(const struct toll_price_lookup *l, const struct toll_price *p,
                         uint32_t first, char *buf, size_t size)
{
	const struct toll_condition *c = &p->rule->conditions[first];
	uint32_t field = toll_pricebook_field_index(p->book, c->field);
	bool has = field < TOLL_PRICEBOOK_FIELDS && (l->has & UINT64_C(1) << field);
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	*buf = '\0';
	if (!out)
		return;
	toll_prices_print_condition(c, out);
	if (fclose(out) != 0)
		return;
	if (has)
		snprintf(buf, size, "asks for %s, not \"%.*s\"", text, TOLL_FMT(l->values[field]));
	else
		snprintf(buf, size, "asks for %s, which the span does not say", text);
	free(text);
}

/* How much of what a condition asks for is there: bytes from the beginning of the nearest text. */
static size_t nearness(const struct toll_price_lookup *l, const struct toll_price *p,
                       uint32_t first)
{
	const struct toll_condition *c = &p->rule->conditions[first];
	uint32_t field = toll_pricebook_field_index(p->book, c->field);
	struct toll_slice value = { NULL, 0 };
	size_t best = 0;

	if (field < TOLL_PRICEBOOK_FIELDS && (l->has & UINT64_C(1) << field))
		value = l->values[field];
	for (uint32_t t = 0; t < c->text_count; t++) {
		size_t same = 0;

		while (same < value.len && same < c->texts[t].len &&
		       value.ptr[same] == c->texts[t].ptr[same])
			same++;
		best = same > best ? same : best;
	}
	return best;
}

struct near {
	const struct toll_price *price;
	size_t nearness;
	uint32_t first;
};

/* Keeps the nearest ones, of equal ones those that are tried first. */
static size_t keep_near(struct near *nearest, size_t count, struct near new)
{
	size_t i = count < TOLL_PRICES_NEAREST ? count : TOLL_PRICES_NEAREST - 1;

	if (count == TOLL_PRICES_NEAREST && nearest[i].nearness >= new.nearness)
		return count;
	for (; i > 0 && nearest[i - 1].nearness < new.nearness; i--)
		nearest[i] = nearest[i - 1];
	nearest[i] = new;
	return count < TOLL_PRICES_NEAREST ? count + 1 : count;
}

/* Rules that fail by one condition alone: of several, or by a text that is nearly right. */
size_t toll_prices_nearest(const struct toll_pricebook *book, const struct toll_price_lookup *l,
                           struct toll_prices_other others[TOLL_PRICES_NEAREST])
{
	struct near nearest[TOLL_PRICES_NEAREST] = { 0 };
	size_t count = 0;

	for (uint32_t i = 0; i < toll_pricebook_rule_count(book); i++) {
		struct near n = { .price = toll_pricebook_rule(book, i) };

		if (toll_prices_failing(n.price, l, &n.first) != 1)
			continue;
		n.nearness = nearness(l, n.price, n.first);
		if (n.nearness > 2 || n.price->rule->condition_count > 1)
			count = keep_near(nearest, count, n);
	}
	for (size_t i = 0; i < count; i++) {
		others[i].price = nearest[i].price;
		explain_miss(l, nearest[i].price, nearest[i].first, others[i].why,
		             sizeof(others[i].why));
	}
	return count;
}

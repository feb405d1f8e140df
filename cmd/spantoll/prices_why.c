/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/spantoll/prices_why.h"

#include <stdio.h>

const char *toll_prices_class_text(unsigned class)
{
	static const char *const texts[] = { "?", "service and operation",
		                             "an operation or a pattern", "the service's default",
		                             "provider, model, attributes" };

	return texts[class < TOLL_COUNT(texts) ? class : 0];
}

static uint32_t exact_count(const struct toll_price_rule *rule)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < rule->condition_count; i++)
		count += rule->conditions[i].op == TOLL_MATCH_EXACT ||
		         rule->conditions[i].op == TOLL_MATCH_ONE_OF;
	return count;
}

static size_t literal_length(const struct toll_price_rule *rule)
{
	size_t sum = 0;

	for (uint32_t i = 0; i < rule->condition_count; i++) {
		const struct toll_condition *c = &rule->conditions[i];
		size_t shortest = c->text_count ? c->texts[0].len : 0;

		for (uint32_t t = 1; t < c->text_count; t++)
			shortest = c->texts[t].len < shortest ? c->texts[t].len : shortest;
		sum += shortest;
	}
	return sum;
}

const char *toll_prices_why_after(const struct toll_price *winner, const struct toll_price *other,
                                  char buf[TOLL_WHY_TEXT])
{
	const struct toll_price_rule *w = winner->rule, *o = other->rule;

	if (w->priority != o->priority)
		snprintf(buf, TOLL_WHY_TEXT, "priority %d is lower than %d", o->priority,
		         w->priority);
	else if (winner->class != other->class)
		snprintf(buf, TOLL_WHY_TEXT, "class %u (%s) comes after class %u", other->class,
		         toll_prices_class_text(other->class), winner->class);
	else if (w->layer != o->layer)
		snprintf(buf, TOLL_WHY_TEXT, "is in a document below");
	else if (exact_count(w) != exact_count(o))
		snprintf(buf, TOLL_WHY_TEXT, "%u exact conditions are fewer than %u",
		         exact_count(o), exact_count(w));
	else if (w->condition_count != o->condition_count)
		snprintf(buf, TOLL_WHY_TEXT, "%u conditions are fewer than %u", o->condition_count,
		         w->condition_count);
	else if (literal_length(w) != literal_length(o))
		snprintf(buf, TOLL_WHY_TEXT, "the text it asks for is shorter (%zu bytes, not %zu)",
		         literal_length(o), literal_length(w));
	else
		snprintf(buf, TOLL_WHY_TEXT, "comes later in its document");
	return buf;
}

uint32_t toll_prices_failing(const struct toll_price *price, const struct toll_price_lookup *l,
                             uint32_t *ret_first)
{
	uint32_t failing = 0;

	for (uint32_t i = 0; i < price->rule->condition_count; i++) {
		const struct toll_condition *c = &price->rule->conditions[i];
		uint32_t field = toll_pricebook_field_index(price->book, c->field);
		bool has = field < TOLL_PRICEBOOK_FIELDS && (l->has & UINT64_C(1) << field);

		if (!toll_condition_holds(c, has, has ? l->values[field] : toll_slice("", 0)) &&
		    failing++ == 0)
			*ret_first = i;
	}
	return failing;
}

bool toll_prices_is_valid(const struct toll_price_rule *rule, int64_t at_s)
{
	return rule->valid_from_s <= at_s && at_s < rule->valid_to_s;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* prices.h - price books by hand: a sketch of a rule, its conditions and meters, then the book. */
#ifndef TOLL_TESTS_SUPPORT_PRICES_H
#define TOLL_TESTS_SUPPORT_PRICES_H

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/macro.h"
#include "cost/price_builder.h"

struct sketch {
	struct toll_price_rule rule;
	struct toll_condition conditions[TOLL_PRICE_CONDITIONS];
	struct toll_slice texts[64];
	struct toll_meter meters[TOLL_PRICE_METERS];
	uint32_t text_count;
};

static inline TOLL_UNUSED void sketch_init(struct sketch *k, const char *id)
{
	*k = (struct sketch){ .rule = { .id = toll_slice_str(id),
		                        .valid_from_s = TOLL_TIME_OPEN_FROM,
		                        .valid_to_s = TOLL_TIME_OPEN_TO } };
}

/* One condition; text NULL: EXISTS or ABSENT. Another text for ONE_OF: sketch_or(). */
static inline TOLL_UNUSED void sketch_when(struct sketch *k, const char *field,
                                           enum toll_match_op op, const char *text)
{
	struct toll_condition *c = &k->conditions[k->rule.condition_count++];

	*c = (struct toll_condition){ toll_slice_str(field), op, &k->texts[k->text_count], 0 };
	if (text) {
		k->texts[k->text_count++] = toll_slice_str(text);
		c->text_count = 1;
	}
}

static inline TOLL_UNUSED void sketch_or(struct sketch *k, const char *text)
{
	k->texts[k->text_count++] = toll_slice_str(text);
	k->conditions[k->rule.condition_count - 1].text_count++;
}

static inline TOLL_UNUSED struct toll_meter *
sketch_meter(struct sketch *k, enum toll_quantity_kind kind, const char *usd, uint64_t per)
{
	struct toll_meter *m = &k->meters[k->rule.meter_count++];
	int err;

	*m = (struct toll_meter){ .kind = kind };
	err = toll_rate_parse(toll_slice_str(usd), per, &m->rate);
	assert(err == 0);
	return m;
}

static inline TOLL_UNUSED int sketch_add(struct sketch *k, struct toll_pricebook_builder *b,
                                         struct toll_error *reterr)
{
	k->rule.conditions = k->conditions;
	k->rule.meters = k->meters;
	return toll_pricebook_builder_add_rule(b, &k->rule, reterr);
}

/* A seed row: service:operation at cost_per_ms; operation NULL: the service's default; cost_per_ms
 * NULL: free. */
static inline TOLL_UNUSED int add_seed_row(struct toll_pricebook_builder *b, const char *service,
                                           const char *operation, const char *cost_per_ms)
{
	struct sketch k;
	char id[256];

	snprintf(id, sizeof(id), "%s:%s", service, operation ? operation : "*");
	sketch_init(&k, id);
	sketch_when(&k, "service", TOLL_MATCH_EXACT, service);
	if (operation)
		sketch_when(&k, "operation", TOLL_MATCH_EXACT, operation);
	if (cost_per_ms)
		sketch_meter(&k, TOLL_QUANTITY_DURATION, cost_per_ms, 1000000);
	else
		k.rule.free = true;
	return sketch_add(&k, b, NULL);
}

static inline TOLL_UNUSED struct toll_pricebook *finish_book(struct toll_pricebook_builder *b,
                                                             const char *version)
{
	struct toll_pricebook *book = NULL;
	struct toll_error why = { 0 };

	if (toll_pricebook_builder_finish(b, toll_slice_str(version), &book, &why) < 0) {
		fprintf(stderr, "no price book: %s\n", why.text);
		abort();
	}
	return book;
}

/* A book with one rule, which matches every span. */
static inline TOLL_UNUSED struct toll_pricebook *book_of_sketch(struct sketch *k)
{
	struct toll_pricebook_builder *b = toll_pricebook_builder_new();
	struct toll_error why = { 0 };

	if (sketch_add(k, b, &why) < 0) {
		fprintf(stderr, "no rule: %s\n", why.text);
		abort();
	}
	return finish_book(b, "v1");
}

/* The same, for a duration at so many dollars a millisecond; NULL: free. */
static inline TOLL_UNUSED struct toll_pricebook *book_per_ms(const char *cost_per_ms)
{
	struct sketch k;

	sketch_init(&k, "any");
	if (cost_per_ms)
		sketch_meter(&k, TOLL_QUANTITY_DURATION, cost_per_ms, 1000000);
	else
		k.rule.free = true;
	return book_of_sketch(&k);
}

static inline TOLL_UNUSED void free_book(struct toll_pricebook *b)
{
	toll_shared_unref(toll_pricebook_shared(b));
}

/* What a span of this service and operation finds. */
static inline TOLL_UNUSED const struct toll_price *
find_price(const struct toll_pricebook *b, const char *service, const char *operation)
{
	const char *const names[] = { "service", "operation" };
	const char *const values[] = { service, operation };
	struct toll_price_lookup l = { 0 };

	for (int i = 0; i < 2; i++) {
		uint32_t field = toll_pricebook_field_index(b, toll_slice_str(names[i]));

		if (field == TOLL_PRICEBOOK_FIELDS)
			continue;
		l.has |= UINT64_C(1) << field;
		l.values[field] = toll_slice_str(values[i]);
	}
	return toll_pricebook_find(b, &l, 0);
}

#endif

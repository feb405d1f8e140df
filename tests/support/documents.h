/* SPDX-License-Identifier: Apache-2.0 */
/* documents.h - price documents in a test: read them into a book, and what was found in them. */
#ifndef TOLL_TESTS_SUPPORT_DOCUMENTS_H
#define TOLL_TESTS_SUPPORT_DOCUMENTS_H

#include "prices/document.h"
#include "tests/support/prices.h"

struct loaded {
	struct toll_pricebook_builder *builder;
	struct toll_pricebook *book; /* NULL: refused */
	struct toll_findings findings;
	struct toll_error why;
	unsigned layers;
	int err;
};

static inline TOLL_UNUSED struct loaded load_none(void)
{
	return (struct loaded){ .builder = toll_pricebook_builder_new() };
}

static inline TOLL_UNUSED void load_more(struct loaded *l, struct toll_slice text, const char *name)
{
	if (!l->err)
		l->err = toll_prices_read(text, name, l->layers++, l->builder, &l->findings);
}

static inline TOLL_UNUSED void load_done(struct loaded *l)
{
	if (l->err)
		toll_pricebook_builder_free(l->builder);
	else
		l->err = toll_pricebook_builder_finish(l->builder, TOLL_SLICE("v1"), &l->book,
		                                       &l->why);
	l->builder = NULL;
}

static inline TOLL_UNUSED struct loaded load_slice(struct toll_slice text, const char *name)
{
	struct loaded l = load_none();

	load_more(&l, text, name);
	load_done(&l);
	return l;
}

static inline TOLL_UNUSED struct loaded load_yaml(const char *text)
{
	return load_slice(toll_slice_str(text), "prices.yaml");
}

static inline TOLL_UNUSED struct loaded load_json(const char *text)
{
	return load_slice(toll_slice_str(text), "prices.json");
}

static inline TOLL_UNUSED void release(struct loaded *l)
{
	if (l->book)
		free_book(l->book);
	toll_findings_release(&l->findings);
}

/* The first row of this id. */
static inline TOLL_UNUSED const struct toll_price_rule *row_of(const struct loaded *l,
                                                               const char *id)
{
	for (uint32_t i = 0; i < toll_pricebook_rule_count(l->book); i++) {
		const struct toll_price_rule *rule = toll_pricebook_rule(l->book, i)->rule;

		if (toll_slice_is(rule->id, id))
			return rule;
	}
	fprintf(stderr, "no rule %s\n", id);
	abort();
}

/* rate == yocto / per */
static inline TOLL_UNUSED bool rate_is(const struct toll_rate *rate, uint64_t yocto, uint64_t per)
{
	return rate->price * per == (toll_u128)yocto * (rate->per ? rate->per : 1);
}

#endif

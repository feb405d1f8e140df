/* SPDX-License-Identifier: Apache-2.0 */
/* price_builder.h - rows of documents -> a compiled price book. One thread. */
#ifndef TOLL_COST_PRICE_BUILDER_H
#define TOLL_COST_PRICE_BUILDER_H

#include "cost/pricebook.h"

struct toll_pricebook_builder;

struct toll_pricebook_builder *toll_pricebook_builder_new(void);    /* NULL: out of memory */
void toll_pricebook_builder_free(struct toll_pricebook_builder *b); /* NULL: nothing */

/* Copies everything. Values of the fields provider and model are lower-cased, as those of spans
 * are; a provider is known by all its names (provider.h).
 * TOLL_EINVALID: what no rule may say, with a sentence without the rule's id in reterr (may be
 * NULL); TOLL_EFULL; TOLL_ENOMEM. A row that was refused is not in the book. */
int toll_pricebook_builder_add_rule(struct toll_pricebook_builder *b,
                                    const struct toll_price_rule *rule,
                                    struct toll_error *reterr) TOLL_MUST_CHECK;
/* The price of cost.units.<name>. row: id is the name; one meter, whose kind and attribute are set
 * here; no conditions. */
int toll_pricebook_builder_add_unit(struct toll_pricebook_builder *b,
                                    const struct toll_price_rule *row,
                                    struct toll_error *reterr) TOLL_MUST_CHECK;

/* The rows added so far, for who discounts them. */
uint32_t toll_pricebook_builder_rule_count(const struct toll_pricebook_builder *b);
const struct toll_price_rule *toll_pricebook_builder_rule(const struct toll_pricebook_builder *b,
                                                          uint32_t i);
uint32_t toll_pricebook_builder_unit_count(const struct toll_pricebook_builder *b);
const struct toll_price_rule *toll_pricebook_builder_unit(const struct toll_pricebook_builder *b,
                                                          uint32_t i);
/* All rates x num / den in [from_s, to_s). */
struct toll_discount {
	struct toll_slice name;
	uint64_t num, den;
	int64_t from_s, to_s;
};

/* Where the row is valid before or after the discount, too, it becomes several rows, the further
 * ones at the end. TOLL_ETOOBIG: the rates cannot be held exactly, see toll_rate_scale(). */
int toll_pricebook_builder_discount_rule(struct toll_pricebook_builder *b, uint32_t i,
                                         const struct toll_discount *d) TOLL_MUST_CHECK;
int toll_pricebook_builder_discount_unit(struct toll_pricebook_builder *b, uint32_t i,
                                         const struct toll_discount *d) TOLL_MUST_CHECK;

/* Compiles. A row replaces all rows of its id in lower layers; rows of one id and layer must not
 * overlap in time (TOLL_EINVALID, the sentence names the id). The caller has the only reference to
 * the book. The builder is freed, also after a failure. */
int toll_pricebook_builder_finish(struct toll_pricebook_builder *take_b, struct toll_slice version,
                                  struct toll_pricebook **ret,
                                  struct toll_error *reterr) TOLL_MUST_CHECK;

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#include "prices/change.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/hash.h"
#include "cost/pricebook.h"

#define NONE UINT32_MAX

/* Rules and units of a book are compared in the same way. */
struct rows {
	const struct toll_pricebook *book;
	const struct toll_price *(*at)(const struct toll_pricebook *b, uint32_t i);
	uint32_t count;
};

struct comparison {
	struct rows from, to;
	double most;
	int64_t now_s;
	struct toll_table first; /* id -> its first row in from */
	uint32_t *next;          /* the next row of the same id */
	struct toll_price_change *ret;
};

/* ---- rates ---- */

/* USD per base unit. A double decides only whether to ask. */
static double usd(const struct toll_rate *r)
{
	return r->per ? (double)r->price / 1e24 / (double)r->per : 0;
}

static double factor_of(double from, double to)
{
	if (from == to)
		return 1;
	if (from == 0 || to == 0)
		return INFINITY;
	/* Ten times is not more than ten times, whatever a double makes of it. */
	return (from > to ? from / to : to / from) * (1 - 1e-12);
}

static void note(struct comparison *c, const struct toll_price_rule *rule,
                 const struct toll_meter *m, double from, double to)
{
	const struct toll_quantity_info *info = toll_quantity_info(m->kind);
	struct toll_slice name = m->attribute.len ? m->attribute : toll_slice_str(info->name);
	double factor = factor_of(from, to);

	if (factor <= c->most || factor <= c->ret->factor)
		return;
	c->ret->factor = factor;
	snprintf(c->ret->text, sizeof(c->ret->text),
	         "row \"%.*s\": %.*s from %.6g to %.6g USD per %s",
	         TOLL_FMT(toll_slice_cut(rule->id, 80)), TOLL_FMT(toll_slice_cut(name, 60)), from,
	         to, info->unit);
}

/* True: it moves. */
static bool compare_rates(struct comparison *c, const struct toll_price_rule *rule,
                          const struct toll_meter *m, const struct toll_rate *from,
                          const struct toll_rate *to)
{
	note(c, rule, m, usd(from), usd(to));
	return factor_of(usd(from), usd(to)) > c->most;
}

/* ---- rows ---- */

static const struct toll_meter *same_meter(const struct toll_price_rule *in,
                                           const struct toll_meter *m)
{
	for (uint32_t i = 0; i < in->meter_count; i++)
		if (in->meters[i].kind == m->kind &&
		    toll_slice_eq(in->meters[i].attribute, m->attribute))
			return &in->meters[i];
	return NULL;
}

static bool compare_meters(struct comparison *c, const struct toll_price_rule *rule,
                           const struct toll_meter *from, const struct toll_meter *to)
{
	bool moves = compare_rates(c, rule, to, &from->rate, &to->rate);

	for (uint32_t i = 0; i < to->tier_count && i < from->tier_count; i++)
		moves |= compare_rates(c, rule, to, &from->tiers[i].rate, &to->tiers[i].rate);
	return moves;
}

/* A free row has no meters: all of the other one's come from or go to 0. */
static bool compare_free(struct comparison *c, const struct toll_price_rule *from,
                         const struct toll_price_rule *to)
{
	static const struct toll_rate nothing;
	bool moves = false;

	for (uint32_t i = 0; from->free && i < to->meter_count; i++)
		moves |= compare_rates(c, to, &to->meters[i], &nothing, &to->meters[i].rate);
	for (uint32_t i = 0; to->free && i < from->meter_count; i++)
		moves |= compare_rates(c, to, &from->meters[i], &from->meters[i].rate, &nothing);
	return moves;
}

static void compare_rows(struct comparison *c, const struct toll_price_rule *from,
                         const struct toll_price_rule *to)
{
	bool moves = from->free != to->free && compare_free(c, from, to);

	for (uint32_t i = 0; i < to->meter_count; i++) {
		const struct toll_meter *m = same_meter(from, &to->meters[i]);

		moves |= m && compare_meters(c, to, m, &to->meters[i]);
	}
	c->ret->rows += moves;
}

/* The old row that the new one follows; NULL: it has none. */
static const struct toll_price_rule *row_before(const struct comparison *c,
                                                const struct toll_price_rule *to)
{
	int64_t at = to->valid_from_s > c->now_s ? to->valid_from_s : c->now_s;
	const uint32_t *first = toll_table_find(&c->first, to->id);

	for (uint32_t i = first ? *first : NONE; i != NONE; i = c->next[i]) {
		const struct toll_price_rule *r = c->from.at(c->from.book, i)->rule;

		if (r->valid_from_s <= at && at < r->valid_to_s)
			return r;
	}
	return NULL;
}

/* ---- books ---- */

static int index_rows(struct comparison *c)
{
	for (uint32_t i = 0; i < c->from.count; i++) {
		uint32_t *first;
		bool added;
		int err = toll_table_insert(&c->first, c->from.at(c->from.book, i)->rule->id,
		                            &first, &added);

		if (err)
			return err;
		c->next[i] = added ? NONE : *first;
		*first = i;
	}
	return 0;
}

static void compare_all(struct comparison *c)
{
	for (uint32_t i = 0; i < c->to.count; i++) {
		const struct toll_price_rule *to = c->to.at(c->to.book, i)->rule;
		const struct toll_price_rule *from =
			to->valid_to_s > c->now_s ? row_before(c, to) : NULL;

		if (from)
			compare_rows(c, from, to);
	}
}

static int compare(struct comparison *c)
{
	int err = toll_table_init(&c->first, c->from.count + 1);

	if (err)
		return err;
	c->next = calloc((size_t)c->from.count + 1, sizeof(*c->next));
	err = c->next ? index_rows(c) : TOLL_ENOMEM;
	if (!err)
		compare_all(c);
	free(c->next);
	toll_table_release(&c->first);
	return err;
}

static struct rows rules_of(const struct toll_pricebook *b)
{
	return (struct rows){ b, toll_pricebook_rule, toll_pricebook_rule_count(b) };
}

static struct rows units_of(const struct toll_pricebook *b)
{
	return (struct rows){ b, toll_pricebook_unit_row, toll_pricebook_unit_count(b) };
}

bool toll_price_changes(const struct toll_pricebook *from, const struct toll_pricebook *to,
                        int64_t most, int64_t now_s, struct toll_price_change *ret)
{
	struct comparison c = { .from = rules_of(from),
		                .to = rules_of(to),
		                .most = (double)most,
		                .now_s = now_s,
		                .ret = ret };
	int err;

	*ret = (struct toll_price_change){ .rows = 0 };
	err = compare(&c);
	c.from = units_of(from);
	c.to = units_of(to);
	if (!err)
		err = compare(&c);
	if (err)
		*ret = (struct toll_price_change){ 1, INFINITY, "no memory to compare the books" };
	return ret->rows > 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* price_compile.c - rows -> prices in the order in which they are tried; layers, fields, fallbacks.
 */
#include <stdlib.h>

#include "cost/price_inside.h"

/* A row and what its place depends on. */
struct ranked {
	struct toll_price_rule *rule;
	uint32_t exact, literal;
	uint8_t class;
};

static struct toll_slice shown(struct toll_slice id)
{
	return toll_slice_cut(id, 100);
}

/* ---- layers and time ---- */

/* By id, then the highest layer first, then by time. */
static int by_id(const void *left, const void *right)
{
	const struct toll_price_rule *a = left, *b = right;
	int diff = toll_price_compare(a->id, b->id);

	if (diff)
		return diff;
	if (a->layer != b->layer)
		return a->layer < b->layer ? 1 : -1;
	return (a->valid_from_s > b->valid_from_s) - (a->valid_from_s < b->valid_from_s);
}

/* Keeps the rows of the highest layer of each id. */
static int keep_highest(struct toll_price_rule *at, uint32_t *count, struct toll_error *reterr)
{
	const struct toll_price_rule *last = NULL;
	uint32_t kept = 0;

	if (*count)
		qsort(at, *count, sizeof(*at), by_id);
	for (uint32_t i = 0; i < *count; i++) {
		bool same = last && toll_slice_eq(last->id, at[i].id);

		if (same && last->layer != at[i].layer)
			continue;
		if (same && at[i].valid_from_s < last->valid_to_s)
			return toll_fail(reterr, TOLL_EINVALID,
			                 "\"%.*s\" has two prices at the same time: give them "
			                 "valid_from and valid_to, or another id",
			                 TOLL_FMT(shown(at[i].id)));
		at[kept] = at[i];
		last = &at[kept++];
	}
	*count = kept;
	return 0;
}

/* ---- the order of rules ---- */

static bool is_exact(const struct toll_condition *c)
{
	return c->op == TOLL_MATCH_EXACT || c->op == TOLL_MATCH_ONE_OF;
}

static uint8_t class_of(const struct toll_price_rule *r)
{
	bool service = false, operation = false, exact = true;

	for (uint32_t i = 0; i < r->condition_count; i++) {
		const struct toll_condition *c = &r->conditions[i];
		bool is_service = toll_slice_is(c->field, "service");
		bool is_operation = toll_slice_is(c->field, "operation") ||
		                    toll_slice_is(c->field, "http.route");

		if (c->op == TOLL_MATCH_ABSENT || (!is_service && !is_operation))
			continue;
		service |= is_service;
		operation |= is_operation;
		exact = exact && is_exact(c);
	}
	if (operation)
		return service && exact ? 1 : 2;
	return service ? 3 : 4;
}

static size_t shortest(const struct toll_condition *c)
{
	size_t len = c->text_count ? c->texts[0].len : 0;

	for (uint32_t i = 1; i < c->text_count; i++)
		len = c->texts[i].len < len ? c->texts[i].len : len;
	return len;
}

static struct ranked rank(struct toll_price_rule *r)
{
	struct ranked k = { .rule = r, .class = class_of(r) };

	for (uint32_t i = 0; i < r->condition_count; i++) {
		k.exact += is_exact(&r->conditions[i]);
		k.literal += (uint32_t)shortest(&r->conditions[i]);
	}
	return k;
}

/* Of two numbers the higher one first. */
static int higher_first(int64_t a, int64_t b)
{
	return (a < b) - (a > b);
}

static int by_precedence(const void *left, const void *right)
{
	const struct ranked *a = left, *b = right;
	const struct toll_price_rule *x = a->rule, *y = b->rule;
	const int steps[] = {
		higher_first(x->priority, y->priority),
		-higher_first(a->class, b->class),
		higher_first(x->layer, y->layer),
		higher_first(a->exact, b->exact),
		higher_first(x->condition_count, y->condition_count),
		higher_first(a->literal, b->literal),
		-higher_first(x->order, y->order),
		x < y ? -1 : x > y,
	};

	for (size_t i = 0; i < TOLL_COUNT(steps); i++)
		if (steps[i])
			return steps[i];
	return 0;
}

/* ---- one price ---- */

/* What charges a kind of tokens that the rule has no rate for. */
static enum toll_quantity_kind fallback_of(enum toll_quantity_kind kind)
{
	switch (kind) {
	case TOLL_QUANTITY_CACHE_WRITE_1H_TOKENS:
		return TOLL_QUANTITY_CACHE_WRITE_TOKENS;
	case TOLL_QUANTITY_CACHE_WRITE_TOKENS:
	case TOLL_QUANTITY_CACHED_TOKENS:
	case TOLL_QUANTITY_INPUT_AUDIO_TOKENS:
	case TOLL_QUANTITY_INPUT_IMAGE_TOKENS:
		return TOLL_QUANTITY_INPUT_TOKENS;
	case TOLL_QUANTITY_OUTPUT_AUDIO_TOKENS:
		return TOLL_QUANTITY_OUTPUT_TOKENS;
	default:
		return TOLL_QUANTITY_COUNT;
	}
}

static void find_meters(struct toll_price *p)
{
	bool free = true;

	for (uint32_t i = 0; i < p->rule->meter_count; i++) {
		const struct toll_meter *m = &p->rule->meters[i];

		p->kinds |= 1u << m->kind;
		p->reads |= 1u << m->kind;
		p->meter_of[m->kind] = (uint8_t)(i + 1);
		p->uses_model |= toll_quantity_info(m->kind)->family == TOLL_FAMILY_USAGE;
		free = free && toll_rate_is_zero(&m->rate);
		for (uint32_t t = 0; t < m->tier_count; t++) {
			p->reads |= 1u << m->tiers[t].of;
			free = free && toll_rate_is_zero(&m->tiers[t].rate);
		}
	}
	p->free = p->rule->free || free;
	for (enum toll_quantity_kind kind = 0; kind < TOLL_QUANTITY_COUNT; kind++)
		for (enum toll_quantity_kind k = kind;
		     k != TOLL_QUANTITY_COUNT && !p->meter_of[kind]; k = fallback_of(k))
			p->meter_of[kind] = p->meter_of[k];
}

/* The index of a field, a new one if need be; TOLL_EFULL. */
static int add_field(struct toll_pricebook *book, struct toll_slice field, uint8_t *ret)
{
	uint32_t i = toll_pricebook_field_index(book, field);

	if (i == TOLL_PRICEBOOK_FIELDS) {
		if (book->field_count == TOLL_PRICEBOOK_FIELDS)
			return TOLL_EFULL;
		i = book->field_count++;
		book->fields[i] = field;
	}
	*ret = (uint8_t)i;
	return 0;
}

static int compile_rule(struct toll_pricebook *book, const struct toll_price_rule *r, uint8_t class,
                        struct toll_price *p)
{
	uint8_t *fields = toll_arena_new(&book->arena, uint8_t, r->condition_count + 1u);
	int err = 0;

	if (!fields)
		return book->arena.err;
	*p = (struct toll_price){ .book = book, .rule = r, .fields = fields, .class = class };
	for (uint32_t i = 0; i < r->condition_count && !err; i++)
		err = add_field(book, r->conditions[i].field, &fields[i]);
	find_meters(p);
	return err;
}

/* ---- all of them ---- */

static int compile_all(struct toll_pricebook *book, const struct ranked *order, uint32_t count,
                       const struct toll_price **ret)
{
	struct toll_price_rule *rules =
		toll_arena_new(&book->arena, struct toll_price_rule, count + 1);
	struct toll_price *prices = toll_arena_new(&book->arena, struct toll_price, count + 1);
	int err = 0;

	if (!rules || !prices)
		return book->arena.err;
	for (uint32_t i = 0; i < count && !err; i++) {
		rules[i] = *order[i].rule;
		err = compile_rule(book, &rules[i], order[i].class, &prices[i]);
	}
	*ret = prices;
	return err;
}

static int compile_rows(struct toll_pricebook *book, const struct toll_price_rows *rows,
                        bool are_rules, const struct toll_price **ret, uint32_t *ret_count,
                        struct toll_error *reterr)
{
	uint32_t count = rows->count;
	int err = keep_highest(rows->at, &count, reterr);
	struct ranked *order;

	if (err)
		return err;
	order = calloc((size_t)count + 1, sizeof(*order));
	if (!order)
		return toll_fail(reterr, TOLL_ENOMEM, "out of memory");
	for (uint32_t i = 0; i < count; i++)
		order[i] = rank(&rows->at[i]);
	if (are_rules && count)
		qsort(order, count, sizeof(*order), by_precedence);
	err = compile_all(book, order, count, ret);
	free(order);
	*ret_count = count;
	if (err == TOLL_EFULL)
		return toll_fail(reterr, err, "the rules match on more than 64 different fields");
	return err ? toll_fail(reterr, err, "%s", toll_err_text(err)) : 0;
}

static int build_index(struct toll_pricebook *book, struct toll_error *reterr)
{
	int err = toll_price_index_build(&book->arena, book->rules, book->rule_count, &book->index);

	if (err == TOLL_EFULL)
		return toll_fail(reterr, err,
		                 "the lists of the rules have more than 8 million "
		                 "combinations");
	return err ? toll_fail(reterr, err, "%s", toll_err_text(err)) : 0;
}

int toll_pricebook_compile(struct toll_pricebook *book, const struct toll_price_rows *rules,
                           const struct toll_price_rows *units, struct toll_error *reterr)
{
	int err = compile_rows(book, rules, true, &book->rules, &book->rule_count, reterr);

	if (!err)
		err = compile_rows(book, units, false, &book->units, &book->unit_count, reterr);
	return err ? err : build_index(book, reterr);
}

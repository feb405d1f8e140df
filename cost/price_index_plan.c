/* SPDX-License-Identifier: Apache-2.0 */
#include "cost/price_index_plan.h"

#include <stdlib.h>

#include "base/hash.h"

enum {
	MAX_KEYS_OF_RULE = 1024, /* more only where one field alone has them */
	MANY_GROUPS = 16,        /* from here on a group has to be worth a probe */
	FEW_RULES = 4,           /* not worth one */
};

struct planning {
	uint32_t count;
	struct toll_index_plan *plans; /* by rank */
	struct toll_price_index *x;
	uint32_t *seen; /* how many rules ask for a text, by hash: roughly */
	uint32_t seen_mask;
};

static bool is_exact(const struct toll_condition *c)
{
	return c->op == TOLL_MATCH_EXACT || c->op == TOLL_MATCH_ONE_OF;
}

/* ---- which conditions make the key ---- */

/* Bytes that every value begins with for which the condition holds. */
static size_t head_of(const struct toll_condition *c)
{
	size_t n = 0;

	if (c->op == TOLL_MATCH_PREFIX)
		return c->texts[0].len;
	if (c->op != TOLL_MATCH_GLOB)
		return 0;
	while (n < c->texts[0].len && c->texts[0].ptr[n] != '*' && c->texts[0].ptr[n] != '?')
		n++;
	return n;
}

/* The longest of a few lengths: each is a group of its own. */
static uint8_t quantized(size_t head)
{
	static const uint8_t lengths[] = { 24, 16, 12, 8, 6, 4, 3, 2, 1 };

	for (size_t i = 0; i < TOLL_COUNT(lengths); i++)
		if (head >= lengths[i])
			return lengths[i];
	return 0;
}

static bool has_field(const struct toll_index_plan *p, uint8_t field)
{
	for (uint32_t i = 0; i < p->anchor_count; i++)
		if (p->anchors[i].part.field == field)
			return true;
	return false;
}

static void add_anchor(struct toll_index_plan *p, const struct toll_price *price, uint8_t i,
                       uint8_t head)
{
	if (p->anchor_count == TOLL_INDEX_PARTS || has_field(p, price->fields[i]))
		return;
	p->anchors[p->anchor_count++] = (struct toll_index_anchor){ &price->rule->conditions[i],
		                                                    { price->fields[i], head },
		                                                    i };
}

size_t toll_index_plan_keys(const struct toll_index_plan *p)
{
	size_t n = 1;

	for (uint32_t i = 0; i < p->anchor_count && n <= TOLL_INDEX_KEYS; i++)
		n *= p->anchors[i].condition->text_count;
	return n;
}

static void drop_anchor(struct toll_index_plan *p, uint32_t i)
{
	p->anchors[i] = p->anchors[--p->anchor_count];
}

/* Lists multiply: the longest ones are verified instead. */
static void limit_keys(struct toll_index_plan *p)
{
	while (p->anchor_count > 1 && toll_index_plan_keys(p) > MAX_KEYS_OF_RULE) {
		uint32_t longest = 0;

		for (uint32_t i = 1; i < p->anchor_count; i++)
			if (p->anchors[i].condition->text_count >
			    p->anchors[longest].condition->text_count)
				longest = i;
		drop_anchor(p, longest);
	}
}

static int by_field(const void *left, const void *right)
{
	const struct toll_index_anchor *a = left, *b = right;

	return a->part.field - b->part.field;
}

static void sort_anchors(struct toll_index_plan *p)
{
	if (p->anchor_count)
		qsort(p->anchors, p->anchor_count, sizeof(p->anchors[0]), by_field);
}

/* All exact values, and the prefix that says most. */
static void plan_rule(const struct toll_price *price, struct toll_index_plan *p)
{
	const struct toll_price_rule *r = price->rule;
	uint32_t best = r->condition_count;

	p->anchor_count = 0;
	for (uint32_t i = 0; i < r->condition_count; i++) {
		if (is_exact(&r->conditions[i]))
			add_anchor(p, price, (uint8_t)i, 0);
		else if (quantized(head_of(&r->conditions[i])) &&
		         (best == r->condition_count ||
		          head_of(&r->conditions[i]) > head_of(&r->conditions[best])))
			best = i;
	}
	if (best < r->condition_count)
		add_anchor(p, price, (uint8_t)best, quantized(head_of(&r->conditions[best])));
	limit_keys(p);
	sort_anchors(p);
}

/* ---- groups ---- */

static bool is_group(const struct toll_index_group *g, const struct toll_index_plan *p)
{
	if (g->part_count != p->anchor_count)
		return false;
	for (uint32_t i = 0; i < p->anchor_count; i++)
		if (g->parts[i].field != p->anchors[i].part.field ||
		    g->parts[i].head != p->anchors[i].part.head)
			return false;
	return true;
}

/* Its group, a new one if need be; TOLL_INDEX_GROUPS: there are too many. */
static uint32_t group_of(struct toll_price_index *x, const struct toll_index_plan *p, uint32_t rank)
{
	struct toll_index_group *g;
	uint32_t i = 0;

	while (i < x->group_count && !is_group(&x->groups[i], p))
		i++;
	if (i < x->group_count)
		return i;
	/* The last place is for rules without a key. */
	if (i >= TOLL_INDEX_GROUPS - (p->anchor_count > 0))
		return TOLL_INDEX_GROUPS;
	g = &x->groups[x->group_count++];
	*g = (struct toll_index_group){ .first = rank, .part_count = (uint8_t)p->anchor_count };
	for (uint32_t n = 0; n < p->anchor_count; n++) {
		g->parts[n] = p->anchors[n].part;
		g->needs |= UINT64_C(1) << p->anchors[n].part.field;
	}
	return i;
}

/* Ranks rise, and so groups come in order of their best rule. */
static void make_groups(struct planning *b, uint32_t *sizes)
{
	b->x->group_count = 0;
	memset(sizes, 0, (TOLL_INDEX_GROUPS + 1) * sizeof(*sizes));
	for (uint32_t rank = 0; rank < b->count; rank++) {
		b->plans[rank].group = group_of(b->x, &b->plans[rank], rank);
		sizes[b->plans[rank].group]++;
	}
}

/* ---- many small groups: by the one value that fewest rules ask for ---- */

static uint32_t *seen_at(struct planning *b, const struct toll_index_anchor *a, uint32_t text)
{
	struct toll_slice value = a->condition->texts[text];
	uint64_t hash;

	if (a->part.head)
		value.len = a->part.head;
	hash = toll_index_mix(toll_hash(value), a->part.field);
	return &b->seen[(uint32_t)hash & b->seen_mask];
}

static void count_texts(struct planning *b)
{
	for (uint32_t rank = 0; rank < b->count; rank++)
		for (uint32_t i = 0; i < b->plans[rank].anchor_count; i++) {
			const struct toll_index_anchor *a = &b->plans[rank].anchors[i];

			for (uint32_t t = 0; t < a->condition->text_count; t++)
				++*seen_at(b, a, t);
		}
}

static uint64_t crowd_of(struct planning *b, const struct toll_index_anchor *a)
{
	uint64_t crowd = 0;

	for (uint32_t t = 0; t < a->condition->text_count; t++)
		crowd += *seen_at(b, a, t);
	return crowd;
}

static void keep_rarest(struct planning *b, struct toll_index_plan *p)
{
	uint32_t rarest = 0;

	for (uint32_t i = 1; i < p->anchor_count; i++)
		if (crowd_of(b, &p->anchors[i]) < crowd_of(b, &p->anchors[rarest]))
			rarest = i;
	if (p->anchor_count) {
		p->anchors[0] = p->anchors[rarest];
		p->anchor_count = 1;
	}
}

static int shrink_groups(struct planning *b, uint32_t *sizes)
{
	uint32_t room = 1024;

	while (room < b->count * 4 && room < 1u << 22)
		room *= 2;
	b->seen = calloc(room, sizeof(*b->seen));
	if (!b->seen)
		return TOLL_ENOMEM;
	b->seen_mask = room - 1;
	count_texts(b);
	for (uint32_t rank = 0; rank < b->count; rank++) {
		uint32_t group = b->plans[rank].group;

		if (group == TOLL_INDEX_GROUPS || sizes[group] < FEW_RULES)
			keep_rarest(b, &b->plans[rank]);
	}
	free(b->seen);
	make_groups(b, sizes);
	return 0;
}

/* Rules that found no place in a group are verified one by one, in order. */
static void give_up_keys(struct planning *b, uint32_t *sizes)
{
	for (uint32_t rank = 0; rank < b->count; rank++)
		if (b->plans[rank].group == TOLL_INDEX_GROUPS)
			b->plans[rank].anchor_count = 0;
	make_groups(b, sizes);
}

int toll_index_plan_all(const struct toll_price *prices, uint32_t count,
                        struct toll_index_plan *plans, struct toll_price_index *x)
{
	struct planning b = { .count = count, .plans = plans, .x = x };
	uint32_t sizes[TOLL_INDEX_GROUPS + 1];
	int err = 0;

	for (uint32_t rank = 0; rank < count; rank++)
		plan_rule(&prices[rank], &plans[rank]);
	make_groups(&b, sizes);
	if (x->group_count > MANY_GROUPS)
		err = shrink_groups(&b, sizes);
	if (!err && sizes[TOLL_INDEX_GROUPS])
		give_up_keys(&b, sizes);
	return err;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* price_index_build.c - the keys of all rules, and the cells that hold them. */
#include <stdlib.h>

#include "base/hash.h"
#include "cost/price_index_plan.h"

struct build {
	struct toll_arena *arena;
	const struct toll_price *prices;
	uint32_t count;
	struct toll_index_plan *plans; /* by rank */
	struct toll_price_index *x;
	struct toll_index_link *chain;
	uint32_t chain_count;
	uint16_t *to_check;
};

/* A key of a rule: one text of each anchor. */
struct key {
	const struct toll_index_plan *plan;
	uint32_t at[TOLL_INDEX_PARTS];
};

static struct toll_slice text_at(const struct key *k, uint32_t i)
{
	const struct toll_index_anchor *a = &k->plan->anchors[i];
	struct toll_slice text = a->condition->texts[k->at[i]];

	if (a->part.head)
		text.len = a->part.head;
	return text;
}

/* false: that was the last one. */
static bool next_key(struct key *k)
{
	for (uint32_t i = 0; i < k->plan->anchor_count; i++) {
		if (++k->at[i] < k->plan->anchors[i].condition->text_count)
			return true;
		k->at[i] = 0;
	}
	return false;
}

static uint64_t hash_of_key(const struct key *k)
{
	uint64_t hash = toll_index_seed(k->plan->group);

	for (uint32_t i = 0; i < k->plan->anchor_count; i++)
		hash = toll_index_mix(hash, toll_hash(text_at(k, i)));
	return hash;
}

static size_t len_of_key(const struct key *k)
{
	size_t len = 0;

	for (uint32_t i = 0; i < k->plan->anchor_count; i++)
		len += text_at(k, i).len;
	return len;
}

static const char *text_of(const struct toll_index_cell *c, size_t len)
{
	return len > TOLL_INDEX_NEAR ? c->text.far : c->text.near;
}

static bool is_key(const struct toll_index_cell *c, const struct key *k)
{
	const char *at = text_of(c, len_of_key(k));

	for (uint32_t i = 0; i < k->plan->anchor_count; i++)
		if (c->lens[i] != text_at(k, i).len)
			return false;
	for (uint32_t i = 0; i < k->plan->anchor_count; at += c->lens[i++])
		if (memcmp(at, text_at(k, i).ptr, c->lens[i]) != 0)
			return false;
	return true;
}

static int fill_cell(struct build *b, struct toll_index_cell *c, const struct key *k, uint32_t tag)
{
	size_t len = len_of_key(k);
	char *to = c->text.near;

	if (len > TOLL_INDEX_NEAR) {
		to = toll_arena_alloc(b->arena, len, 1);
		if (!to)
			return b->arena->err;
		c->text.far = to;
	}
	for (uint32_t i = 0; i < k->plan->anchor_count; i++) {
		struct toll_slice text = text_at(k, i);

		if (text.len)
			memcpy(to, text.ptr, text.len);
		to += text.len;
		c->lens[i] = (uint16_t)text.len;
	}
	c->tag = tag;
	c->group = (uint8_t)k->plan->group;
	return 0;
}

/* Rules come from the last to the first: the new one goes before those with the same key. */
static int insert(struct build *b, const struct key *k, uint32_t rank, bool check)
{
	uint64_t hash = hash_of_key(k);
	uint32_t tag = toll_index_tag(hash), i = (uint32_t)hash & b->x->mask;
	struct toll_index_cell *c = &b->x->cells[i];
	int err = 0;

	while (c->tag && (c->tag != tag || c->group != k->plan->group || !is_key(c, k))) {
		i = (i + 1) & b->x->mask;
		c = &b->x->cells[i];
	}
	if (c->tag) {
		b->chain[b->chain_count++] = (struct toll_index_link){ c->rank, c->next, c->check };
		c->next = b->chain_count;
	} else {
		err = fill_cell(b, c, k, tag);
	}
	c->rank = rank;
	c->check = check;
	return err;
}

static uint16_t conditions_to_check(const struct toll_price_rule *r,
                                    const struct toll_index_plan *p)
{
	uint32_t left = (1u << r->condition_count) - 1;

	for (uint32_t i = 0; i < p->anchor_count; i++)
		if (!p->anchors[i].part.head)
			left &= ~(1u << p->anchors[i].index);
	return (uint16_t)left;
}

static int insert_rule(struct build *b, uint32_t rank)
{
	const struct toll_price_rule *r = b->prices[rank].rule;
	struct key k = { .plan = &b->plans[rank] };
	bool dated = r->valid_from_s != TOLL_TIME_OPEN_FROM || r->valid_to_s != TOLL_TIME_OPEN_TO;
	int err;

	b->to_check[rank] = conditions_to_check(r, k.plan);
	do
		err = insert(b, &k, rank, dated || b->to_check[rank]);
	while (!err && next_key(&k));
	return err;
}

static int insert_all(struct build *b)
{
	int err = 0;

	for (uint32_t rank = b->count; rank-- > 0 && !err;)
		err = insert_rule(b, rank);
	return err;
}

/* ---- all of it ---- */

static int make_room(struct build *b)
{
	size_t keys = 0, room = 16;

	for (uint32_t rank = 0; rank < b->count; rank++) {
		keys += toll_index_plan_keys(&b->plans[rank]);
		if (keys > TOLL_INDEX_KEYS)
			return TOLL_EFULL;
	}
	while (room * 2 < keys * 3)
		room *= 2;
	/* On the lines of the cache. */
	b->x->cells = toll_arena_array(b->arena, sizeof(*b->x->cells), 64, room);
	b->chain = toll_arena_new(b->arena, struct toll_index_link, keys + 1);
	b->to_check = toll_arena_new(b->arena, uint16_t, (size_t)b->count + 1);
	if (!b->x->cells || !b->chain || !b->to_check)
		return b->arena->err;
	memset(b->x->cells, 0, room * sizeof(*b->x->cells));
	b->x->mask = (uint32_t)(room - 1);
	b->x->chain = b->chain;
	b->x->to_check = b->to_check;
	return 0;
}

int toll_price_index_build(struct toll_arena *arena, const struct toll_price *prices,
                           uint32_t count, struct toll_price_index **ret)
{
	struct build b = { .arena = arena, .prices = prices, .count = count };
	int err;

	b.x = toll_arena_new(arena, struct toll_price_index, 1);
	b.plans = calloc((size_t)count + 1, sizeof(*b.plans));
	if (!b.x || !b.plans) {
		free(b.plans);
		return TOLL_ENOMEM;
	}
	err = toll_index_plan_all(prices, count, b.plans, b.x);
	if (!err)
		err = make_room(&b);
	if (!err)
		err = insert_all(&b);
	free(b.plans);
	*ret = b.x;
	return err;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* price_index.c - looking up: the hot path of pricing. */
#include "cost/price_index.h"

#include "base/hash.h"
#include "cost/price_inside.h"

/* One look-up; hashes of values are computed when a group first asks for them. */
struct search {
	const struct toll_pricebook *book;
	const struct toll_price_lookup *l;
	int64_t at_s;
	uint32_t best; /* rank */
	uint64_t hashed;
	uint64_t hashes[TOLL_PRICEBOOK_FIELDS];
};

static uint64_t hash_of(struct search *s, uint8_t field)
{
	uint64_t bit = UINT64_C(1) << field;

	if (!(s->hashed & bit)) {
		s->hashed |= bit;
		s->hashes[field] = toll_hash(s->l->values[field]);
	}
	return s->hashes[field];
}

/* false: a value is shorter than the group's first bytes of it. */
static bool hash_key(struct search *s, const struct toll_index_group *g, uint64_t *ret)
{
	uint64_t hash = toll_index_seed((uint32_t)(g - s->book->index->groups));

	for (uint32_t i = 0; i < g->part_count; i++) {
		const struct toll_index_part *p = &g->parts[i];
		struct toll_slice value = s->l->values[p->field];

		if (p->head && value.len < p->head)
			return false;
		hash = toll_index_mix(hash, p->head ? toll_hash(toll_slice(value.ptr, p->head))
		                                    : hash_of(s, p->field));
	}
	*ret = hash;
	return true;
}

static bool has_key(const struct toll_index_cell *c, const struct toll_index_group *g,
                    const struct toll_price_lookup *l)
{
	const char *at = c->text.near;
	size_t all = 0;

	for (uint32_t i = 0; i < g->part_count; i++) {
		const struct toll_index_part *p = &g->parts[i];

		if (c->lens[i] != (p->head ? p->head : l->values[p->field].len))
			return false;
		all += c->lens[i];
	}
	if (all > TOLL_INDEX_NEAR)
		at = c->text.far;
	for (uint32_t i = 0; i < g->part_count; at += c->lens[i++])
		if (memcmp(at, l->values[g->parts[i].field].ptr, c->lens[i]) != 0)
			return false;
	return true;
}

/* What the key has left open: when the rule is valid, and its other conditions. */
static bool verify(const struct search *s, uint32_t rank)
{
	const struct toll_price *p = &s->book->rules[rank];

	if (!toll_price_is_valid_at(p->rule, s->at_s))
		return false;
	for (uint32_t left = s->book->index->to_check[rank]; left; left &= left - 1) {
		int i = __builtin_ctz(left);
		uint8_t field = p->fields[i];
		bool has = s->l->has >> field & 1;

		if (!toll_condition_holds(&p->rule->conditions[i], has,
		                          has ? s->l->values[field] : toll_slice(NULL, 0)))
			return false;
	}
	return true;
}

/* The best of the rules that share a key; they are in order. */
static void try_all(struct search *s, const struct toll_index_cell *c)
{
	const struct toll_index_link *chain = s->book->index->chain;
	uint32_t rank = c->rank, next = c->next;
	bool check = c->check;

	while (rank < s->best) {
		if (!check || verify(s, rank)) {
			s->best = rank;
			return;
		}
		if (!next)
			return;
		rank = chain[next - 1].rank;
		check = chain[next - 1].check;
		next = chain[next - 1].next;
	}
}

static void try_group(struct search *s, const struct toll_index_group *g)
{
	const struct toll_price_index *x = s->book->index;
	uint8_t number = (uint8_t)(g - x->groups);
	const struct toll_index_cell *c;
	uint64_t hash;
	uint32_t tag;

	if (!hash_key(s, g, &hash))
		return;
	tag = toll_index_tag(hash);
	for (uint32_t i = (uint32_t)hash & x->mask; x->cells[i].tag; i = (i + 1) & x->mask) {
		c = &x->cells[i];
		if (c->tag == tag && c->group == number && has_key(c, g, s->l)) {
			try_all(s, c);
			return;
		}
	}
}

const struct toll_price *toll_pricebook_find(const struct toll_pricebook *b,
                                             const struct toll_price_lookup *l, int64_t at_s)
{
	const struct toll_price_index *x = b->index;
	struct search s TOLL_UNINITIALIZED;

	s.book = b;
	s.l = l;
	s.at_s = at_s;
	s.best = TOLL_INDEX_NONE;
	s.hashed = 0;
	for (uint32_t i = 0; i < x->group_count && x->groups[i].first < s.best; i++)
		if (!(x->groups[i].needs & ~l->has))
			try_group(&s, &x->groups[i]);
	return s.best == TOLL_INDEX_NONE ? NULL : &b->rules[s.best];
}

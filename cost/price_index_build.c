/* SPDX-License-Identifier: Apache-2.0 */
/* price_index_build.c - groups, keys and cells of the rules of a book. */
#include <stdlib.h>

#include "base/hash.h"
#include "cost/price_index.h"

enum {
	MAX_KEYS_OF_RULE = 1024, /* more only where one field alone has them */
	MANY_GROUPS = 16,        /* from here on a group has to be worth a probe */
	FEW_RULES = 4,           /* not worth one */
};

#define MAX_KEYS UINT32_C(8000000)

/* A condition whose texts take part in the keys of its rule. */
struct anchor {
	const struct toll_condition *condition;
	struct toll_index_part part;
	uint8_t index; /* of the condition */
};

/* How a rule is found: in which group, by which conditions. */
struct plan {
	struct anchor anchors[TOLL_INDEX_PARTS];
	uint32_t anchor_count;
	uint32_t group;
};

struct build {
	struct toll_arena *arena;
	const struct toll_price *prices;
	uint32_t count;
	struct plan *plans; /* by rank */
	uint32_t *seen;     /* how many rules ask for a text, by hash: roughly */
	uint32_t seen_mask;
	struct toll_price_index *x;
	struct toll_index_link *chain;
	uint32_t chain_count;
	uint16_t *to_check;
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

static bool has_field(const struct plan *p, uint8_t field)
{
	for (uint32_t i = 0; i < p->anchor_count; i++)
		if (p->anchors[i].part.field == field)
			return true;
	return false;
}

static void add_anchor(struct plan *p, const struct toll_price *price, uint8_t i, uint8_t head)
{
	if (p->anchor_count == TOLL_INDEX_PARTS || has_field(p, price->fields[i]))
		return;
	p->anchors[p->anchor_count++] =
		(struct anchor){ &price->rule->conditions[i], { price->fields[i], head }, i };
}

static size_t keys_of(const struct plan *p)
{
	size_t n = 1;

	for (uint32_t i = 0; i < p->anchor_count && n <= MAX_KEYS; i++)
		n *= p->anchors[i].condition->text_count;
	return n;
}

static void drop_anchor(struct plan *p, uint32_t i)
{
	p->anchors[i] = p->anchors[--p->anchor_count];
}

/* Lists multiply: the longest ones are verified instead. */
static void limit_keys(struct plan *p)
{
	while (p->anchor_count > 1 && keys_of(p) > MAX_KEYS_OF_RULE) {
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
	const struct anchor *a = left, *b = right;

	return a->part.field - b->part.field;
}

static void sort_anchors(struct plan *p)
{
	if (p->anchor_count)
		qsort(p->anchors, p->anchor_count, sizeof(p->anchors[0]), by_field);
}

/* All exact values, and the prefix that says most. */
static void plan_rule(const struct toll_price *price, struct plan *p)
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

static bool is_group(const struct toll_index_group *g, const struct plan *p)
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
static uint32_t group_of(struct toll_price_index *x, const struct plan *p, uint32_t rank)
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
static void make_groups(struct build *b, uint32_t *sizes)
{
	b->x->group_count = 0;
	memset(sizes, 0, (TOLL_INDEX_GROUPS + 1) * sizeof(*sizes));
	for (uint32_t rank = 0; rank < b->count; rank++) {
		b->plans[rank].group = group_of(b->x, &b->plans[rank], rank);
		sizes[b->plans[rank].group]++;
	}
}

/* ---- many small groups: by the one value that fewest rules ask for ---- */

static uint32_t *seen_at(struct build *b, const struct anchor *a, uint32_t text)
{
	struct toll_slice value = a->condition->texts[text];
	uint64_t hash;

	if (a->part.head)
		value.len = a->part.head;
	hash = toll_index_mix(toll_hash(value), a->part.field);
	return &b->seen[(uint32_t)hash & b->seen_mask];
}

static void count_texts(struct build *b)
{
	for (uint32_t rank = 0; rank < b->count; rank++)
		for (uint32_t i = 0; i < b->plans[rank].anchor_count; i++) {
			const struct anchor *a = &b->plans[rank].anchors[i];

			for (uint32_t t = 0; t < a->condition->text_count; t++)
				++*seen_at(b, a, t);
		}
}

static uint64_t crowd_of(struct build *b, const struct anchor *a)
{
	uint64_t crowd = 0;

	for (uint32_t t = 0; t < a->condition->text_count; t++)
		crowd += *seen_at(b, a, t);
	return crowd;
}

static void keep_rarest(struct build *b, struct plan *p)
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

static int shrink_groups(struct build *b, uint32_t *sizes)
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
static void give_up_keys(struct build *b, uint32_t *sizes)
{
	for (uint32_t rank = 0; rank < b->count; rank++)
		if (b->plans[rank].group == TOLL_INDEX_GROUPS)
			b->plans[rank].anchor_count = 0;
	make_groups(b, sizes);
}

static int plan_all(struct build *b)
{
	uint32_t sizes[TOLL_INDEX_GROUPS + 1];
	int err = 0;

	for (uint32_t rank = 0; rank < b->count; rank++)
		plan_rule(&b->prices[rank], &b->plans[rank]);
	make_groups(b, sizes);
	if (b->x->group_count > MANY_GROUPS)
		err = shrink_groups(b, sizes);
	if (!err && sizes[TOLL_INDEX_GROUPS])
		give_up_keys(b, sizes);
	return err;
}

/* ---- cells ---- */

/* A key of a rule: one text of each anchor. */
struct key {
	const struct plan *plan;
	uint32_t at[TOLL_INDEX_PARTS];
};

static struct toll_slice text_at(const struct key *k, uint32_t i)
{
	const struct anchor *a = &k->plan->anchors[i];
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

static uint16_t conditions_to_check(const struct toll_price_rule *r, const struct plan *p)
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
		keys += keys_of(&b->plans[rank]);
		if (keys > MAX_KEYS)
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
	err = plan_all(&b);
	if (!err)
		err = make_room(&b);
	if (!err)
		err = insert_all(&b);
	free(b.plans);
	*ret = b.x;
	return err;
}

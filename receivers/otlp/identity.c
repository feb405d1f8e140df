/* SPDX-License-Identifier: Apache-2.0 */
#include "receivers/otlp/identity.h"

#include "cost/name.h"
#include "proto/attr.h"
#include "proto/edit.h"
#include "proto/key.h"

/* The rules whose name fits the client. */
struct booking {
	const struct toll_otlp_identity **rules;
	size_t count;
	bool ruled;                /* there are any rules at all */
	struct toll_slice account; /* "unverified:<client>"; made when it is needed */
	const char *identity;
};

static int find_rules(struct toll_batch *b, const struct toll_group_list *rules, struct booking *k)
{
	const struct toll_otlp_identity *all = rules->at;
	struct toll_slice who = toll_slice_str(k->identity);

	k->ruled = rules->count > 0;
	if (!k->ruled)
		return 0;
	k->rules = toll_arena_new(&b->arena, const struct toll_otlp_identity *, rules->count);
	if (!k->rules)
		return b->arena.err;
	for (size_t i = 0; who.len && i < rules->count; i++)
		if (toll_name_match(all[i].name, who))
			k->rules[k->count++] = &all[i];
	return 0;
}

static bool lists(const struct toll_otlp_identity *rule, struct toll_slice service)
{
	for (size_t i = 0; i < rule->services.count; i++)
		if (toll_name_match(rule->services.at[i], service))
			return true;
	return false;
}

static bool may_bill(const struct booking *k, struct toll_slice service)
{
	for (size_t i = 0; i < k->count; i++)
		if (lists(k->rules[i], service))
			return true;
	return !k->ruled;
}

static int make_account(struct toll_batch *b, struct booking *k)
{
	const struct toll_slice head = TOLL_SLICE(TOLL_NAME_UNVERIFIED);
	struct toll_slice who = toll_slice_str(*k->identity ? k->identity : "anonymous");
	char *text;

	if (k->account.len)
		return 0;
	text = toll_arena_alloc(&b->arena, head.len + who.len, 1);
	if (!text)
		return b->arena.err;
	memcpy(text, head.ptr, head.len);
	memcpy(text + head.len, who.ptr, who.len);
	k->account = toll_slice(text, head.len + who.len);
	return 0;
}

/* We go by the first service.name; others who read the bytes may go by the last. */
static int forget_other_names(struct toll_batch *b, struct toll_node *n)
{
	const struct toll_attr *first = toll_node_find(n, TOLL_KEY_SERVICE_NAME);
	uint32_t i = first ? (uint32_t)(first - n->attrs) + 1 : n->attr_count;
	int err = 0;

	for (; i < n->attr_count && !err; i++)
		if (n->attrs[i].key_id == TOLL_KEY_SERVICE_NAME)
			err = toll_attr_delete(b, n, &n->attrs[i]);
	return err;
}

static int rebook(struct toll_batch *b, struct toll_resource *r, struct booking *k)
{
	int err = make_account(b, k);

	if (!err)
		err = toll_node_set_str(b, &r->node, TOLL_SLICE(TOLL_CLAIMED_SERVICE), r->service);
	if (!err)
		err = toll_node_set_str(b, &r->node, TOLL_SLICE("service.name"), k->account);
	if (err)
		return err;
	r->claimed = r->service;
	r->service = k->account;
	return 0;
}

int toll_otlp_book(struct toll_batch *b, const struct toll_group_list *rules, const char *identity,
                   struct toll_otlp_unverified *ret)
{
	struct booking k = { .identity = identity ? identity : "" };
	int err = find_rules(b, rules, &k);
	bool changed = false;

	*ret = (struct toll_otlp_unverified){ 0, 0 };
	for (uint32_t i = 0; i < b->resource_count && !err; i++) {
		struct toll_resource *r = &b->resources[i];
		bool reserved = toll_name_is_unverified(r->service);

		if (k.ruled || reserved)
			err = forget_other_names(b, &r->node);
		if (err || (!reserved && may_bill(&k, r->service)))
			continue;
		err = rebook(b, r, &k);
		*(reserved ? &ret->reserved : &ret->not_allowed) += r->span_count;
		changed = true;
	}
	return err || !changed ? err : toll_batch_account(b);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/usage.h"

#include "cost/provider.h"
#include "proto/attr.h"
#include "proto/usage_inside.h"

static const uint8_t slots[] = {
#define TOLL_USAGE(id, text, slot, convention) TOLL_USAGE_##slot,
#include "proto/usage.def"
};

/* ---- finding ---- */

/* Ids rise in the order of usage.def: of several in one slot the lowest counts. */
static void consider(struct toll_usage_found *f, const struct toll_attr *a)
{
	enum toll_usage_slot slot = slots[a->key_id - TOLL_KEY_MEASURED_FIRST];
	uint32_t bit = 1u << slot;

	if (f->has & bit && f->attrs[slot]->key_id <= a->key_id)
		return;
	if (slot < TOLL_USAGE_COUNTS && !toll_attr_text(a).len)
		return;
	f->attrs[slot] = a;
	f->has |= bit;
}

static void find_all(const struct toll_node *n, struct toll_usage_found *f)
{
	for (uint32_t i = 0; i < n->attr_count; i++)
		if (n->attrs[i].key_id >= TOLL_KEY_MEASURED_FIRST &&
		    n->attrs[i].key_id < TOLL_KEY_COUNT && n->attrs[i].state != TOLL_ATTR_DELETED)
			consider(f, &n->attrs[i]);
}

static struct toll_slice text_of(const struct toll_usage_found *f, enum toll_usage_slot slot)
{
	return toll_attr_text(toll_usage_attr(f, slot));
}

/* ---- numbers ---- */

enum toll_usage_number toll_usage_digits(struct toll_slice text, uint64_t most, uint64_t *ret)
{
	uint64_t v = 0;

	if (!text.len)
		return TOLL_NUMBER_NONE;
	for (size_t i = 0; i < text.len; i++) {
		if (text.ptr[i] < '0' || text.ptr[i] > '9')
			return TOLL_NUMBER_NONE;
		v = v * 10 + (uint64_t)(text.ptr[i] - '0');
		if (v > most)
			return TOLL_NUMBER_INVALID;
	}
	*ret = v;
	return TOLL_NUMBER_VALID;
}

static enum toll_usage_number from_double(double d, uint64_t most, uint64_t *ret)
{
	/* False for NaN, too. */
	if (!(d >= 0 && d <= (double)most) || (double)(uint64_t)d != d)
		return TOLL_NUMBER_INVALID;
	*ret = (uint64_t)d;
	return TOLL_NUMBER_VALID;
}

enum toll_usage_number toll_usage_number(const struct toll_attr *a, uint64_t most, uint64_t *ret)
{
	struct toll_value v = toll_value_decode(toll_attr_value(a));

	switch (v.type) {
	case TOLL_VALUE_INT:
		if (v.integer < 0 || (uint64_t)v.integer > most)
			return TOLL_NUMBER_INVALID;
		*ret = (uint64_t)v.integer;
		return TOLL_NUMBER_VALID;
	case TOLL_VALUE_DOUBLE:
		return from_double(v.number, most, ret);
	case TOLL_VALUE_STRING:
	case TOLL_VALUE_ARRAY:
		return toll_usage_digits(toll_attr_text(a), most, ret);
	default:
		return TOLL_NUMBER_NONE;
	}
}

/* ---- names ---- */

static bool is_upper(char c)
{
	return c >= 'A' && c <= 'Z';
}

/* As it is on the wire unless it has capitals. Without memory it keeps them. */
static struct toll_slice lowered(struct toll_arena *arena, struct toll_slice text)
{
	size_t i = 0;
	char *copy;

	while (i < text.len && !is_upper(text.ptr[i]))
		i++;
	if (i == text.len)
		return text;
	copy = toll_arena_alloc(arena, text.len, 1);
	if (!copy)
		return text;
	memcpy(copy, text.ptr, text.len);
	for (; i < text.len; i++)
		if (is_upper(copy[i]))
			copy[i] |= 0x20;
	return toll_slice(copy, text.len);
}

static bool begins_with(struct toll_slice s, struct toll_slice head)
{
	return s.len >= head.len && memcmp(s.ptr, head.ptr, head.len) == 0;
}

/* "models/gemini-2.5-pro" and "arn:aws:bedrock:...:inference-profile/us.anthropic.claude-..." */
static struct toll_slice without_path(struct toll_slice model)
{
	const char *slash;

	if (!begins_with(model, TOLL_SLICE("models/")) && !begins_with(model, TOLL_SLICE("arn:")))
		return model;
	slash = memrchr(model.ptr, '/', model.len);
	if (!slash || slash + 1 == model.ptr + model.len)
		return model;
	return toll_slice(slash + 1, (size_t)(model.ptr + model.len - slash - 1));
}

static void identify(const struct toll_usage_found *f, struct toll_span_usage *u)
{
	enum { NAME_MAX_LEN = 256 };
	struct toll_slice provider = text_of(f, TOLL_USAGE_PROVIDER);

	u->provider = toll_provider_id(provider);
	if (!u->provider.len)
		u->provider = toll_slice_cut(provider, NAME_MAX_LEN);
	u->model = toll_slice_cut(without_path(text_of(f, TOLL_USAGE_MODEL)), NAME_MAX_LEN);
}

void toll_usage_count(const struct toll_batch *b, const struct toll_span *s,
                      struct toll_span_usage *ret)
{
	struct toll_usage_found f;

	ret->provider = ret->model = toll_slice(NULL, 0);
	ret->known = ret->aggregate = false;
	ret->poison = NULL;
	ret->has = 0;
	if (!(s->node.known & (TOLL_KNOWN_MODEL | TOLL_KNOWN_MEASURED)))
		return;
	f.has = 0;
	find_all(&s->node, &f);
	if (s->node.known & TOLL_KNOWN_MODEL) {
		const struct toll_scope *scope = &b->scopes[s->scope];

		identify(&f, ret);
		ret->aggregate = toll_usage_is_aggregate(&f);
		toll_usage_tokens(&f, toll_message_field(scope->node.raw, 1), ret);
	}
	if (s->node.known & TOLL_KNOWN_MEASURED)
		toll_usage_measured(b, s, &f, ret);
	if (ret->poison)
		ret->has = 0;
}

void toll_usage_read(struct toll_batch *b, const struct toll_span *s, struct toll_span_usage *ret)
{
	toll_usage_count(b, s, ret);
	ret->provider = lowered(&b->arena, ret->provider);
	ret->model = lowered(&b->arena, ret->model);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* actions.c - the actions at work: each is found attributes, then edits. */
#include "transform/actions.h"

#include <stdlib.h>

#include "proto/attr.h"
#include "proto/edit.h"
#include "proto/json_write.h"
#include "proto/wire.h"
#include "transform/regex.h"
#include "transform/value.h"

enum { ADDRESS_MAX = 64 };

enum target { TO_STRING = 0, TO_INT, TO_DOUBLE };

struct action {
	enum toll_action_kind kind;
	enum target target;
	struct toll_slice key, from_attribute;
	enum toll_key key_id, from_id; /* OTHER: found by its name */
	bool from_client;
	struct toll_slice value, fallback; /* encoded; {NULL, 0}: none */
	char *own_value, *own_fallback;    /* their memory */
	struct toll_regex *regex;          /* NULL: no pattern */
};

struct toll_actions {
	struct action *at;
	size_t count, texts; /* texts: bytes of all keys and values */
	bool copies;         /* some put received bytes into a second place */
};

/* ---- life ---- */

/* Absent: {NULL, 0}. */
static int encode(const struct toll_any *any, char **ret_own, struct toll_slice *ret)
{
	char *bytes;

	if (any->type == TOLL_ANY_NONE)
		return 0;
	bytes = malloc(TOLL_ANY_HEAD + any->text.len);
	if (!bytes)
		return TOLL_ENOMEM;
	*ret_own = bytes;
	*ret = toll_slice(bytes, (size_t)(toll_any_encode(bytes, any) - bytes));
	return 0;
}

static int make_action(struct action *a, const struct toll_action_settings *set,
                       struct toll_error *reterr)
{
	*a = (struct action){ .kind = (enum toll_action_kind)set->action,
		              .key = set->key,
		              .key_id = toll_key_of(set->key),
		              .from_attribute = set->from_attribute,
		              .from_id = toll_key_of(set->from_attribute),
		              .from_client = set->from_context.len != 0 };
	if (toll_slice_is(set->converted_type, "int"))
		a->target = TO_INT;
	else if (toll_slice_is(set->converted_type, "double"))
		a->target = TO_DOUBLE;
	if (encode(&set->value, &a->own_value, &a->value) ||
	    encode(&set->default_value, &a->own_fallback, &a->fallback))
		return toll_fail(reterr, TOLL_ENOMEM, "out of memory");
	return set->pattern.len ? toll_regex_new(set->pattern, &a->regex, reterr) : 0;
}

static struct toll_actions *alloc_actions(size_t count)
{
	struct toll_actions *all = calloc(1, sizeof(*all));
	struct action *at = calloc(count + 1, sizeof(*at));

	if (!all || !at) {
		free(all);
		free(at);
		return NULL;
	}
	all->at = at;
	return all;
}

int toll_actions_new(const struct toll_group_list *list, struct toll_actions **ret,
                     struct toll_error *reterr)
{
	const struct toll_action_settings *set = list->at;
	struct toll_actions *all = alloc_actions(list->count);
	int err = 0;

	if (!all)
		return toll_fail(reterr, TOLL_ENOMEM, "out of memory");
	for (size_t i = 0; i < list->count && !err; i++) {
		struct action *a = &all->at[i];

		all->count++;
		err = make_action(a, &set[i], reterr);
		all->texts += a->key.len + a->value.len + a->fallback.len + TOLL_HASH_TEXT;
		all->copies |= a->from_attribute.len || a->kind >= TOLL_ACTION_EXTRACT;
	}
	if (err)
		return toll_actions_free(all), err;
	*ret = all;
	return 0;
}

struct toll_actions *toll_actions_free(struct toll_actions *all)
{
	if (!all)
		return NULL;
	for (size_t i = 0; i < all->count; i++) {
		free(all->at[i].own_value);
		free(all->at[i].own_fallback);
		toll_regex_free(all->at[i].regex);
	}
	free(all->at);
	free(all);
	return NULL;
}

/* An edit, three views as the array of them grows, and a few heads. */
enum { EDIT_BYTES = sizeof(struct toll_edit) + 3 * sizeof(struct toll_attr) + 64 };

void toll_actions_allow(const struct toll_actions *all, struct toll_batch *b, uint32_t nodes)
{
	size_t copied = all->copies ? all->count * b->wire.len : 0;

	toll_batch_allow(b, nodes * (all->count * EDIT_BYTES + all->texts) + copied +
	                            b->wire.len * sizeof(struct toll_attr) / 4);
}

/* ---- finding ---- */

static struct toll_attr *find(struct toll_node *n, struct toll_slice key, enum toll_key id)
{
	const struct toll_attr *a =
		id == TOLL_KEY_OTHER ? toll_node_find_name(n, key) : toll_node_find(n, id);

	return a ? &n->attrs[a - n->attrs] : NULL;
}

/* "ipv4:10.0.0.1:4317", "ipv6:[::1]:4317" or without the first word: the address alone; {NULL, 0}
 * for what is none (a unix socket). */
static struct toll_slice address_of(const char *peer)
{
	struct toll_slice s = peer ? toll_slice_str(peer) : toll_slice(NULL, 0);
	const char *end;

	if (s.len > 5 && (!memcmp(s.ptr, "ipv4:", 5) || !memcmp(s.ptr, "ipv6:", 5)))
		s = toll_slice(s.ptr + 5, s.len - 5);
	else if (s.len >= 5 && !memcmp(s.ptr, "unix:", 5))
		return (struct toll_slice){ 0 };
	if (s.len && *s.ptr == '[')
		s = toll_slice(s.ptr + 1, s.len - 1);
	else if (s.len > 3 && !memcmp(s.ptr, "%5B", 3))
		s = toll_slice(s.ptr + 3, s.len - 3);
	end = s.len ? memchr(s.ptr, ']', s.len) : NULL;
	if (!end && s.len)
		end = memchr(s.ptr, '%', s.len);
	if (!end && s.len)
		end = memrchr(s.ptr, ':', s.len);
	return end ? toll_slice(s.ptr, (size_t)(end - s.ptr)) : s;
}

/* The value that an action sets, encoded; buf: ADDRESS_MAX + TOLL_ANY_HEAD bytes. {NULL, 0}: there
 * is none, and nothing to do. */
static struct toll_slice source_of(const struct action *a, const struct toll_batch *b,
                                   struct toll_node *n, char *buf)
{
	struct toll_slice address;
	const struct toll_attr *from;

	if (a->value.ptr)
		return a->value;
	if (a->from_client) {
		address = toll_slice_cut(address_of(b->peer), ADDRESS_MAX);
		if (!address.len)
			return a->fallback;
		return toll_slice(buf, (size_t)(toll_any_encode_str(buf, address) - buf));
	}
	from = a->from_attribute.len ? find(n, a->from_attribute, a->from_id) : NULL;
	return from ? toll_attr_value(from) : a->fallback;
}

/* ---- actions ---- */

static int set_value(const struct action *a, struct toll_batch *b, struct toll_node *n)
{
	char buf[ADDRESS_MAX + TOLL_ANY_HEAD];
	struct toll_slice any = source_of(a, b, n, buf);
	bool there;

	if (!any.ptr)
		return 0;
	there = find(n, a->key, a->key_id) != NULL;
	if (there ? a->kind == TOLL_ACTION_INSERT : a->kind == TOLL_ACTION_UPDATE)
		return 0;
	return toll_node_set_any(b, n, a->key, any);
}

static int hash(struct toll_batch *b, struct toll_node *n, struct toll_attr *a)
{
	struct toll_value v = toll_value_decode(toll_attr_value(a));
	char text[TOLL_HASH_TEXT];

	if (!toll_value_hash(&v, text))
		return toll_attr_set_str(b, n, a, toll_slice("", 0));
	return toll_attr_set_str(b, n, a, toll_slice(text, sizeof(text)));
}

/* All that have the key or match the pattern. */
static int delete_or_hash(const struct action *a, struct toll_batch *b, struct toll_node *n)
{
	int err = 0;

	for (uint32_t i = 0; i < n->attr_count && !err; i++) {
		struct toll_attr *attr = &n->attrs[i];
		struct toll_slice key = toll_attr_key(attr);

		if (attr->state == TOLL_ATTR_DELETED ||
		    !((a->key.len && toll_slice_eq(key, a->key)) ||
		      (a->regex && toll_regex_match(a->regex, key))))
			continue;
		err = a->kind == TOLL_ACTION_DELETE ? toll_attr_delete(b, n, attr)
		                                    : hash(b, n, attr);
	}
	return err;
}

static int extract(const struct action *a, struct toll_batch *b, struct toll_node *n)
{
	struct toll_slice groups[TOLL_REGEX_GROUPS_MAX];
	const struct toll_attr *from = find(n, a->key, a->key_id);
	struct toll_value v = { .type = TOLL_VALUE_NONE };
	int err = 0;

	if (from)
		v = toll_value_decode(toll_attr_value(from));
	if (v.type != TOLL_VALUE_STRING || !toll_regex_capture(a->regex, v.bytes, groups))
		return 0;
	for (uint32_t i = 0; i < toll_regex_group_count(a->regex) && !err; i++)
		err = toll_node_set_str(b, n, toll_regex_group_name(a->regex, i), groups[i]);
	return err;
}

/* The Collector shows bytes as base64. */
static int bytes_to_string(struct toll_batch *b, struct toll_node *n, struct toll_attr *a,
                           struct toll_slice bytes)
{
	char *text = toll_arena_alloc(&b->arena, 4 * (bytes.len + 2) / 3 + 4, 1);
	char *end;

	if (!text)
		return b->arena.err;
	end = toll_json_base64(text, bytes);
	return toll_attr_set_str(b, n, a, toll_slice(text + 1, (size_t)(end - text) - 2));
}

static int to_string(struct toll_batch *b, struct toll_node *n, struct toll_attr *a,
                     const struct toll_value *v)
{
	char buf[TOLL_VALUE_TEXT];
	struct toll_slice text = toll_value_text(v, buf);

	if (v->type == TOLL_VALUE_STRING)
		return 0;
	if (v->type == TOLL_VALUE_BYTES)
		return bytes_to_string(b, n, a, v->bytes);
	return text.ptr ? toll_attr_set_str(b, n, a, text) : 0;
}

static int convert(const struct action *a, struct toll_batch *b, struct toll_node *n)
{
	struct toll_attr *attr = find(n, a->key, a->key_id);
	struct toll_value v = { .type = TOLL_VALUE_NONE };
	int64_t integer;
	double number;

	if (attr)
		v = toll_value_decode(toll_attr_value(attr));
	if (v.type == TOLL_VALUE_NONE)
		return 0;
	if (a->target == TO_INT && v.type != TOLL_VALUE_INT && toll_value_to_int(&v, &integer))
		return toll_node_set_int(b, n, a->key, integer);
	if (a->target == TO_DOUBLE && v.type != TOLL_VALUE_DOUBLE &&
	    toll_value_to_double(&v, &number))
		return toll_node_set_double(b, n, a->key, number);
	return a->target == TO_STRING ? to_string(b, n, attr, &v) : 0;
}

int toll_actions_run(const struct toll_actions *all, struct toll_batch *b, struct toll_node *n)
{
	static int (*const by_kind[])(const struct action *a, struct toll_batch *b,
	                              struct toll_node *n) = {
		[TOLL_ACTION_INSERT] = set_value,    [TOLL_ACTION_UPDATE] = set_value,
		[TOLL_ACTION_UPSERT] = set_value,    [TOLL_ACTION_DELETE] = delete_or_hash,
		[TOLL_ACTION_HASH] = delete_or_hash, [TOLL_ACTION_EXTRACT] = extract,
		[TOLL_ACTION_CONVERT] = convert,
	};
	int err = 0;

	for (size_t i = 0; i < all->count && !err; i++)
		err = by_kind[all->at[i].kind](&all->at[i], b, n);
	return err;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/attr.h"

#include <pthread.h>

#include "proto/key.h"
#include "proto/wire.h"

static struct toll_key_table key_table;
static pthread_once_t key_once = PTHREAD_ONCE_INIT;

static void add_key(enum toll_key id, struct toll_slice text)
{
	uint32_t bucket = toll_key_bucket(text);

	key_table.text[id] = text;
	key_table.next[id] = key_table.first[bucket];
	key_table.first[bucket] = (uint16_t)id;
}

static void make_key_table(void)
{
#define TOLL_KEY(id, text) add_key(TOLL_KEY_##id, TOLL_SLICE(text));
#include "proto/semconv.def"
}

const struct toll_key_table *toll_key_table(void)
{
	pthread_once(&key_once, make_key_table);
	return &key_table;
}

enum toll_key toll_key_of(struct toll_slice key)
{
	return toll_key_lookup(toll_key_table(), key);
}

struct toll_slice toll_key_text(enum toll_key key)
{
	return toll_key_table()->text[key];
}

const struct toll_attr *toll_node_find(const struct toll_node *n, enum toll_key key)
{
	if (!(n->known & toll_key_bit((uint16_t)key)))
		return NULL;
	for (uint32_t i = 0; i < n->attr_count; i++)
		if (n->attrs[i].key_id == key && n->attrs[i].state != TOLL_ATTR_DELETED)
			return &n->attrs[i];
	return NULL;
}

const struct toll_attr *toll_node_find_name(const struct toll_node *n, struct toll_slice key)
{
	for (uint32_t i = 0; i < n->attr_count; i++)
		if (n->attrs[i].state != TOLL_ATTR_DELETED &&
		    toll_slice_eq(toll_attr_key(&n->attrs[i]), key))
			return &n->attrs[i];
	return NULL;
}

enum toll_key toll_key_twin(enum toll_key key)
{
	static const uint16_t twins[][2] = {
#define TOLL_TWIN(now, before) { TOLL_KEY_##now, TOLL_KEY_##before },
#include "proto/twins.def"
	};

	for (size_t i = 0; key != TOLL_KEY_OTHER && i < TOLL_COUNT(twins); i++)
		if (twins[i][0] == key || twins[i][1] == key)
			return (enum toll_key)(twins[i][0] == key ? twins[i][1] : twins[i][0]);
	return TOLL_KEY_OTHER;
}

const struct toll_attr *toll_node_find_field(const struct toll_node *n, struct toll_slice key)
{
	const struct toll_attr *a = toll_node_find_name(n, key);
	enum toll_key twin = a ? TOLL_KEY_OTHER : toll_key_twin(toll_key_of(key));

	return twin == TOLL_KEY_OTHER ? a : toll_node_find(n, twin);
}

const struct toll_attr *toll_span_find(const struct toll_batch *b, const struct toll_span *s,
                                       enum toll_key key)
{
	const struct toll_attr *a = toll_node_find(&s->node, key);

	return a ? a : toll_node_find(&b->resources[s->resource].node, key);
}

/* AnyValue: string 1, bool 2, int 3, double 4, array 5, kvlist 6, bytes 7. */
static bool decode_field(struct toll_reader *r, uint32_t tag, struct toll_value *v)
{
	uint64_t bits = 0;
	bool ok;

	switch (tag) {
	case TOLL_TAG(1, TOLL_WIRE_BYTES):
		v->type = TOLL_VALUE_STRING;
		return toll_read_bytes(r, &v->bytes);
	case TOLL_TAG(5, TOLL_WIRE_BYTES):
		v->type = TOLL_VALUE_ARRAY;
		return toll_read_bytes(r, &v->bytes);
	case TOLL_TAG(6, TOLL_WIRE_BYTES):
		v->type = TOLL_VALUE_KVLIST;
		return toll_read_bytes(r, &v->bytes);
	case TOLL_TAG(7, TOLL_WIRE_BYTES):
		v->type = TOLL_VALUE_BYTES;
		return toll_read_bytes(r, &v->bytes);
	case TOLL_TAG(2, TOLL_WIRE_VARINT):
	case TOLL_TAG(3, TOLL_WIRE_VARINT):
		ok = toll_read_varint(r, &bits);
		v->type = tag >> 3 == 2 ? TOLL_VALUE_BOOL : TOLL_VALUE_INT;
		v->integer = v->type == TOLL_VALUE_BOOL ? bits != 0 : (int64_t)bits;
		return ok;
	case TOLL_TAG(4, TOLL_WIRE_FIXED64):
		ok = toll_read_fixed64(r, &bits);
		v->type = TOLL_VALUE_DOUBLE;
		memcpy(&v->number, &bits, sizeof(bits));
		return ok;
	default:
		return toll_read_skip(r, tag);
	}
}

struct toll_value toll_value_decode(struct toll_slice any_value)
{
	struct toll_reader r = toll_reader_of(any_value);
	struct toll_value v = { .type = TOLL_VALUE_NONE };
	uint32_t tag;

	while (r.at < r.end)
		if (!toll_read_tag(&r, &tag) || !decode_field(&r, tag, &v))
			return (struct toll_value){ .type = TOLL_VALUE_NONE };
	return v;
}

static struct toll_slice first_element(struct toll_slice array)
{
	struct toll_reader r = toll_reader_of(array);
	struct toll_slice any;
	struct toll_value v;
	uint32_t tag;

	if (!toll_read_tag(&r, &tag) || tag != TOLL_TAG(1, TOLL_WIRE_BYTES) ||
	    !toll_read_bytes(&r, &any))
		return (struct toll_slice){ 0 };
	v = toll_value_decode(any);
	return v.type == TOLL_VALUE_STRING ? v.bytes : (struct toll_slice){ 0 };
}

struct toll_slice toll_attr_text(const struct toll_attr *a)
{
	struct toll_value v = { .type = TOLL_VALUE_NONE };

	if (a)
		v = toll_value_decode(toll_attr_value(a));
	if (v.type == TOLL_VALUE_STRING)
		return v.bytes;
	if (v.type == TOLL_VALUE_ARRAY)
		return first_element(v.bytes);
	return (struct toll_slice){ 0 };
}

struct toll_slice toll_message_field(struct toll_slice message, uint32_t field)
{
	struct toll_reader r = toll_reader_of(message);
	struct toll_slice found = { 0 };
	uint32_t tag;

	while (r.at < r.end) {
		if (!toll_read_tag(&r, &tag))
			return (struct toll_slice){ 0 };
		if (tag == TOLL_TAG(field, TOLL_WIRE_BYTES) ? !toll_read_bytes(&r, &found)
		                                            : !toll_read_skip(&r, tag))
			return (struct toll_slice){ 0 };
	}
	return found;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Sizes of bodies, memory x time of functions, consumed capacity of DynamoDB. */
#include "proto/attr.h"
#include "proto/json_flat.h"
#include "proto/usage_inside.h"
#include "proto/wire.h"

enum {
	CAPACITY_PLACES = 9,
	CAPACITY_TEXTS = 100, /* tables of a batch operation: DynamoDB takes 100 */
};

#define BYTES_MAX    UINT64_C(1000000000000000)
#define CAPACITY_MAX UINT64_C(1000000000000000) /* at CAPACITY_PLACES: a million units */
#define MEBIBYTE     (UINT64_C(1) << 20)

/* ---- bytes and memory ---- */

static void put_bytes(const struct toll_usage_found *f, enum toll_usage_slot slot,
                      enum toll_quantity_kind kind, struct toll_span_usage *u)
{
	const struct toll_attr *a = toll_usage_attr(f, slot);
	uint64_t n;

	if (!a)
		return;
	switch (toll_usage_number(a, BYTES_MAX, &n)) {
	case TOLL_NUMBER_VALID:
		toll_usage_put(u, kind, n);
		break;
	case TOLL_NUMBER_INVALID:
		u->poison = "bytes";
		break;
	default:
		break;
	}
}

/* Only of the span that is the invocation: its children run in the same memory. */
static void put_memory(const struct toll_batch *b, const struct toll_span *s,
                       const struct toll_usage_found *f, struct toll_span_usage *u)
{
	const struct toll_attr *a = toll_usage_attr(f, TOLL_USAGE_MEMORY);
	uint64_t bytes;

	if (!a)
		a = toll_node_find(&b->resources[s->resource].node, TOLL_KEY_FAAS_MAX_MEMORY);
	if (!a || !toll_usage_attr(f, TOLL_USAGE_INVOCATION) ||
	    s->end_unix_nano < s->start_unix_nano)
		return;
	switch (toll_usage_number(a, BYTES_MAX, &bytes)) {
	case TOLL_NUMBER_VALID:
		if (bytes < MEBIBYTE)
			bytes *= MEBIBYTE;
		toll_usage_put(u, TOLL_QUANTITY_GB_SECONDS,
		               (toll_u128)bytes * (s->end_unix_nano - s->start_unix_nano));
		break;
	case TOLL_NUMBER_INVALID:
		u->poison = "memory";
		break;
	default:
		break;
	}
}

/* ---- capacity ---- */

struct capacity {
	uint64_t read, write, any; /* at CAPACITY_PLACES */
	bool has_read, has_write, has_any, invalid;
};

static void add(uint64_t *sum, bool *has, struct toll_slice number, bool *invalid)
{
	struct toll_decimal d;
	toll_u128 n;

	if (!toll_decimal_read(number, &d))
		return;
	*has = true;
	if (d.negative || toll_decimal_scale(&d, CAPACITY_PLACES, CAPACITY_MAX, &n) < 0)
		*invalid = true;
	else
		*sum += (uint64_t)n;
}

/* {"TableName": "t", "CapacityUnits": 1.5, "Table": {...}}: the outermost are the sums. */
static void read_capacity(struct toll_slice text, struct capacity *c)
{
	struct toll_json_flat j = toll_json_flat_of(text);
	struct toll_json_member m;

	while (toll_json_flat_next(&j, &m)) {
		if (toll_slice_is(m.name, "ReadCapacityUnits"))
			add(&c->read, &c->has_read, m.value, &c->invalid);
		else if (toll_slice_is(m.name, "WriteCapacityUnits"))
			add(&c->write, &c->has_write, m.value, &c->invalid);
		else if (toll_slice_is(m.name, "CapacityUnits"))
			add(&c->any, &c->has_any, m.value, &c->invalid);
	}
}

static void read_capacities(const struct toll_attr *a, struct capacity *c)
{
	struct toll_value v = toll_value_decode(toll_attr_value(a)), element;
	struct toll_reader r;
	struct toll_slice any;
	uint32_t tag;

	if (v.type == TOLL_VALUE_STRING)
		read_capacity(v.bytes, c);
	if (v.type != TOLL_VALUE_ARRAY)
		return;
	r = toll_reader_of(v.bytes);
	for (int i = 0; i < CAPACITY_TEXTS && r.at < r.end; i++) {
		if (!toll_read_tag(&r, &tag) || tag != TOLL_TAG(1, TOLL_WIRE_BYTES) ||
		    !toll_read_bytes(&r, &any))
			return;
		element = toll_value_decode(any);
		if (element.type == TOLL_VALUE_STRING)
			read_capacity(element.bytes, c);
	}
}

static bool is_one_of(struct toll_slice s, const char *const *names)
{
	while (*names && !toll_slice_is(s, *names))
		names++;
	return *names != NULL;
}

/* "GetItem" of "GetItem", "DynamoDB/GetItem" and "DynamoDB.GetItem". */
static struct toll_slice method_of(const struct toll_span *s)
{
	static const enum toll_key keys[] = { TOLL_KEY_RPC_METHOD, TOLL_KEY_DB_OPERATION_NAME,
		                              TOLL_KEY_DB_OPERATION };
	struct toll_slice method = s->name;

	for (size_t i = 0; i < TOLL_COUNT(keys); i++) {
		struct toll_slice text = toll_attr_text(toll_node_find(&s->node, keys[i]));

		if (text.len) {
			method = text;
			break;
		}
	}
	for (size_t i = method.len; i; i--)
		if (method.ptr[i - 1] == '/' || method.ptr[i - 1] == '.')
			return toll_slice(method.ptr + i, method.len - i);
	return method;
}

/* Whether plain CapacityUnits were read or written is told by the operation; of PartiQL (Execute*)
 * nobody can tell. */
static void assign(const struct toll_span *s, struct capacity *c)
{
	static const char *const reads[] = { "GetItem", "BatchGetItem",     "Query",
		                             "Scan",    "TransactGetItems", NULL };
	static const char *const writes[] = { "PutItem",        "UpdateItem",         "DeleteItem",
		                              "BatchWriteItem", "TransactWriteItems", NULL };
	struct toll_slice method = method_of(s);

	if (!c->has_any || c->has_read || c->has_write)
		return;
	c->has_read = is_one_of(method, reads);
	c->has_write = is_one_of(method, writes);
	if (c->has_read)
		c->read = c->any;
	if (c->has_write)
		c->write = c->any;
}

static void put_units(struct toll_span_usage *u, enum toll_quantity_kind kind, uint64_t units)
{
	u->quantities[kind] = (struct toll_quantity){ units, CAPACITY_PLACES };
	u->has |= 1u << kind;
}

static void put_capacity(const struct toll_span *s, const struct toll_usage_found *f,
                         struct toll_span_usage *u)
{
	const struct toll_attr *a = toll_usage_attr(f, TOLL_USAGE_CAPACITY);
	struct capacity c = { 0 };

	if (!a)
		return;
	read_capacities(a, &c);
	assign(s, &c);
	if (c.invalid)
		u->poison = "capacity";
	if (c.has_read)
		put_units(u, TOLL_QUANTITY_READ_CAPACITY_UNITS, c.read);
	if (c.has_write)
		put_units(u, TOLL_QUANTITY_WRITE_CAPACITY_UNITS, c.write);
}

void toll_usage_measured(const struct toll_batch *b, const struct toll_span *s,
                         const struct toll_usage_found *f, struct toll_span_usage *u)
{
	put_bytes(f, TOLL_USAGE_REQUEST_BYTES, TOLL_QUANTITY_REQUEST_BYTES, u);
	put_bytes(f, TOLL_USAGE_RESPONSE_BYTES, TOLL_QUANTITY_RESPONSE_BYTES, u);
	put_memory(b, s, f, u);
	put_capacity(s, f, u);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The spliced protobuf is walked by a table of fields. Proto3 JSON as OTLP has it: lowerCamelCase,
 * hex ids, 64-bit integers as strings, enums as numbers (opentelemetry.io, OTLP specification). */
#include "proto/otlp_json.h"

#include <stdlib.h>

#include "proto/json_write.h"
#include "proto/wire.h"

enum kind {
	K_MESSAGE,
	K_STRING,
	K_HEX,
	K_BASE64,
	K_NUMBER, /* uint32 */
	K_ENUM,
	K_INT64,
	K_BOOL,
	K_FIXED64,
	K_FIXED32,
	K_DOUBLE
};

enum message {
	M_REQUEST,
	M_RESOURCE_SPANS,
	M_RESOURCE,
	M_SCOPE_SPANS,
	M_SCOPE,
	M_SPAN,
	M_EVENT,
	M_LINK,
	M_STATUS,
	M_KEY_VALUE,
	M_ANY_VALUE,
	M_ARRAY,
	M_KVLIST,
	M_ENTITY_REF,
	M_COUNT
};

struct field {
	uint8_t number;
	uint8_t kind;
	uint8_t child; /* of K_MESSAGE */
	bool repeated;
	const char *name;
};

/* clang-format off */
static const struct field fields[M_COUNT][17] = {
#define FIELD(n, kind, name) { n, K_##kind, 0, false, name }
#define MANY(n, kind, name) { n, K_##kind, 0, true, name }
#define ONE_OF(n, child, name) { n, K_MESSAGE, M_##child, false, name }
#define MANY_OF(n, child, name) { n, K_MESSAGE, M_##child, true, name }
	[M_REQUEST] = { MANY_OF(1, RESOURCE_SPANS, "resourceSpans") },
	[M_RESOURCE_SPANS] = { ONE_OF(1, RESOURCE, "resource"), MANY_OF(2, SCOPE_SPANS, "scopeSpans"),
		FIELD(3, STRING, "schemaUrl") },
	[M_RESOURCE] = { MANY_OF(1, KEY_VALUE, "attributes"), FIELD(2, NUMBER, "droppedAttributesCount"),
		MANY_OF(3, ENTITY_REF, "entityRefs") },
	[M_SCOPE_SPANS] = { ONE_OF(1, SCOPE, "scope"), MANY_OF(2, SPAN, "spans"),
		FIELD(3, STRING, "schemaUrl") },
	[M_SCOPE] = { FIELD(1, STRING, "name"), FIELD(2, STRING, "version"),
		MANY_OF(3, KEY_VALUE, "attributes"), FIELD(4, NUMBER, "droppedAttributesCount") },
	[M_SPAN] = { FIELD(1, HEX, "traceId"), FIELD(2, HEX, "spanId"), FIELD(3, STRING, "traceState"),
		FIELD(4, HEX, "parentSpanId"), FIELD(16, FIXED32, "flags"), FIELD(5, STRING, "name"),
		FIELD(6, ENUM, "kind"), FIELD(7, FIXED64, "startTimeUnixNano"),
		FIELD(8, FIXED64, "endTimeUnixNano"), MANY_OF(9, KEY_VALUE, "attributes"),
		FIELD(10, NUMBER, "droppedAttributesCount"), MANY_OF(11, EVENT, "events"),
		FIELD(12, NUMBER, "droppedEventsCount"), MANY_OF(13, LINK, "links"),
		FIELD(14, NUMBER, "droppedLinksCount"), ONE_OF(15, STATUS, "status") },
	[M_EVENT] = { FIELD(1, FIXED64, "timeUnixNano"), FIELD(2, STRING, "name"),
		MANY_OF(3, KEY_VALUE, "attributes"), FIELD(4, NUMBER, "droppedAttributesCount") },
	[M_LINK] = { FIELD(1, HEX, "traceId"), FIELD(2, HEX, "spanId"), FIELD(3, STRING, "traceState"),
		MANY_OF(4, KEY_VALUE, "attributes"), FIELD(5, NUMBER, "droppedAttributesCount"),
		FIELD(6, FIXED32, "flags") },
	[M_STATUS] = { FIELD(2, STRING, "message"), FIELD(3, ENUM, "code") },
	[M_KEY_VALUE] = { FIELD(1, STRING, "key"), ONE_OF(2, ANY_VALUE, "value") },
	[M_ANY_VALUE] = { FIELD(1, STRING, "stringValue"), FIELD(2, BOOL, "boolValue"),
		FIELD(3, INT64, "intValue"), FIELD(4, DOUBLE, "doubleValue"),
		ONE_OF(5, ARRAY, "arrayValue"), ONE_OF(6, KVLIST, "kvlistValue"),
		FIELD(7, BASE64, "bytesValue") },
	[M_ARRAY] = { MANY_OF(1, ANY_VALUE, "values") },
	[M_KVLIST] = { MANY_OF(1, KEY_VALUE, "values") },
	[M_ENTITY_REF] = { FIELD(1, STRING, "schemaUrl"), FIELD(2, STRING, "type"),
		MANY(3, STRING, "idKeys"), MANY(4, STRING, "descriptionKeys") },
#undef FIELD
#undef MANY
#undef ONE_OF
#undef MANY_OF
};
/* clang-format on */

static const uint8_t wire_types[] = {
	[K_MESSAGE] = TOLL_WIRE_BYTES,   [K_STRING] = TOLL_WIRE_BYTES,
	[K_HEX] = TOLL_WIRE_BYTES,       [K_BASE64] = TOLL_WIRE_BYTES,
	[K_ENUM] = TOLL_WIRE_VARINT,     [K_NUMBER] = TOLL_WIRE_VARINT,
	[K_INT64] = TOLL_WIRE_VARINT,    [K_BOOL] = TOLL_WIRE_VARINT,
	[K_FIXED64] = TOLL_WIRE_FIXED64, [K_FIXED32] = TOLL_WIRE_FIXED32,
	[K_DOUBLE] = TOLL_WIRE_FIXED64,
};

/* ---- the buffer ---- */

void toll_buffer_release(struct toll_buffer *b)
{
	free(b->ptr);
	*b = (struct toll_buffer){ 0 };
}

char *toll_buffer_room(struct toll_buffer *b, size_t n)
{
	size_t room = b->room ? b->room : 4096;
	char *grown;

	if (b->err)
		return NULL;
	if (n <= b->room - b->len)
		return b->ptr + b->len;
	while (room - b->len < n)
		if (__builtin_mul_overflow(room, 2, &room)) {
			b->err = TOLL_ENOMEM;
			return NULL;
		}
	grown = realloc(b->ptr, room);
	if (!grown) {
		b->err = TOLL_ENOMEM;
		return NULL;
	}
	b->ptr = grown;
	b->room = room;
	return b->ptr + b->len;
}

static void put_end(struct toll_buffer *b, const char *end)
{
	b->len = (size_t)(end - b->ptr);
}

static void put_char(struct toll_buffer *b, char c)
{
	char *p = toll_buffer_room(b, 1);

	if (p)
		put_end(b, (*p = c, p + 1));
}

/* `"name":` with a comma before it where it is not the first of its object. */
static void put_name(struct toll_buffer *b, const char *name, bool *first)
{
	struct toll_slice s = toll_slice_str(name);
	char *p = toll_buffer_room(b, s.len + 4);

	if (!p)
		return;
	if (!*first)
		*p++ = ',';
	*first = false;
	*p++ = '"';
	p = toll_json_raw(p, s);
	*p++ = '"';
	*p++ = ':';
	put_end(b, p);
}

/* ---- the walk ---- */

static void put_message(struct toll_buffer *b, enum message m, struct toll_slice bytes);

static void put_bytes(struct toll_buffer *b, const struct field *f, struct toll_slice s)
{
	char *p;

	if (f->kind == K_MESSAGE) {
		put_message(b, (enum message)f->child, s);
		return;
	}
	p = toll_buffer_room(b, toll_json_string_bound(s.len) + 4);
	if (!p)
		return;
	if (f->kind == K_STRING)
		put_end(b, toll_json_string(p, s));
	else if (f->kind == K_HEX)
		put_end(b, toll_json_hex(p, s.ptr, s.len));
	else
		put_end(b, toll_json_base64(p, s));
}

static char *put_quoted_int(char *p, int64_t v, bool is_signed)
{
	*p++ = '"';
	p = is_signed ? toll_json_int(p, v) : toll_json_uint(p, (uint64_t)v);
	*p++ = '"';
	return p;
}

static void put_scalar(struct toll_buffer *b, const struct field *f, uint64_t v)
{
	char *p = toll_buffer_room(b, 34);
	double number;

	if (!p)
		return;
	switch (f->kind) {
	case K_INT64:
		p = put_quoted_int(p, (int64_t)v, true);
		break;
	case K_FIXED64:
		p = put_quoted_int(p, (int64_t)v, false);
		break;
	case K_BOOL:
		p = toll_json_raw(p, v ? TOLL_SLICE("true") : TOLL_SLICE("false"));
		break;
	case K_DOUBLE:
		memcpy(&number, &v, sizeof(v));
		p = toll_json_double(p, number);
		break;
	case K_ENUM: /* int32, sign-extended on the wire */
		p = toll_json_int(p, (int32_t)v);
		break;
	default: /* K_NUMBER, K_FIXED32 */
		p = toll_json_uint(p, (uint32_t)v);
		break;
	}
	put_end(b, p);
}

/* The value of a field whose tag was just read. */
static bool put_value(struct toll_buffer *b, const struct field *f, struct toll_reader *r)
{
	struct toll_slice bytes;
	uint64_t v = 0;
	uint32_t v32 = 0;
	bool ok;

	if (wire_types[f->kind] == TOLL_WIRE_BYTES) {
		ok = toll_read_bytes(r, &bytes);
		if (ok)
			put_bytes(b, f, bytes);
		return ok;
	}
	if (wire_types[f->kind] == TOLL_WIRE_VARINT)
		ok = toll_read_varint(r, &v);
	else if (wire_types[f->kind] == TOLL_WIRE_FIXED64)
		ok = toll_read_fixed64(r, &v);
	else
		ok = toll_read_fixed32(r, &v32);
	if (ok)
		put_scalar(b, f, wire_types[f->kind] == TOLL_WIRE_FIXED32 ? v32 : v);
	return ok;
}

static const struct field *field_of(enum message m, uint32_t tag)
{
	for (const struct field *f = fields[m]; f < fields[m] + 17 && f->name; f++)
		if (tag == TOLL_TAG(f->number, wire_types[f->kind]))
			return f;
	return NULL;
}

/* All occurrences of one repeated field, wherever they stand in the message. */
static void put_array(struct toll_buffer *b, const struct field *f, struct toll_slice bytes)
{
	struct toll_reader r = toll_reader_of(bytes);
	uint32_t tag, want = TOLL_TAG(f->number, wire_types[f->kind]);
	bool first = true;

	put_char(b, '[');
	while (r.at < r.end && toll_read_tag(&r, &tag)) {
		if (tag == want) {
			if (!first)
				put_char(b, ',');
			first = false;
			if (!put_value(b, f, &r))
				break;
		} else if (!toll_read_skip(&r, tag)) {
			break;
		}
	}
	put_char(b, ']');
}

/* Depth is bounded: the decoder refuses values nested deeper than TOLL_MAX_DEPTH. A singular field
 * that comes twice is written twice: readers take the last one, as protobuf does. */
static void put_message(struct toll_buffer *b, enum message m, struct toll_slice bytes)
{
	struct toll_reader r = toll_reader_of(bytes);
	bool first = true;
	uint32_t tag, seen = 0;

	put_char(b, '{');
	while (r.at < r.end && toll_read_tag(&r, &tag)) {
		const struct field *f = field_of(m, tag);

		if (!f || f->repeated) {
			if (f)
				seen |= 1u << (f - fields[m]);
			if (!toll_read_skip(&r, tag))
				break;
			continue;
		}
		put_name(b, f->name, &first);
		if (!put_value(b, f, &r))
			break;
	}
	for (uint32_t i = 0; seen; i++, seen >>= 1)
		if (seen & 1) {
			put_name(b, fields[m][i].name, &first);
			put_array(b, &fields[m][i], bytes);
		}
	put_char(b, '}');
}

void toll_otlp_json(const struct toll_selection *sel, struct toll_buffer *out)
{
	size_t size = toll_otlp_size(sel);
	char *scratch = malloc(size ? size : 1);

	if (!scratch) {
		out->err = TOLL_ENOMEM;
		return;
	}
	toll_otlp_encode(sel, scratch);
	put_message(out, M_REQUEST, toll_slice(scratch, size));
	free(scratch);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The spliced protobuf is walked by a table of fields. Proto3 JSON as OTLP has it: lowerCamelCase,
 * hex ids, 64-bit integers as strings, enums as numbers (opentelemetry.io, OTLP specification). */
#include "proto/otlp_json.h"

#include <stdlib.h>

#include "proto/json_write.h"
#include "proto/otlp_schema.h"

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

static void put_message(struct toll_buffer *b, enum toll_otlp_message m, struct toll_slice bytes);

static void put_bytes(struct toll_buffer *b, const struct toll_otlp_field *f, struct toll_slice s)
{
	char *p;

	if (f->type == TOLL_OTLP_MESSAGE) {
		put_message(b, (enum toll_otlp_message)f->child, s);
		return;
	}
	p = toll_buffer_room(b, toll_json_string_bound(s.len) + 4);
	if (!p)
		return;
	if (f->type == TOLL_OTLP_STRING)
		put_end(b, toll_json_string(p, s));
	else if (f->type == TOLL_OTLP_HEX)
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

static void put_scalar(struct toll_buffer *b, const struct toll_otlp_field *f, uint64_t v)
{
	char *p = toll_buffer_room(b, 34);
	double number;

	if (!p)
		return;
	switch (f->type) {
	case TOLL_OTLP_INT64:
		p = put_quoted_int(p, (int64_t)v, true);
		break;
	case TOLL_OTLP_FIXED64:
		p = put_quoted_int(p, (int64_t)v, false);
		break;
	case TOLL_OTLP_BOOL:
		p = toll_json_raw(p, v ? TOLL_SLICE("true") : TOLL_SLICE("false"));
		break;
	case TOLL_OTLP_DOUBLE:
		memcpy(&number, &v, sizeof(v));
		p = toll_json_double(p, number);
		break;
	case TOLL_OTLP_ENUM: /* int32, sign-extended on the wire */
		p = toll_json_int(p, (int32_t)v);
		break;
	default: /* TOLL_OTLP_UINT32, TOLL_OTLP_FIXED32 */
		p = toll_json_uint(p, (uint32_t)v);
		break;
	}
	put_end(b, p);
}

/* The value of a field whose tag was just read. */
static bool put_value(struct toll_buffer *b, const struct toll_otlp_field *f, struct toll_reader *r)
{
	struct toll_slice bytes;
	uint64_t v = 0;
	uint32_t v32 = 0;
	bool ok;

	if (toll_otlp_wire_types[f->type] == TOLL_WIRE_BYTES) {
		ok = toll_read_bytes(r, &bytes);
		if (ok)
			put_bytes(b, f, bytes);
		return ok;
	}
	if (toll_otlp_wire_types[f->type] == TOLL_WIRE_VARINT)
		ok = toll_read_varint(r, &v);
	else if (toll_otlp_wire_types[f->type] == TOLL_WIRE_FIXED64)
		ok = toll_read_fixed64(r, &v);
	else
		ok = toll_read_fixed32(r, &v32);
	if (ok)
		put_scalar(b, f, toll_otlp_wire_types[f->type] == TOLL_WIRE_FIXED32 ? v32 : v);
	return ok;
}

static const struct toll_otlp_field *field_of(enum toll_otlp_message m, uint32_t tag)
{
	for (const struct toll_otlp_field *f = toll_otlp_schema[m];
	     f < toll_otlp_schema[m] + TOLL_OTLP_MAX_FIELDS && f->name; f++)
		if (tag == toll_otlp_tag(f))
			return f;
	return NULL;
}

/* All occurrences of one repeated field, wherever they stand in the message. */
static void put_array(struct toll_buffer *b, const struct toll_otlp_field *f,
                      struct toll_slice bytes)
{
	struct toll_reader r = toll_reader_of(bytes);
	uint32_t tag, want = toll_otlp_tag(f);
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
static void put_message(struct toll_buffer *b, enum toll_otlp_message m, struct toll_slice bytes)
{
	struct toll_reader r = toll_reader_of(bytes);
	bool first = true;
	uint32_t tag, seen = 0;

	put_char(b, '{');
	while (r.at < r.end && toll_read_tag(&r, &tag)) {
		const struct toll_otlp_field *f = field_of(m, tag);

		if (!f || f->repeated) {
			if (f)
				seen |= 1u << (f - toll_otlp_schema[m]);
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
			put_name(b, toll_otlp_schema[m][i].name, &first);
			put_array(b, &toll_otlp_schema[m][i], bytes);
		}
	put_char(b, '}');
}

void toll_otlp_json_request(struct toll_slice request, struct toll_buffer *out)
{
	put_message(out, TOLL_OTLP_REQUEST, request);
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
	toll_otlp_json_request(toll_slice(scratch, size), out);
	free(scratch);
}

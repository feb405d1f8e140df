/* SPDX-License-Identifier: Apache-2.0 */
/* Fields are written in the order they come. A message gets one byte for its length, and is moved
 * by what is missing when it ends and the length turns out to take more: most are short, and long
 * ones are few. */
#include "proto/otlp_json_decode.h"

#include <stdarg.h>
#include <stdio.h>

#include "proto/json_read.h"
#include "proto/json_scalar.h"
#include "proto/otlp_schema.h"

/* An object or array that has begun and not ended. */
struct level {
	bool is_array;
	uint8_t message; /* of an object: enum toll_otlp_message */
	const struct toll_otlp_field
		*field; /* object: the last key, NULL: unknown; array: its own */
	uint32_t index; /* array: elements so far */
	char *length;   /* object: where its length goes */
};

struct decoder {
	struct level levels[TOLL_OTLP_JSON_DEPTH];
	enum toll_otlp_message root;
	unsigned depth;   /* of levels */
	unsigned skipped; /* objects and arrays open in a field nobody knows */
	char *start, *at, *end;
	int err;
	const char *why;
};

enum { STOP = 0, GO_ON = 1 }; /* what a callback of yajl answers */

static int refuse_as(struct decoder *d, int err, const char *why)
{
	d->err = err;
	d->why = why;
	return STOP;
}

static int refuse(struct decoder *d, const char *why)
{
	return refuse_as(d, TOLL_EINVALID, why);
}

static bool has_room(struct decoder *d, size_t n)
{
	if (toll_likely((size_t)(d->end - d->at) >= n))
		return true;
	refuse_as(d, TOLL_ETOOBIG, "larger than allowed");
	return false;
}

static struct level *top(struct decoder *d)
{
	return &d->levels[d->depth - 1];
}

/* ---- what a value is for ---- */

/* An element of an array, or what a key belongs to; NULL: it is to be skipped. */
static const struct toll_otlp_field *take_place(struct decoder *d)
{
	if (d->skipped || d->depth == 0)
		return NULL;
	if (top(d)->is_array)
		top(d)->index++;
	return top(d)->field;
}

/* trace_id for traceId. */
static bool is_snake_of(const struct toll_otlp_field *f, struct toll_slice key)
{
	size_t k = 0;

	for (const char *c = f->name; *c; c++) {
		bool upper = *c >= 'A' && *c <= 'Z';

		if (upper && (k == key.len || key.ptr[k++] != '_'))
			return false;
		if (k == key.len || key.ptr[k++] != (upper ? *c | 0x20 : *c))
			return false;
	}
	return k == key.len;
}

static bool is_named(const struct toll_otlp_field *f, struct toll_slice key)
{
	return f->name_len == key.len && memcmp(f->name, key.ptr, key.len) == 0;
}

/* Keys mostly come in the order of the table: the search begins behind the last one. */
static const struct toll_otlp_field *find_field(const struct level *l, struct toll_slice key)
{
	const struct toll_otlp_field *all = toll_otlp_schema[l->message];

	for (const struct toll_otlp_field *f = l->field ? l->field + 1 : all; f->name; f++)
		if (is_named(f, key))
			return f;
	for (const struct toll_otlp_field *f = all; f->name; f++)
		if (is_named(f, key) || is_snake_of(f, key))
			return f;
	return NULL;
}

static int on_key(void *ctx, const unsigned char *text, size_t len)
{
	struct decoder *d = ctx;

	if (!d->skipped)
		top(d)->field = find_field(top(d), toll_slice(text, len));
	return GO_ON;
}

/* ---- objects and arrays ---- */

static int push(struct decoder *d, struct level level)
{
	if (d->depth == TOLL_OTLP_JSON_DEPTH)
		return refuse(d, "nested too deep");
	d->levels[d->depth++] = level;
	return GO_ON;
}

static int skip_nested(struct decoder *d)
{
	d->skipped++;
	if (d->depth + d->skipped > TOLL_OTLP_JSON_DEPTH)
		return refuse(d, "nested too deep");
	return GO_ON;
}

/* Tag and one byte for the length, of a field that is a message. */
static int begin_message(struct decoder *d, const struct toll_otlp_field *f)
{
	if (!has_room(d, 3))
		return STOP;
	d->at = toll_write_varint(d->at, toll_otlp_tag(f));
	return push(d, (struct level){ .message = f->child, .length = d->at++ });
}

static int on_object(void *ctx)
{
	struct decoder *d = ctx;
	bool is_root = d->depth == 0 && !d->skipped;
	bool in_array = d->depth && top(d)->is_array;
	const struct toll_otlp_field *f = take_place(d);

	if (is_root)
		return push(d, (struct level){ .message = (uint8_t)d->root });
	if (!f)
		return skip_nested(d);
	if (f->repeated && !in_array)
		return refuse(d, "an object where an array belongs");
	if (f->type != TOLL_OTLP_MESSAGE)
		return refuse(d, "an object where a scalar belongs");
	return begin_message(d, f);
}

static int on_object_end(void *ctx)
{
	struct decoder *d = ctx;
	char *length, *body;
	uint32_t size, more;

	if (d->skipped) {
		d->skipped--;
		return GO_ON;
	}
	length = top(d)->length;
	d->depth--;
	if (!length) /* the request itself has none */
		return GO_ON;
	body = length + 1;
	size = (uint32_t)(d->at - body);
	more = toll_varint_size(size) - 1;
	if (more) {
		if (!has_room(d, more))
			return STOP;
		memmove(body + more, body, size);
		d->at += more;
	}
	toll_write_varint(length, size);
	return GO_ON;
}

static int on_array(void *ctx)
{
	struct decoder *d = ctx;
	const struct toll_otlp_field *f;

	if (d->depth == 0)
		return refuse(d, "an array where the request belongs");
	if (!d->skipped && top(d)->is_array)
		return refuse(d, "an array in an array");
	f = take_place(d);
	if (!f)
		return skip_nested(d);
	if (!f->repeated)
		return refuse(d, "an array where one value belongs");
	return push(d, (struct level){ .is_array = true, .field = f });
}

static int on_array_end(void *ctx)
{
	struct decoder *d = ctx;

	if (d->skipped)
		d->skipped--;
	else
		d->depth--;
	return GO_ON;
}

/* ---- scalars ---- */

static int put_varint(struct decoder *d, const struct toll_otlp_field *f, uint64_t v)
{
	if (!has_room(d, 2 + toll_varint_size(v)))
		return STOP;
	d->at = toll_write_varint(toll_write_varint(d->at, toll_otlp_tag(f)), v);
	return GO_ON;
}

static int put_fixed(struct decoder *d, const struct toll_otlp_field *f, const void *v, size_t size)
{
	if (!has_room(d, 2 + size))
		return STOP;
	d->at = toll_write_varint(d->at, toll_otlp_tag(f));
	memcpy(d->at, v, size);
	d->at += size;
	return GO_ON;
}

static int put_integer(struct decoder *d, const struct toll_otlp_field *f, struct toll_slice text)
{
	bool is_fixed64 = f->type == TOLL_OTLP_FIXED64;
	uint64_t v;
	int64_t i;

	if (f->type == TOLL_OTLP_INT64 || f->type == TOLL_OTLP_ENUM) {
		if (!toll_json_read_int64(text, &i) ||
		    (f->type == TOLL_OTLP_ENUM && (i < INT32_MIN || i > INT32_MAX)))
			return refuse(d, "not an integer of the field's size");
		return put_varint(d, f, (uint64_t)i);
	}
	if (!toll_json_read_uint64(text, is_fixed64 ? UINT64_MAX : UINT32_MAX, &v))
		return refuse(d, "not an unsigned integer of the field's size");
	if (f->type == TOLL_OTLP_UINT32)
		return put_varint(d, f, v);
	return put_fixed(d, f, &v, is_fixed64 ? 8 : 4); /* little-endian: asserted in wire.c */
}

static int put_double(struct decoder *d, const struct toll_otlp_field *f, struct toll_slice text,
                      bool is_string)
{
	double v;

	if (!toll_json_read_double(text, is_string, &v))
		return refuse(d, "not a double");
	return put_fixed(d, f, &v, sizeof(v));
}

static int on_number(void *ctx, const char *text, size_t len)
{
	struct decoder *d = ctx;
	const struct toll_otlp_field *f = take_place(d);

	if (d->depth == 0)
		return refuse(d, "a number where the request belongs");
	if (!f)
		return GO_ON;
	switch (f->type) {
	case TOLL_OTLP_DOUBLE:
		return put_double(d, f, toll_slice(text, len), false);
	case TOLL_OTLP_MESSAGE:
	case TOLL_OTLP_STRING:
	case TOLL_OTLP_HEX:
	case TOLL_OTLP_BASE64:
	case TOLL_OTLP_BOOL:
		return refuse(d, "a number where none belongs");
	default:
		return put_integer(d, f, toll_slice(text, len));
	}
}

/* A field of `size` bytes at most; the body is written behind its length by the caller. */
static char *begin_bytes(struct decoder *d, const struct toll_otlp_field *f, size_t size)
{
	if (!has_room(d, 1 + toll_varint_size(size) + size))
		return NULL;
	d->at = toll_write_varint(d->at, toll_otlp_tag(f));
	return d->at;
}

static int put_text(struct decoder *d, const struct toll_otlp_field *f, struct toll_slice text)
{
	char *at = begin_bytes(d, f, text.len);

	if (!at)
		return STOP;
	d->at = toll_write_raw(toll_write_varint(at, text.len), text);
	return GO_ON;
}

static int put_hex(struct decoder *d, const struct toll_otlp_field *f, struct toll_slice text)
{
	char *at = begin_bytes(d, f, text.len / 2);

	if (!at)
		return STOP;
	at = toll_write_varint(at, text.len / 2);
	if (!toll_json_read_hex(text, at))
		return refuse(d, text.len % 2 ? "not hex: an odd number of digits" : "not hex");
	d->at = at + text.len / 2;
	return GO_ON;
}

/* The length is known only after the padding: written first as the most it can be. */
static int put_base64(struct decoder *d, const struct toll_otlp_field *f, struct toll_slice text)
{
	size_t most = text.len / 4 * 3 + 2, len;
	char *at = begin_bytes(d, f, most), *body;

	if (!at)
		return STOP;
	body = at + toll_varint_size(most);
	if (!toll_json_read_base64(text, body, &len))
		return refuse(d, "not base64");
	at = toll_write_varint(at, len);
	memmove(at, body, len);
	d->at = at + len;
	return GO_ON;
}

static int put_enum(struct decoder *d, const struct toll_otlp_field *f, struct toll_slice text)
{
	const char *const *names = toll_otlp_enum_names[f->child];

	for (uint64_t i = 0; names[i]; i++)
		if (toll_slice_is(text, names[i]))
			return put_varint(d, f, i);
	return put_integer(d, f, text);
}

static int on_string(void *ctx, const unsigned char *bytes, size_t len)
{
	struct decoder *d = ctx;
	const struct toll_otlp_field *f = take_place(d);
	struct toll_slice text = toll_slice(bytes, len);

	if (d->depth == 0)
		return refuse(d, "a string where the request belongs");
	if (!f)
		return GO_ON;
	if (f->repeated && !top(d)->is_array)
		return refuse(d, "a string where an array belongs");
	switch (f->type) {
	case TOLL_OTLP_STRING:
		return put_text(d, f, text);
	case TOLL_OTLP_HEX:
		return put_hex(d, f, text);
	case TOLL_OTLP_BASE64:
		return put_base64(d, f, text);
	case TOLL_OTLP_DOUBLE:
		return put_double(d, f, text, true);
	case TOLL_OTLP_ENUM:
		return put_enum(d, f, text);
	case TOLL_OTLP_MESSAGE:
	case TOLL_OTLP_BOOL:
		return refuse(d, "a string where none belongs");
	default:
		return put_integer(d, f, text);
	}
}

static int on_boolean(void *ctx, int v)
{
	struct decoder *d = ctx;
	const struct toll_otlp_field *f = take_place(d);

	if (d->depth == 0)
		return refuse(d, "a boolean where the request belongs");
	if (!f)
		return GO_ON;
	if (f->type != TOLL_OTLP_BOOL)
		return refuse(d, "a boolean where none belongs");
	return put_varint(d, f, v != 0);
}

/* Absent, but an element of an array keeps its place. */
static int on_null(void *ctx)
{
	struct decoder *d = ctx;
	const struct toll_otlp_field *f = take_place(d);

	if (d->depth == 0)
		return refuse(d, "null where the request belongs");
	if (f && top(d)->is_array)
		return put_text(d, f, toll_slice(NULL, 0));
	return GO_ON;
}

/* ---- the whole text ---- */

static size_t print(char *out, size_t at, size_t room, const char *fmt, ...) TOLL_PRINTF(4, 5);
static size_t print(char *out, size_t at, size_t room, const char *fmt, ...)
{
	va_list args;
	int n;

	if (at >= room)
		return at;
	va_start(args, fmt);
	n = vsnprintf(out + at, room - at, fmt, args);
	va_end(args);
	return at + (n > 0 ? (size_t)n : 0);
}

/* "resourceSpans[0].resource.attributes[2].value"; cut where it is longer than room. */
static void path(const struct decoder *d, char *out, size_t room)
{
	size_t at = 0;

	*out = '\0';
	for (unsigned i = 0; i < d->depth; i++) {
		const struct level *l = &d->levels[i];

		if (l->is_array && l->index)
			at = print(out, at, room, "[%u]", l->index - 1);
		else if (!l->is_array && l->field)
			at = print(out, at, room, "%s%s", at ? "." : "", l->field->name);
	}
}

static int explain(const struct decoder *d, const struct toll_json_fault *fault, int err,
                   struct toll_error *reterr)
{
	char where[160];

	path(d, where, sizeof(where));
	return toll_fail(reterr, err, "%s, at byte %zu%s%s", d->err ? d->why : fault->what,
	                 fault->at, where[0] ? ", " : "", where);
}

static void begin(struct decoder *d, enum toll_otlp_message root, char *out, size_t room)
{
	d->root = root;
	d->depth = d->skipped = 0;
	d->err = 0;
	d->start = d->at = out;
	d->end = out + room;
}

static int decode(struct decoder *d, char *text, size_t len, size_t *ret_len,
                  struct toll_error *reterr)
{
	static const yajl_callbacks callbacks = {
		.yajl_null = on_null,
		.yajl_boolean = on_boolean,
		.yajl_number = on_number,
		.yajl_string = on_string,
		.yajl_start_map = on_object,
		.yajl_map_key = on_key,
		.yajl_end_map = on_object_end,
		.yajl_start_array = on_array,
		.yajl_end_array = on_array_end,
	};
	struct toll_json_fault fault = { 0 };
	int err = toll_json_read(&callbacks, d, text, len, &fault);

	if (err == TOLL_ENOMEM)
		return toll_fail(reterr, err, "out of memory");
	if (err)
		return explain(d, &fault, d->err ? d->err : err, reterr);
	*ret_len = (size_t)(d->at - d->start);
	return 0;
}

int toll_otlp_json_decode(char *text, size_t len, char *out, size_t room, size_t *ret_len,
                          struct toll_error *reterr)
{
	struct decoder d TOLL_UNINITIALIZED;

	begin(&d, TOLL_OTLP_REQUEST, out, room);
	return decode(&d, text, len, ret_len, reterr);
}

int toll_otlp_json_decode_response(char *text, size_t len, char *out, size_t room, size_t *ret_len,
                                   struct toll_error *reterr)
{
	struct decoder d TOLL_UNINITIALIZED;

	begin(&d, TOLL_OTLP_RESPONSE, out, room);
	return decode(&d, text, len, ret_len, reterr);
}

int toll_otlp_json_decode_status(char *text, size_t len, char *out, size_t room, size_t *ret_len,
                                 struct toll_error *reterr)
{
	struct decoder d TOLL_UNINITIALIZED;

	begin(&d, TOLL_OTLP_RPC_STATUS, out, room);
	return decode(&d, text, len, ret_len, reterr);
}

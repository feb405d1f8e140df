/* SPDX-License-Identifier: Apache-2.0 */
/* otlp_json_scalar.c - numbers, strings, booleans and null of OTLP/JSON, written as the field they
 * stand in has them in protobuf. */
#include "proto/json_scalar.h"
#include "proto/otlp_json_private.h"

static int put_varint(struct toll_otlp_json_decoder *d, const struct toll_otlp_field *f, uint64_t v)
{
	if (!toll_otlp_json_has_room(d, 2 + toll_varint_size(v)))
		return TOLL_OTLP_JSON_STOP;
	d->at = toll_write_varint(toll_write_varint(d->at, toll_otlp_tag(f)), v);
	return TOLL_OTLP_JSON_GO_ON;
}

static int put_fixed(struct toll_otlp_json_decoder *d, const struct toll_otlp_field *f,
                     const void *v, size_t size)
{
	if (!toll_otlp_json_has_room(d, 2 + size))
		return TOLL_OTLP_JSON_STOP;
	d->at = toll_write_varint(d->at, toll_otlp_tag(f));
	memcpy(d->at, v, size);
	d->at += size;
	return TOLL_OTLP_JSON_GO_ON;
}

static int put_integer(struct toll_otlp_json_decoder *d, const struct toll_otlp_field *f,
                       struct toll_slice text)
{
	bool is_fixed64 = f->type == TOLL_OTLP_FIXED64;
	uint64_t v;
	int64_t i;

	if (f->type == TOLL_OTLP_INT64 || f->type == TOLL_OTLP_ENUM) {
		if (!toll_json_read_int64(text, &i) ||
		    (f->type == TOLL_OTLP_ENUM && (i < INT32_MIN || i > INT32_MAX)))
			return toll_otlp_json_refuse(d, "not an integer of the field's size");
		return put_varint(d, f, (uint64_t)i);
	}
	if (!toll_json_read_uint64(text, is_fixed64 ? UINT64_MAX : UINT32_MAX, &v))
		return toll_otlp_json_refuse(d, "not an unsigned integer of the field's size");
	if (f->type == TOLL_OTLP_UINT32)
		return put_varint(d, f, v);
	return put_fixed(d, f, &v, is_fixed64 ? 8 : 4); /* little-endian: asserted in wire.c */
}

static int put_double(struct toll_otlp_json_decoder *d, const struct toll_otlp_field *f,
                      struct toll_slice text, bool is_string)
{
	double v;

	if (!toll_json_read_double(text, is_string, &v))
		return toll_otlp_json_refuse(d, "not a double");
	return put_fixed(d, f, &v, sizeof(v));
}

int toll_otlp_json_on_number(void *ctx, const char *text, size_t len)
{
	struct toll_otlp_json_decoder *d = ctx;
	const struct toll_otlp_field *f = toll_otlp_json_take_place(d);

	if (d->depth == 0)
		return toll_otlp_json_refuse(d, "a number where the request belongs");
	if (!f)
		return TOLL_OTLP_JSON_GO_ON;
	switch (f->type) {
	case TOLL_OTLP_DOUBLE:
		return put_double(d, f, toll_slice(text, len), false);
	case TOLL_OTLP_MESSAGE:
	case TOLL_OTLP_STRING:
	case TOLL_OTLP_HEX:
	case TOLL_OTLP_BASE64:
	case TOLL_OTLP_BOOL:
		return toll_otlp_json_refuse(d, "a number where none belongs");
	default:
		return put_integer(d, f, toll_slice(text, len));
	}
}

/* A field of `size` bytes at most; the body is written behind its length by the caller. */
static char *begin_bytes(struct toll_otlp_json_decoder *d, const struct toll_otlp_field *f,
                         size_t size)
{
	if (!toll_otlp_json_has_room(d, 1 + toll_varint_size(size) + size))
		return NULL;
	d->at = toll_write_varint(d->at, toll_otlp_tag(f));
	return d->at;
}

static int put_text(struct toll_otlp_json_decoder *d, const struct toll_otlp_field *f,
                    struct toll_slice text)
{
	char *at = begin_bytes(d, f, text.len);

	if (!at)
		return TOLL_OTLP_JSON_STOP;
	d->at = toll_write_raw(toll_write_varint(at, text.len), text);
	return TOLL_OTLP_JSON_GO_ON;
}

static int put_hex(struct toll_otlp_json_decoder *d, const struct toll_otlp_field *f,
                   struct toll_slice text)
{
	char *at = begin_bytes(d, f, text.len / 2);

	if (!at)
		return TOLL_OTLP_JSON_STOP;
	at = toll_write_varint(at, text.len / 2);
	if (!toll_json_read_hex(text, at))
		return toll_otlp_json_refuse(d, text.len % 2 ? "not hex: an odd number of digits"
		                                             : "not hex");
	d->at = at + text.len / 2;
	return TOLL_OTLP_JSON_GO_ON;
}

/* The length is known only after the padding: written first as the most it can be. */
static int put_base64(struct toll_otlp_json_decoder *d, const struct toll_otlp_field *f,
                      struct toll_slice text)
{
	size_t most = text.len / 4 * 3 + 2, len;
	char *at = begin_bytes(d, f, most), *body;

	if (!at)
		return TOLL_OTLP_JSON_STOP;
	body = at + toll_varint_size(most);
	if (!toll_json_read_base64(text, body, &len))
		return toll_otlp_json_refuse(d, "not base64");
	at = toll_write_varint(at, len);
	memmove(at, body, len);
	d->at = at + len;
	return TOLL_OTLP_JSON_GO_ON;
}

static int put_enum(struct toll_otlp_json_decoder *d, const struct toll_otlp_field *f,
                    struct toll_slice text)
{
	const char *const *names = toll_otlp_enum_names[f->child];

	for (uint64_t i = 0; names[i]; i++)
		if (toll_slice_is(text, names[i]))
			return put_varint(d, f, i);
	return put_integer(d, f, text);
}

int toll_otlp_json_on_string(void *ctx, const unsigned char *bytes, size_t len)
{
	struct toll_otlp_json_decoder *d = ctx;
	const struct toll_otlp_field *f = toll_otlp_json_take_place(d);
	struct toll_slice text = toll_slice(bytes, len);

	if (d->depth == 0)
		return toll_otlp_json_refuse(d, "a string where the request belongs");
	if (!f)
		return TOLL_OTLP_JSON_GO_ON;
	if (f->repeated && !toll_otlp_json_top(d)->is_array)
		return toll_otlp_json_refuse(d, "a string where an array belongs");
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
		return toll_otlp_json_refuse(d, "a string where none belongs");
	default:
		return put_integer(d, f, text);
	}
}

int toll_otlp_json_on_boolean(void *ctx, int v)
{
	struct toll_otlp_json_decoder *d = ctx;
	const struct toll_otlp_field *f = toll_otlp_json_take_place(d);

	if (d->depth == 0)
		return toll_otlp_json_refuse(d, "a boolean where the request belongs");
	if (!f)
		return TOLL_OTLP_JSON_GO_ON;
	if (f->type != TOLL_OTLP_BOOL)
		return toll_otlp_json_refuse(d, "a boolean where none belongs");
	return put_varint(d, f, v != 0);
}

/* Absent, but an element of an array keeps its place. */
int toll_otlp_json_on_null(void *ctx)
{
	struct toll_otlp_json_decoder *d = ctx;
	const struct toll_otlp_field *f = toll_otlp_json_take_place(d);

	if (d->depth == 0)
		return toll_otlp_json_refuse(d, "null where the request belongs");
	if (f && toll_otlp_json_top(d)->is_array)
		return put_text(d, f, toll_slice(NULL, 0));
	return TOLL_OTLP_JSON_GO_ON;
}

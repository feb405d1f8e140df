/* SPDX-License-Identifier: Apache-2.0 */
/* Fields are written in the order they come. A message gets one byte for its length, and is moved
 * by what is missing when it ends and the length turns out to take more: most are short, and long
 * ones are few. */
#include "proto/otlp_json_decode.h"

#include <stdarg.h>
#include <stdio.h>

#include "proto/json_read.h"
#include "proto/otlp_json_private.h"

/* ---- what a value is for ---- */

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
static const struct toll_otlp_field *find_field(const struct toll_otlp_json_level *l,
                                                struct toll_slice key)
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
	struct toll_otlp_json_decoder *d = ctx;

	if (!d->skipped)
		toll_otlp_json_top(d)->field =
			find_field(toll_otlp_json_top(d), toll_slice(text, len));
	return TOLL_OTLP_JSON_GO_ON;
}

/* ---- objects and arrays ---- */

static int push(struct toll_otlp_json_decoder *d, struct toll_otlp_json_level level)
{
	if (d->depth == TOLL_OTLP_JSON_DEPTH)
		return toll_otlp_json_refuse(d, "nested too deep");
	d->levels[d->depth++] = level;
	return TOLL_OTLP_JSON_GO_ON;
}

static int skip_nested(struct toll_otlp_json_decoder *d)
{
	d->skipped++;
	if (d->depth + d->skipped > TOLL_OTLP_JSON_DEPTH)
		return toll_otlp_json_refuse(d, "nested too deep");
	return TOLL_OTLP_JSON_GO_ON;
}

/* Tag and one byte for the length, of a field that is a message. */
static int begin_message(struct toll_otlp_json_decoder *d, const struct toll_otlp_field *f)
{
	if (!toll_otlp_json_has_room(d, 3))
		return TOLL_OTLP_JSON_STOP;
	d->at = toll_write_varint(d->at, toll_otlp_tag(f));
	return push(d, (struct toll_otlp_json_level){ .message = f->child, .length = d->at++ });
}

static int on_object(void *ctx)
{
	struct toll_otlp_json_decoder *d = ctx;
	bool is_root = d->depth == 0 && !d->skipped;
	bool in_array = d->depth && toll_otlp_json_top(d)->is_array;
	const struct toll_otlp_field *f = toll_otlp_json_take_place(d);

	if (is_root)
		return push(d, (struct toll_otlp_json_level){ .message = (uint8_t)d->root });
	if (!f)
		return skip_nested(d);
	if (f->repeated && !in_array)
		return toll_otlp_json_refuse(d, "an object where an array belongs");
	if (f->type != TOLL_OTLP_MESSAGE)
		return toll_otlp_json_refuse(d, "an object where a scalar belongs");
	return begin_message(d, f);
}

static int on_object_end(void *ctx)
{
	struct toll_otlp_json_decoder *d = ctx;
	char *length, *body;
	uint32_t size, more;

	if (d->skipped) {
		d->skipped--;
		return TOLL_OTLP_JSON_GO_ON;
	}
	length = toll_otlp_json_top(d)->length;
	d->depth--;
	if (!length) /* the request itself has none */
		return TOLL_OTLP_JSON_GO_ON;
	body = length + 1;
	size = (uint32_t)(d->at - body);
	more = toll_varint_size(size) - 1;
	if (more) {
		if (!toll_otlp_json_has_room(d, more))
			return TOLL_OTLP_JSON_STOP;
		memmove(body + more, body, size);
		d->at += more;
	}
	toll_write_varint(length, size);
	return TOLL_OTLP_JSON_GO_ON;
}

static int on_array(void *ctx)
{
	struct toll_otlp_json_decoder *d = ctx;
	const struct toll_otlp_field *f;

	if (d->depth == 0)
		return toll_otlp_json_refuse(d, "an array where the request belongs");
	if (!d->skipped && toll_otlp_json_top(d)->is_array)
		return toll_otlp_json_refuse(d, "an array in an array");
	f = toll_otlp_json_take_place(d);
	if (!f)
		return skip_nested(d);
	if (!f->repeated)
		return toll_otlp_json_refuse(d, "an array where one value belongs");
	return push(d, (struct toll_otlp_json_level){ .is_array = true, .field = f });
}

static int on_array_end(void *ctx)
{
	struct toll_otlp_json_decoder *d = ctx;

	if (d->skipped)
		d->skipped--;
	else
		d->depth--;
	return TOLL_OTLP_JSON_GO_ON;
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
static void path(const struct toll_otlp_json_decoder *d, char *out, size_t room)
{
	size_t at = 0;

	*out = '\0';
	for (unsigned i = 0; i < d->depth; i++) {
		const struct toll_otlp_json_level *l = &d->levels[i];

		if (l->is_array && l->index)
			at = print(out, at, room, "[%u]", l->index - 1);
		else if (!l->is_array && l->field)
			at = print(out, at, room, "%s%s", at ? "." : "", l->field->name);
	}
}

static int explain(const struct toll_otlp_json_decoder *d, const struct toll_json_fault *fault,
                   int err, struct toll_error *reterr)
{
	char where[160];

	path(d, where, sizeof(where));
	return toll_fail(reterr, err, "%s, at byte %zu%s%s", d->err ? d->why : fault->what,
	                 fault->at, where[0] ? ", " : "", where);
}

static void begin(struct toll_otlp_json_decoder *d, enum toll_otlp_message root, char *out,
                  size_t room)
{
	d->root = root;
	d->depth = d->skipped = 0;
	d->err = 0;
	d->start = d->at = out;
	d->end = out + room;
}

static int decode(struct toll_otlp_json_decoder *d, char *text, size_t len, size_t *ret_len,
                  struct toll_error *reterr)
{
	static const yajl_callbacks callbacks = {
		.yajl_null = toll_otlp_json_on_null,
		.yajl_boolean = toll_otlp_json_on_boolean,
		.yajl_number = toll_otlp_json_on_number,
		.yajl_string = toll_otlp_json_on_string,
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
	struct toll_otlp_json_decoder d TOLL_UNINITIALIZED;

	begin(&d, TOLL_OTLP_REQUEST, out, room);
	return decode(&d, text, len, ret_len, reterr);
}

int toll_otlp_json_decode_response(char *text, size_t len, char *out, size_t room, size_t *ret_len,
                                   struct toll_error *reterr)
{
	struct toll_otlp_json_decoder d TOLL_UNINITIALIZED;

	begin(&d, TOLL_OTLP_RESPONSE, out, room);
	return decode(&d, text, len, ret_len, reterr);
}

int toll_otlp_json_decode_status(char *text, size_t len, char *out, size_t room, size_t *ret_len,
                                 struct toll_error *reterr)
{
	struct toll_otlp_json_decoder d TOLL_UNINITIALIZED;

	begin(&d, TOLL_OTLP_RPC_STATUS, out, room);
	return decode(&d, text, len, ret_len, reterr);
}

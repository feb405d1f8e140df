/* SPDX-License-Identifier: Apache-2.0 */
/* otlp_json_private.h - what the files of the decoder share.
 *
 * otlp_json_decode.c   keys, objects, arrays, and the whole text
 * otlp_json_scalar.c   numbers, strings, booleans, null: written as their field says */
#ifndef TOLL_PROTO_OTLP_JSON_PRIVATE_H
#define TOLL_PROTO_OTLP_JSON_PRIVATE_H

#include "base/error.h"
#include "proto/otlp_json_decode.h"
#include "proto/otlp_schema.h"

/* An object or array that has begun and not ended. */
struct toll_otlp_json_level {
	bool is_array;
	uint8_t message; /* of an object: enum toll_otlp_message */
	const struct toll_otlp_field
		*field; /* object: the last key, NULL: unknown; array: its own */
	uint32_t index; /* array: elements so far */
	char *length;   /* object: where its length goes */
};

struct toll_otlp_json_decoder {
	struct toll_otlp_json_level levels[TOLL_OTLP_JSON_DEPTH];
	enum toll_otlp_message root;
	unsigned depth;   /* of levels */
	unsigned skipped; /* objects and arrays open in a field nobody knows */
	char *start, *at, *end;
	int err;
	const char *why;
};

enum { TOLL_OTLP_JSON_STOP = 0, TOLL_OTLP_JSON_GO_ON = 1 }; /* what a callback of yajl answers */

static inline int toll_otlp_json_refuse_as(struct toll_otlp_json_decoder *d, int err,
                                           const char *why)
{
	d->err = err;
	d->why = why;
	return TOLL_OTLP_JSON_STOP;
}

static inline int toll_otlp_json_refuse(struct toll_otlp_json_decoder *d, const char *why)
{
	return toll_otlp_json_refuse_as(d, TOLL_EINVALID, why);
}

static inline bool toll_otlp_json_has_room(struct toll_otlp_json_decoder *d, size_t n)
{
	if (toll_likely((size_t)(d->end - d->at) >= n))
		return true;
	toll_otlp_json_refuse_as(d, TOLL_ETOOBIG, "larger than allowed");
	return false;
}

static inline struct toll_otlp_json_level *toll_otlp_json_top(struct toll_otlp_json_decoder *d)
{
	return &d->levels[d->depth - 1];
}

/* An element of an array, or what a key belongs to; NULL: it is to be skipped. */
static inline const struct toll_otlp_field *
toll_otlp_json_take_place(struct toll_otlp_json_decoder *d)
{
	if (d->skipped || d->depth == 0)
		return NULL;
	if (toll_otlp_json_top(d)->is_array)
		toll_otlp_json_top(d)->index++;
	return toll_otlp_json_top(d)->field;
}

/* otlp_json_scalar.c: callbacks of yajl; ctx is the decoder. */
int toll_otlp_json_on_number(void *ctx, const char *text, size_t len);
int toll_otlp_json_on_string(void *ctx, const unsigned char *bytes, size_t len);
int toll_otlp_json_on_boolean(void *ctx, int v);
int toll_otlp_json_on_null(void *ctx);

#endif

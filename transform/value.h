/* SPDX-License-Identifier: Apache-2.0 */
/* value.h - values of attributes: from the configuration, as text, as a hash, converted. */
#ifndef TOLL_TRANSFORM_VALUE_H
#define TOLL_TRANSFORM_VALUE_H

#include "config/schema.h"
#include "proto/attr.h"

/* Bytes of an encoded AnyValue that holds no text; head of one that does. */
enum { TOLL_ANY_HEAD = 11, TOLL_VALUE_TEXT = 40, TOLL_HASH_TEXT = 64 };

/* An encoded AnyValue. any: bounded text. out: TOLL_ANY_HEAD bytes and its text. Returns the end.
 */
char *toll_any_encode(char *out, const struct toll_any *any);
char *toll_any_encode_str(char *out, struct toll_slice text);

/* Equal in type and value, as match_type strict compares. */
bool toll_any_equals(const struct toll_any *any, const struct toll_value *v);

/* What the Collector's AsString makes of a string, bool, int or double: borrowed, or in buf
 * (TOLL_VALUE_TEXT bytes). {NULL, 0}: no such value. */
struct toll_slice toll_value_text(const struct toll_value *v, char *buf);

/* SHA-256 in hex (TOLL_HASH_TEXT bytes, no NUL) of the text, of one byte of a bool, of eight
 * little-endian bytes of a number. False: nothing to hash; the Collector writes "" there. */
bool toll_value_hash(const struct toll_value *v, char out[TOLL_HASH_TEXT]);

/* False: this value cannot be converted and stays what it is. */
bool toll_value_to_int(const struct toll_value *v, int64_t *ret);
bool toll_value_to_double(const struct toll_value *v, double *ret);

#endif

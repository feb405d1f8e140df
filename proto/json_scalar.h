/* SPDX-License-Identifier: Apache-2.0 */
/* json_scalar.h - text of JSON scalars -> values, as proto3 JSON maps them. No allocation. */
#ifndef TOLL_PROTO_JSON_SCALAR_H
#define TOLL_PROTO_JSON_SCALAR_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

/* A JSON number that is a whole one, however it is written: 12, -3, 1.20e1. Exact. False: another
 * text, not whole, or its magnitude takes more than 64 bits. */
bool toll_json_read_integer(struct toll_slice text, bool *ret_negative, uint64_t *ret_magnitude);
/* Between those bounds. */
bool toll_json_read_int64(struct toll_slice text, int64_t *ret);
bool toll_json_read_uint64(struct toll_slice text, uint64_t max, uint64_t *ret);

/* A JSON number of at most 1100 bytes (enough for every double written out); words: also NaN,
 * Infinity and -Infinity. False: another text, or too large for a double. */
bool toll_json_read_double(struct toll_slice text, bool words, double *ret);

/* What a JSON string says; text: with its quotes, and UTF-8. room: as long as text; *ret lies there
 * only if there are escapes. A lone surrogate becomes U+FFFD. False: no string, or a wrong escape.
 */
bool toll_json_read_string(struct toll_slice text, char *room, struct toll_slice *ret);

/* What a JSON string says; text: with its quotes, and UTF-8. room: as long as text; *ret lies there
 * only if there are escapes. A lone surrogate becomes U+FFFD. False: no string, or a wrong escape.
 */
bool toll_json_read_string(struct toll_slice text, char *room, struct toll_slice *ret);

/* Upper and lower case. out has room for text.len / 2 bytes; false: odd length or no hex digit. */
bool toll_json_read_hex(struct toll_slice text, char *out);
/* Standard and URL-safe alphabet, with and without padding. out has room for text.len / 4 * 3 + 2
 * bytes; *ret_len: how many there are. */
bool toll_json_read_base64(struct toll_slice text, char *out, size_t *ret_len);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* json_write.h - writes JSON scalars into memory that is large enough. No state, no allocation. */
#ifndef TOLL_PROTO_JSON_WRITE_H
#define TOLL_PROTO_JSON_WRITE_H

#include <stdint.h>

#include "base/slice.h"

/* Room that toll_json_string() may need, quotes included. */
static inline size_t toll_json_string_bound(size_t len)
{
	return 6 * len + 2;
}

/* Quoted and escaped; bytes that are not UTF-8 become U+FFFD. All return the end. */
char *toll_json_string(char *out, struct toll_slice s);
char *toll_json_uint(char *out, uint64_t v); /* at most 20 bytes */
char *toll_json_int(char *out, int64_t v);   /* at most 20 bytes */
char *toll_json_double(char *out,
                       double v); /* shortest that reads back; "NaN" quoted; <= 32 bytes */
char *toll_json_hex(char *out, const void *bytes, size_t len); /* quoted, 2 * len + 2 bytes */
char *toll_json_base64(char *out, struct toll_slice s);        /* quoted, 4 * (len + 2) / 3 + 2 */

static inline char *toll_json_raw(char *out, struct toll_slice s)
{
	memcpy(out, s.ptr, s.len);
	return out + s.len;
}

#endif

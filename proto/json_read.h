/* SPDX-License-Identifier: Apache-2.0 */
/* json_read.h - one JSON text through yajl, in bounded memory. */
#ifndef TOLL_PROTO_JSON_READ_H
#define TOLL_PROTO_JSON_READ_H

#include <yajl/yajl_parse.h>

#include "base/error.h"
#include "base/slice.h"

struct toll_json_fault {
	size_t at;     /* byte of the text */
	char what[80]; /* not set where a callback stopped */
};

/* Calls back for every event, ctx first; a callback that answers 0 ends it. Before that the text
 * must be UTF-8; escapes of lone surrogates, as JavaScript writes them when it cuts a string, are
 * replaced in it by that of U+FFFD: it has to be writable. 0; TOLL_EINVALID: no JSON, or a callback
 * stopped; TOLL_ENOMEM. yajl's memory comes from one block of 4 * len + 64 KiB, of which it touches
 * a few KiB and twice the longest string with an escape. */
int toll_json_read(const yajl_callbacks *callbacks, void *ctx, char *text, size_t len,
                   struct toll_json_fault *reterr) TOLL_MUST_CHECK;
/* The same of a text that is to stay as it is: a copy is read. */
int toll_json_read_copy(const yajl_callbacks *callbacks, void *ctx, struct toll_slice text,
                        struct toll_json_fault *reterr) TOLL_MUST_CHECK;

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* otlp_json.h - batch -> OTLP/JSON. */
#ifndef TOLL_PROTO_OTLP_JSON_H
#define TOLL_PROTO_OTLP_JSON_H

#include "base/arena.h"
#include "proto/otlp_encode.h"

/* A growing byte buffer: the caller frees ptr with free(). A failed allocation sticks in err. */
struct toll_buffer {
	char *ptr;
	size_t len, room;
	int err; /* 0 or TOLL_ENOMEM */
};

void toll_buffer_release(struct toll_buffer *b);
char *toll_buffer_room(struct toll_buffer *b, size_t n); /* n writable bytes at the end, or NULL */

/* Appends one ExportTraceServiceRequest in OTLP/JSON (lowerCamelCase, hex ids, int64 as strings,
 * non-UTF-8 bytes as U+FFFD). */
void toll_otlp_json(const struct toll_selection *sel, struct toll_buffer *out);
/* The same of a request that is encoded already. */
void toll_otlp_json_request(struct toll_slice request, struct toll_buffer *out);

#endif

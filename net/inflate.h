/* SPDX-License-Identifier: Apache-2.0 */
/* inflate.h - compressed bodies, with a cap on what comes out. By libdeflate and libzstd. */
#ifndef TOLL_NET_INFLATE_H
#define TOLL_NET_INFLATE_H

#include <stddef.h>

#include "base/error.h"
#include "base/slice.h"

enum toll_encoding {
	TOLL_ENCODING_IDENTITY = 0,
	TOLL_ENCODING_GZIP,    /* RFC 1952 */
	TOLL_ENCODING_DEFLATE, /* RFC 9110: zlib; the bare stream that some send is taken as well */
	TOLL_ENCODING_ZLIB,    /* RFC 1950 */
	TOLL_ENCODING_ZSTD,    /* RFC 8878 */
	TOLL_ENCODING_UNKNOWN
};

/* One thread's: what is dear to make anew for every request. All zero is a fresh one. */
struct toll_inflater {
	struct libdeflate_decompressor *decompressor;
	struct ZSTD_DCtx_s *zstd;
	char *body; /* the compressed bytes in one piece */
	size_t room;
};

void toll_inflater_release(struct toll_inflater *z);

/* Room for the compressed body, until the next call. NULL: out of memory. */
char *toll_inflater_body(struct toll_inflater *z, size_t size) TOLL_MUST_CHECK;
/* After the request: large rooms are given back. */
void toll_inflater_trim(struct toll_inflater *z);

/* How much room to try first: what the body claims to inflate to, but never trusted: between 1 and
 * max, and not absurdly more than the body's size. */
size_t toll_inflate_hint(enum toll_encoding encoding, struct toll_slice body, size_t max);

/* Inflates the whole body into out: gzip members and zstd frames may be several. 0 with *ret_size;
 * TOLL_EFULL: does not fit into room; TOLL_EINVALID: not that encoding, cut off, or bytes behind
 * its end; TOLL_ENOMEM. Takes no memory that the body could make larger. */
int toll_inflate(struct toll_inflater *z, enum toll_encoding encoding, struct toll_slice body,
                 char *out, size_t room, size_t *ret_size) TOLL_MUST_CHECK;

#endif

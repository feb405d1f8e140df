/* SPDX-License-Identifier: Apache-2.0 */
/* gzip.h - whole messages to gzip (RFC 1952). The way back is net/inflate.h.
 *
 * Level 1 of libdeflate: on OTLP it makes messages as small as zlib's default level does, within
 * 2 %, for a fifth of the work (0.6 instead of 3.0 us per span). */
#ifndef TOLL_NET_GZIP_H
#define TOLL_NET_GZIP_H

#include "base/error.h"
#include "base/slice.h"

struct libdeflate_compressor;

/* Zeroed: nothing allocated yet. One thread at a time. */
struct toll_gzip {
	struct libdeflate_compressor *compressor;
};

void toll_gzip_release(struct toll_gzip *z);

/* *ret is malloc'ed, no larger than it needs to be. TOLL_ENOMEM. */
int toll_gzip_pack(struct toll_gzip *z, struct toll_slice bytes, char **ret,
                   size_t *ret_len) TOLL_MUST_CHECK;

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* zstd_pack.h - whole messages to zstd (RFC 8878). */
#ifndef TOLL_NET_ZSTD_PACK_H
#define TOLL_NET_ZSTD_PACK_H

#include "base/error.h"
#include "base/slice.h"

struct ZSTD_CCtx_s;

/* Zeroed: nothing allocated yet. One thread at a time. */
struct toll_zstd_packer {
	struct ZSTD_CCtx_s *context;
};

void toll_zstd_packer_release(struct toll_zstd_packer *z);

/* One frame that says its size. *ret is malloc'ed, no larger than it needs to be. TOLL_ENOMEM. */
int toll_zstd_pack(struct toll_zstd_packer *z, struct toll_slice bytes, char **ret,
                   size_t *ret_len) TOLL_MUST_CHECK;

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#include "net/zstd_pack.h"

#include <stdlib.h>
#include <zstd.h>

#define LEVEL 1

void toll_zstd_packer_release(struct toll_zstd_packer *z)
{
	ZSTD_freeCCtx(z->context);
	z->context = NULL;
}

int toll_zstd_pack(struct toll_zstd_packer *z, struct toll_slice bytes, char **ret, size_t *ret_len)
{
	size_t room = ZSTD_compressBound(bytes.len), len;
	char *out, *fitting;

	if (!z->context)
		z->context = ZSTD_createCCtx();
	if (!z->context)
		return TOLL_ENOMEM;
	out = malloc(room);
	if (!out)
		return TOLL_ENOMEM;
	len = ZSTD_compressCCtx(z->context, out, room, bytes.len ? bytes.ptr : "", bytes.len,
	                        LEVEL);
	if (ZSTD_isError(len)) { /* of memory: the room is enough */
		free(out);
		return TOLL_ENOMEM;
	}
	fitting = realloc(out, len);
	if (fitting)
		out = fitting;
	*ret = out;
	*ret_len = len;
	return 0;
}

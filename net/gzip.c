/* SPDX-License-Identifier: Apache-2.0 */
#include "net/gzip.h"

#include <libdeflate.h>
#include <stdlib.h>

#define LEVEL 1

void toll_gzip_release(struct toll_gzip *z)
{
	if (z->compressor)
		libdeflate_free_compressor(z->compressor);
	if (z->decompressor)
		libdeflate_free_decompressor(z->decompressor);
	*z = (struct toll_gzip){ NULL, NULL };
}

int toll_gzip_pack(struct toll_gzip *z, struct toll_slice bytes, char **ret, size_t *ret_len)
{
	size_t room, len;
	char *out, *fitting;

	if (!z->compressor)
		z->compressor = libdeflate_alloc_compressor(LEVEL);
	if (!z->compressor)
		return TOLL_ENOMEM;
	room = libdeflate_gzip_compress_bound(z->compressor, bytes.len);
	out = malloc(room);
	if (!out)
		return TOLL_ENOMEM;
	len = libdeflate_gzip_compress(z->compressor, bytes.len ? bytes.ptr : "", bytes.len, out,
	                               room);
	fitting = realloc(out, len);
	if (fitting)
		out = fitting;
	*ret = out;
	*ret_len = len;
	return 0;
}

int toll_gzip_unpack(struct toll_gzip *z, struct toll_slice packed, char *out, size_t room,
                     size_t *ret_len)
{
	if (!z->decompressor)
		z->decompressor = libdeflate_alloc_decompressor();
	if (!z->decompressor)
		return TOLL_ENOMEM;
	switch (libdeflate_gzip_decompress(z->decompressor, packed.ptr, packed.len, out, room,
	                                   ret_len)) {
	case LIBDEFLATE_SUCCESS:
		return 0;
	case LIBDEFLATE_INSUFFICIENT_SPACE:
		return TOLL_ETOOBIG;
	default:
		return TOLL_EINVALID;
	}
}

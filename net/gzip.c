/* SPDX-License-Identifier: Apache-2.0 */
#include "net/gzip.h"

#include <libdeflate.h>
#include <stdlib.h>

#define LEVEL 1

void toll_gzip_release(struct toll_gzip *z)
{
	if (z->compressor)
		libdeflate_free_compressor(z->compressor);
	z->compressor = NULL;
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

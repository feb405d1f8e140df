/* SPDX-License-Identifier: Apache-2.0 */
#include "receivers/otlp/inflate.h"

#include <libdeflate.h>
#include <stdint.h>

size_t toll_gzip_hint(struct toll_slice body, size_t max)
{
	uint32_t isize = 0;

	if (body.len >= 4)
		memcpy(&isize, body.ptr + body.len - 4, 4);
	if (isize > max)
		return max;
	return isize ? isize : 1;
}

static int inflate_members(struct libdeflate_decompressor *d, struct toll_slice body, char *out,
                           size_t room, size_t *ret_size)
{
	size_t at = 0, written = 0;

	do {
		size_t used, n;
		enum libdeflate_result result = libdeflate_gzip_decompress_ex(
			d, body.ptr + at, body.len - at, out + written, room - written, &used, &n);

		if (result == LIBDEFLATE_INSUFFICIENT_SPACE)
			return TOLL_EFULL;
		if (result != LIBDEFLATE_SUCCESS)
			return TOLL_EINVALID;
		at += used;
		written += n;
	} while (at < body.len);
	*ret_size = written;
	return 0;
}

int toll_gunzip(struct toll_slice body, char *out, size_t room, size_t *ret_size)
{
	struct libdeflate_decompressor *d = libdeflate_alloc_decompressor();
	int err;

	if (!d)
		return TOLL_ENOMEM;
	err = inflate_members(d, body, out, room, ret_size);
	libdeflate_free_decompressor(d);
	return err;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "receivers/otlp/inflate.h"

#include <libdeflate.h>
#include <stdint.h>
#include <stdlib.h>

enum {
	FIRST_RATIO = 64,      /* the first guess believes in no more than this */
	KEEP_ROOM = 256 << 10, /* between requests */
};

void toll_inflater_release(struct toll_inflater *z)
{
	if (z->decompressor)
		libdeflate_free_decompressor(z->decompressor);
	free(z->body);
	*z = (struct toll_inflater){ NULL, NULL, 0 };
}

char *toll_inflater_body(struct toll_inflater *z, size_t size)
{
	if (size <= z->room && z->body)
		return z->body;
	free(z->body);
	z->room = size < KEEP_ROOM ? KEEP_ROOM : size;
	z->body = malloc(z->room);
	return z->body;
}

void toll_inflater_trim(struct toll_inflater *z)
{
	if (z->room <= KEEP_ROOM)
		return;
	free(z->body);
	z->body = NULL;
	z->room = 0;
}

size_t toll_gzip_hint(struct toll_slice body, size_t max)
{
	uint32_t isize = 0; /* little-endian on the wire, as this machine is: see proto/wire.c */
	size_t most = body.len > max / FIRST_RATIO ? max : body.len * FIRST_RATIO;

	if (body.len >= sizeof(isize))
		memcpy(&isize, body.ptr + body.len - sizeof(isize), sizeof(isize));
	if (isize > most)
		return most ? most : 1;
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

int toll_gunzip(struct toll_inflater *z, struct toll_slice body, char *out, size_t room,
                size_t *ret_size)
{
	if (!z->decompressor)
		z->decompressor = libdeflate_alloc_decompressor();
	if (!z->decompressor)
		return TOLL_ENOMEM;
	return inflate_members(z->decompressor, body, out, room, ret_size);
}

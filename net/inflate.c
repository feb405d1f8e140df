/* SPDX-License-Identifier: Apache-2.0 */
#include "net/inflate.h"

#include <libdeflate.h>
#include <stdint.h>
#include <stdlib.h>
#include <zstd.h>
#include <zstd_errors.h>

enum {
	FIRST_RATIO = 64,      /* the first guess believes in no more than this */
	USUAL_RATIO = 8,       /* of spans, where the body does not say */
	KEEP_ROOM = 256 << 10, /* between requests */
};

void toll_inflater_release(struct toll_inflater *z)
{
	if (z->decompressor)
		libdeflate_free_decompressor(z->decompressor);
	ZSTD_freeDCtx(z->zstd);
	free(z->body);
	*z = (struct toll_inflater){ .body = NULL };
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

/* ---- the first guess ---- */

static uint64_t claimed_by_gzip(struct toll_slice body)
{
	uint32_t isize = 0; /* little-endian on the wire, as this machine is: see proto/wire.c */

	if (body.len >= sizeof(isize))
		memcpy(&isize, body.ptr + body.len - sizeof(isize), sizeof(isize));
	return isize;
}

static uint64_t claimed_by_zstd(struct toll_slice body)
{
	unsigned long long size = ZSTD_getFrameContentSize(body.ptr, body.len);

	if (size == ZSTD_CONTENTSIZE_UNKNOWN || size == ZSTD_CONTENTSIZE_ERROR)
		return (uint64_t)body.len * USUAL_RATIO;
	return size;
}

size_t toll_inflate_hint(enum toll_encoding encoding, struct toll_slice body, size_t max)
{
	size_t most = body.len > max / FIRST_RATIO ? max : body.len * FIRST_RATIO;
	uint64_t claim = (uint64_t)body.len * USUAL_RATIO;

	if (encoding == TOLL_ENCODING_GZIP)
		claim = claimed_by_gzip(body);
	else if (encoding == TOLL_ENCODING_ZSTD)
		claim = claimed_by_zstd(body);
	if (claim > most)
		return most ? most : 1;
	return claim ? (size_t)claim : 1;
}

/* ---- gzip, deflate, zlib ---- */

static int error_of(enum libdeflate_result result)
{
	switch (result) {
	case LIBDEFLATE_SUCCESS:
		return 0;
	case LIBDEFLATE_INSUFFICIENT_SPACE:
		return TOLL_EFULL;
	default:
		return TOLL_EINVALID;
	}
}

static int inflate_members(struct libdeflate_decompressor *d, struct toll_slice body, char *out,
                           size_t room, size_t *ret_size)
{
	size_t at = 0, written = 0;

	do {
		size_t used, n;
		int err = error_of(libdeflate_gzip_decompress_ex(
			d, body.ptr + at, body.len - at, out + written, room - written, &used, &n));

		if (err)
			return err;
		at += used;
		written += n;
	} while (at < body.len);
	*ret_size = written;
	return 0;
}

static int inflate_zlib(struct libdeflate_decompressor *d, struct toll_slice body, char *out,
                        size_t room, size_t *ret_size)
{
	size_t used = 0;
	int err = error_of(
		libdeflate_zlib_decompress_ex(d, body.ptr, body.len, out, room, &used, ret_size));

	return !err && used < body.len ? TOLL_EINVALID : err;
}

static int inflate_bare(struct libdeflate_decompressor *d, struct toll_slice body, char *out,
                        size_t room, size_t *ret_size)
{
	size_t used = 0;
	int err = error_of(libdeflate_deflate_decompress_ex(d, body.ptr, body.len, out, room, &used,
	                                                    ret_size));

	return !err && used < body.len ? TOLL_EINVALID : err;
}

static int inflate_deflate(struct libdeflate_decompressor *d, struct toll_slice body, char *out,
                           size_t room, size_t *ret_size)
{
	int err = inflate_zlib(d, body, out, room, ret_size);

	return err == TOLL_EINVALID ? inflate_bare(d, body, out, room, ret_size) : err;
}

/* ---- zstd ---- */

/* In one call: what a frame says of its window takes no memory then. */
static int inflate_zstd(struct toll_inflater *z, struct toll_slice body, char *out, size_t room,
                        size_t *ret_size)
{
	size_t n;

	if (!z->zstd)
		z->zstd = ZSTD_createDCtx();
	if (!z->zstd)
		return TOLL_ENOMEM;
	if (!body.len) /* no frame at all */
		return TOLL_EINVALID;
	n = ZSTD_decompressDCtx(z->zstd, out, room, body.ptr, body.len);
	if (ZSTD_isError(n))
		return ZSTD_getErrorCode(n) == ZSTD_error_dstSize_tooSmall ? TOLL_EFULL
		                                                           : TOLL_EINVALID;
	*ret_size = n;
	return 0;
}

int toll_inflate(struct toll_inflater *z, enum toll_encoding encoding, struct toll_slice body,
                 char *out, size_t room, size_t *ret_size)
{
	if (encoding == TOLL_ENCODING_ZSTD)
		return inflate_zstd(z, body, out, room, ret_size);
	if (!z->decompressor)
		z->decompressor = libdeflate_alloc_decompressor();
	if (!z->decompressor)
		return TOLL_ENOMEM;
	switch (encoding) {
	case TOLL_ENCODING_GZIP:
		return inflate_members(z->decompressor, body, out, room, ret_size);
	case TOLL_ENCODING_DEFLATE:
		return inflate_deflate(z->decompressor, body, out, room, ret_size);
	case TOLL_ENCODING_ZLIB:
		return inflate_zlib(z->decompressor, body, out, room, ret_size);
	default:
		return TOLL_EUNSUPPORTED;
	}
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include <libdeflate.h>
#include <stdint.h>
#include <stdlib.h>
#include <zstd.h>

#include "net/inflate.h"

#define MIB ((size_t)1 << 20)

static char packed[2 * MIB], text[4 * MIB], out[4 * MIB];

/* What is being tested: main() runs every test with each of them. */
enum form { GZIP, ZLIB, DEFLATE, BARE, ZSTD };
static const enum toll_encoding encodings[] = { TOLL_ENCODING_GZIP, TOLL_ENCODING_ZLIB,
	                                        TOLL_ENCODING_DEFLATE, TOLL_ENCODING_DEFLATE,
	                                        TOLL_ENCODING_ZSTD };

static size_t compress(enum form form, const char *from, size_t len, char *to, size_t room)
{
	struct libdeflate_compressor *c = libdeflate_alloc_compressor(6);
	size_t n;

	if (form == ZSTD)
		n = ZSTD_compress(to, room, from, len, 3);
	else if (form == GZIP)
		n = libdeflate_gzip_compress(c, from, len, to, room);
	else if (form == BARE)
		n = libdeflate_deflate_compress(c, from, len, to, room);
	else
		n = libdeflate_zlib_compress(c, from, len, to, room);
	libdeflate_free_compressor(c);
	assert_true(n > 0 && n <= room);
	return n;
}

static enum form form_of(void **state)
{
	return *(const enum form *)*state;
}

static struct toll_slice pack(enum form form, const char *from, size_t len, size_t at)
{
	size_t n = compress(form, from, len, packed + at, sizeof(packed) - at);

	return toll_slice(packed, at + n);
}

static int unpack(enum form form, struct toll_slice body, size_t room, size_t *ret_size)
{
	static struct toll_inflater z;
	/* Exactly as large as it is, so that a sanitizer sees a byte too many. */
	char *copy = malloc(body.len + 1), *to = malloc(room + 1);
	int err;

	memcpy(copy, body.ptr, body.len);
	err = toll_inflate(&z, encodings[form], toll_slice(copy, body.len), to, room, ret_size);
	if (!err)
		memcpy(out, to, *ret_size);
	free(copy);
	free(to);
	toll_inflater_release(&z);
	return err;
}

static void what_was_packed_comes_out(void **state)
{
	enum form form = form_of(state);
	static const size_t sizes[] = { 0, 1, 100, 65536, MIB };
	size_t n;

	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		assert_int_equal(unpack(form, pack(form, text, sizes[i], 0), sizes[i], &n), 0);
		assert_int_equal(n, sizes[i]);
		assert_memory_equal(out, text, n);
	}
}

static void several_members_are_one_message(void **state)
{
	enum form form = form_of(state);
	struct toll_slice body = pack(form, text, 1000, 0);
	size_t n;

	body = pack(form, text + 1000, 500, body.len);
	if (form != GZIP && form != ZSTD) {
		assert_int_equal(unpack(form, body, 1500, &n), TOLL_EINVALID);
		return;
	}
	assert_int_equal(unpack(form, body, 1500, &n), 0);
	assert_int_equal(n, 1500);
	assert_memory_equal(out, text, 1500);
	assert_int_equal(unpack(form, body, 1499, &n), TOLL_EFULL);
}

static void too_little_room_is_told_and_nothing_is_written_behind_it(void **state)
{
	enum form form = form_of(state);
	struct toll_slice body = pack(form, text, 5000, 0);
	size_t n;

	assert_int_equal(unpack(form, body, 4999, &n), TOLL_EFULL);
	assert_int_equal(unpack(form, body, 0, &n), TOLL_EFULL);
	assert_int_equal(unpack(form, body, 1, &n), TOLL_EFULL);
}

static void a_bomb_stops_at_the_room(void **state)
{
	enum form form = form_of(state);
	struct toll_slice body;
	size_t n;

	memset(out, 0, sizeof(out));
	body = pack(form, out, sizeof(out), 0);
	assert_true(body.len < 5000);
	assert_int_equal(unpack(form, body, MIB, &n), TOLL_EFULL);
}

static void cut_off_garbage_and_trailing_bytes_are_invalid(void **state)
{
	enum form form = form_of(state);
	struct toll_slice body = pack(form, text, 3000, 0);
	size_t n;

	for (size_t len = 0; len < body.len; len++) {
		int err = unpack(form, toll_slice(body.ptr, len), 3000, &n);

		/* libdeflate takes what is missing for zeros, and these may mean more text. */
		assert_true(err == TOLL_EINVALID || err == TOLL_EFULL);
	}
	packed[body.len] = 'x';
	assert_int_equal(unpack(form, toll_slice(body.ptr, body.len + 1), 3000, &n), TOLL_EINVALID);
	assert_int_equal(unpack(form, TOLL_SLICE("not packed at all, only text"), 3000, &n),
	                 TOLL_EINVALID);
}

static void a_wrong_checksum_is_invalid(void **state)
{
	struct toll_slice body = pack(GZIP, text, 3000, 0);
	size_t n;

	(void)state;
	packed[body.len - 8] ^= 1;
	assert_int_equal(unpack(GZIP, body, 3000, &n), TOLL_EINVALID);
	body = pack(ZLIB, text, 3000, 0);
	packed[body.len - 1] ^= 1;
	assert_int_equal(unpack(ZLIB, body, 3000, &n), TOLL_EINVALID);
}

static void the_claimed_size_is_never_trusted(void **state)
{
	char body[1000] = { 0 };

	(void)state;
	assert_int_equal(toll_inflate_hint(TOLL_ENCODING_GZIP, toll_slice(body, 0), MIB), 1);
	assert_int_equal(toll_inflate_hint(TOLL_ENCODING_GZIP, toll_slice(body, 3), MIB), 1);
	assert_int_equal(toll_inflate_hint(TOLL_ENCODING_GZIP, toll_slice(body, 1000), MIB), 1);
	memset(body, 0xff, sizeof(body));
	assert_int_equal(toll_inflate_hint(TOLL_ENCODING_GZIP, toll_slice(body, 1000), MIB), 64000);
	assert_int_equal(toll_inflate_hint(TOLL_ENCODING_GZIP, toll_slice(body, 1000), 50000),
	                 50000);
	memcpy(body + 996, "\x10\x27\0", 4);
	assert_int_equal(toll_inflate_hint(TOLL_ENCODING_GZIP, toll_slice(body, 1000), MIB), 10000);
	assert_int_equal(toll_inflate_hint(TOLL_ENCODING_GZIP, pack(GZIP, text, 9999, 0), MIB),
	                 9999);
	assert_int_equal(toll_inflate_hint(TOLL_ENCODING_ZSTD, pack(ZSTD, text, 9999, 0), MIB),
	                 9999);
	assert_int_equal(toll_inflate_hint(TOLL_ENCODING_ZSTD, TOLL_SLICE("garbage"), MIB), 7 * 8);
	assert_int_equal(toll_inflate_hint(TOLL_ENCODING_ZLIB, toll_slice(body, 1000), MIB), 8000);
}

static void rooms_are_kept_when_small_and_given_back_when_large(void **state)
{
	struct toll_inflater z = { .body = NULL };
	char *small = toll_inflater_body(&z, 1000);

	(void)state;
	assert_non_null(small);
	toll_inflater_trim(&z);
	assert_ptr_equal(toll_inflater_body(&z, 2000), small);
	assert_non_null(toll_inflater_body(&z, MIB));
	assert_int_equal(z.room, MIB);
	toll_inflater_trim(&z);
	assert_int_equal(z.room, 0);
	toll_inflater_release(&z);
}

#define EACH(test, of)                                                 \
	{                                                              \
#test, test, NULL, NULL, (void *)(uintptr_t)&forms[of] \
	}
#define ALL(test) EACH(test, 0), EACH(test, 1), EACH(test, 2), EACH(test, 3), EACH(test, 4)

int main(void)
{
	static const enum form forms[] = { GZIP, ZLIB, DEFLATE, BARE, ZSTD };
	const struct CMUnitTest tests[] = {
		ALL(what_was_packed_comes_out),
		ALL(several_members_are_one_message),
		ALL(too_little_room_is_told_and_nothing_is_written_behind_it),
		ALL(a_bomb_stops_at_the_room),
		ALL(cut_off_garbage_and_trailing_bytes_are_invalid),
		cmocka_unit_test(a_wrong_checksum_is_invalid),
		cmocka_unit_test(the_claimed_size_is_never_trusted),
		cmocka_unit_test(rooms_are_kept_when_small_and_given_back_when_large),
	};

	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = (char)(i * i >> 7);
	return cmocka_run_group_tests_name("inflate", tests, NULL, NULL);
}

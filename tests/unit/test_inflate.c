/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include <libdeflate.h>
#include <stdlib.h>

#include "receivers/otlp/inflate.h"

#define MIB ((size_t)1 << 20)

static char packed[2 * MIB], text[4 * MIB], out[4 * MIB];

static struct toll_slice pack(const char *from, size_t len, size_t at)
{
	struct libdeflate_compressor *c = libdeflate_alloc_compressor(6);
	size_t n = libdeflate_gzip_compress(c, from, len, packed + at, sizeof(packed) - at);

	assert_true(n > 0);
	libdeflate_free_compressor(c);
	return toll_slice(packed, at + n);
}

static int gunzip(struct toll_slice body, size_t room, size_t *ret_size)
{
	static struct toll_inflater z;
	/* Exactly as large as it is, so that a sanitizer sees a byte too many. */
	char *copy = malloc(body.len + 1), *to = malloc(room + 1);
	int err;

	memcpy(copy, body.ptr, body.len);
	err = toll_gunzip(&z, toll_slice(copy, body.len), to, room, ret_size);
	if (!err)
		memcpy(out, to, *ret_size);
	free(copy);
	free(to);
	toll_inflater_release(&z);
	return err;
}

static void what_was_packed_comes_out(void **state)
{
	static const size_t sizes[] = { 0, 1, 100, 65536, MIB };
	size_t n;

	(void)state;
	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = (char)(i * i >> 7);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		assert_int_equal(gunzip(pack(text, sizes[i], 0), sizes[i], &n), 0);
		assert_int_equal(n, sizes[i]);
		assert_memory_equal(out, text, n);
	}
}

static void several_members_are_one_message(void **state)
{
	struct toll_slice body = pack(text, 1000, 0);
	size_t n;

	(void)state;
	body = pack(text + 1000, 500, body.len);
	assert_int_equal(gunzip(body, 1500, &n), 0);
	assert_int_equal(n, 1500);
	assert_memory_equal(out, text, 1500);
	assert_int_equal(gunzip(body, 1499, &n), TOLL_EFULL);
}

static void too_little_room_is_told_and_nothing_is_written_behind_it(void **state)
{
	struct toll_slice body = pack(text, 5000, 0);
	size_t n;

	(void)state;
	assert_int_equal(gunzip(body, 4999, &n), TOLL_EFULL);
	assert_int_equal(gunzip(body, 0, &n), TOLL_EFULL);
	assert_int_equal(gunzip(body, 1, &n), TOLL_EFULL);
}

static void a_bomb_stops_at_the_room(void **state)
{
	struct toll_slice body;
	size_t n;

	(void)state;
	memset(out, 0, sizeof(out));
	body = pack(out, sizeof(out), 0);
	assert_true(body.len < 5000);
	assert_int_equal(gunzip(body, MIB, &n), TOLL_EFULL);
}

static void cut_off_garbage_and_trailing_bytes_are_invalid(void **state)
{
	struct toll_slice body = pack(text, 3000, 0);
	size_t n;

	(void)state;
	for (size_t len = 0; len < body.len; len++) {
		int err = gunzip(toll_slice(body.ptr, len), 3000, &n);

		/* libdeflate takes what is missing for zeros, and these may mean more text. */
		assert_true(err == TOLL_EINVALID || err == TOLL_EFULL);
	}
	packed[body.len] = 'x';
	assert_int_equal(gunzip(toll_slice(body.ptr, body.len + 1), 3000, &n), TOLL_EINVALID);
	packed[body.len - 8] ^= 1; /* checksum */
	assert_int_equal(gunzip(body, 3000, &n), TOLL_EINVALID);
	assert_int_equal(gunzip(TOLL_SLICE("no gzip at all, only text"), 3000, &n), TOLL_EINVALID);
}

static void the_claimed_size_is_never_trusted(void **state)
{
	char body[1000] = { 0 };

	(void)state;
	assert_int_equal(toll_gzip_hint(toll_slice(body, 0), MIB), 1);
	assert_int_equal(toll_gzip_hint(toll_slice(body, 3), MIB), 1);
	assert_int_equal(toll_gzip_hint(toll_slice(body, 1000), MIB), 1);
	memset(body, 0xff, sizeof(body));
	assert_int_equal(toll_gzip_hint(toll_slice(body, 1000), MIB), 64000);
	assert_int_equal(toll_gzip_hint(toll_slice(body, 1000), 50000), 50000);
	memcpy(body + 996, "\x10\x27\0", 4);
	assert_int_equal(toll_gzip_hint(toll_slice(body, 1000), MIB), 10000);
	assert_int_equal(toll_gzip_hint(pack(text, 9999, 0), MIB), 9999);
}

static void rooms_are_kept_when_small_and_given_back_when_large(void **state)
{
	struct toll_inflater z = { NULL, NULL, 0 };
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_packed_comes_out),
		cmocka_unit_test(several_members_are_one_message),
		cmocka_unit_test(too_little_room_is_told_and_nothing_is_written_behind_it),
		cmocka_unit_test(a_bomb_stops_at_the_room),
		cmocka_unit_test(cut_off_garbage_and_trailing_bytes_are_invalid),
		cmocka_unit_test(the_claimed_size_is_never_trusted),
		cmocka_unit_test(rooms_are_kept_when_small_and_given_back_when_large),
	};

	return cmocka_run_group_tests_name("inflate", tests, NULL, NULL);
}

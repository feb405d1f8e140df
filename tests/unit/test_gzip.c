/* SPDX-License-Identifier: Apache-2.0 */
#include "net/gzip.h"

#include <stdlib.h>

#include "base/macro.h"
#include "net/inflate.h"
#include "tests/unit/unit.h"

static void every_size_comes_back(void **state TOLL_UNUSED)
{
	static char in[1 << 18], out[sizeof(in)];
	struct toll_gzip z = { NULL };
	struct toll_inflater back = { .body = NULL };

	for (size_t i = 0; i < sizeof(in); i++)
		in[i] = (char)(i * i >> 7);
	for (size_t size = 0; size <= sizeof(in); size = size * 3 + 1) {
		char *packed;
		size_t len, again;

		assert_int_equal(toll_gzip_pack(&z, toll_slice(in, size), &packed, &len), 0);
		assert_memory_equal(packed, "\x1f\x8b", 2);
		assert_int_equal(toll_inflate(&back, TOLL_ENCODING_GZIP, toll_slice(packed, len),
		                              out, sizeof(out), &again),
		                 0);
		assert_int_equal(again, size);
		assert_memory_equal(in, out, size);
		free(packed);
	}
	toll_gzip_release(&z);
	toll_inflater_release(&back);
}

static void what_is_larger_than_the_room_or_broken_is_refused(void **state TOLL_UNUSED)
{
	static char zeros[100000];
	struct toll_gzip z = { NULL };
	struct toll_inflater back = { .body = NULL };
	char *packed, out[1000];
	size_t len, again;

	assert_int_equal(toll_gzip_pack(&z, toll_slice(zeros, sizeof(zeros)), &packed, &len), 0);
	assert_true(len < 1000);
	assert_int_equal(toll_inflate(&back, TOLL_ENCODING_GZIP, toll_slice(packed, len), out,
	                              sizeof(out), &again),
	                 TOLL_EFULL);
	for (size_t i = 0; i < len; i += 7)
		assert_true(toll_inflate(&back, TOLL_ENCODING_GZIP, toll_slice(packed, i), out,
		                         sizeof(out), &again) < 0);
	free(packed);
	toll_gzip_release(&z);
	toll_inflater_release(&back);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_size_comes_back),
		cmocka_unit_test(what_is_larger_than_the_room_or_broken_is_refused),
	};

	return cmocka_run_group_tests_name("gzip", tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* test_crc32c.c - known answers; both ways agree, in one piece and in many. */
#include "base/crc32c.h"

#include <string.h>

#include "base/macro.h"
#include "tests/unit/unit.h"

static void known_answers(void **state)
{
	unsigned char zeros[32] = { 0 }, ones[32], rising[32], falling[32];
	/* RFC 3720, B.4; "123456789" is the check value of CRC-32/ISCSI. */
	const struct {
		const void *bytes;
		size_t len;
		uint32_t crc;
	} cases[] = {
		{ "", 0, 0 },
		{ "123456789", 9, 0xe3069283 },
		{ zeros, 32, 0x8a9136aa },
		{ ones, 32, 0x62a8ab43 },
		{ rising, 32, 0x46dd794e },
		{ falling, 32, 0x113fdb5c },
	};

	(void)state;
	memset(ones, 0xff, sizeof(ones));
	for (unsigned i = 0; i < 32; i++) {
		rising[i] = (unsigned char)i;
		falling[i] = (unsigned char)(31 - i);
	}
	for (size_t i = 0; i < TOLL_COUNT(cases); i++) {
		assert_int_equal(toll_crc32c(0, cases[i].bytes, cases[i].len), cases[i].crc);
		assert_int_equal(toll_crc32c_table(0, cases[i].bytes, cases[i].len), cases[i].crc);
	}
}

static void pieces_and_ways_agree(void **state)
{
	unsigned char bytes[1031];

	(void)state;
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (unsigned char)(i * 131 + (i >> 3));
	for (size_t len = 0; len <= sizeof(bytes); len += 7) {
		uint32_t whole = toll_crc32c(0, bytes, len);
		size_t cut = len / 3;

		assert_int_equal(whole, toll_crc32c_table(0, bytes, len));
		assert_int_equal(whole,
		                 toll_crc32c(toll_crc32c(0, bytes, cut), bytes + cut, len - cut));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_answers),
		cmocka_unit_test(pieces_and_ways_agree),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

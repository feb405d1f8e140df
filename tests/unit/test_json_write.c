/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/json_write.h"

#include <math.h>

#include "base/macro.h"
#include "tests/unit/unit.h"

static const struct {
	struct toll_slice in;
	const char *out;
} strings[] = {
	{ { "", 0 }, "\"\"" },
	{ { "plain text of more than eight bytes", 35 },
	  "\"plain text of more than eight bytes\"" },
	{ { "a\"b\\c", 5 }, "\"a\\\"b\\\\c\"" },
	{ { "1234567\n", 8 }, "\"1234567\\n\"" },
	{ { "\x01\x1f\x7f", 3 }, "\"\\u0001\\u001f\x7f\"" },
	{ { "a\0b", 3 }, "\"a\\u0000b\"" },
	{ { "gr\xc3\xbc\xc3\x9f"
	    "e",
	    7 },
	  "\"gr\xc3\xbc\xc3\x9f"
	  "e\"" },
	{ { "\xf0\x9f\x92\xb0", 4 }, "\"\xf0\x9f\x92\xb0\"" },
	{ { "\xc0\x80", 2 }, "\"\xef\xbf\xbd\xef\xbf\xbd\"" },                 /* overlong */
	{ { "\xed\xa0\x80", 3 }, "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"" }, /* surrogate */
	{ { "x\xe2\x82", 3 }, "\"x\xef\xbf\xbd\xef\xbf\xbd\"" },               /* cut short */
};

static void strings_are_escaped(void **state TOLL_UNUSED)
{
	for (size_t i = 0; i < TOLL_COUNT(strings); i++) {
		char out[256];
		char *end = toll_json_string(out, strings[i].in);

		assert_true((size_t)(end - out) <= toll_json_string_bound(strings[i].in.len));
		*end = '\0';
		assert_string_equal(out, strings[i].out);
	}
}

static void numbers_read_back(void **state TOLL_UNUSED)
{
	const double doubles[] = { 0,      1, -1.5, 0.1, 4e-7, 1e300, 5e-324, 123456789.123456789,
		                   1.0 / 3 };
	char out[64];

	for (size_t i = 0; i < TOLL_COUNT(doubles); i++) {
		*toll_json_double(out, doubles[i]) = '\0';
		assert_true(strtod(out, NULL) == doubles[i]);
	}
	*toll_json_double(out, 0.1) = '\0';
	assert_string_equal(out, "0.1");
	*toll_json_double(out, NAN) = '\0';
	assert_string_equal(out, "\"NaN\"");
	*toll_json_int(out, INT64_MIN) = '\0';
	assert_string_equal(out, "-9223372036854775808");
	for (uint64_t v = 0, i = 0; i < 64; v = v * 3 + i, i++) {
		*toll_json_uint(out, v) = '\0';
		assert_true(strtoull(out, NULL, 10) == v && (v == 0 || out[0] != '0'));
	}
	*toll_json_uint(out, UINT64_MAX) = '\0';
	assert_string_equal(out, "18446744073709551615");
}

static void bytes_are_hex_or_base64(void **state TOLL_UNUSED)
{
	static const char *const base64[] = { "\"\"", "\"Zg==\"", "\"Zm8=\"", "\"Zm9v\"",
		                              "\"Zm9vYg==\"" };
	char out[64];

	for (size_t n = 0; n < TOLL_COUNT(base64); n++) {
		*toll_json_base64(out, toll_slice("foobar", n)) = '\0';
		assert_string_equal(out, base64[n]);
	}
	*toll_json_hex(out, "\x00\xff\x1a", 3) = '\0';
	assert_string_equal(out, "\"00ff1a\"");
	*toll_json_hex(out, "\x01\x23\x45\x67\x89\xab\xcd\xef\xfe\x9a", 10) = '\0';
	assert_string_equal(out, "\"0123456789abcdeffe9a\"");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(strings_are_escaped),
		cmocka_unit_test(numbers_read_back),
		cmocka_unit_test(bytes_are_hex_or_base64),
	};

	return cmocka_run_group_tests_name("json_write", tests, NULL, NULL);
}

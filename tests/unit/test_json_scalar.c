/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/json_scalar.h"

#include <math.h>

#include "base/macro.h"
#include "tests/unit/unit.h"

static const struct {
	const char *text;
	bool ok, negative;
	uint64_t magnitude;
} integers[] = {
	{ "0", true, false, 0 },
	{ "-0", true, true, 0 },
	{ "12", true, false, 12 },
	{ "-12", true, true, 12 },
	{ "1.0", true, false, 1 },
	{ "1.20e1", true, false, 12 },
	{ "1E3", true, false, 1000 },
	{ "1200e-2", true, false, 12 },
	{ "0e99999999999999999999", true, false, 0 },
	{ "0.000e5", true, false, 0 },
	{ "9223372036854775807", true, false, INT64_MAX },
	{ "18446744073709551615", true, false, UINT64_MAX },
	{ "1.8446744073709551615e19", true, false, UINT64_MAX },
	{ "184467440737095516150e-1", true, false, UINT64_MAX },
	{ "18446744073709551616", false, false, 0 },
	{ "1e20", false, false, 0 },
	{ "1e99999999999", false, false, 0 },
	{ "1e-1", false, false, 0 },
	{ "1.5", false, false, 0 },
	{ "0.1e-99999999999", false, false, 0 },
	{ "", false, false, 0 },
	{ "-", false, false, 0 },
	{ "+1", false, false, 0 },
	{ "01", false, false, 0 },
	{ "1.", false, false, 0 },
	{ ".5", false, false, 0 },
	{ "1e", false, false, 0 },
	{ "1e+", false, false, 0 },
	{ "0x10", false, false, 0 },
	{ " 1", false, false, 0 },
	{ "1 ", false, false, 0 },
	{ "12a", false, false, 0 },
};

static void integers_are_exact_however_they_are_written(void **state TOLL_UNUSED)
{
	for (size_t i = 0; i < TOLL_COUNT(integers); i++) {
		uint64_t v = 0;
		bool negative = false;

		assert_int_equal(
			toll_json_read_integer(toll_slice_str(integers[i].text), &negative, &v),
			integers[i].ok);
		if (integers[i].ok) {
			assert_int_equal(negative, integers[i].negative);
			assert_true(v == integers[i].magnitude);
		}
	}
}

static void integers_keep_to_their_size(void **state TOLL_UNUSED)
{
	int64_t i;
	uint64_t u;

	assert_true(toll_json_read_int64(TOLL_SLICE("-9223372036854775808"), &i));
	assert_true(i == INT64_MIN);
	assert_true(toll_json_read_int64(TOLL_SLICE("-1"), &i));
	assert_true(i == -1);
	assert_false(toll_json_read_int64(TOLL_SLICE("-9223372036854775809"), &i));
	assert_false(toll_json_read_int64(TOLL_SLICE("9223372036854775808"), &i));
	assert_true(toll_json_read_uint64(TOLL_SLICE("4294967295"), UINT32_MAX, &u));
	assert_true(u == UINT32_MAX);
	assert_true(toll_json_read_uint64(TOLL_SLICE("-0"), UINT32_MAX, &u));
	assert_false(toll_json_read_uint64(TOLL_SLICE("4294967296"), UINT32_MAX, &u));
	assert_false(toll_json_read_uint64(TOLL_SLICE("-1"), UINT64_MAX, &u));
}

static const struct {
	const char *text;
	bool words, ok;
	double v;
} doubles[] = {
	{ "0.1", false, true, 0.1 },
	{ "-1.5e-3", false, true, -1.5e-3 },
	{ "5e-324", true, true, 5e-324 },
	{ "1e-400", false, true, 0 },
	{ "123456789012345678901234567890", false, true, 123456789012345678901234567890.0 },
	{ "Infinity", true, true, HUGE_VAL },
	{ "-Infinity", true, true, -HUGE_VAL },
	{ "Infinity", false, false, 0 },
	{ "inf", true, false, 0 },
	{ "nan", true, false, 0 },
	{ "0x1p3", true, false, 0 },
	{ "1e400", false, false, 0 },
	{ "", true, false, 0 },
	{ "1,5", true, false, 0 },
};

static void doubles_read(void **state TOLL_UNUSED)
{
	double v = 0;

	for (size_t i = 0; i < TOLL_COUNT(doubles); i++) {
		assert_int_equal(toll_json_read_double(toll_slice_str(doubles[i].text),
		                                       doubles[i].words, &v),
		                 doubles[i].ok);
		if (doubles[i].ok)
			assert_true(v == doubles[i].v);
	}
	assert_true(toll_json_read_double(TOLL_SLICE("NaN"), true, &v));
	assert_true(isnan(v));
}

static void the_longest_double_reads_and_a_longer_one_does_not(void **state TOLL_UNUSED)
{
	char text[1200];
	double v = 1;
	int n = snprintf(text, sizeof(text), "%.1074f", -5e-324);

	assert_true(toll_json_read_double(toll_slice(text, (size_t)n), false, &v));
	assert_true(v == -5e-324);
	memset(text, '1', sizeof(text));
	assert_false(toll_json_read_double(toll_slice(text, sizeof(text)), false, &v));
}

static void hex_of_both_cases(void **state TOLL_UNUSED)
{
	char out[8];

	assert_true(toll_json_read_hex(TOLL_SLICE("00fF9aA0"), out));
	assert_memory_equal(out, "\x00\xff\x9a\xa0", 4);
	assert_true(toll_json_read_hex(TOLL_SLICE(""), out));
	assert_false(toll_json_read_hex(TOLL_SLICE("0"), out));
	assert_false(toll_json_read_hex(TOLL_SLICE("0g"), out));
	assert_false(toll_json_read_hex(TOLL_SLICE("@0"), out));
	assert_false(toll_json_read_hex(TOLL_SLICE("\x10"
	                                           "0"),
	                                out));
	assert_false(toll_json_read_hex(TOLL_SLICE("0\xc1"), out));
}

static const struct {
	const char *text;
	bool ok;
	const char *bytes;
	size_t len;
} base64[] = {
	{ "", true, "", 0 },
	{ "Zg==", true, "f", 1 },
	{ "Zg", true, "f", 1 },
	{ "Zm8=", true, "fo", 2 },
	{ "Zm8", true, "fo", 2 },
	{ "Zm9v", true, "foo", 3 },
	{ "++//", true, "\xfb\xef\xff", 3 },
	{ "--__", true, "\xfb\xef\xff", 3 },
	{ "Z", false, NULL, 0 },
	{ "Zg=", false, NULL, 0 },
	{ "Z===", false, NULL, 0 },
	{ "Zm9v=", false, NULL, 0 },
	{ "Zm 9v", false, NULL, 0 },
	{ "Zg==Zg==", false, NULL, 0 },
	{ "=", false, NULL, 0 },
	{ "====", false, NULL, 0 },
};

static void base64_of_both_alphabets(void **state TOLL_UNUSED)
{
	char out[16];
	size_t len = 0;

	for (size_t i = 0; i < TOLL_COUNT(base64); i++) {
		assert_int_equal(toll_json_read_base64(toll_slice_str(base64[i].text), out, &len),
		                 base64[i].ok);
		if (!base64[i].ok)
			continue;
		assert_int_equal(len, base64[i].len);
		assert_memory_equal(out, base64[i].bytes, len);
	}
}

static void strings_say_what_is_escaped(void **state TOLL_UNUSED)
{
	static const struct {
		const char *text, *says; /* NULL: no string */
	} cases[] = {
		{ "\"\"", "" },
		{ "\"a b\"", "a b" },
		{ "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\/\b\f\n\r\t" },
		{ "\"\\u0041\\u00e9\\u20ac\\ud83d\\ude00\"",
		  "A\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80" },
		{ "\"\\ud83dx\\ude00\"", "\xef\xbf\xbdx\xef\xbf\xbd" },
		{ "\"\\ud83d\\u0041\"", "\xef\xbf\xbd"
		                        "A" },
		{ "\"\\x\"", NULL },
		{ "\"\\u12\"", NULL },
		{ "\"\\\"", NULL },
		{ "\"", NULL },
		{ "12", NULL },
		{ "", NULL },
	};
	char room[64];

	for (size_t i = 0; i < TOLL_COUNT(cases); i++) {
		struct toll_slice s = { 0 };
		bool ok = toll_json_read_string(toll_slice_str(cases[i].text), room, &s);

		assert_int_equal(ok, cases[i].says != NULL);
		if (ok && !toll_slice_is(s, cases[i].says))
			fail_msg("%s: %.*s", cases[i].text, TOLL_FMT(s));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(integers_are_exact_however_they_are_written),
		cmocka_unit_test(integers_keep_to_their_size),
		cmocka_unit_test(doubles_read),
		cmocka_unit_test(the_longest_double_reads_and_a_longer_one_does_not),
		cmocka_unit_test(hex_of_both_cases),
		cmocka_unit_test(base64_of_both_alphabets),
		cmocka_unit_test(strings_say_what_is_escaped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

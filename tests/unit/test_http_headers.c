/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include "base/macro.h"
#include "receivers/otlp/http_headers.h"

static void media_types_are_read_without_parameters(void **state TOLL_UNUSED)
{
	static const struct {
		const char *text;
		int format; /* -1: unknown */
	} cases[] = {
		{ "application/x-protobuf", TOLL_OTLP_PROTOBUF },
		{ "application/json", TOLL_OTLP_JSON },
		{ "Application/JSON; charset=utf-8", TOLL_OTLP_JSON },
		{ " application/x-protobuf ;x", TOLL_OTLP_PROTOBUF },
		{ "application/x-protobuf\t", TOLL_OTLP_PROTOBUF },
		{ NULL, -1 },
		{ "", -1 },
		{ ";", -1 },
		{ "application/x-protobuff", -1 },
		{ "application/x-proto", -1 },
		{ "text/json", -1 },
		{ "application/json, application/json", -1 },
	};

	for (size_t i = 0; i < TOLL_COUNT(cases); i++) {
		enum toll_otlp_format format = TOLL_OTLP_PROTOBUF;
		bool known = toll_otlp_read_type(cases[i].text, &format);

		assert_int_equal(known ? (int)format : -1, cases[i].format);
	}
}

static void codings_are_read(void **state TOLL_UNUSED)
{
	assert_int_equal(toll_otlp_read_coding(NULL), TOLL_ENCODING_IDENTITY);
	assert_int_equal(toll_otlp_read_coding(""), TOLL_ENCODING_IDENTITY);
	assert_int_equal(toll_otlp_read_coding("identity"), TOLL_ENCODING_IDENTITY);
	assert_int_equal(toll_otlp_read_coding(" GZIP\t"), TOLL_ENCODING_GZIP);
	assert_int_equal(toll_otlp_read_coding("deflate"), TOLL_ENCODING_DEFLATE);
	assert_int_equal(toll_otlp_read_coding("zlib"), TOLL_ENCODING_ZLIB);
	assert_int_equal(toll_otlp_read_coding("zstd"), TOLL_ENCODING_ZSTD);
	assert_int_equal(toll_otlp_read_coding("snappy"), TOLL_ENCODING_UNKNOWN);
	assert_int_equal(toll_otlp_read_coding("gzip, gzip"), TOLL_ENCODING_UNKNOWN);
	assert_int_equal(toll_otlp_read_coding("gzip;q=1"), TOLL_ENCODING_UNKNOWN);
	assert_int_equal(toll_otlp_read_coding("gz"), TOLL_ENCODING_UNKNOWN);
}

static void sets_of_codings_are_as_in_the_collector(void **state TOLL_UNUSED)
{
	const struct toll_slice some[] = { { "gzip", 4 }, { "snappy", 6 } };
	const struct toll_slice plain[] = { { "", 0 }, { "deflate", 7 } };
	char buf[TOLL_CODINGS_MAX];
	unsigned set = toll_otlp_coding_set(&(struct toll_slice_list){ NULL, 0 });

	assert_string_equal(toll_otlp_print_codings(set, buf),
	                    "identity, gzip, deflate, zlib, zstd");
	set = toll_otlp_coding_set(&(struct toll_slice_list){ some, 2 });
	assert_string_equal(toll_otlp_print_codings(set, buf), "gzip");
	set = toll_otlp_coding_set(&(struct toll_slice_list){ plain, 2 });
	assert_string_equal(toll_otlp_print_codings(set, buf), "identity, deflate, zlib");
	assert_false(set & 1u << TOLL_ENCODING_UNKNOWN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(media_types_are_read_without_parameters),
		cmocka_unit_test(codings_are_read),
		cmocka_unit_test(sets_of_codings_are_as_in_the_collector),
	};

	return cmocka_run_group_tests_name("http_headers", tests, NULL, NULL);
}

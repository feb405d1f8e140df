/* SPDX-License-Identifier: Apache-2.0 */
/* What the random requests of test_otlp_json_oracle.py do not show: bytes, errors, limits. */
#include "proto/otlp_json_decode.h"

#include "base/macro.h"
#include "proto/wire.h"
#include "tests/unit/unit.h"

/* Into memory of exactly its size, so that the sanitizers see what goes beyond it. */
static int decode_into(const char *json, size_t len, size_t room, char **ret, size_t *ret_len,
                       struct toll_error *reterr)
{
	char *text = malloc(len ? len : 1);
	int err;

	*ret = malloc(room ? room : 1);
	assert_non_null(text);
	assert_non_null(*ret);
	memcpy(text, json, len);
	err = toll_otlp_json_decode(text, len, *ret, room, ret_len, reterr);
	free(text);
	return err;
}

static int decode(const char *json, char **ret, size_t *ret_len, struct toll_error *reterr)
{
	size_t len = strlen(json);

	return decode_into(json, len, TOLL_OTLP_JSON_ROOM(len), ret, ret_len, reterr);
}

/* The Span inside {"resourceSpans":[{"scopeSpans":[{"spans":[...]}]}]}. */
#define SPAN(members)  "{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[{" members "}]}]}]}"
#define VALUE(members) SPAN("\"attributes\":[{\"value\":{" members "}}]")

/* Without the three messages around the span, whose lengths are one byte here. */
#define IN_SPAN(bytes) bytes, sizeof(bytes) - 1, 6
/* ... and the attribute, the value. */
#define IN_VALUE(bytes) bytes, sizeof(bytes) - 1, 10

static const struct {
	const char *json;
	const char *bytes;
	size_t len, at;
} cases[] = {
	{ "{}", "", 0, 0 },
	{ " {\"resourceSpans\" : [ ] } ", "", 0, 0 },
	{ "{\"resourceSpans\":null}", "", 0, 0 },
	{ "{\"resourceSpans\":[{},null,{}]}", "\x0a\x00\x0a\x00\x0a\x00", 6, 0 },
	{ "{\"resource_spans\":[{\"schema_url\":\"u\"}]}", "\x0a\x03\x1a\x01u", 5, 0 },
	/* unknown fields, whatever is in them */
	{ "{\"x\":{\"resourceSpans\":[{}],\"y\":[[1,{}],null]},\"z\":\"\",\"resourceSpans\":[{}]}",
	  "\x0a\x00", 2, 0 },
	{ "{\"ResourceSpans\":[{}],\"resource__spans\":[{}],\"resource_spans_\":[{}]}", "", 0, 0 },
	/* ids */
	{ SPAN("\"traceId\":\"0aFF\",\"spanId\":\"\""), IN_SPAN("\x0a\x02\x0a\xff\x12\x00") },
	{ SPAN("\"trace_id\":\"01\",\"parentSpanId\":null"), IN_SPAN("\x0a\x01\x01") },
	/* numbers, strings, names */
	{ SPAN("\"kind\":2,\"status\":{\"code\":\"STATUS_CODE_ERROR\"}"),
	  IN_SPAN("\x30\x02\x7a\x02\x18\x02") },
	{ SPAN("\"kind\":\"SPAN_KIND_CONSUMER\""), IN_SPAN("\x30\x05") },
	{ SPAN("\"kind\":\"3\""), IN_SPAN("\x30\x03") },
	{ SPAN("\"kind\":-1"), IN_SPAN("\x30\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01") },
	{ SPAN("\"startTimeUnixNano\":\"258\",\"endTimeUnixNano\":1e0"),
	  IN_SPAN("\x39\x02\x01\0\0\0\0\0\0\x41\x01\0\0\0\0\0\0\0") },
	{ SPAN("\"flags\":257"), IN_SPAN("\x85\x01\x01\x01\0\0") },
	{ SPAN("\"droppedLinksCount\":\"300\""), IN_SPAN("\x70\xac\x02") },
	/* twice: the last one counts for every reader of protobuf */
	{ SPAN("\"name\":\"a\",\"name\":\"\""), IN_SPAN("\x2a\x01"
	                                                "a\x2a\x00") },
	/* strings */
	{ SPAN("\"name\":\"\\u00e9\\ud83d\\ude00\\n\\u0000\""),
	  IN_SPAN("\x2a\x08\xc3\xa9\xf0\x9f\x98\x80\n\0") },
	{ SPAN("\"name\":\"a\\ud83dz\""), IN_SPAN("\x2a\x05"
	                                          "a\xef\xbf\xbdz") },
	{ SPAN("\"name\":\"\\ude00\\ud83d\""), IN_SPAN("\x2a\x06\xef\xbf\xbd\xef\xbf\xbd") },
	{ SPAN("\"name\":\"\\ud83d\\ud83d\\ude00\""),
	  IN_SPAN("\x2a\x07\xef\xbf\xbd\xf0\x9f\x98\x80") },
	{ SPAN("\"name\":\"\\ud83d\\\\ude00\""), IN_SPAN("\x2a\x09\xef\xbf\xbd\\ude00") },
	{ SPAN("\"na\\u006de\":\"x\""), IN_SPAN("\x2a\x01x") },
	/* values */
	{ VALUE("\"intValue\":\"-1\""), IN_VALUE("\x18\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01") },
	{ VALUE("\"intValue\":0"), IN_VALUE("\x18\x00") },
	{ VALUE("\"boolValue\":true"), IN_VALUE("\x10\x01") },
	{ VALUE("\"doubleValue\":\"Infinity\""), IN_VALUE("\x21\0\0\0\0\0\0\xf0\x7f") },
	{ VALUE("\"doubleValue\":1"), IN_VALUE("\x21\0\0\0\0\0\0\xf0\x3f") },
	{ VALUE("\"bytesValue\":\"_-8\""), IN_VALUE("\x3a\x02\xff\xef") },
	{ VALUE("\"stringValue\":null"), IN_VALUE("") },
	{ VALUE("\"arrayValue\":{\"values\":[{\"intValue\":1},{},null]}"),
	  IN_VALUE("\x2a\x08\x0a\x02\x18\x01\x0a\x00\x0a\x00") },
	{ VALUE("\"kvlistValue\":{\"values\":[{\"key\":\"k\",\"value\":{\"boolValue\":false}}]}"),
	  IN_VALUE("\x32\x09\x0a\x07\x0a\x01k\x12\x02\x10\x00") },
	{ "{\"resourceSpans\":[{\"resource\":{\"entityRefs\":[{\"idKeys\":[\"a\",null]}]}}]}",
	  "\x0a\x09\x0a\x07\x1a\x05\x1a\x01"
	  "a\x1a\x00",
	  11, 0 },
};

static void json_becomes_protobuf(void **state TOLL_UNUSED)
{
	for (size_t i = 0; i < TOLL_COUNT(cases); i++) {
		struct toll_error e = { 0 };
		size_t len = 0;
		char *out;

		if (decode(cases[i].json, &out, &len, &e))
			fail_msg("%s: %s", cases[i].json, e.text);
		assert_int_equal(len, cases[i].at + cases[i].len);
		assert_memory_equal(out + cases[i].at, cases[i].bytes, cases[i].len);
		free(out);
	}
}

static const struct {
	const char *json, *why;
} refused[] = {
	{ "", "premature EOF, at byte 0" },
	{ "[]", "an array where the request belongs, at byte 1" },
	{ "1 ", "a number where the request belongs, at byte 1" },
	{ "\"x\"", "a string where the request belongs, at byte 3" },
	{ "true", "a boolean where the request belongs, at byte 4" },
	{ "null", "null where the request belongs, at byte 4" },
	{ "{}{}", "trailing garbage, at byte 3" },
	{ "{\"resourceSpans\":[{}", "premature EOF, at byte 20, resourceSpans[0]" },
	{ "{\"resourceSpans\":[{},]}",
	  "unallowed token at this point in JSON text, at byte 22, resourceSpans[0]" },
	{ "{\"resourceSpans\":{}}", "an object where an array belongs, at byte 18, resourceSpans" },
	{ "{\"resourceSpans\":\"\"}",
	  "a string where an array belongs, at byte 19, resourceSpans" },
	{ "{\"resourceSpans\":[[]]}", "an array in an array, at byte 19, resourceSpans" },
	{ "{\"resourceSpans\":[{\"resource\":[]}]}",
	  "an array where one value belongs, at byte 31, resourceSpans[0].resource" },
	{ "{\"resourceSpans\":[{\"schemaUrl\":{}}]}",
	  "an object where a scalar belongs, at byte 32, resourceSpans[0].schemaUrl" },
	{ SPAN("\"traceId\":\"0\""), "not hex: an odd number of digits, at byte 57, "
	                             "resourceSpans[0].scopeSpans[0].spans[0].traceId" },
	{ SPAN("\"traceId\":\"0g\""),
	  "not hex, at byte 58, resourceSpans[0].scopeSpans[0].spans[0].traceId" },
	{ SPAN("\"name\":\"\xff\""), "not UTF-8, at byte 52" },
	{ SPAN("\"name\":\"\xed\xa0\x80\""), "not UTF-8, at byte 52" },
	{ SPAN("\"name\":\"\xc0\x80\""), "not UTF-8, at byte 52" },
	{ SPAN("\"name\":\"\\u00zz\""),
	  "invalid (non-hex) character occurs after '\\u' inside string., at byte 56, "
	  "resourceSpans[0].scopeSpans[0].spans[0].name" },
	{ SPAN("\"name\":1"), "a number where none belongs, at byte 52, "
	                      "resourceSpans[0].scopeSpans[0].spans[0].name" },
	{ SPAN("\"kind\":\"SERVER\""), "not an integer of the field's size, at byte 59, "
	                               "resourceSpans[0].scopeSpans[0].spans[0].kind" },
	{ SPAN("\"kind\":2147483648"), "not an integer of the field's size, at byte 61, "
	                               "resourceSpans[0].scopeSpans[0].spans[0].kind" },
	{ SPAN("\"flags\":-1"), "not an unsigned integer of the field's size, at byte 54, "
	                        "resourceSpans[0].scopeSpans[0].spans[0].flags" },
	{ SPAN("\"flags\":4294967296"), "not an unsigned integer of the field's size, at byte 62, "
	                                "resourceSpans[0].scopeSpans[0].spans[0].flags" },
	{ VALUE("\"boolValue\":1"), "a number where none belongs, at byte 81, "
	                            "resourceSpans[0].scopeSpans[0].spans[0].attributes[0].value."
	                            "boolValue" },
	{ VALUE("\"boolValue\":\"true\""), "a string where none belongs, at byte 86, "
	                                   "resourceSpans[0].scopeSpans[0].spans[0].attributes[0]."
	                                   "value.boolValue" },
	{ VALUE("\"doubleValue\":1e999"), "not a double, at byte 87, "
	                                  "resourceSpans[0].scopeSpans[0].spans[0].attributes[0]."
	                                  "value.doubleValue" },
	{ VALUE("\"bytesValue\":\"*\""), "not base64, at byte 84, "
	                                 "resourceSpans[0].scopeSpans[0].spans[0].attributes[0]."
	                                 "value.bytesValue" },
	{ VALUE("\"stringValue\":true"), "a boolean where none belongs, at byte 86, "
	                                 "resourceSpans[0].scopeSpans[0].spans[0].attributes[0]."
	                                 "value.stringValue" },
};

static void what_is_no_request_is_refused_with_its_place(void **state TOLL_UNUSED)
{
	for (size_t i = 0; i < TOLL_COUNT(refused); i++) {
		struct toll_error e = { 0 };
		size_t len;
		char *out;

		assert_int_equal(decode(refused[i].json, &out, &len, &e), TOLL_EINVALID);
		assert_string_equal(e.text, refused[i].why);
		free(out);
	}
}

/* A value in `depth` arrays, or `depth` objects in a field that nobody knows. */
static char *nested(unsigned depth, bool unknown)
{
	size_t room = 200 + depth * 32;
	char *text = malloc(room);
	const char *open = unknown ? "{\"x\":" : "{\"arrayValue\":{\"values\":[";
	int at = unknown ? snprintf(text, room, "{\"y\":")
	                 : snprintf(text, room,
	                            "{\"resourceSpans\":[{\"resource\":{\"attributes\":"
	                            "[{\"value\":");

	for (unsigned i = 0; i < depth; i++)
		at += snprintf(text + at, room - (size_t)at, "%s", open);
	at += snprintf(text + at, room - (size_t)at, "{}");
	for (unsigned i = 0; i < depth; i++)
		at += snprintf(text + at, room - (size_t)at, "%s", unknown ? "}" : "]}}");
	snprintf(text + at, room - (size_t)at, "%s", unknown ? "}" : "}]}}]}");
	return text;
}

static int decode_nested(unsigned depth, bool unknown, struct toll_error *e)
{
	char *text = nested(depth, unknown), *out;
	size_t len;
	int err = decode(text, &out, &len, e);

	free(out);
	free(text);
	return err;
}

static void depth_is_limited(void **state TOLL_UNUSED)
{
	struct toll_error e = { 0 };

	assert_int_equal(decode_nested(40, false, &e), 0);
	assert_int_equal(decode_nested(41, false, &e), TOLL_EINVALID);
	assert_non_null(strstr(e.text, "nested too deep"));
	assert_int_equal(decode_nested(126, true, &e), 0);
	assert_int_equal(decode_nested(127, true, &e), TOLL_EINVALID);
	assert_non_null(strstr(e.text, "nested too deep"));
	assert_int_equal(decode_nested(100000, true, &e), TOLL_EINVALID);
}

static void too_little_room_is_said_at_every_size(void **state TOLL_UNUSED)
{
	const char json[] = SPAN("\"traceId\":\"0102\",\"flags\":1,\"kind\":-1,\"name\":\"abc\","
	                         "\"startTimeUnixNano\":1,\"attributes\":[{\"key\":\"k\",\"value\":"
	                         "{\"doubleValue\":1}},{\"key\":\"kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk"
	                         "kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk"
	                         "kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk\"},null]");
	struct toll_error e = { 0 };
	size_t need = 0, got;
	char *out;

	assert_int_equal(decode(json, &out, &need, &e), 0);
	free(out);
	for (size_t room = 0; room < need; room++) {
		assert_int_equal(decode_into(json, sizeof(json) - 1, room, &out, &got, &e),
		                 TOLL_ETOOBIG);
		free(out);
	}
	assert_int_equal(decode_into(json, sizeof(json) - 1, need, &out, &got, &e), 0);
	assert_int_equal(got, need);
	free(out);
}

/* What grows most: see TOLL_OTLP_JSON_ROOM. */
static void the_room_is_enough_for_what_grows(void **state TOLL_UNUSED)
{
	static const char head[] = "{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[{\"kind\":-1";
	static const char more[] = ",\"kind\":-1";
	static const char tail[] = "}]}]}]}";
	enum { TIMES = 300000 };
	size_t len = sizeof(head) - 1 + TIMES * (sizeof(more) - 1) + sizeof(tail) - 1, got = 0;
	char *text = malloc(len + 1), *out, *at = text;
	struct toll_error e = { 0 };

	assert_non_null(text);
	memcpy(at, head, sizeof(head) - 1);
	at += sizeof(head) - 1;
	for (int i = 0; i < TIMES; i++, at += sizeof(more) - 1)
		memcpy(at, more, sizeof(more) - 1);
	memcpy(at, tail, sizeof(tail));
	assert_int_equal(decode(text, &out, &got, &e), 0);
	assert_true(got > len);
	free(out);
	free(text);
}

/* yajl's memory is a block of fixed size: long strings with escapes, growing, one that never ends.
 */
static void long_strings_fit_into_the_memory_there_is(void **state TOLL_UNUSED)
{
	enum { LONG = 3 << 20 };
	char *text = malloc(4 * LONG), *out;
	size_t at = 0, len = 0;
	struct toll_error e = { 0 };

	assert_non_null(text);
	at += (size_t)snprintf(text, 64, "{\"x\":[");
	for (size_t n = 1; n < LONG; n = n * 3 / 2 + 1) {
		at += (size_t)snprintf(text + at, 8, "\"\\n");
		memset(text + at, 'a', n);
		at += n;
		at += (size_t)snprintf(text + at, 8, "\",");
	}
	at += (size_t)snprintf(text + at, 8, "\"\\t");
	memset(text + at, 'b', 4 * (size_t)LONG - at);
	assert_int_equal(decode_into(text, 4 * (size_t)LONG, 64, &out, &len, &e), TOLL_EINVALID);
	assert_string_equal(e.text, "premature EOF, at byte 12582912");
	free(out);
	free(text);
}

static void answers_of_servers_are_read(void **state TOLL_UNUSED)
{
	char yes[] = "{\"partialSuccess\":{\"rejectedSpans\":\"5\",\"errorMessage\":\"old\"}}";
	char no[] = "{\"code\":3,\"message\":\"bad\",\"details\":[{\"@type\":\"x\"}]}";
	char out[256];
	size_t len = 0;

	assert_int_equal(
		toll_otlp_json_decode_response(yes, sizeof(yes) - 1, out, sizeof(out), &len, NULL),
		0);
	assert_int_equal(len, 9);
	assert_memory_equal(out, "\x0a\x07\x08\x05\x12\x03old", 9);
	assert_int_equal(
		toll_otlp_json_decode_status(no, sizeof(no) - 1, out, sizeof(out), &len, NULL), 0);
	assert_int_equal(len, 7);
	assert_memory_equal(out,
	                    "\x08\x03\x12\x03"
	                    "bad",
	                    7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(json_becomes_protobuf),
		cmocka_unit_test(what_is_no_request_is_refused_with_its_place),
		cmocka_unit_test(depth_is_limited),
		cmocka_unit_test(too_little_room_is_said_at_every_size),
		cmocka_unit_test(the_room_is_enough_for_what_grows),
		cmocka_unit_test(long_strings_fit_into_the_memory_there_is),
		cmocka_unit_test(answers_of_servers_are_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

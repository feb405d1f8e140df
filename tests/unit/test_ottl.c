/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "tests/support/otlp.h"
#include "tests/unit/unit.h"
#include "transform/ottl.h"

/* A server span with a parent, an error status and a few attributes. */
static struct toll_batch *one_span(void)
{
	struct msg *span = span_new("GET /users/42", 0, 2000000), *status = msg_new();
	struct toll_batch *b;
	uint64_t parent = 0xab;

	msg_bytes(span, 4, &parent, 8);
	msg_attr_str(span, 9, "http.route", "/users/{id}");
	msg_attr_int(span, 9, "code", 503);
	msg_attr_str(span, 9, "quote", "a\"b\\c");
	msg_attr_str(span, 9, "empty", "");
	msg_text(status, 2, "broken");
	msg_varint(status, 3, 2);
	msg_add(span, 15, status);
	b = batch_of_request(request_of("shop", &span, 1));
	return b;
}

static enum toll_ottl_result ask(const struct toll_batch *b, const char *text)
{
	struct toll_ottl *o = NULL;
	struct toll_error error = { 0 };
	enum toll_ottl_result result;

	if (toll_ottl_new(toll_slice_str(text), TOLL_OTTL_SPAN, &o, &error) < 0)
		fail_msg("%s: %s", text, error.text);
	result = toll_ottl_eval(o, b, &b->spans[0], NULL);
	toll_ottl_free(o);
	return result;
}

static void conditions_are_answered(void **state TOLL_UNUSED)
{
	static const struct {
		const char *text;
		enum toll_ottl_result want;
	} cases[] = {
		{ "true", 1 },
		{ "not true", 0 },
		{ "name == \"GET /users/42\"", 1 },
		{ "span.name != \"GET /users/42\"", 0 },
		{ "attributes[\"code\"] == 503", 1 },
		{ "attributes[\"code\"] == 503.0", 1 },
		{ "attributes[\"code\"] >= 500 and attributes[\"code\"] < 600", 1 },
		{ "attributes[\"code\"] == \"503\"", 0 },
		{ "attributes[\"code\"] != \"503\"", 1 },
		{ "attributes[\"code\"] < \"604\"", 0 },
		{ "attributes[\"none\"] == nil", 1 },
		{ "attributes[\"code\"] != nil", 1 },
		{ "nil <= nil", 1 },
		{ "attributes[\"none\"] < 5", 0 },
		{ "attributes[\"quote\"] == \"a\\\"b\\\\c\"", 1 },
		{ "attributes[\"empty\"] == \"\"", 1 },
		{ "\"abc\" < \"abd\" and \"ab\" < \"abc\" and not (\"b\" < \"a\")", 1 },
		{ "resource.attributes[\"service.name\"] == \"shop\"", 1 },
		{ "kind == SPAN_KIND_SERVER", 1 },
		{ "kind.string == \"Server\"", 1 },
		{ "kind == 3", 0 },
		{ "status.code == STATUS_CODE_ERROR and status.message == \"broken\"", 1 },
		{ "trace_id.string == \"01000000000000000700000000000000\"", 1 },
		{ "span_id.string == \"0100000000000000\"", 1 },
		{ "parent_span_id.string == \"ab00000000000000\"", 1 },
		{ "IsRootSpan()", 0 },
		{ "instrumentation_scope.name == \"test\" and scope.version == \"1.0\"", 1 },
		{ "end_time_unix_nano - start_time_unix_nano == 2000000", 1 },
		{ "(end_time_unix_nano - start_time_unix_nano) / 1000 * 2 + -1 == 3999", 1 },
		{ "1 + 2 * 3 == 7", 1 },
		{ "-.5 + 1.0 == .5", 1 },
		{ "5-3 == 2", 1 },
		{ "true and false or true", 1 },
		{ "true or false and false", 1 },
		{ "(true or false) and false", 0 },
		{ "not false and false", 0 },
		{ "not name == \"x\"", 1 },
		{ "not not true", 1 },
		{ "IsMatch(name, \"^GET /users/\\\\d+$\")", 1 },
		{ "IsMatch(attributes[\"code\"], \"^5..$\")", 1 },
		{ "IsMatch(attributes[\"none\"], \".*\")", 0 },
		{ "IsMatch(name, \"^POST\") == false", 1 },
		{ "HasPrefix(name, \"GET\") and HasSuffix(name, \"42\")", 1 },
		{ "HasSuffix(name, \"a name that is longer than the span's\")", 0 },
		{ "Len(name) == 13", 1 },
		{ "IsString(name) and IsInt(attributes[\"code\"]) and not IsBool(name)", 1 },
		{ "HasPrefix(attributes[\"none\"], \"x\")", TOLL_OTTL_ERROR },
		{ "HasPrefix(attributes[\"none\"], \"x\") or true", TOLL_OTTL_ERROR },
		{ "true or HasPrefix(attributes[\"none\"], \"x\")", 1 },
		{ "attributes[\"none\"] != nil and HasPrefix(attributes[\"none\"], \"x\")", 0 },
		{ "1 / 0 == 1", TOLL_OTTL_ERROR },
		{ "1 + 1.5 > 0", TOLL_OTTL_ERROR },
		{ "9223372036854775807 + 1 < 0", 1 },
		{ "Len(5) == 1", TOLL_OTTL_ERROR },
	};
	struct toll_batch *b = one_span();

	for (size_t i = 0; i < TOLL_COUNT(cases); i++)
		if (ask(b, cases[i].text) != cases[i].want)
			fail_msg("%s", cases[i].text);
	toll_batch_unref(b);
}

static void faults_have_a_place_and_a_hint(void **state TOLL_UNUSED)
{
	static const struct {
		const char *text, *sentence;
	} cases[] = {
		{ "", "at character 1: a value is missing" },
		{ "name", "at character 5: a comparison is expected before this" },
		{ "name = \"x\"", "at character 6: \"=\" has no meaning here: equal is \"==\"" },
		{ "name == \"x", "at character 9: the closing quote is missing" },
		{ "name == x", "at character 9: unknown path \"x\"" },
		{ "nam == \"x\"", "at character 1: unknown path \"nam\", did you mean \"name\"?" },
		{ "span.kid == 2", "did you mean \"span.kind\"" },
		{ "true and status.cod == 1",
		  "at character 10: unknown path \"status.cod\", did you mean \"status.code\"?" },
		{ "attributes.x == 1", "unknown path" },
		{ "attributes[x] == 1", "at character 12: a key in double quotes" },
		{ "attributes[\"a\"][\"b\"] == 1", "values inside of values" },
		{ "attributes[\"a\" == 1", "\"]\" is expected here" },
		{ "kind == SPAN_KIND_SERVR", "did you mean \"SPAN_KIND_SERVER\"" },
		{ "Ismatch(name, \"a\")",
		  "at character 1: unknown function \"Ismatch\", did you mean \"IsMatch\"?" },
		{ "ParseJSON(name) == 1", "unknown function \"ParseJSON\"" },
		{ "IsMatch(name)", "\",\" is expected here" },
		{ "IsMatch(name, name)", "must be a text in double quotes" },
		{ "IsMatch(name, \"(\")", "is no regular expression" },
		{ "IsMatch(name, \"a\"", "\")\" is missing" },
		{ "(name == \"a\"", "\")\" is missing" },
		{ "name == \"a\" name", "at character 13: \"name\" has no meaning here" },
		{ "name == \"a\" where true", "\"where\" belongs to statements" },
		{ "name == and", "a value is expected before \"and\"" },
		{ "name == \"\\q\"", "\"\\q\" is no escape" },
		{ "kind == 99999999999999999999", "is no 64-bit number" },
		{ "kind == 1.2.3", "is no number" },
		{ "Len(name)", "a comparison is expected" },
		{ "name and true", "a comparison is expected" },
		{ "#", "has no meaning here" },
	};

	for (size_t i = 0; i < TOLL_COUNT(cases); i++) {
		struct toll_ottl *o = NULL;
		struct toll_error error = { 0 };

		if (toll_ottl_new(toll_slice_str(cases[i].text), TOLL_OTTL_SPAN, &o, &error) !=
		            TOLL_ECONFIG ||
		    !strstr(error.text, cases[i].sentence))
			fail_msg("%s: \"%s\", not \"%s\"", cases[i].text, error.text,
			         cases[i].sentence);
		assert_null(o);
	}
}

static int compile(const char *text, enum toll_ottl_context context)
{
	struct toll_ottl *o = NULL;
	int err = toll_ottl_new(toll_slice_str(text), context, &o, NULL);

	toll_ottl_free(o);
	return err;
}

static void the_context_decides_what_paths_mean(void **state TOLL_UNUSED)
{
	assert_int_equal(compile("name == \"a\"", TOLL_OTTL_NONE), TOLL_ECONFIG);
	assert_int_equal(compile("span.name == \"a\"", TOLL_OTTL_NONE), 0);
	assert_int_equal(compile("name == \"a\"", TOLL_OTTL_RESOURCE), TOLL_ECONFIG);
	assert_int_equal(compile("attributes[\"a\"] == 1", TOLL_OTTL_RESOURCE), 0);
}

/* Nesting and length have a limit, so that evaluation has one. */
static void size_is_bounded(void **state TOLL_UNUSED)
{
	char text[5000] = { 0 };

	memset(text, '(', 100);
	assert_int_equal(compile(text, TOLL_OTTL_SPAN), TOLL_ECONFIG);
	for (size_t i = 0; i + 4 < 1000; i += 4)
		memcpy(text + i, "not ", 4);
	assert_int_equal(compile(text, TOLL_OTTL_SPAN), TOLL_ECONFIG);
	memset(text, ' ', 4999);
	assert_int_equal(compile(text, TOLL_OTTL_SPAN), TOLL_ECONFIG);
	for (size_t i = 0; i < 4000; i += 8)
		memcpy(text + i, "true or ", 8);
	memcpy(text + 4000, "true", 5);
	assert_int_equal(compile(text, TOLL_OTTL_SPAN), TOLL_ECONFIG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(conditions_are_answered),
		cmocka_unit_test(faults_have_a_place_and_a_hint),
		cmocka_unit_test(the_context_decides_what_paths_mean),
		cmocka_unit_test(size_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

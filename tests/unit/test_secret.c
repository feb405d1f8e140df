/* SPDX-License-Identifier: Apache-2.0 */
/* What print-config hides, shows, and writes as JSON. */
#include "config/secret.h"

#include <stdio.h>

#include "tests/support/config_types.h"
#include "tests/unit/unit.h"

static void keys_that_hold_secrets(void **state TOLL_UNUSED)
{
	static const char *const yes[] = {
		"Authorization", "x-api-key", "API_KEY",     "cookie",
		"set-cookie",    "my-token",  "db_password", "X-Secret"
	};
	static const char *const no[] = { "x-tenant", "content-type", "key", "" };

	for (size_t i = 0; i < TOLL_COUNT(yes); i++)
		assert_true(toll_secret_is_key(toll_slice_str(yes[i])));
	for (size_t i = 0; i < TOLL_COUNT(no); i++)
		assert_false(toll_secret_is_key(toll_slice_str(no[i])));
}

static void passwords_in_urls_are_hidden(void **state TOLL_UNUSED)
{
	static const struct {
		const char *text, *wanted;
	} cases[] = {
		{ "redis://me:pw@host:1/0", "redis://me:[REDACTED]@host:1/0" },
		{ "redis://:p@ss:w@host", "redis://:[REDACTED]@host" },
		{ "https://host/a?b=c:d@e", "https://host/a?b=c:d@e" },
		{ "https://me@host", "https://me@host" },
		{ "me:pw@host", "me:pw@host" },
		{ "http://", "http://" },
		{ "", "" },
	};
	struct toll_arena arena;

	toll_arena_init(&arena, 1 << 20);
	for (size_t i = 0; i < TOLL_COUNT(cases); i++) {
		struct toll_slice hidden =
			toll_secret_hide_userinfo(&arena, toll_slice_str(cases[i].text));

		if (!toll_slice_is(hidden, cases[i].wanted))
			fail_msg("%s: got %.*s", cases[i].text, TOLL_FMT(hidden));
	}
	toll_arena_release(&arena);
}

static const char yaml[] =
	"receivers: {otlp: {protocols: {grpc: }}}\n"
	"exporters:\n"
	"  kafka:\n"
	"    password: hunter2\n"
	"    brokers: [\"kafka://me:hunter2@b:1\"]\n"
	"    headers: {Authorization: Bearer hunter2, x-team: \"a\\\"b\"}\n"
	"    budgets: [{limit: 0.5, service: \"007\"}]\n"
	"service: {pipelines: {traces: {receivers: [otlp], exporters: [kafka]}}}\n";

static void print(const struct toll_print_how *how, char *text, size_t size)
{
	struct toll_findings findings = { 0 };
	struct toll_config *c;
	FILE *out = fmemopen(text, size, "w");

	assert_non_null(out);
	assert_int_equal(
		toll_config_load_text(toll_slice_str(yaml), "c", test_types, &c, &findings), 0);
	assert_int_equal(toll_config_print(c, how, out), 0);
	fclose(out);
	toll_config_free(c);
	toll_findings_release(&findings);
}

static void nothing_secret_is_printed(void **state TOLL_UNUSED)
{
	const struct toll_print_how json = { .json = true }, reveal = { .reveal = true };
	char text[8192];

	print(NULL, text, sizeof(text));
	assert_null(strstr(text, "hunter2"));
	assert_non_null(strstr(text, "x-team: \"a\\\"b\""));
	print(&json, text, sizeof(text));
	assert_null(strstr(text, "hunter2"));
	print(&reveal, text, sizeof(text));
	assert_non_null(strstr(text, "password: \"hunter2\"") || strstr(text, "password: hunter2"));
	assert_non_null(strstr(text, "Bearer hunter2"));
	assert_null(strstr(text, "REDACTED"));
}

static void json_knows_numbers_from_text(void **state TOLL_UNUSED)
{
	const struct toll_print_how json = { .json = true };
	struct toll_findings findings = { 0 };
	struct toll_config *c = NULL;
	char text[8192];

	print(&json, text, sizeof(text));
	assert_non_null(strstr(text, "\"limit\": 0.5"));
	assert_non_null(strstr(text, "\"service\": \"007\""));
	assert_non_null(strstr(text, "\"idempotent\": true"));
	assert_non_null(strstr(text, "\"max_message_bytes\": 1000000"));
	assert_non_null(strstr(text, "\"compression\": \"lz4\""));
	/* JSON is YAML: it loads again. */
	assert_int_equal(
		toll_config_load_text(toll_slice_str(text), "c", test_types, &c, &findings), 0);
	toll_config_free(c);
	toll_findings_release(&findings);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys_that_hold_secrets),
		cmocka_unit_test(passwords_in_urls_are_hidden),
		cmocka_unit_test(nothing_secret_is_printed),
		cmocka_unit_test(json_knows_numbers_from_text),
	};

	return cmocka_run_group_tests_name("secret", tests, NULL, NULL);
}

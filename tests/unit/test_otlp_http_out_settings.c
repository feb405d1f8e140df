/* SPDX-License-Identifier: Apache-2.0 */
/* What users write about an OTLP/HTTP destination, through the real configuration. */
#include <stdlib.h>

#include "base/clock.h"
#include "exporters/otlp_http/settings.h"
#include "tests/support/settings.h"

static const struct toll_config_type type = {
	.section = TOLL_SECTION_EXPORTERS,
	.type = "otlp_http",
	.alias = "otlphttp",
	.help = "OTLP.",
	.stability = "beta",
	.fields = toll_otlp_http_out_fields,
	.config_size = sizeof(struct toll_otlp_http_out_config),
	.validate = toll_otlp_http_out_validate,
};

/* The settings as a flow mapping; NULL when refused. said: what was found. */
static struct toll_config *load(const char *settings)
{
	return load_exporter(&type, "    %s", settings);
}

static const struct toll_otlp_http_out_config *settings_of(const struct toll_config *c)
{
	return c->components[TOLL_SECTION_EXPORTERS][0].settings;
}

static void endpoints_are_taken_as_users_write_them(void **state TOLL_UNUSED)
{
	static const struct {
		const char *written, *url;
	} cases[] = {
		{ "{endpoint: 'http://c:4318'}", "http://c:4318/v1/traces" },
		{ "{endpoint: 'http://c:4318/'}", "http://c:4318/v1/traces" },
		{ "{endpoint: 'https://vendor.example/otlp'}",
		  "https://vendor.example/otlp/v1/traces" },
		{ "{endpoint: 'HTTP://[::1]:4318'}", "HTTP://[::1]:4318/v1/traces" },
		{ "{traces_endpoint: 'http://c/x/'}", "http://c/x/" },
		{ "{endpoint: 'http://c', traces_endpoint: 'https://d/t?k=v'}", "https://d/t?k=v" },
	};

	for (size_t i = 0; i < TOLL_COUNT(cases); i++) {
		char url[TOLL_OTLP_HTTP_OUT_URL_MAX];
		struct toll_config *c = load(cases[i].written);

		assert_string_equal(said, "");
		assert_non_null(c);
		assert_int_equal(toll_otlp_http_out_url(settings_of(c), url, NULL), 0);
		assert_string_equal(url, cases[i].url);
		toll_config_free(c);
	}
}

static void defaults_are_the_collectors(void **state TOLL_UNUSED)
{
	struct toll_config *c = load("{endpoint: 'http://collector:4318'}");
	const struct toll_otlp_http_out_config *s = settings_of(c);
	enum toll_otlp_http_out_compression compression;

	assert_int_equal(s->encoding, TOLL_OTLP_HTTP_OUT_PROTO);
	assert_true(toll_otlp_http_out_compression(s->compression, &compression));
	assert_int_equal(compression, TOLL_OTLP_HTTP_OUT_GZIP);
	assert_int_equal(s->common.timeout, 30 * TOLL_S);
	assert_int_equal(s->idle_conn_timeout, 90 * TOLL_S);
	assert_int_equal(s->common.sending_queue.num_consumers, 10);
	assert_true(s->common.required);
	toll_config_free(c);
}

static void mistakes_are_told_where_they_are(void **state TOLL_UNUSED)
{
	static const struct {
		const char *written, *sentence;
	} cases[] = {
		{ "{}", "otlphttp::endpoint: must name where to send" },
		{ "{endpoint: 'collector:4318'}",
		  "\"collector:4318\" is no URL: http://host:port" },
		{ "{endpoint: 'ftp://c'}", "is no URL" },
		{ "{endpoint: 'http://u:secret@'}", "\"http://\" is no URL" },
		{ "{traces_endpoint: 'c'}", "otlphttp::traces_endpoint: \"c\" is no URL" },
		{ "{endpoint: 'http://c', tls: {ca_file: /x}}", "http:// is plain text" },
		{ "{endpoint: 'https://c', tls: {insecure: true}}", "tls::insecure: " },
		{ "{endpoint: 'http://c', compression: lz4}", "use gzip, zstd or none" },
		{ "{endpoint: 'http://c', encoding: xml}", "otlphttp::encoding: " },
		{ "{endpoint: 'http://c', headers: {'a b': c}}", "\"a b\" is no name of a header" },
		{ "{endpoint: 'http://c', headers: {Content-Type: c}}",
		  "Content-Type follows from" },
		{ "{endpoint: 'http://c', headers: {a: \"x\\ny\"}}", "must be printable ASCII" },
		{ "{endpoint: 'http://c', auth: {authenticator: x}}",
		  "put the token into headers" },
		{ "{endpoint: 'http://c', endpiont: x}", "did you mean \"endpoint\"" },
	};

	for (size_t i = 0; i < TOLL_COUNT(cases); i++) {
		struct toll_config *c = load(cases[i].written);

		assert_null(c);
		if (!strstr(said, cases[i].sentence))
			fail_msg("%s: %s", cases[i].written, said);
		assert_null(strstr(said, "secret"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(endpoints_are_taken_as_users_write_them),
		cmocka_unit_test(defaults_are_the_collectors),
		cmocka_unit_test(mistakes_are_told_where_they_are),
	};

	return cmocka_run_group_tests_name("otlp_http_out_settings", tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* What users write about an OTLP destination, through the real configuration. */
#include "exporters/otlp/settings.h"

#include <stdlib.h>

#include "base/clock.h"
#include "tests/support/settings.h"

static const struct toll_config_type type = {
	.section = TOLL_SECTION_EXPORTERS,
	.type = "otlp_grpc",
	.alias = "otlp",
	.help = "OTLP.",
	.stability = "beta",
	.fields = toll_otlp_grpc_out_fields,
	.config_size = sizeof(struct toll_otlp_grpc_out_config),
	.validate = toll_otlp_grpc_out_validate,
};

/* The settings as a flow mapping; NULL when refused. said: what was found. */
static struct toll_config *load(const char *settings)
{
	return load_exporter(&type, "    %s", settings);
}

static const struct toll_otlp_grpc_out_config *settings_of(const struct toll_config *c)
{
	return c->components[TOLL_SECTION_EXPORTERS][0].settings;
}

static void endpoints_are_taken_as_users_write_them(void **state TOLL_UNUSED)
{
	static const struct {
		const char *written, *target;
		bool secure;
	} cases[] = {
		{ "collector:4317", "collector:4317", true },
		{ "{endpoint: 'c:1', tls: {insecure: true}}", "c:1", false },
		{ "http://collector:4317", "collector:4317", false },
		{ "http://collector:4317/", "collector:4317", false },
		{ "https://collector:443", "collector:443", true },
		{ "{endpoint: 'https://c:1', tls: {insecure: true}}", "c:1", true },
		{ "dns:///collector:4317", "dns:///collector:4317", true },
		{ "dns://10.0.0.1/collector:4317", "dns://10.0.0.1/collector:4317", true },
		{ "'[::1]:4317'", "[::1]:4317", true },
		{ "unix:/run/otlp.sock", "unix:/run/otlp.sock", true },
		{ "unix:///run/otlp.sock", "unix:///run/otlp.sock", true },
	};

	for (size_t i = 0; i < TOLL_COUNT(cases); i++) {
		char text[256], target[TOLL_OTLP_GRPC_OUT_TARGET_MAX];
		struct toll_config *c;

		snprintf(text, sizeof(text), cases[i].written[0] == '{' ? "%s" : "{endpoint: %s}",
		         cases[i].written);
		c = load(text);
		assert_string_equal(said, "");
		assert_non_null(c);
		assert_int_equal(toll_otlp_grpc_out_target(settings_of(c), target, NULL), 0);
		assert_string_equal(target, cases[i].target);
		assert_int_equal(toll_otlp_grpc_out_is_secure(settings_of(c)), cases[i].secure);
		toll_config_free(c);
	}
}

static void defaults_are_the_collectors(void **state TOLL_UNUSED)
{
	struct toll_config *c = load("{endpoint: 'collector:4317'}");
	const struct toll_otlp_grpc_out_config *s = settings_of(c);

	assert_true(toll_otlp_grpc_out_is_gzip(s));
	assert_int_equal(s->common.timeout, 5 * TOLL_S);
	assert_int_equal(s->common.sending_queue.num_consumers, 10);
	assert_int_equal(s->keepalive.time, 10 * TOLL_S);
	assert_int_equal(s->write_buffer_size, 524288);
	assert_true(toll_slice_is(s->balancer_name, "round_robin"));
	assert_true(s->common.required);
	assert_false(s->wait_for_ready);
	toll_config_free(c);
}

static void mistakes_are_told_where_they_are(void **state TOLL_UNUSED)
{
	static const struct {
		const char *written, *sentence;
	} cases[] = {
		{ "{}", "endpoint" },
		{ "{endpoint: collector}", "otlp::endpoint: " },
		{ "{endpoint: ':4317'}", "needs a host and a port" },
		{ "{endpoint: 'c:0'}", "needs a host and a port" },
		{ "{endpoint: 'dns:///c'}", "otlp::endpoint: " },
		{ "{endpoint: 'unix:'}", "needs a path" },
		{ "{endpoint: 'https://c:1/v1/traces'}", "otlp::endpoint: " },
		{ "{endpoint: 'http://c:1', tls: {ca_file: /x}}", "http:// is plain text" },
		{ "{endpoint: 'c:1', compression: zstd}", "use gzip or none" },
		{ "{endpoint: 'c:1', balancer_name: grpclb}", "use round_robin or pick_first" },
		{ "{endpoint: 'c:1', headers: {'a b': x}}", "no name of a header" },
		{ "{endpoint: 'c:1', headers: {grpc-status: '0'}}", "no name of a header" },
		{ "{endpoint: 'c:1', headers: {a: \"x\\ny\"}}", "must be printable" },
		{ "{endpoint: 'c:1', auth: {authenticator: oidc}}", "put the token into headers" },
		{ "{endpoint: 'c:1', tls: {cert_file: /x}}", "go together" },
		{ "{endpoint: 'c:1', tls: {ca_file: /x, ca_pem: y}}", "not both" },
		{ "{endpoint: 'c:1', tls: {min_version: '1.1'}}", "must be \"1.2\" or \"1.3\"" },
		{ "{endpoint: 'c:1', tls: {min_version: '1.3'}}", "always both" },
		{ "{endpoint: 'c:1', tls: {max_version: '1.2'}}", "always both" },
	};

	for (size_t i = 0; i < TOLL_COUNT(cases); i++) {
		assert_null(load(cases[i].written));
		if (!strstr(said, cases[i].sentence))
			fail_msg("%s: says \"%s\"", cases[i].written, said);
	}
	assert_null(strstr(said, "secret"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(endpoints_are_taken_as_users_write_them),
		cmocka_unit_test(defaults_are_the_collectors),
		cmocka_unit_test(mistakes_are_told_where_they_are),
	};

	return cmocka_run_group_tests_name("otlp_out_settings", tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Two components at one port or socket are told, at the line of the second; what is no clash is
 * not. */
#include "cmd/spantoll/port_rules.h"

#include "tests/unit/unit.h"

struct more {
	struct toll_slice endpoint;
	bool present;
};

struct config {
	struct toll_slice endpoint;
	struct more more;
};

static const struct toll_field more_fields[] = {
	TOLL_FIELD(struct more, endpoint, STRING, "localhost:1", "Where.", .listens = true),
	TOLL_FIELD_END,
};

static const struct toll_field fields[] = {
	TOLL_FIELD(struct config, endpoint, STRING, NULL, "Where.", .listens = true),
	{ .name = "more",
	  .type = TOLL_FIELD_GROUP,
	  .offset = offsetof(struct config, more),
	  .group = more_fields,
	  .present = offsetof(struct config, more.present),
	  .help = "More." },
	TOLL_FIELD_END,
};

#define TYPE(section_, type_)                                                               \
	{                                                                                   \
		.section = TOLL_SECTION_##section_, .type = (type_), .help = "x",           \
		.stability = "beta", .fields = fields, .config_size = sizeof(struct config) \
	}

static const struct toll_config_type types[] = {
	TYPE(RECEIVERS, "in"),
	TYPE(EXPORTERS, "out"),
	{ .type = NULL },
};

/* The only finding, or "". */
static const char *finding_of(const char *first, const char *second, const char *service)
{
	static char text[512];
	char yaml[1024];
	struct toll_findings findings = { 0 };
	struct toll_config *config = NULL;

	snprintf(yaml, sizeof(yaml),
	         "receivers:\n  in: %s\n  in/2: %s\n  in/idle: {endpoint: 'localhost:1'}\n"
	         "exporters: {out: {}}\n"
	         "service: {pipelines: {traces: {receivers: [in, in/2], exporters: [out]}}%s}\n",
	         first, second, service);
	assert_int_equal(
		toll_config_load_text(toll_slice_str(yaml), "p.yaml", types, &config, &findings),
		0);
	toll_findings_release(&findings);
	toll_port_rules_check(config, &findings);
	assert_true(findings.count <= 1);
	*text = '\0';
	if (findings.count)
		snprintf(text, sizeof(text), "%u:%u %s: %s", findings.at[0].line,
		         findings.at[0].column, findings.at[0].path, findings.at[0].text);
	toll_findings_release(&findings);
	toll_config_free(config);
	return text;
}

static bool clash(const char *a, const char *b)
{
	char first[128], second[128];

	snprintf(first, sizeof(first), "{endpoint: '%s'}", a);
	snprintf(second, sizeof(second), "{endpoint: '%s'}", b);
	return *finding_of(first, second, "");
}

static void the_second_is_told_and_who_was_first(void **state TOLL_UNUSED)
{
	assert_string_equal(
		finding_of("{endpoint: 'localhost:4317'}", "{endpoint: ':4317'}", ""),
		"3:10 receivers::in/2::endpoint: \":4317\" is taken by receivers::in::endpoint; "
		"choose another one");
	assert_string_equal(finding_of("{endpoint: 'localhost:8888'}", "{}", ""),
	                    "2:8 receivers::in::endpoint: \"localhost:8888\" is taken by "
	                    "service::telemetry::metrics (\"localhost:8888\"); choose another one");
	assert_string_equal(finding_of("{endpoint: 'localhost:8888'}", "{}",
	                               ", telemetry: {metrics: {level: none}}"),
	                    "");
}

static void groups_count_where_they_are_given(void **state TOLL_UNUSED)
{
	assert_string_equal(
		finding_of("{more: {endpoint: 'a:5'}}", "{more: {endpoint: 'a:5'}}", ""),
		"3:17 receivers::in/2::more::endpoint: \"a:5\" is taken by "
		"receivers::in::more::endpoint; choose another one");
	assert_string_equal(finding_of("{}", "{endpoint: 'localhost:1'}", ""), "");
	assert_true(*finding_of("{more: }", "{endpoint: 'localhost:1'}", ""));
}

static void addresses_clash_where_both_would_get_a_connection(void **state TOLL_UNUSED)
{
	assert_true(clash("127.0.0.1:4317", "localhost:4317"));
	assert_true(clash("LOCALHOST:4317", "localhost:4317"));
	assert_true(clash("10.0.0.1:4317", "0.0.0.0:4317"));
	assert_true(clash("[::]:4317", "127.0.0.1:4317"));
	assert_true(clash("[::]:4317", "0.0.0.0:4317"));
	assert_true(clash("[::1]:4317", ":4317"));
	assert_true(clash("unix:/run/a", "/run/a"));
	assert_false(clash("[::1]:4317", "0.0.0.0:4317"));
	assert_false(clash("[::1]:4317", "127.0.0.1:4317"));
	assert_false(clash("10.0.0.1:4317", "10.0.0.2:4317"));
	assert_false(clash("localhost:4317", "localhost:4318"));
	assert_false(clash("localhost:0", "localhost:0"));
	assert_false(clash("unix:/run/a", "unix:/run/b"));
	assert_false(clash("unix:/run/a", "localhost:4317"));
	assert_false(clash("not an address", "not an address"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_second_is_told_and_who_was_first),
		cmocka_unit_test(groups_count_where_they_are_given),
		cmocka_unit_test(addresses_clash_where_both_would_get_a_connection),
	};

	return cmocka_run_group_tests_name("port_rules", tests, NULL, NULL);
}

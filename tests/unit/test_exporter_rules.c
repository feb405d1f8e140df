/* SPDX-License-Identifier: Apache-2.0 */
/* An extension that asks an exporter must find it: a wrong name would let everybody pass. */
#include "cmd/spantoll/exporter_rules.h"

#include "tests/unit/unit.h"

struct config {
	struct toll_slice asks;
};

static const struct toll_field fields[] = {
	TOLL_FIELD(struct config, asks, STRING, NULL, "Whom.", .exporter = "out"),
	TOLL_FIELD_END,
};

#define TYPE(section_, type_, fields_)                                                       \
	{                                                                                    \
		.section = TOLL_SECTION_##section_, .type = (type_), .help = "x",            \
		.stability = "beta", .fields = fields_, .config_size = sizeof(struct config) \
	}

static const struct toll_field none[] = { TOLL_FIELD_END };

static const struct toll_config_type types[] = {
	TYPE(RECEIVERS, "in", none),
	TYPE(EXPORTERS, "out", none),
	TYPE(EXPORTERS, "other", none),
	TYPE(EXTENSIONS, "asker", fields),
	{ .type = NULL },
};

/* The only finding, or "". */
static const char *finding_of(const char *asker, const char *exporters)
{
	static char text[512];
	char yaml[1024];
	struct toll_findings findings = { 0 };
	struct toll_config *config = NULL;

	snprintf(yaml, sizeof(yaml),
	         "extensions:\n  asker: %s\nreceivers: {in: {}}\n"
	         "exporters: {out: {}, out/2: {}, other: {}}\n"
	         "service: {extensions: [asker],\n"
	         "  pipelines: {traces: {receivers: [in], exporters: [%s]}}}\n",
	         asker, exporters);
	assert_int_equal(
		toll_config_load_text(toll_slice_str(yaml), "p.yaml", types, &config, &findings),
		0);
	toll_findings_release(&findings);
	toll_exporter_rules_check(config, &findings);
	assert_true(findings.count <= 1);
	*text = '\0';
	if (findings.count)
		snprintf(text, sizeof(text), "%s %u:%u %s: %s",
		         findings.at[0].severity == TOLL_FINDING_ERROR ? "error" : "warning",
		         findings.at[0].line, findings.at[0].column, findings.at[0].path,
		         findings.at[0].text);
	toll_findings_release(&findings);
	toll_config_free(config);
	return text;
}

static void a_name_must_be_that_of_one_in_use(void **state TOLL_UNUSED)
{
	assert_string_equal(finding_of("{asks: out}", "out, out/2"), "");
	assert_string_equal(finding_of("{asks: out/2}", "out, out/2"), "");
	assert_string_equal(finding_of("{asks: out/3}", "out/2"),
	                    "error 2:11 extensions::asker::asks: no pipeline has an exporter out "
	                    "of the id \"out/3\", did you mean \"out/2\"?");
	assert_string_equal(finding_of("{asks: other}", "out, other"),
	                    "error 2:11 extensions::asker::asks: no pipeline has an exporter out "
	                    "of the id \"other\"");
}

static void without_a_name_there_must_be_one(void **state TOLL_UNUSED)
{
	assert_string_equal(finding_of("{}", "out"), "");
	assert_string_equal(finding_of("{}", "other"),
	                    "warning 2:3 extensions::asker::asks: no pipeline has an exporter out "
	                    "to ask");
	assert_string_equal(finding_of("{}", "out, out/2"),
	                    "error 2:3 extensions::asker::asks: pipelines have several exporters "
	                    "out: name the one to ask, such as \"out\"");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_name_must_be_that_of_one_in_use),
		cmocka_unit_test(without_a_name_there_must_be_one),
	};

	return cmocka_run_group_tests_name("exporter_rules", tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Pipelines that are joined by connectors. */
#include <stdio.h>

#include "tests/support/config_types.h"
#include "tests/unit/unit.h"

static char printed[8192];

#define HEAD                                                    \
	"receivers: {otlp: {protocols: {grpc: }}}\n"            \
	"exporters: {nop: }\n"                                  \
	"connectors: {forward/a: , forward/b: , forward/c: }\n" \
	"service:\n"                                            \
	"  pipelines:\n"

static int load(const char *yaml)
{
	struct toll_findings findings = { 0 };
	struct toll_config *c = NULL;
	FILE *out = fmemopen(printed, sizeof(printed), "w");
	int err = toll_config_load_text(toll_slice_str(yaml), "c.yaml", test_types, &c, &findings);

	assert_non_null(out);
	printed[0] = '\0';
	toll_findings_print(&findings, out);
	fclose(out);
	toll_findings_release(&findings);
	toll_config_free(c);
	return err;
}

static void expect(const char *yaml, const char *wanted)
{
	load(yaml);
	if (!strstr(printed, wanted))
		fail_msg("wanted: %s\ngot: %s", wanted, printed);
}

static void joined_pipelines_load(void **state TOLL_UNUSED)
{
	assert_int_equal(
		load(HEAD "    traces/in: {receivers: [otlp], exporters: [forward/a, forward/b]}\n"
	                  "    traces/1: {receivers: [forward/a], exporters: [forward/c]}\n"
	                  "    traces/2: {receivers: [forward/b], exporters: [forward/c, nop]}\n"
	                  "    traces/out: {receivers: [forward/c], exporters: [nop]}\n"),
		0);
	assert_string_equal(printed, "");
}

static void both_sides_are_needed(void **state TOLL_UNUSED)
{
	expect(HEAD "    traces: {receivers: [otlp], exporters: [forward/a, nop]}\n"
	            "    traces/2: {receivers: [otlp], exporters: [forward/a, nop]}\n",
	       "c.yaml:3:14: error: connectors::forward/a: connector \"forward/a\" used as "
	       "exporter in "
	       "[traces traces/2] pipeline but not used in any supported receiver pipeline\n");
	expect(HEAD "    traces: {receivers: [forward/a, otlp], exporters: [nop]}\n",
	       "connectors::forward/a: connector \"forward/a\" used as receiver in [traces] "
	       "pipeline but "
	       "not used in any supported exporter pipeline\n");
	expect(HEAD "    traces: {receivers: [otlp], exporters: [nop]}\n",
	       "warning: connectors::forward/a: is not used by any pipeline\n");
}

static void circles_are_named(void **state TOLL_UNUSED)
{
	expect(HEAD "    traces: {receivers: [otlp, forward/a], exporters: [forward/a]}\n",
	       "c.yaml:6:5: error: service::pipelines: cycle detected: pipeline \"traces\" -> "
	       "connector "
	       "\"forward/a\" -> pipeline \"traces\"\n");
	expect(HEAD
	       "    traces/in: {receivers: [otlp], exporters: [forward/a]}\n"
	       "    traces/1: {receivers: [forward/a, forward/c], exporters: [nop, forward/b]}\n"
	       "    traces/2: {receivers: [forward/b], exporters: [forward/c]}\n",
	       "c.yaml:7:5: error: service::pipelines: cycle detected: pipeline \"traces/1\" -> "
	       "connector "
	       "\"forward/b\" -> pipeline \"traces/2\" -> connector \"forward/c\" -> pipeline "
	       "\"traces/1\"\n");
}

static void ids_must_not_be_ambiguous(void **state TOLL_UNUSED)
{
	struct toll_config_type types[16];
	struct toll_findings findings = { 0 };
	struct toll_config *c = NULL;
	bool found = false;
	size_t n = 0;

	for (; test_types[n].type; n++)
		types[n] = test_types[n];
	types[n++] = (struct toll_config_type)TYPE(EXPORTERS, "forward", "Sends.", no_fields);
	types[n] = (struct toll_config_type){ 0 };
	assert_int_equal(toll_config_load_text(
				 TOLL_SLICE("connectors: {forward: }\nexporters: {forward: }\n"),
				 "c.yaml", types, &c, &findings),
	                 TOLL_ECONFIG);
	for (size_t i = 0; i < findings.count; i++)
		found |= strcmp(findings.at[i].path, "connectors::forward") == 0 &&
		         strstr(findings.at[i].text,
		                "ambiguous ID: Found both \"forward\" exporter and \"forward\" "
		                "connector");
	assert_true(found);
	toll_findings_release(&findings);
}

#define SUMS                                         \
	"receivers: {otlp: {protocols: {grpc: }}}\n" \
	"exporters: {nop: }\n"                       \
	"connectors: {sums: }\n"                     \
	"service:\n"                                 \
	"  pipelines:\n"

static void what_makes_metrics_ends_a_pipeline(void **state TOLL_UNUSED)
{
	assert_int_equal(load(SUMS "    traces: {receivers: [otlp], exporters: [sums]}\n"), 0);
	assert_int_equal(load(SUMS "    traces: {receivers: [otlp], exporters: [sums]}\n"
	                           "    metrics/x: {receivers: [sums], exporters: [nop]}\n"),
	                 0);
	assert_non_null(strstr(printed,
	                       "warning: service::pipelines::metrics/x: is not run: the "
	                       "metrics of its receivers are served with the daemon's own"));
	expect(SUMS "    traces: {receivers: [otlp], exporters: [sums]}\n"
	            "    metrics: {receivers: [sums, otlp], exporters: [nop]}\n",
	       "error: service::pipelines::metrics: spantoll prices spans");
	expect(SUMS "    traces: {receivers: [otlp, sums], exporters: [nop, sums]}\n",
	       "error: connectors::sums: makes metrics");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(joined_pipelines_load),
		cmocka_unit_test(both_sides_are_needed),
		cmocka_unit_test(what_makes_metrics_ends_a_pipeline),
		cmocka_unit_test(circles_are_named),
		cmocka_unit_test(ids_must_not_be_ambiguous),
	};

	return cmocka_run_group_tests_name("connectors", tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "config/config.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "tests/support/config_types.h"
#include "tests/unit/unit.h"

static char printed[65536]; /* the findings of the last load */

static int load(const char *yaml, struct toll_config **ret)
{
	struct toll_findings findings = { 0 };
	FILE *out = fmemopen(printed, sizeof(printed), "w");
	int err;

	*ret = NULL;
	printed[0] = '\0';
	err = toll_config_load_text(toll_slice_str(yaml), "c.yaml", test_types, ret, &findings);
	assert_non_null(out);
	toll_findings_print(&findings, out);
	fclose(out);
	assert_int_equal(err<0, findings.errors> 0);
	toll_findings_release(&findings);
	return err;
}

static void expect_only(const char *yaml, const char *text)
{
	struct toll_config *c;

	load(yaml, &c);
	assert_string_equal(printed, text);
	toll_config_free(c);
}

static void expect_finding(const char *yaml, const char *text)
{
	struct toll_config *c;

	load(yaml, &c);
	if (!strstr(printed, text))
		fail_msg("wanted: %s\ngot: %s", text, printed);
	toll_config_free(c);
}

static const void *settings_of(const struct toll_config *c, enum toll_section section, size_t i)
{
	assert_true(i < c->component_count[section]);
	return c->components[section][i].settings;
}

/* The file of seed 001, as its author indents it. */
static const char seed[] = "receivers:\n"
			   "  otlp:\n"
			   "    protocols:\n"
			   "      grpc:\n"
			   "      http:\n"
			   "processors:\n"
			   "  batch:\n"
			   "    timeout: 5s\n"
			   "    send_batch_max_size: 1000\n"
			   "exporters:\n"
			   "  kafka:\n"
			   "    brokers:\n"
			   "      - kafka-01.internal:9092\n"
			   "      - kafka-02.internal:9092\n"
			   "    topic: otel-cost-spans\n"
			   "    encoding: json\n"
			   "service:\n"
			   "  pipelines:\n"
			   "    traces:\n"
			   "      receivers: [otlp]\n"
			   "      processors: [batch]\n"
			   "      exporters: [kafka]\n";

/* Behind a section of its own that a test writes. */
#define SERVICE                                                                         \
	"service: {pipelines: {traces: {receivers: [otlp], processors: [], exporters: " \
	"[kafka]}}}\n"
#define OTLP "receivers: {otlp: {protocols: {grpc: }}}\n"

static void the_seeds_file_loads(void **state TOLL_UNUSED)
{
	struct toll_config *c;
	const struct otlp_settings *otlp;
	const struct batch_settings *batch;
	const struct kafka_settings *kafka;

	assert_int_equal(load(seed, &c), 0);
	assert_string_equal(printed,
	                    "c.yaml:5:7: warning: receivers::otlp::protocols::http: OTLP/HTTP "
	                    "comes later: nothing listens on this protocol yet\n");
	otlp = settings_of(c, TOLL_SECTION_RECEIVERS, 0);
	assert_true(otlp->protocols.has_grpc);
	assert_true(toll_slice_is(otlp->protocols.grpc.endpoint, "127.0.0.1:4317"));
	batch = settings_of(c, TOLL_SECTION_PROCESSORS, 0);
	assert_true(batch->timeout == 5 * TOLL_S);
	assert_true(batch->send_batch_max_size == 1000 && batch->send_batch_size == 8192);
	kafka = settings_of(c, TOLL_SECTION_EXPORTERS, 0);
	assert_int_equal(kafka->brokers.count, 2);
	assert_string_equal(kafka->brokers.at[1].ptr, "kafka-02.internal:9092");
	assert_string_equal(kafka->encoding.ptr, "json");
	assert_int_equal(c->pipeline_count, 1);
	assert_ptr_equal(c->pipelines[0].exporters[0], &c->components[TOLL_SECTION_EXPORTERS][0]);
	assert_string_equal(c->pipelines[0].exporters[0]->who, "exporter/kafka");
	toll_config_free(c);
}

static void every_type_is_read(void **state TOLL_UNUSED)
{
	struct toll_config *c;
	const struct kafka_settings *k;
	const struct budget_settings *b;

	assert_int_equal(load(OTLP SERVICE
	                      "exporters:\n"
	                      "  kafka:\n"
	                      "    brokers: a:1, b:2\n"
	                      "    password: \"geheim\"\n"
	                      "    producer: {max_message_bytes: 4MiB, compression: GZIP, "
	                      "spread: 0.25}\n"
	                      "    budgets: [{limit: 0.5}, {service: x, limit: 3}]\n"
	                      "    headers: {a: b, c: }\n"
	                      "    idempotent: true\n",
	                      &c),
	                 0);
	assert_string_equal(printed, "");
	k = settings_of(c, TOLL_SECTION_EXPORTERS, 0);
	assert_int_equal(k->brokers.count, 2);
	assert_string_equal(k->brokers.at[1].ptr, "b:2");
	assert_string_equal(k->password.ptr, "geheim");
	assert_true(k->producer.max_message_bytes == 4u << 20);
	assert_int_equal(k->producer.compression, 1);
	assert_true(k->producer.spread > 0.24 && k->producer.spread < 0.26);
	b = k->budgets.at;
	assert_int_equal(k->budgets.count, 2);
	assert_true(b[0].limit == 500000000000 && toll_slice_is(b[0].service, "*"));
	assert_true(toll_slice_is(b[1].service, "x"));
	assert_true(toll_slice_is(k->headers.at[1].value, ""));
	toll_config_free(c);
}

static void all_problems_are_told_at_once(void **state TOLL_UNUSED)
{
	expect_only(
		"receivers:\n"
		"  otpl:\n"
		"  otlp:\n"
		"    protocols:\n"
		"      grpc: {endpoit: x, max_recv_msg_size_mib: 0}\n"
		"exporters:\n"
		"  kafka:\n"
		"    topik: x\n"
		"    timeout_: 1\n"
		"    producer: {compression: gzp, spread: 2, max_message_bytes: 1.5}\n"
		"    idempotent: 1\n"
		"    budgets: {a: b}\n"
		"service:\n"
		"  pipelines:\n"
		"    traces:\n"
		"      receivers: [otlp]\n"
		"      processors: [x]\n"
		"      exporters: [kafka, kafka]\n"
		"    metrics:\n"
		"      receivers: [otlp]\n"
		"procesors: {}\n",
		"c.yaml:2:3: error: receivers::otpl: unknown receiver type \"otpl\", did you mean "
		"\"otlp\"?; known are: otlp\n"
		"c.yaml:5:14: error: receivers::otlp::protocols::grpc::endpoit: unknown key, did "
		"you "
		"mean \"endpoint\"?\n"
		"c.yaml:5:26: error: receivers::otlp::protocols::grpc::max_recv_msg_size_mib: "
		"\"0\" "
		"must be between 1 and 1024\n"
		"c.yaml:8:5: error: exporters::kafka::topik: unknown key, did you mean \"topic\"?\n"
		"c.yaml:9:5: error: exporters::kafka::timeout_: unknown key; known are: brokers, "
		"topic, "
		"encoding, password, producer, budgets, headers, tokens, idempotent\n"
		"c.yaml:10:16: error: exporters::kafka::producer::compression: \"gzp\" must be one "
		"of "
		"none, gzip, lz4; did you mean \"gzip\"?\n"
		"c.yaml:10:34: error: exporters::kafka::producer::spread: \"2\" must be between 0 "
		"and "
		"1\n"
		"c.yaml:10:45: error: exporters::kafka::producer::max_message_bytes: \"1.5\" must "
		"be a "
		"size, for example 1048576, 64KB or 4MiB (no fractions)\n"
		"c.yaml:11:5: error: exporters::kafka::idempotent: \"1\" must be true or false\n"
		"c.yaml:12:5: error: exporters::kafka::budgets: must be a list (\"- ...\"), not a "
		"mapping\n"
		"c.yaml:17:20: error: service::pipelines::traces: references processor \"x\" which "
		"is "
		"not configured\n"
		"c.yaml:18:26: error: service::pipelines::traces: references exporter \"kafka\" "
		"multiple times\n"
		"c.yaml:19:5: error: service::pipelines::metrics: spantoll prices spans: only "
		"pipelines "
		"of traces can be run, send metrics to another collector\n"
		"c.yaml:21:1: error: procesors: unknown key, did you mean \"processors\"?\n");
}

static void validate_finds_its_line(void **state TOLL_UNUSED)
{
	expect_only(
		OTLP SERVICE "exporters:\n"
			     "  kafka:\n"
			     "    producer:\n"
			     "      max_message_bytes: 10\n"
			     "    idempotent: no\n",
		"c.yaml:6:7: error: exporters::kafka::producer::max_message_bytes: is less than a "
		"span\n"
		"c.yaml:7:5: warning: exporters::kafka::idempotent: taken as false: write false\n"
		"c.yaml:7:5: warning: exporters::kafka::idempotent: duplicates will happen\n");
}

static void old_names_and_later_ones_warn(void **state TOLL_UNUSED)
{
	expect_only(
		OTLP SERVICE "exporters: {kafka: {subject: x, storage: file}}\n",
		"c.yaml:3:21: warning: exporters::kafka::subject: is deprecated: write \"topic\"\n"
		"c.yaml:3:33: warning: exporters::kafka::storage: comes later\n");
	expect_finding(OTLP SERVICE "exporters: {kafka: {subject: x, topic: y}}\n",
	               "error: exporters::kafka::subject: is the older name of \"topic\"");
}

static void a_refused_component_is_told_once(void **state TOLL_UNUSED)
{
	expect_only(
		OTLP
		"exporters: {ledger: , nopp: }\n"
		"service: {pipelines: {traces: {receivers: [otlp], exporters: [ledger, nopp]}}}\n",
		"c.yaml:2:13: error: exporters::ledger: this version has no \"ledger\" (stored "
		"roll-ups): "
		"remove it, also where it is named\n"
		"c.yaml:2:23: error: exporters::nopp: unknown exporter type \"nopp\", did you mean "
		"\"nop\"?; "
		"known are: kafka, nop\n");
}

static void required_settings_are_missed(void **state TOLL_UNUSED)
{
	expect_finding("receivers: {otlp: }\n",
	               "c.yaml:1:13: error: receivers::otlp::protocols: is "
	               "required");
	expect_finding(OTLP SERVICE "exporters: {kafka: {budgets: [{service: a}]}}\n",
	               "exporters::kafka::budgets::0::limit: is required");
}

static void null_is_the_same_as_absent(void **state TOLL_UNUSED)
{
	struct toll_config *c;
	const struct kafka_settings *k;

	assert_int_equal(load(OTLP SERVICE
	                      "exporters: {kafka: {topic: , brokers: ~, producer: null}}\n",
	                      &c),
	                 0);
	k = settings_of(c, TOLL_SECTION_EXPORTERS, 0);
	assert_string_equal(k->topic.ptr, "otel-cost-spans");
	assert_int_equal(k->brokers.count, 1);
	assert_int_equal(k->budgets.count, 1);
	toll_config_free(c);
}

static void ids_follow_the_collectors_rules(void **state TOLL_UNUSED)
{
	struct toll_config *c;

	assert_int_equal(
		load("receivers: {otlp_grpc/\xc3\xa9t\xc3\xa9-1: {protocols: }, otlp/2: "
	             "{protocols: {grpc: }}}\n"
	             "exporters: {nop: }\n"
	             "service: {pipelines: {traces/a: {receivers: [otlp/2], exporters: [nop]}}}\n",
	             &c),
		TOLL_ECONFIG);
	assert_non_null(strstr(printed, "::protocols: is required"));
	assert_non_null(strstr(printed,
	                       "warning: receivers::otlp_grpc/\xc3\xa9t\xc3\xa9-1: is not used "
	                       "by any pipeline"));
	expect_finding("exporters: {9p: }\n", "exporters::9p: no component id");
	expect_finding("exporters: {nop/: }\n", "exporters::nop/: the name behind the / must not");
	expect_finding("exporters: {\"nop/a b\": }\n", "the name behind the /");
	expect_finding("exporters: {nop/a|b: }\n", "the name behind the /");
	expect_finding("connectors: {nop: }\n",
	               "unknown connector type \"nop\"; known are: forward, sums");
	expect_finding("exporters: {\"nop/a\xc2\xa0z\": }\n", "the name behind the /");
	expect_finding("exporters: {\"nop/\xe2\x86\x92\": }\n", "the name behind the /");
	expect_finding("exporters: {\"nop/\xf0\x9f\x92\xb8\": }\n", "the name behind the /");
	expect_finding("exporters: {\"nop/\xc3\xbc-\xe6\x97\xa5.1:#%\": }\n",
	               "exporters::nop/\xc3\xbc-\xe6\x97\xa5.1:#%: is not used");
	expect_finding(
		"exporters: {a_type_that_is_much_longer_than_the_sixty_three_characters_of_it: "
		"}\n",
		"no component id");
	expect_finding(
		"exporters: {jaeger/x: }\n",
		"exporters::jaeger/x: the exporter \"jaeger\" of the OpenTelemetry Collector is "
		"not here: send OTLP; remove it, also where it is named; known are: kafka, nop");
	expect_finding("exporters: {hidden: }\n", "unknown exporter type");
	expect_finding("extensions: {zpages: }\n", "known are: health_check");
}

static void pipelines_need_both_ends(void **state TOLL_UNUSED)
{
	expect_finding("", "service::pipelines: must have at least one pipeline");
	expect_finding("exporters: {nop: }\nservice: {pipelines: {traces: {exporters: [nop]}}}\n",
	               "service::pipelines::traces: must have at least one receiver");
	expect_finding(OTLP "service: {pipelines: {traces: {receivers: [otlp]}}}\n",
	               "service::pipelines::traces: must have at least one exporter");
	expect_finding(
		OTLP
		"service: {extensions: [healthcheck], pipelines: }\nextensions: {health_check: }\n",
		"service::extensions: references extension \"healthcheck\" which is not "
		"configured, did you mean \"health_check\"?");
	expect_finding("service: {pipelines: {trace: }}\n", "no such signal");
	expect_finding("service: {pipelines: {traces/: }}\n", "no such signal");
	expect_finding("- a\n", "must be a mapping with receivers");
}

static void both_names_of_a_type_are_taken(void **state TOLL_UNUSED)
{
	struct toll_config *c;

	assert_int_equal(
		load("receivers: {otlp: {protocols: {grpc: }}, otlp_grpc: {protocols: {grpc: "
	             "}}}\nexporters: {nop: }\n"
	             "service: {pipelines: {traces: {receivers: [otlp, otlp_grpc], exporters: "
	             "[nop]}}}\n",
	             &c),
		0);
	assert_string_equal(c->components[TOLL_SECTION_RECEIVERS][0].id, "otlp");
	assert_string_equal(c->components[TOLL_SECTION_RECEIVERS][1].id, "otlp_grpc");
	assert_ptr_equal(c->components[TOLL_SECTION_RECEIVERS][0].type,
	                 c->components[TOLL_SECTION_RECEIVERS][1].type);
	toll_config_free(c);
	expect_finding(
		"receivers: {otlp/a: {protocols: {grpc: }}}\n"
		"service: {pipelines: {traces: {receivers: [otlp_grpc/a]}}}\n",
		"service::pipelines::traces: references receiver \"otlp_grpc/a\" which is not "
		"configured, did you mean \"otlp/a\"?");
}

static void telemetry_speaks_the_collectors_shape(void **state TOLL_UNUSED)
{
	struct toll_config *c;
	static const char head[] =
		OTLP "exporters: {nop: }\nservice:\n  pipelines: {traces: {receivers: "
		     "[otlp], exporters: [nop]}}\n";
	char yaml[1024];

	assert_int_equal(load(head, &c), 0);
	assert_true(c->telemetry.metrics_enabled && c->telemetry.without_type_suffix);
	assert_true(c->telemetry.metrics_port == 8888);
	assert_true(toll_slice_is(c->telemetry.metrics_host, "localhost"));
	assert_true(toll_slice_is(c->telemetry.log_level, "info"));
	toll_config_free(c);
	snprintf(yaml, sizeof(yaml),
	         "%s  telemetry: {metrics: {readers: [{pull: {exporter: {prometheus: {host: "
	         "0.0.0.0, "
	         "port: 1}}}}]}, logs: {level: DEBUG, encoding: json, "
	         "sampling: {enabled: false, thereafter: 7}}}\n",
	         head);
	assert_int_equal(load(yaml, &c), 0);
	assert_false(c->telemetry.without_type_suffix);
	assert_true(c->telemetry.metrics_port == 1);
	assert_true(toll_slice_is(c->telemetry.metrics_host, "0.0.0.0"));
	assert_true(toll_slice_is(c->telemetry.log_level, "debug"));
	assert_true(c->telemetry.log_json && !c->telemetry.log_sampled);
	assert_true(c->telemetry.log_tick == 10 * UINT64_C(1000000000));
	assert_true(c->telemetry.log_initial == 10 && c->telemetry.log_thereafter == 7);
	toll_config_free(c);
	snprintf(yaml, sizeof(yaml),
	         "%s  telemetry: {metrics: {level: none, address: \"[::1]:99\"}}\n", head);
	assert_int_equal(load(yaml, &c), 0);
	assert_non_null(strstr(printed, "metrics::address: is deprecated"));
	assert_false(c->telemetry.metrics_enabled);
	assert_true(toll_slice_is(c->telemetry.metrics_host, "::1"));
	toll_config_free(c);
}

static void print(const struct toll_config *c, char *text, size_t size)
{
	FILE *out = fmemopen(text, size, "w");

	assert_non_null(out);
	assert_int_equal(toll_config_print(c, NULL, out), 0);
	fclose(out);
}

static void what_is_printed_loads_again(void **state TOLL_UNUSED)
{
	static char first[16384], second[16384];
	struct toll_config *c;

	assert_int_equal(load(OTLP
	                      "extensions: {health_check: }\n"
	                      "processors: {batch/x: {timeout: 1h30m}}\n"
	                      "exporters:\n"
	                      "  kafka:\n"
	                      "    password: top-secret\n"
	                      "    topic: \"odd \\\"$$text\\\\ #: null\"\n"
	                      "    budgets: [{limit: 0.000000000001, service: \"*\"}]\n"
	                      "    headers: {\"a b\": \"~\", \"\": \"\"}\n"
	                      "    tokens: {x-key: top-secret}\n"
	                      "    brokers: [\"[::1]:9092\", \"-\"]\n"
	                      "service:\n"
	                      "  extensions: [health_check]\n"
	                      "  pipelines: {traces/1: {receivers: [otlp], processors: [batch/x], "
	                      "exporters: [kafka]}}\n",
	                      &c),
	                 0);
	print(c, first, sizeof(first));
	toll_config_free(c);
	assert_null(strstr(first, "top-secret"));
	assert_non_null(strstr(first, "password: \"[REDACTED]\""));
	assert_non_null(strstr(first, "x-key: \"[REDACTED]\""));
	assert_non_null(strstr(first, "max_message_bytes: 1000000"));
	assert_int_equal(load(first, &c), 0);
	assert_string_equal(printed, "");
	print(c, second, sizeof(second));
	toll_config_free(c);
	assert_string_equal(first, second);
}

static void implicit_components_have_presets(void **state TOLL_UNUSED)
{
	struct toll_config *c;
	struct toll_config_component *implicit;
	const struct batch_settings *batch;

	assert_int_equal(load(seed, &c), 0);
	implicit = toll_config_implicit(c, &test_types[1], "own");
	assert_non_null(implicit);
	assert_string_equal(implicit->id, "batch/own");
	assert_string_equal(implicit->who, "processor/batch/own");
	batch = implicit->settings;
	assert_true(batch->send_batch_size == 8192);
	toll_config_free(c);
}

static void findings_are_bounded(void **state TOLL_UNUSED)
{
	size_t size = 64 * 1024, len = 0;
	char *yaml = malloc(size);
	struct toll_config *c;

	assert_non_null(yaml);
	for (int i = 0; i < 500; i++)
		len += (size_t)snprintf(yaml + len, size - len, "key%d: x\n", i);
	assert_int_equal(load(yaml, &c), TOLL_ECONFIG);
	assert_non_null(strstr(printed, "only 100 are shown"));
	free(yaml);
}

static void a_file_that_cannot_be_read_is_named(void **state TOLL_UNUSED)
{
	struct toll_findings findings = { 0 };
	struct toll_config *c;

	assert_int_equal(toll_config_load_file("/nonexistent.yaml", test_types, &c, &findings),
	                 TOLL_ECONFIG);
	assert_int_equal(findings.count, 1);
	assert_string_equal(findings.at[0].file, "/nonexistent.yaml");
	toll_findings_release(&findings);
	assert_int_equal(toll_config_load_file("/tmp", test_types, &c, &findings), TOLL_ECONFIG);
	toll_findings_release(&findings);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_seeds_file_loads),
		cmocka_unit_test(every_type_is_read),
		cmocka_unit_test(all_problems_are_told_at_once),
		cmocka_unit_test(validate_finds_its_line),
		cmocka_unit_test(old_names_and_later_ones_warn),
		cmocka_unit_test(a_refused_component_is_told_once),
		cmocka_unit_test(required_settings_are_missed),
		cmocka_unit_test(null_is_the_same_as_absent),
		cmocka_unit_test(ids_follow_the_collectors_rules),
		cmocka_unit_test(pipelines_need_both_ends),
		cmocka_unit_test(both_names_of_a_type_are_taken),
		cmocka_unit_test(telemetry_speaks_the_collectors_shape),
		cmocka_unit_test(what_is_printed_loads_again),
		cmocka_unit_test(implicit_components_have_presets),
		cmocka_unit_test(findings_are_bounded),
		cmocka_unit_test(a_file_that_cannot_be_read_is_named),
	};

	return cmocka_run_group_tests_name("config", tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Several locations and sets -> one configuration. */
#include "config/source.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "config/uri.h"
#include "tests/support/config_types.h"
#include "tests/unit/unit.h"

static char printed[65536]; /* the findings of the last load */
static char folder[] = "/tmp/toll-source-XXXXXX";
static char paths[4][64];

#define BASE                                                             \
	"receivers: {otlp: {protocols: {grpc: }}}\n"                     \
	"processors: {batch: {timeout: 1s}}\n"                           \
	"exporters:\n"                                                   \
	"  kafka:\n"                                                     \
	"    topic: base\n"                                              \
	"    brokers: [a, b]\n"                                          \
	"service: {pipelines: {traces: {receivers: [otlp], processors: " \
	"[batch], exporters: [kafka]}}}\n"

static void write_file(size_t i, const char *text)
{
	FILE *f;

	snprintf(paths[i], sizeof(paths[i]), "%s/%zu.yaml", folder, i);
	f = fopen(paths[i], "we");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static int setup(void **state TOLL_UNUSED)
{
	assert_non_null(mkdtemp(folder));
	write_file(0, BASE);
	setenv("TOLL_T_DOC", "exporters: {kafka: {topic: from-env}}", 1);
	setenv("TOLL_T_EMPTY", "", 1);
	unsetenv("TOLL_T_UNSET");
	return 0;
}

static int teardown(void **state TOLL_UNUSED)
{
	for (size_t i = 0; i < TOLL_COUNT(paths); i++)
		unlink(paths[i]);
	rmdir(folder);
	return 0;
}

static struct toll_config *load_all(const char *const *locations, const char *const *sets)
{
	struct toll_config_source source = { .locations = locations, .sets = sets };
	struct toll_findings findings = { 0 };
	struct toll_config *c = NULL;
	FILE *out = fmemopen(printed, sizeof(printed), "w");

	while (locations[source.location_count])
		source.location_count++;
	while (sets[source.set_count])
		source.set_count++;
	(void)toll_config_load(&source, test_types, &c, &findings);
	assert_non_null(out);
	printed[0] = '\0';
	toll_findings_print(&findings, out);
	fclose(out);
	assert_int_equal(c == NULL, findings.errors > 0);
	toll_findings_release(&findings);
	return c;
}

#define LIST(...) ((const char *const[]){ __VA_ARGS__, NULL })
#define NO_SETS   ((const char *const[]){ NULL })

static const struct kafka_settings *kafka_of(const struct toll_config *c)
{
	if (!c)
		fail_msg("not loaded: %s", printed);
	return c->components[TOLL_SECTION_EXPORTERS][0].settings;
}

static void expect_topic(const char *location, const char *topic)
{
	struct toll_config *c = load_all(LIST(paths[0], location), NO_SETS);

	assert_string_equal(kafka_of(c)->topic.ptr, topic);
	assert_int_equal(kafka_of(c)->brokers.count, 2);
	toll_config_free(c);
}

static void later_locations_win(void **state TOLL_UNUSED)
{
	char file[80];

	write_file(1, "exporters: {kafka: {topic: from-file}}\n");
	snprintf(file, sizeof(file), "file:%s", paths[1]);
	expect_topic(paths[1], "from-file");
	expect_topic(file, "from-file");
	expect_topic("env:TOLL_T_DOC", "from-env");
	expect_topic("env:TOLL_T_NONE:-{'exporters::kafka::topic': fallback}", "fallback");
	expect_topic("yaml:exporters::kafka::topic: from-yaml", "from-yaml");
	expect_topic("yaml:exporters: {kafka: {topic: from-yaml}}", "from-yaml");
	expect_topic("yaml:exporters: {}", "base");
	expect_topic("yaml:", "base");
	assert_string_equal(printed, "");
}

static void sets_win_over_all(void **state TOLL_UNUSED)
{
	struct toll_config *c =
		load_all(LIST(paths[0], "yaml:exporters::kafka::topic: two"),
	                 LIST("exporters.kafka.topic=three", "processors.batch.timeout = 2s ",
	                      "exporters.kafka.brokers=[x, y, z]",
	                      "exporters::kafka::producer={spread: 0.1}",
	                      "exporters.kafka.headers.a=b=c", "exporters.kafka.topic=four"));
	const struct kafka_settings *k = kafka_of(c);
	const struct batch_settings *b = c->components[TOLL_SECTION_PROCESSORS][0].settings;

	assert_string_equal(k->topic.ptr, "four");
	assert_int_equal(k->brokers.count, 3);
	assert_true(k->producer.spread > 0.09 && k->producer.spread < 0.11);
	assert_string_equal(k->headers.at[0].value.ptr, "b=c");
	assert_true(b->timeout == 2 * TOLL_S);
	assert_string_equal(printed, "");
	toll_config_free(c);
}

static void null_takes_a_section_away(void **state TOLL_UNUSED)
{
	assert_null(load_all(LIST(paths[0], "yaml:processors:"), NO_SETS));
	assert_non_null(strstr(printed, "references processor \"batch\" which is not configured"));
	assert_null(load_all(LIST(paths[0]), LIST("processors=")));
	assert_non_null(strstr(printed, "references processor \"batch\" which is not configured"));
}

static void what_was_read_is_told(void **state TOLL_UNUSED)
{
	struct toll_config *c;
	char text[128];

	write_file(2, "{topic: included}\n");
	snprintf(text, sizeof(text), "yaml:exporters::kafka: ${file:%s}", paths[2]);
	c = load_all(LIST(paths[0], paths[0], text), NO_SETS);
	assert_string_equal(kafka_of(c)->topic.ptr, "included");
	assert_string_equal(c->file, paths[0]);
	assert_int_equal(c->files_read_count, 2);
	assert_string_equal(c->files_read[0], paths[0]);
	assert_string_equal(c->files_read[1], paths[2]);
	assert_int_equal(c->files_said, toll_uri_files_hash(c->files_read, 2));
	toll_config_free(c);
}

static void expect_finding(const char *wanted)
{
	if (!strstr(printed, wanted))
		fail_msg("wanted: %s\ngot: %s", wanted, printed);
}

static void findings_name_the_right_place(void **state TOLL_UNUSED)
{
	char wanted[256], text[128];

	write_file(1, "exporters:\n  kafka: {topik: x}\n");
	write_file(2, "topic: a\nencodin: b\n");
	snprintf(text, sizeof(text), "yaml:exporters::kafka/2: ${file:%s}", paths[2]);
	assert_null(load_all(LIST(paths[0], paths[1], "env:TOLL_T_DOC", text,
	                          "yaml:processors::batch::timeout: soon"),
	                     LIST("exporters.kafka.idempotent=maybe", "exporters.kafkaa=")));
	snprintf(wanted, sizeof(wanted), "%s:2:11: error: exporters::kafka::topik: unknown key",
	         paths[1]);
	expect_finding(wanted);
	snprintf(wanted, sizeof(wanted), "%s:2:1: error: exporters::kafka/2::encodin: unknown key",
	         paths[2]);
	expect_finding(wanted);
	expect_finding("yaml:processors::batch::timeout: error: processors::batch::timeout: "
	               "\"soon\"");
	expect_finding("--set exporters.kafka.idempotent: error: exporters::kafka::idempotent: "
	               "\"maybe\" must be true or false");
	expect_finding("--set exporters.kafkaa: error: exporters::kafkaa: unknown exporter type");
	/* In the order of the command line. */
	assert_true(strstr(printed, "topik") < strstr(printed, "soon"));
	assert_true(strstr(printed, "soon") < strstr(printed, "maybe"));
}

static void wrong_locations_get_a_sentence(void **state TOLL_UNUSED)
{
	assert_null(load_all(LIST(paths[0], "/nonexistent.yaml", "https://h/c.yaml", "vault:x",
	                          "yaml:just text", "yaml:{a: b: c}", "env:9"),
	                     LIST("novalue", "=x", "a=[")));
	expect_finding("/nonexistent.yaml: error: cannot be read: No such file");
	expect_finding("https://h/c.yaml: error: configuration is not fetched over https");
	expect_finding("vault:x: error: the scheme \"vault\" is not known");
	expect_finding("yaml:just text: error: must be a mapping");
	expect_finding("yaml:{a: error: not valid YAML");
	expect_finding("env:9: error: \"9\" is no name");
	expect_finding("--set novalue: error: needs a key and a value");
	expect_finding("--set : error: needs a key and a value");
	expect_finding("--set a: error: not valid YAML");
}

static void an_unset_document_is_a_warning(void **state TOLL_UNUSED)
{
	struct toll_config *c =
		load_all(LIST(paths[0], "env:TOLL_T_UNSET", "env:TOLL_T_EMPTY"), NO_SETS);

	assert_string_equal(kafka_of(c)->topic.ptr, "base");
	expect_finding("env:TOLL_T_UNSET: warning: the environment variable TOLL_T_UNSET is not");
	expect_finding("env:TOLL_T_EMPTY: info: the environment variable TOLL_T_EMPTY is set");
	toll_config_free(c);
}

static void errors_do_not_stop_an_unchecked_load(void **state TOLL_UNUSED)
{
	const char *locations[] = { paths[0], "yaml:exporters::kafka::topik: x" };
	struct toll_config_source source = { .locations = locations,
		                             .location_count = 2,
		                             .unchecked = true };
	struct toll_findings findings = { 0 };
	struct toll_config *c = NULL;

	assert_int_equal(toll_config_load(&source, test_types, &c, &findings), 0);
	assert_int_equal(findings.errors, 1);
	assert_string_equal(kafka_of(c)->topic.ptr, "base");
	toll_config_free(c);
	toll_findings_release(&findings);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(later_locations_win),
		cmocka_unit_test(sets_win_over_all),
		cmocka_unit_test(null_takes_a_section_away),
		cmocka_unit_test(what_was_read_is_told),
		cmocka_unit_test(findings_name_the_right_place),
		cmocka_unit_test(wrong_locations_get_a_sentence),
		cmocka_unit_test(an_unset_document_is_a_warning),
		cmocka_unit_test(errors_do_not_stop_an_unchecked_load),
	};

	return cmocka_run_group_tests_name("source", tests, setup, teardown);
}

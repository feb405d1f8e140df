/* SPDX-License-Identifier: Apache-2.0 */
/* Whose spans an exporter is given. */
#include "pipeline/source.h"

#include <stdio.h>
#include <stdlib.h>

#include "pipeline/factory.h"
#include "tests/unit/unit.h"

static bool yes(const void *config TOLL_UNUSED)
{
	return true;
}

static bool no(const void *config TOLL_UNUSED)
{
	return false;
}

static void topic(const void *config TOLL_UNUSED, struct toll_topic *ret)
{
	*ret = (struct toll_topic){ .name = TOLL_SLICE("t"), .group = TOLL_SLICE("g") };
}

static const struct toll_field no_fields[] = { TOLL_FIELD_END };
static const struct toll_factory priced = { .type = "kafka", .priced = yes, .topic = topic };
static const struct toll_factory raw = { .type = "kafka", .priced = no, .topic = topic };
static const struct toll_factory otlp = { .type = "otlp" };

#define TYPE(section_, type_, owner_)                                             \
	{                                                                         \
		.section = TOLL_SECTION_##section_, .type = (type_), .help = "x", \
		.stability = "beta", .fields = no_fields, .owner = (owner_)       \
	}

static const struct toll_config_type types[] = {
	TYPE(RECEIVERS, "otlp", &otlp),     TYPE(RECEIVERS, "kafka", &priced),
	TYPE(RECEIVERS, "raw", &raw),       TYPE(CONNECTORS, "forward", NULL),
	TYPE(CONNECTORS, "other", NULL),    TYPE(EXPORTERS, "out", NULL),
	TYPE(EXPORTERS, "elsewhere", NULL), { .type = NULL },
};

static void expect(const char *pipelines, const char *source, bool others)
{
	struct toll_findings findings = { 0 };
	struct toll_config *config = NULL;
	char yaml[1024], *found = NULL;
	bool more = !others;

	snprintf(yaml, sizeof(yaml),
	         "receivers: {otlp: {}, kafka: {}, raw: {}}\nconnectors: {forward: {}, other: {}}\n"
	         "exporters: {out: {}, elsewhere: {}}\nservice: {pipelines: {%s}}\n",
	         pipelines);
	assert_int_equal(
		toll_config_load_text(toll_slice_str(yaml), "s.yaml", types, &config, &findings),
		0);
	toll_findings_release(&findings);
	assert_int_equal(toll_source_find(config, &config->components[TOLL_SECTION_EXPORTERS][0],
	                                  &found, &more),
	                 0);
	assert_string_equal(found, source);
	assert_int_equal(more, others);
	free(found);
	toll_config_free(config);
}

static void a_topic_is_named_and_clients_are_inline(void **state TOLL_UNUSED)
{
	expect("traces: {receivers: [otlp], exporters: [out]}", "inline", false);
	expect("traces: {receivers: [kafka], exporters: [out]}", "kafka:g:t", false);
	expect("traces: {receivers: [raw, otlp], exporters: [out]}", "inline", false);
	expect("traces: {receivers: [otlp], exporters: [elsewhere]}", "inline", false);
	expect("traces: {receivers: [otlp, kafka], exporters: [out]}", "kafka:g:t", true);
	expect("traces: {receivers: [kafka, otlp], exporters: [out]}", "kafka:g:t", true);
}

static void connectors_pass_on_what_they_are_given(void **state TOLL_UNUSED)
{
	expect("traces: {receivers: [kafka], exporters: [forward]}, "
	       "traces/b: {receivers: [forward], exporters: [other]}, "
	       "traces/c: {receivers: [other], exporters: [out]}",
	       "kafka:g:t", false);
	expect("traces: {receivers: [kafka], exporters: [forward]}, "
	       "traces/b: {receivers: [forward], exporters: [elsewhere]}, "
	       "traces/c: {receivers: [otlp], exporters: [out]}",
	       "inline", false);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_topic_is_named_and_clients_are_inline),
		cmocka_unit_test(connectors_pass_on_what_they_are_given),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

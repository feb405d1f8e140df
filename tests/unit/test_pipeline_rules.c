/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/spantoll/pipeline_rules.h"

#include "pipeline/factory.h"
#include "tests/unit/unit.h"

static const struct toll_config_type pricing_type = { .type = "pricing" };
static const struct toll_config_type cost_type = { .type = "cost" };
static const struct toll_config_type limiter_type = { .type = "memory_limiter" };
static const struct toll_config_type filter_type = { .type = "filter" };
static const struct toll_config_type sampler_type = { .type = "probabilistic_sampler" };
static struct toll_config_component filter = { .type = &filter_type };
static struct toll_config_component sampler = { .type = &sampler_type };
static struct toll_config_component pricing = { .type = &pricing_type };
static struct toll_config_component cost = { .type = &cost_type };
static struct toll_config_component limiter = { .type = &limiter_type };

/* The only finding's text, "" when there is none. */
static void expect(struct toll_config_component *const *processors, size_t count,
                   enum toll_severity severity, const char *text)
{
	struct toll_config_pipeline pipeline = { .id = "traces",
		                                 .processors = processors,
		                                 .processor_count = count,
		                                 .line = 9,
		                                 .column = 5 };
	struct toll_config config = { .file = "r.yaml",
		                      .pipelines = &pipeline,
		                      .pipeline_count = 1 };
	struct toll_findings findings = { 0 };

	toll_pipeline_rules_check(&config, &findings);
	assert_int_equal(findings.count, *text ? 1 : 0);
	if (*text) {
		assert_int_equal(findings.at[0].severity, severity);
		assert_int_equal(findings.at[0].line, 9);
		assert_string_equal(findings.at[0].path, "service::pipelines::traces");
		assert_non_null(strstr(findings.at[0].text, text));
	}
	toll_findings_release(&findings);
}

#define EXPECT(severity, text, ...)                                                              \
	expect((struct toll_config_component *const[]){ __VA_ARGS__ },                           \
	       TOLL_COUNT(((struct toll_config_component *const[]){ __VA_ARGS__ })), (severity), \
	       (text))

static void order_matters(void **state TOLL_UNUSED)
{
	EXPECT(TOLL_FINDING_ERROR, "", &limiter, &pricing, &cost);
	EXPECT(TOLL_FINDING_ERROR, "must come after", &cost, &pricing);
	EXPECT(TOLL_FINDING_WARNING, "stay unpriced", &pricing);
	EXPECT(TOLL_FINDING_WARNING, "no \"pricing\"", &cost);
	EXPECT(TOLL_FINDING_WARNING, "first processor", &pricing, &limiter, &cost);
	expect(NULL, 0, TOLL_FINDING_WARNING, "stay unpriced");
	EXPECT(TOLL_FINDING_ERROR, "", &pricing, &cost, &filter, &sampler);
	EXPECT(TOLL_FINDING_WARNING, "\"filter\" stands before \"cost\"", &filter, &pricing, &cost);
	EXPECT(TOLL_FINDING_WARNING, "are in no total", &pricing, &sampler, &cost);
}

/* ---- connectors: loaded from text, since what matters is how pipelines are joined ---- */

static const struct toll_field no_fields[] = { TOLL_FIELD_END };

#define TYPE(section_, type_, ...)                                                \
	{                                                                         \
		.section = TOLL_SECTION_##section_, .type = (type_), .help = "x", \
		.stability = "beta", .fields = no_fields, ##__VA_ARGS__           \
	}

/* Everything that "topic" brings is priced, and comes from where "out" writes. */
static bool yes(const void *config TOLL_UNUSED)
{
	return true;
}

static void same_topic(const void *config TOLL_UNUSED, struct toll_topic *ret)
{
	static const struct toll_slice brokers[] = { { "a:9092", 6 }, { "b:9092", 6 } };

	*ret = (struct toll_topic){ .brokers = { brokers, 2 },
		                    .name = TOLL_SLICE("t"),
		                    .group = TOLL_SLICE("g") };
}

static const struct toll_factory reads_topic = { .type = "kafka",
	                                         .priced = yes,
	                                         .topic = same_topic };
static const struct toll_factory shares_sums = { .shares = yes };
static const struct toll_factory writes_topic = { .topic = same_topic };

static const struct toll_config_type types[] = {
	TYPE(RECEIVERS, "topic", .owner = &reads_topic),
	TYPE(EXPORTERS, "circle", .owner = &writes_topic),
	TYPE(RECEIVERS, "in"),
	TYPE(PROCESSORS, "pricing"),
	TYPE(PROCESSORS, "cost"),
	TYPE(PROCESSORS, "batch"),
	TYPE(CONNECTORS, "forward"),
	TYPE(EXPORTERS, "out"),
	TYPE(EXPORTERS, "enforcer"),
	TYPE(EXPORTERS, "sums", .owner = &shares_sums),
	{ .type = NULL },
};

/* All findings of these pipelines, as text. */
static const char *findings_of(const char *pipelines)
{
	static char text[4096];
	char yaml[4096];
	struct toll_findings findings = { 0 };
	struct toll_config *config = NULL;
	FILE *out = fmemopen(text, sizeof(text), "w");

	snprintf(yaml, sizeof(yaml),
	         "receivers: {in: {}, in/2: {}, topic: {}}\nprocessors: {pricing: {}, cost: {}, "
	         "batch: {}}\n"
	         "connectors: {forward: {}}\n"
	         "exporters: {out: {}, enforcer: {}, sums: {}, circle: {}}\nservice: {pipelines: "
	         "{%s}}\n",
	         pipelines);
	assert_int_equal(
		toll_config_load_text(toll_slice_str(yaml), "r.yaml", types, &config, &findings),
		0);
	toll_findings_release(&findings);
	toll_pipeline_rules_check(config, &findings);
	toll_findings_print(&findings, out);
	fputc('\0', out);
	fclose(out);
	toll_findings_release(&findings);
	toll_config_free(config);
	return text;
}

static void expect_text(const char *pipelines, const char *expected)
{
	const char *text = findings_of(pipelines);

	if (*expected && !strstr(text, expected))
		fail_msg("not \"%s\" but: %s", expected, text);
	if (!*expected)
		assert_string_equal(text, "");
}

#define PRICED "processors: [pricing, cost]"

static void what_is_counted_twice_is_said(void **state TOLL_UNUSED)
{
	const char *text;

	expect_text("traces: {receivers: [in], " PRICED ", exporters: [enforcer]}, "
	            "traces/b: {receivers: [in/2], " PRICED ", exporters: [enforcer]}",
	            "");
	expect_text("traces: {receivers: [in], " PRICED ", exporters: [enforcer]}, "
	            "traces/b: {receivers: [in], " PRICED ", exporters: [out, enforcer]}",
	            "warning: exporters::enforcer: gets what receiver \"in\" brings 2 times");
	text = findings_of("traces: {receivers: [in], " PRICED ", exporters: [forward, enforcer]}, "
	                   "traces/b: {receivers: [in/2], " PRICED ", exporters: [forward]}, "
	                   "traces/c: {receivers: [forward], exporters: [enforcer]}");
	assert_non_null(strstr(text, "receiver \"in\" brings 2 times"));
	assert_null(strstr(text, "in/2"));
}

static void processors_before_a_connector_count(void **state TOLL_UNUSED)
{
	expect_text("traces: {receivers: [in], " PRICED ", exporters: [forward]}, "
	            "traces/b: {receivers: [forward], exporters: [out]}",
	            "");
	expect_text("traces: {receivers: [in], processors: [pricing], exporters: [forward]}, "
	            "traces/b: {receivers: [forward], processors: [cost], exporters: [out]}",
	            "");
	expect_text("traces: {receivers: [in], " PRICED ", exporters: [forward]}, "
	            "traces/b: {receivers: [forward, in/2], exporters: [out]}",
	            "service::pipelines::traces/b: has no \"cost\" processor");
	expect_text("traces: {receivers: [in], exporters: [forward]}, "
	            "traces/b: {receivers: [forward], processors: [cost], exporters: [out]}",
	            "service::pipelines::traces/b: has \"cost\" but no \"pricing\" before it");
}

static void batch_needs_exporters_of_its_own(void **state TOLL_UNUSED)
{
	expect_text(
		"traces: {receivers: [in], processors: [pricing, cost, batch], exporters: "
		"[forward]}, traces/b: {receivers: [forward], exporters: [out]}",
		"warning: service::pipelines::traces: \"batch\" decides for the exporters of its "
		"own pipeline");
	expect_text("traces: {receivers: [in], processors: [pricing, cost, batch], exporters: "
	            "[forward, out]}, traces/b: {receivers: [forward], exporters: [out]}",
	            "");
}

static void shared_sums_have_one_source(void **state TOLL_UNUSED)
{
	expect_text("traces: {receivers: [topic], exporters: [sums]}", "");
	expect_text("traces: {receivers: [topic], exporters: [out, sums]}, "
	            "traces/b: {receivers: [in], " PRICED ", exporters: [out]}",
	            "");
	expect_text("traces: {receivers: [topic], exporters: [sums]}, "
	            "traces/b: {receivers: [in], " PRICED ", exporters: [sums]}",
	            "error: exporters::sums: counts what comes from kafka:g:t and what comes by "
	            "other receivers into the same sums");
	expect_text("traces: {receivers: [topic], exporters: [forward]}, "
	            "traces/a: {receivers: [forward], exporters: [sums]}, "
	            "traces/b: {receivers: [in], " PRICED ", exporters: [sums]}",
	            "counts what comes from kafka:g:t and");
}

static void what_is_priced_is_not_priced_again(void **state TOLL_UNUSED)
{
	expect_text("traces: {receivers: [topic], exporters: [enforcer]}", "");
	expect_text("traces: {receivers: [topic], processors: [cost], exporters: [enforcer]}",
	            "error: service::pipelines::traces: \"cost\" would price spans again that "
	            "receiver \"topic\" brings");
	expect_text("traces: {receivers: [in, topic], " PRICED ", exporters: [enforcer]}",
	            "\"pricing\" would price spans again");
	expect_text("traces: {receivers: [in, topic], exporters: [enforcer]}", "stay unpriced");
	expect_text("traces: {receivers: [topic], exporters: [forward]}, "
	            "traces/b: {receivers: [forward], exporters: [enforcer]}",
	            "");
}

static void no_span_goes_round_for_ever(void **state TOLL_UNUSED)
{
	expect_text("traces: {receivers: [topic], exporters: [circle]}",
	            "error: exporters::circle: writes to topic \"t\", which receiver \"topic\" "
	            "reads");
	expect_text("traces: {receivers: [topic], exporters: [forward]}, "
	            "traces/b: {receivers: [forward], exporters: [circle]}",
	            "writes to topic \"t\"");
	expect_text("traces: {receivers: [in], " PRICED ", exporters: [circle]}, "
	            "traces/b: {receivers: [topic], exporters: [enforcer]}",
	            "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(order_matters),
		cmocka_unit_test(what_is_priced_is_not_priced_again),
		cmocka_unit_test(shared_sums_have_one_source),
		cmocka_unit_test(no_span_goes_round_for_ever),
		cmocka_unit_test(what_is_counted_twice_is_said),
		cmocka_unit_test(processors_before_a_connector_count),
		cmocka_unit_test(batch_needs_exporters_of_its_own),
	};

	return cmocka_run_group_tests_name("pipeline_rules", tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/spantoll/pipeline_rules.h"

#include "tests/unit/unit.h"

static const struct toll_config_type pricing_type = { .type = "pricing" };
static const struct toll_config_type cost_type = { .type = "cost" };
static const struct toll_config_type limiter_type = { .type = "memory_limiter" };
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
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(order_matters),
	};

	return cmocka_run_group_tests_name("pipeline_rules", tests, NULL, NULL);
}

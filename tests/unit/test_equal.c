/* SPDX-License-Identifier: Apache-2.0 */
#include <stddef.h>

#include "config/config.h"
#include "tests/unit/unit.h"

struct inner {
	int64_t n;
	bool unused, given;
};

struct outer {
	struct toll_slice text, secret;
	bool flag;
	int choice;
	uint64_t wait;
	double ratio;
	struct toll_slice_list list;
	struct toll_pair_list map;
	struct inner inner;
	struct toll_group_list groups;
};

static const char *const choices[] = { "a", "b", NULL };

static const struct toll_field inner_fields[] = { TOLL_FIELD(struct inner, n, INT, "1", "x"),
	                                          TOLL_FIELD_END };

static const struct toll_field fields[] = {
	TOLL_FIELD(struct outer, text, STRING, "t", "x"),
	TOLL_FIELD(struct outer, secret, SECRET, NULL, "x"),
	TOLL_FIELD(struct outer, flag, BOOL, "false", "x"),
	TOLL_FIELD(struct outer, choice, ENUM, "a", "x", .choices = choices),
	TOLL_FIELD(struct outer, wait, DURATION, "1s", "x"),
	TOLL_FIELD(struct outer, ratio, RATIO, "0.5", "x"),
	TOLL_FIELD(struct outer, list, LIST, NULL, "x"),
	TOLL_FIELD(struct outer, map, MAP, NULL, "x"),
	TOLL_FIELD(struct outer, inner, GROUP, NULL, "x", .group = inner_fields,
	           .present = offsetof(struct outer, inner.given)),
	TOLL_FIELD(struct outer, groups, GROUPS, NULL, "x", .group = inner_fields,
	           .group_size = sizeof(struct inner)),
	TOLL_FIELD_LATER("other", "not yet"),
	TOLL_FIELD_END,
};

static const struct toll_config_type types[] = {
	{ .section = TOLL_SECTION_EXPORTERS,
	  .type = "out",
	  .fields = fields,
	  .config_size = sizeof(struct outer) },
	{ .section = TOLL_SECTION_RECEIVERS, .type = "in", .fields = inner_fields + 1 },
	{ .type = NULL },
};

static struct toll_config *load(const char *settings)
{
	struct toll_findings findings = { 0 };
	struct toll_config *config = NULL;
	char yaml[1024];

	snprintf(yaml, sizeof(yaml),
	         "receivers: {in: {}}\nexporters: {out: %s}\nservice: {pipelines: {traces: "
	         "{receivers: [in], exporters: [out]}}}\n",
	         settings);
	if (toll_config_load_text(toll_slice_str(yaml), "e.yaml", types, &config, &findings))
		toll_findings_print(&findings, stderr);
	toll_findings_release(&findings);
	assert_non_null(config);
	return config;
}

static bool same(const char *one, const char *other)
{
	struct toll_config *a = load(one), *b = load(other);
	bool equal = toll_fields_equal(fields, a->components[TOLL_SECTION_EXPORTERS][0].settings,
	                               b->components[TOLL_SECTION_EXPORTERS][0].settings);

	toll_config_free(a);
	toll_config_free(b);
	return equal;
}

static void what_says_the_same_is_equal(void **state TOLL_UNUSED)
{
	assert_true(same("{}", "{}"));
	assert_true(same("{}", "{text: t, wait: 1000ms, choice: A, ratio: 0.50}"));
	assert_true(same("{list: [a, b], map: {k: v}, groups: [{n: 2}]}",
	                 "{groups: [{n: 2}], map: {k: v}, list: 'a,b'}"));
	assert_true(same("{inner: {n: 1}}", "{inner: {}}"));
}

static void every_difference_is_seen(void **state TOLL_UNUSED)
{
	static const char *const other[] = {
		"{text: u}",       "{secret: s}",  "{flag: true}",       "{choice: b}",
		"{wait: 2s}",      "{ratio: 0.6}", "{list: [a]}",        "{map: {k: v}}",
		"{inner: {n: 2}}", "{inner: {}}",  "{groups: [{n: 1}]}", "{groups: []}",
	};

	for (size_t i = 0; i < TOLL_COUNT(other); i++)
		if (same("{}", other[i]))
			fail_msg("{} and %s", other[i]);
	assert_false(same("{list: [a, b]}", "{list: [a, c]}"));
	assert_false(same("{map: {k: v}}", "{map: {k: w}}"));
	assert_false(same("{map: {k: v}}", "{map: {l: v}}"));
	assert_false(same("{groups: [{n: 1}]}", "{groups: [{n: 2}]}"));
	assert_false(same("{secret: one}", "{secret: two}"));
}

static void a_configuration_may_have_several_owners(void **state TOLL_UNUSED)
{
	struct toll_config *c = load("{}");

	assert_ptr_equal(toll_config_ref(c), c);
	assert_null(toll_config_free(c));
	assert_string_equal(c->file, "e.yaml");
	toll_config_free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_says_the_same_is_equal),
		cmocka_unit_test(every_difference_is_seen),
		cmocka_unit_test(a_configuration_may_have_several_owners),
	};

	return cmocka_run_group_tests_name("equal", tests, NULL, NULL);
}

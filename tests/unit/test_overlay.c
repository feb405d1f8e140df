/* SPDX-License-Identifier: Apache-2.0 */
/* Budgets set at run time, over those of a configuration. */
#include "budget/overlay.h"

#include <string.h>

#include "base/clock.h"
#include "tests/unit/unit.h"

static struct toll_budget_config budgets[2];
static struct toll_budget_settings base;
static struct toll_rules rules;
static struct toll_error error;

static int setup(void **state TOLL_UNUSED)
{
	base = (struct toll_budget_settings){ .flush_interval = TOLL_S,
		                              .evaluation_window = 60 * TOLL_S,
		                              .ttl = 3600 * TOLL_S,
		                              .ema = { 0.1, 0.9, 3 },
		                              .budgets = { budgets, 2 } };
	budgets[0] = (struct toll_budget_config){ .name = TOLL_SLICE("all"), .limit = 7 };
	budgets[1] = (struct toll_budget_config){ .limit = 8 };
	return 0;
}

static int teardown(void **state TOLL_UNUSED)
{
	toll_rules_release(&rules);
	return 0;
}

static int overlay(const char *name, const char *text)
{
	const struct toll_budget_text t = { toll_slice_str(name), toll_slice_str(text) };

	toll_rules_release(&rules);
	error.text[0] = '\0';
	return toll_rules_overlay(&rules, &base, &t, 1, &error);
}

static void a_new_name_comes_on_top(void **state TOLL_UNUSED)
{
	char text[] = "{\"match\": {\"tenant\": \"*\"}, \"limit\": 2.5, \"period\": \"month\"}";

	assert_int_equal(overlay("trial", text), 0);
	memset(text, ' ', sizeof(text) - 1); /* rules own what they say */
	assert_int_equal(rules.count, 3);
	assert_true(toll_slice_is(rules.at[2].name, "trial"));
	assert_int_equal(rules.at[2].limit_pico, TOLL_PICO_PER_USD / 2 * 5);
	assert_int_equal(rules.at[2].mode, TOLL_MODE_ENFORCE);
	assert_int_equal(rules.at[2].kind, 1);
	assert_true(toll_slice_is(rules.at[2].globs[0], "*"));
	assert_string_equal(rules.windows[rules.at[2].window].name, "month");
}

static void a_known_name_takes_the_place(void **state TOLL_UNUSED)
{
	assert_int_equal(overlay("all", "limit: 1\nmode: shadow\n"), 0);
	assert_int_equal(rules.count, 2);
	assert_int_equal(rules.at[0].limit_pico, TOLL_PICO_PER_USD);
	assert_int_equal(rules.at[0].mode, TOLL_MODE_SHADOW);
}

static void without_budgets_the_usual_one_stays(void **state TOLL_UNUSED)
{
	base.budgets.count = 0;
	assert_int_equal(overlay("trial", "{\"limit\": 1}"), 0);
	assert_int_equal(rules.count, 2);
	assert_int_equal(rules.at[0].limit_pico, 500 * TOLL_PICO_PER_USD);
}

static void what_is_wrong_is_said_with_its_place(void **state TOLL_UNUSED)
{
	static const struct {
		const char *text, *why;
	} bad[] = {
		{ "{\"limit\": \"much\"}", "trial: 1:2: limit: " },
		{ "{\"limti\": 5}", "trial: 1:2: limti: unknown key, did you mean \"limit\"?" },
		{ "{\"match\": {\"tenat\": \"*\"}}",
		  "trial: match::tenat: unknown dimension, did you mean \"tenant\"?" },
		{ "{\"name\": \"other\"}", "trial: calls itself \"other\"" },
		{ "[1]", "trial: 1:1: a budget is a mapping" },
		{ "", "trial: 1:1: a budget is a mapping" },
		{ "{\"limit\":", "trial: 2:1: not valid YAML" },
		{ "{\"limit\": 0.000000000008}", "trial: budget 3 has the same match" },
	};

	for (size_t i = 0; i < TOLL_COUNT(bad); i++) {
		assert_int_equal(overlay("trial", bad[i].text), TOLL_ECONFIG);
		if (strncmp(error.text, bad[i].why, strlen(bad[i].why)) != 0)
			fail_msg("%s: %s", bad[i].text, error.text);
		assert_null(rules.memory);
	}
}

static void a_text_can_be_tried(void **state TOLL_UNUSED)
{
	struct toll_budget_text t = { TOLL_SLICE("trial"), TOLL_SLICE("{\"limit\": 3}") };

	assert_int_equal(toll_budget_text_check(&base, &t, &error), 0);
	t.text = TOLL_SLICE("{\"limit\": -3}");
	assert_int_equal(toll_budget_text_check(&base, &t, &error), TOLL_ECONFIG);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_new_name_comes_on_top),
		TEST(a_known_name_takes_the_place),
		TEST(without_budgets_the_usual_one_stays),
		TEST(what_is_wrong_is_said_with_its_place),
		TEST(a_text_can_be_tried),
	};

	return cmocka_run_group_tests_name("overlay", tests, NULL, NULL);
}

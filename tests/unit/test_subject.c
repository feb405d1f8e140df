/* SPDX-License-Identifier: Apache-2.0 */
/* Dimensions, kinds of subjects and their keys. */
#include "budget/subject.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "budget/rules.h"
#include "tests/unit/unit.h"

static struct toll_rules rules;
static struct toll_budget_settings set;
static struct toll_budget_config budgets[TOLL_RULES_MAX];
static struct toll_error error;
static char at[TOLL_SETTING_MAX];

static int setup(void **state TOLL_UNUSED)
{
	memset(budgets, 0, sizeof(budgets));
	set = (struct toll_budget_settings){ .flush_interval = TOLL_S,
		                             .evaluation_window = 60 * TOLL_S,
		                             .ttl = 3600 * TOLL_S,
		                             .ema = { 0.1, 0.9, 3 },
		                             .budgets = { budgets, 0 } };
	return 0;
}

static int teardown(void **state TOLL_UNUSED)
{
	toll_rules_release(&rules);
	return 0;
}

static void budget(const struct toll_pair *match, size_t count)
{
	struct toll_budget_config *b = &budgets[set.budgets.count++];

	b->match = (struct toll_pair_list){ match, count };
	b->limit = (int64_t)set.budgets.count * TOLL_PICO_PER_USD;
}
#define BUDGET(...)                                                      \
	do {                                                             \
		static const struct toll_pair pairs[] = { __VA_ARGS__ }; \
		budget(pairs, TOLL_COUNT(pairs));                        \
	} while (0)
#define PAIR(dimension, glob)                         \
	{                                             \
		{ dimension, sizeof(dimension) - 1 }, \
		{                                     \
			glob, sizeof(glob) - 1        \
		}                                     \
	}

static int build(void)
{
	toll_rules_release(&rules);
	return toll_rules_build(&rules, &set, at, &error);
}

static const char *key_of(uint32_t kind, const char *a, const char *b)
{
	static char key[TOLL_SUBJECT_MAX + 1];
	const struct toll_slice values[] = { toll_slice_str(a), toll_slice_str(b) };

	key[toll_subjects_key(&rules.subjects, kind, values, key)] = '\0';
	return key;
}

static void kinds_are_in_the_order_of_the_hierarchy(void **state TOLL_UNUSED)
{
	BUDGET(PAIR("service", "*"), PAIR("tenant", "*"));
	BUDGET(PAIR("tenant", "*"), PAIR("service", "a*"));
	BUDGET(PAIR("region", "*"), PAIR("commit", "*"));
	assert_int_equal(build(), 0);
	assert_int_equal(rules.subjects.kind_count, 3);
	assert_int_equal(rules.at[0].kind, rules.at[1].kind);
	assert_true(toll_slice_is(rules.subjects.kinds[1].label, "tenant,service"));
	assert_true(toll_slice_is(rules.subjects.kinds[2].label, "commit,region"));
	assert_true(toll_slice_is(rules.at[1].globs[1], "a*"));
	assert_string_equal(key_of(0, "a:b", ""), "a%3Ab");
	assert_string_equal(key_of(1, "acme", "payment-svc"), "tenant:acme:service:payment-svc");
	assert_string_equal(key_of(1, "a:service", "x y"), "tenant:a%3Aservice:service:x%20y");
}

static void a_key_says_what_it_is_about(void **state TOLL_UNUSED)
{
	static const char *const foreign[] = {
		"",
		"tenant:",
		":",
		"feature:a",
		"tenant:a:",
		"tenant:a:service",
		"tenant:a:service:",
		"service:a",
		"service:b:tenant:a",
		"tenant::service:b",
		"tenant:a:service:b:c",
	};
	char key[TOLL_SUBJECT_MAX + 1], text[TOLL_SUBJECT_MAX];
	struct toll_subject s;

	BUDGET(PAIR("tenant", "*"), PAIR("service", "*"));
	assert_int_equal(build(), 0);
	snprintf(key, sizeof(key), "%s", key_of(1, "a:b%", "größe {x}"));
	assert_true(toll_subjects_read(&rules.subjects, toll_slice_str(key), &s, text));
	assert_int_equal(s.kind, 1);
	assert_true(toll_slice_is(s.values[0], "a:b%"));
	assert_true(toll_slice_is(s.values[1], "größe {x}"));
	for (size_t i = 0; i < TOLL_COUNT(foreign); i++)
		assert_false(
			toll_subjects_read(&rules.subjects, toll_slice_str(foreign[i]), &s, text));
	assert_true(toll_subjects_read(&rules.subjects, TOLL_SLICE("tenant"), &s, text));
	assert_int_equal(s.kind, 0);
}

static void keys_of_long_values_fit_and_can_be_read(void **state TOLL_UNUSED)
{
	char value[300], first[TOLL_SUBJECT_MAX], second[TOLL_SUBJECT_MAX], text[TOLL_SUBJECT_MAX];
	struct toll_slice values[4];
	struct toll_subject s;
	size_t len;

	BUDGET(PAIR("organisation", "*"), PAIR("tenant", "*"), PAIR("service", "*"),
	       PAIR("feature", "*"));
	assert_int_equal(build(), 0);
	memset(value, ':', sizeof(value));
	for (int i = 0; i < 4; i++)
		values[i] = toll_slice(value, sizeof(value));
	len = toll_subjects_key(&rules.subjects, 1, values, first);
	assert_in_range(len, TOLL_SUBJECT_MAX - 16, TOLL_SUBJECT_MAX);
	assert_true(toll_subjects_read(&rules.subjects, toll_slice(first, len), &s, text));
	assert_int_equal(s.kind, 1);
	values[2].len--;
	assert_int_equal(toll_subjects_key(&rules.subjects, 1, values, second), len);
	assert_memory_not_equal(first, second, len);
}

static void unknown_dimensions_are_named_with_a_guess(void **state TOLL_UNUSED)
{
	BUDGET(PAIR("service", "*"));
	BUDGET(PAIR("tenat", "*"));
	assert_int_equal(build(), TOLL_ECONFIG);
	assert_string_equal(at, "budgets::1::match::tenat");
	assert_string_equal(error.text, "unknown dimension, did you mean \"tenant\"?");
}

static void dimensions_of_ones_own(void **state TOLL_UNUSED)
{
	struct toll_slice attributes[] = { TOLL_SLICE("team"), TOLL_SLICE("k8s.pod.labels.team") };
	struct toll_dimension_config dimensions[] = {
		{ TOLL_SLICE("team"), { attributes, 2 } },
		{ TOLL_SLICE("tenant"), { attributes, 1 } },
	};

	set.dimensions = (struct toll_group_list){ dimensions, 2 };
	BUDGET(PAIR("team", "*"));
	BUDGET(PAIR("tenant", "*"));
	assert_int_equal(build(), 0);
	assert_int_equal(rules.subjects.dimensions[1].key_count, 2);
	assert_int_equal(rules.subjects.dimensions[2].source, TOLL_FROM_ATTRIBUTES);
	assert_true(rules.subjects.dimensions[2].unattributed);
	dimensions[1].name = TOLL_SLICE("team");
	assert_int_equal(build(), TOLL_ECONFIG);
	assert_string_equal(at, "dimensions::1");
	dimensions[1].name = TOLL_SLICE("a:b");
	assert_int_equal(build(), TOLL_ECONFIG);
	dimensions[1].name = TOLL_SLICE("service");
	assert_int_equal(build(), TOLL_ECONFIG);
}

static void sums_of_many_are_matched_by_their_name_alone(void **state TOLL_UNUSED)
{
	const struct toll_slice values[] = { TOLL_SLICE("__unattributed__"), TOLL_SLICE("a") };
	uint16_t matching[TOLL_RULES_MAX];

	BUDGET(PAIR("tenant", "*"), PAIR("service", "*"));
	BUDGET(PAIR("tenant", "__unattributed__"), PAIR("service", "a*"));
	BUDGET(PAIR("tenant", "*"), PAIR("service", "b*"));
	assert_int_equal(build(), 0);
	assert_int_equal(toll_rules_match(&rules, 1, values, matching), 1);
	assert_int_equal(matching[0], 1);
	assert_true(toll_rule_concerns(&rules, &rules.at[0], 1, values));
	assert_false(toll_rule_concerns(&rules, &rules.at[2], 1, values));
}

static void the_id_covers_what_makes_the_rule(void **state TOLL_UNUSED)
{
	char ids[16][TOLL_RULE_ID];
	size_t n = 0;

	BUDGET(PAIR("service", "*"));
#define CHANGE(what)                                              \
	do {                                                      \
		what;                                             \
		assert_int_equal(build(), 0);                     \
		memcpy(ids[n++], rules.at[0].id, sizeof(ids[0])); \
	} while (0)
	CHANGE((void)0);
	CHANGE(budgets[0].limit++);
	CHANGE(budgets[0].window = 3600 * TOLL_S);
	CHANGE((budgets[0].window = 0, budgets[0].period = TOLL_PERIOD_MONTH));
	CHANGE(budgets[0].timezone = TOLL_SLICE("Europe/Berlin"));
	CHANGE(budgets[0].evaluation_window = 10 * TOLL_S);
	CHANGE(budgets[0].ema.alpha = 0.2);
	CHANGE(budgets[0].ema.release = 0.8);
	CHANGE(budgets[0].ema.windows = 2);
	CHANGE(budgets[0].fast_trip.factor = 3);
	CHANGE(budgets[0].fast_trip.over = 60 * TOLL_S);
	CHANGE(budgets[0].match = budgets[1].match);
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < i; k++)
			if (i != 11)
				assert_string_not_equal(ids[i], ids[k]);
}

static void settings_that_make_no_budget_are_refused(void **state TOLL_UNUSED)
{
#define REFUSED(what, where)                                   \
	do {                                                   \
		struct toll_budget_config before = budgets[0]; \
		what;                                          \
		assert_int_equal(build(), TOLL_ECONFIG);       \
		assert_string_equal(at, "budgets::0::" where); \
		budgets[0] = before;                           \
	} while (0)
	BUDGET(PAIR("service", "*"));
	REFUSED(budgets[0].window = TOLL_S / 2, "window");
	REFUSED(budgets[0].timezone = TOLL_SLICE("Europe/Berlin"), "timezone");
	REFUSED((budgets[0].window = TOLL_S, budgets[0].period = TOLL_PERIOD_DAY), "period");
	REFUSED(budgets[0].fast_trip.over = 60 * TOLL_S, "fast_trip");
	REFUSED((budgets[0].fast_trip = (struct toll_fast_trip_config){ 3, 24 * 3600 * TOLL_S }),
	        "fast_trip::over");
	REFUSED(budgets[0].evaluation_window = TOLL_S / 2, "evaluation_window");
	REFUSED(budgets[0].evaluation_window = 2 * 3600 * TOLL_S, "evaluation_window");
	budgets[0].period = TOLL_PERIOD_DAY;
	budgets[0].timezone = TOLL_SLICE("Europe/Berln");
	assert_int_equal(build(), TOLL_ECONFIG);
	assert_string_equal(at, "budgets::0::timezone");
	assert_string_equal(error.text,
	                    "there is no such time zone, did you mean \"Europe/Berlin\"?");
	budgets[0].timezone = TOLL_SLICE("../../etc/passwd");
	assert_int_equal(build(), TOLL_ECONFIG);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

static void who_writes_a_key_of_no_budget_is_told_of_which_there_are(void **state TOLL_UNUSED)
{
	static const struct {
		const char *key, *said;
	} cases[] = {
		{ "tenent:acme",
		  "no budget of this daemon is for subjects like tenent:acme (did "
		  "you mean tenant?); there are budgets for service; tenant,service" },
		{ "tenant:acme:sevrice:cart", "tenant:acme:sevrice:cart (did you mean service?); "
		                              "there are" },
		{ "tenant:acme",
		  "subjects like tenant:acme; there are budgets for service; tenant,service" },
		{ "service:cart:tenant:acme", "like service:cart:tenant:acme; there are" },
		{ "colour:red", "like colour:red; there are" },
		{ "tenant:", "like tenant:; there are" },
		{ "service:cart", "service:cart: a service alone is named without \"service:\"" },
	};

	BUDGET(PAIR("tenant", "*"), PAIR("service", "*"));
	assert_int_equal(build(), 0);
	for (size_t i = 0; i < TOLL_COUNT(cases); i++) {
		const struct toll_slice key = toll_slice_str(cases[i].key);

		assert_int_equal(toll_subjects_check(&rules.subjects, key, &error), TOLL_EINVALID);
		if (!strstr(error.text, cases[i].said))
			fail_msg("wanted: %s\ngot: %s", cases[i].said, error.text);
	}
	assert_int_equal(toll_subjects_check(&rules.subjects, TOLL_SLICE("cart"), &error), 0);
	assert_int_equal(
		toll_subjects_check(&rules.subjects, TOLL_SLICE("tenant:a:service:b"), &error), 0);
}

static void of_many_kinds_some_are_told(void **state TOLL_UNUSED)
{
	BUDGET(PAIR("organisation", "*"), PAIR("tenant", "*"), PAIR("service", "*"),
	       PAIR("feature", "*"));
	BUDGET(PAIR("organisation", "*"), PAIR("namespace", "*"), PAIR("service", "*"),
	       PAIR("feature", "*"));
	BUDGET(PAIR("organisation", "*"), PAIR("namespace", "*"), PAIR("tenant", "*"),
	       PAIR("feature", "*"));
	BUDGET(PAIR("organisation", "*"), PAIR("namespace", "*"), PAIR("tenant", "*"),
	       PAIR("service", "*"));
	assert_int_equal(build(), 0);
	assert_int_equal(toll_subjects_check(&rules.subjects, TOLL_SLICE("colour:red"), &error),
	                 TOLL_EINVALID);
	assert_non_null(strstr(error.text, "for service; organisation,tenant,service,feature; "));
	assert_string_equal(error.text + strlen(error.text) - 5, "; ...");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(kinds_are_in_the_order_of_the_hierarchy),
		TEST(a_key_says_what_it_is_about),
		TEST(keys_of_long_values_fit_and_can_be_read),
		TEST(unknown_dimensions_are_named_with_a_guess),
		TEST(who_writes_a_key_of_no_budget_is_told_of_which_there_are),
		TEST(of_many_kinds_some_are_told),
		TEST(dimensions_of_ones_own),
		TEST(sums_of_many_are_matched_by_their_name_alone),
		TEST(the_id_covers_what_makes_the_rule),
		TEST(settings_that_make_no_budget_are_refused),
	};

	return cmocka_run_group_tests_name("subject", tests, NULL, NULL);
}

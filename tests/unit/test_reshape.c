/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "exporters/enforcer/totals/kept.h"
#include "pipeline/host.h"
#include "tests/support/enforcer.h"
#include "tests/unit/unit.h"

static struct enforcer_rig rig;
static struct toll_host *host;
static struct toll_kept *kept;
static int one, other; /* who takes turns */

static int setup(void **state TOLL_UNUSED)
{
	struct toll_error error;

	rig_init(&rig);
	rig_budget(&rig, "*", 500, 86400, TOLL_MODE_ENFORCE);
	rig_budget(&rig, "batch-*", 50, 3600, TOLL_MODE_ENFORCE);
	assert_int_equal(rig_rules(&rig, &error), 0);
	host = toll_host_new();
	kept = toll_kept_of(host, "enforcer", &rig.rules, 100);
	assert_non_null(kept);
	kept->shown = calloc(1, sizeof(*kept->shown));
	assert_true(toll_kept_take_turn(kept, &one, &rig.rules, 100, TOLL_STORE_REDIS));
	return 0;
}

static int teardown(void **state TOLL_UNUSED)
{
	struct toll_shown *shown = kept->shown;

	toll_host_let_go(host, kept);
	free(shown);
	toll_host_free(host);
	rig_release(&rig);
	return 0;
}

static void spend(const char *service, int64_t usd)
{
	struct toll_run run = { .pico = usd * TEST_USD, .spans = 1, .priced = 1 };

	toll_totals_lock(&kept->totals);
	toll_totals_fold(&kept->totals, toll_slice_str(service), TEST_NOW_MS, &run);
	toll_totals_unlock(&kept->totals);
}

static struct toll_service *service(const char *key)
{
	uint32_t *at = toll_table_find(&kept->totals.by_key, toll_slice_str(key));

	assert_non_null(at);
	return kept->totals.services[*at];
}

/* The next one comes with these budgets. */
static bool follow(uint32_t max_services)
{
	struct toll_error error;

	assert_int_equal(rig_rules(&rig, &error), 0);
	toll_kept_leave_turn(kept, &one);
	return toll_kept_take_turn(kept, &other, &rig.rules, max_services, TOLL_STORE_REDIS);
}

static toll_i128 sum(const struct toll_account *a)
{
	toll_i128 total = 0;

	for (uint32_t i = 0; i < a->series.count; i++)
		total += a->series.at[i].nano;
	return total;
}

static void only_one_has_the_turn(void **state TOLL_UNUSED)
{
	assert_false(toll_kept_is_wanted(kept, &one));
	assert_false(toll_kept_take_turn(kept, &other, &rig.rules, 100, TOLL_STORE_REDIS));
	assert_true(toll_kept_is_wanted(kept, &one));
	assert_true(toll_kept_take_turn(kept, &one, &rig.rules, 100, TOLL_STORE_REDIS));
	toll_kept_leave_turn(kept, &other); /* waits no more */
	assert_false(toll_kept_is_wanted(kept, &one));
	toll_kept_leave_turn(kept, &one);
	assert_true(toll_kept_take_turn(kept, &other, &rig.rules, 100, TOLL_STORE_REDIS));
}

static void what_is_kept_is_the_same_for_all_of_an_id(void **state TOLL_UNUSED)
{
	assert_ptr_equal(toll_kept_of(host, "enforcer", &rig.rules, 100), kept);
	toll_host_let_go(host, kept);
	spend("shop", 1); /* still there */
}

static void windows_that_stay_keep_their_sums(void **state TOLL_UNUSED)
{
	struct toll_service *s;

	spend("shop", 3);
	spend("batch-1", 7);
	service("shop")->accounts[0].chain = 5;
	service("shop")->throttled = true;
	rig.config.budgets.count = 0;
	rig_budget(&rig, "shop", 10, 60, TOLL_MODE_ENFORCE); /* a window that is new */
	rig_budget(&rig, "batch-*", 9, 3600, TOLL_MODE_SHADOW);
	assert_true(follow(100));
	s = service("shop");
	assert_int_equal(kept->rules.window_count, 3);
	assert_true(sum(&s->accounts[0]) == (toll_i128)3 * 1000000000);
	assert_int_equal(s->accounts[0].chain, 5);
	assert_true(s->accounts[0].dirty);
	assert_true(s->accounts[1].used && sum(&s->accounts[1]) == 0);
	assert_false(s->accounts[2].used);
	assert_true(s->throttled);
	assert_true(s->total_pico == (toll_i128)3 * TEST_USD);
	s = service("batch-1");
	assert_string_equal(kept->rules.windows[2].name, "1h");
	assert_true(sum(&s->accounts[2]) == (toll_i128)7 * 1000000000);
	spend("shop", 1);
	assert_true(sum(&service("shop")->accounts[1]) == 1000000000);
}

static void what_people_and_the_cap_have_said_stays(void **state TOLL_UNUSED)
{
	struct toll_service *s;

	spend("shop", 3);
	s = service("shop");
	s->override = TOLL_OVERRIDE_DENY;
	s->override_until_ms = s->until_ms = TEST_NOW_MS + 1000;
	s->nudged = s->capped = true;
	s->criticality = TOLL_CRITICALITY_HIGH;
	s->over = 2;
	rig.config.budgets.count = 0;
	rig_budget(&rig, "*", 10, 86400, TOLL_MODE_ENFORCE);
	assert_true(follow(100));
	s = service("shop");
	assert_int_equal(s->override, TOLL_OVERRIDE_DENY);
	assert_int_equal(s->override_until_ms, TEST_NOW_MS + 1000);
	assert_int_equal(s->until_ms, TEST_NOW_MS + 1000);
	assert_true(s->nudged && s->capped);
	assert_int_equal(s->criticality, TOLL_CRITICALITY_HIGH);
	assert_int_equal(s->over, 2);
}

static void the_rules_do_not_need_their_configuration(void **state TOLL_UNUSED)
{
	char glob[] = "shop-*";

	rig.config.budgets.count = 0;
	rig_budget(&rig, glob, 10, 86400, TOLL_MODE_ENFORCE);
	assert_true(follow(100));
	memset(glob, 'x', sizeof(glob) - 1);
	spend("shop-1", 1);
	spend("xxxxxx", 1);
	assert_int_equal(service("shop-1")->rule_count, 1);
	assert_int_equal(service("xxxxxx")->rule_count, 0);
}

static void room_grows_and_shrinks(void **state TOLL_UNUSED)
{
	char name[16];

	for (int i = 0; i < 150; i++) {
		snprintf(name, sizeof(name), "s%d", i);
		spend(name, 1);
	}
	assert_int_equal(kept->totals.count, 101);
	assert_int_equal(kept->totals.overflow_spans, 50);
	assert_true(follow(120));
	for (int i = 100; i < 150; i++) {
		snprintf(name, sizeof(name), "s%d", i);
		spend(name, 1);
	}
	assert_int_equal(kept->totals.count, 121);
	assert_int_equal(kept->totals.overflow_spans, 80);
	assert_true(sum(&service("s7")->accounts[0]) == 1000000000);
	toll_kept_leave_turn(kept, &other);
	assert_true(toll_kept_take_turn(kept, &one, &rig.rules, 10, TOLL_STORE_REDIS));
	assert_int_equal(kept->totals.count, 121); /* nobody is forgotten for it */
	spend("new", 1);
	assert_int_equal(kept->totals.count, 121);
}

static void spend_of(const char *tenant, int64_t usd)
{
	const struct toll_slice values[] = { toll_slice_str(tenant) };
	struct toll_run run = { .pico = usd * TEST_USD, .spans = 1, .priced = 1 };

	toll_totals_lock(&kept->totals);
	toll_totals_fold_subject(&kept->totals, 1, values, TEST_NOW_MS, &run);
	toll_totals_unlock(&kept->totals);
}

static void kinds_of_subjects_come_and_go(void **state TOLL_UNUSED)
{
	struct toll_pair tenant = { TOLL_SLICE("tenant"), TOLL_SLICE("a*") };

	spend("shop", 3);
	rig_budget(&rig, "", 10, 3600, TOLL_MODE_ENFORCE);
	rig.budgets[2].match = (struct toll_pair_list){ &tenant, 1 };
	assert_true(follow(100));
	spend_of("acme", 5);
	spend_of("other", 7); /* no budget is for it */
	spend_of("__unattributed__", 11);
	assert_true(sum(&service("tenant:acme")->accounts[1]) == (toll_i128)5 * 1000000000);
	assert_int_equal(service("tenant:acme")->rule_count, 1);
	assert_int_equal(service("tenant:__unattributed__")->rule_count, 0);
	assert_false(service("tenant:acme")->accounts[0].used);
	assert_null(toll_table_find(&kept->totals.by_key, TOLL_SLICE("tenant:other")));
	/* What stays goes on, found by its name on the wire as before. */
	tenant.value = TOLL_SLICE("ac*");
	toll_kept_leave_turn(kept, &other);
	assert_true(follow(100));
	spend_of("acme", 5);
	assert_true(sum(&service("tenant:acme")->accounts[1]) == (toll_i128)10 * 1000000000);
	assert_true(sum(&service("tenant:__unattributed__")->accounts[1]) > 0);
	/* Without a budget nobody asks. */
	rig.config.budgets.count = 2;
	toll_kept_leave_turn(kept, &other);
	assert_true(follow(100));
	assert_null(toll_table_find(&kept->totals.by_key, TOLL_SLICE("tenant:acme")));
	assert_int_equal(kept->totals.count, 2); /* __overflow__ and shop */
	assert_true(sum(&service("shop")->accounts[0]) == (toll_i128)3 * 1000000000);
}

static void after_memory_redis_has_nothing(void **state TOLL_UNUSED)
{
	struct toll_account *a;

	toll_kept_leave_turn(kept, &one);
	assert_true(toll_kept_take_turn(kept, &one, &rig.rules, 100, TOLL_STORE_MEMORY));
	spend("shop", 1);
	a = &service("shop")->accounts[0];
	a->series.at[0].sent = a->series.at[0].nano;
	a->dirty = false;
	assert_true(follow(100));
	a = &service("shop")->accounts[0];
	assert_true(a->series.at[0].sent == 0);
	assert_true(a->dirty);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(only_one_has_the_turn),
		TEST(what_is_kept_is_the_same_for_all_of_an_id),
		TEST(windows_that_stay_keep_their_sums),
		TEST(what_people_and_the_cap_have_said_stays),
		TEST(the_rules_do_not_need_their_configuration),
		TEST(room_grows_and_shrinks),
		TEST(kinds_of_subjects_come_and_go),
		TEST(after_memory_redis_has_nothing),
	};

	return cmocka_run_group_tests_name("reshape", tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Whose the sums are, and what becomes of money that others publish. */
#include "exporters/enforcer/store_redis/owner.h"

#include "base/clock.h"
#include "tests/support/enforcer.h"
#include "tests/unit/unit.h"

static struct enforcer_rig rig;

static int setup(void **state TOLL_UNUSED)
{
	rig_init(&rig);
	rig_start(&rig);
	return 0;
}

static int teardown(void **state TOLL_UNUSED)
{
	rig_release(&rig);
	return 0;
}

static void an_owner_lives_for_three_flushes_and_a_minute_at_least(void **state TOLL_UNUSED)
{
	assert_int_equal(toll_claim_life_s(TOLL_S), 60);
	assert_int_equal(toll_claim_life_s(20 * TOLL_S), 60);
	assert_int_equal(toll_claim_life_s(100 * TOLL_S), 300);
}

/* 5 dollars that the store has, then 2 that others publish, then 1 of ours. */
static void only_what_is_not_published_is_passed_over(void **state TOLL_UNUSED)
{
	struct toll_account *a;
	struct toll_bucket *b;

	rig_spend(&rig, "x", (toll_i128)5 * TEST_USD, TEST_NOW_MS);
	a = &rig_service(&rig, "x")->accounts[0];
	b = &a->series.at[0];
	b->sent = b->saved = b->nano;
	rig_spend(&rig, "x", (toll_i128)2 * TEST_USD, TEST_NOW_MS);
	toll_totals_pass_over(&rig.totals, TEST_NOW_MS);
	assert_true(b->nano == 5000000000 && b->sent == b->nano && b->saved == b->nano);
	assert_false(a->dirty);
	assert_true(rig.totals.passed_nano == 2000000000);
	assert_true(toll_publish_waiting_pico(&rig.totals) == 0);
	assert_true(rig_service(&rig, "x")->total_pico == (toll_i128)7 * TEST_USD);
	rig_spend(&rig, "x", TEST_USD, TEST_NOW_MS);
	assert_true(toll_publish_waiting_pico(&rig.totals) == TEST_USD);
	assert_true(a->dirty);
}

/* A checkpoint that had more says less from now on; what has left its window goes. */
static void a_checkpoint_is_told_and_old_buckets_go(void **state TOLL_UNUSED)
{
	const struct toll_window *w = &rig.rules.windows[0];
	struct toll_service *s;

	rig_spend(&rig, "x", TEST_USD, TEST_NOW_MS);
	s = rig_service(&rig, "x");
	s->unsaved = rig.totals.unsaved = false;
	s->accounts[0].series.unsaved = INT64_MAX;
	toll_totals_pass_over(&rig.totals, TEST_NOW_MS);
	assert_true(s->unsaved && rig.totals.unsaved);
	assert_true(s->accounts[0].series.unsaved == (int64_t)(TEST_NOW_MS / w->bucket_ms));
	toll_totals_pass_over(&rig.totals, TEST_NOW_MS + 2 * w->bucket_ms * w->buckets);
	assert_int_equal(s->accounts[0].series.count, 0);
	assert_true(rig.totals.lost_nano == 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_owner_lives_for_three_flushes_and_a_minute_at_least),
		cmocka_unit_test_setup_teardown(only_what_is_not_published_is_passed_over, setup,
		                                teardown),
		cmocka_unit_test_setup_teardown(a_checkpoint_is_told_and_old_buckets_go, setup,
		                                teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

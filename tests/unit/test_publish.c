/* SPDX-License-Identifier: Apache-2.0 */
/* What Redis answers, and what is believed of it. */
#include "exporters/enforcer/store_redis/publish.h"

#include <stdio.h>
#include <string.h>

#include "exporters/enforcer/store_redis/keys.h"
#include "exporters/enforcer/store_redis/redis_store.h"
#include "exporters/enforcer/store_redis/state.h"
#include "tests/support/enforcer.h"
#include "tests/unit/unit.h"

#define BUCKET_MS UINT64_C(900000)

static struct enforcer_rig rig;
static struct toll_counters counters;
static struct toll_publisher publisher;
static struct toll_account *account;
static struct toll_publish_job job;

static int setup(void **state TOLL_UNUSED)
{
	rig_init(&rig);
	rig_start(&rig);
	memset(&counters, 0, sizeof(counters));
	memset(&publisher, 0, sizeof(publisher));
	publisher.totals = &rig.totals;
	publisher.rules = &rig.rules;
	publisher.counters = &counters;
	publisher.instance = "me";
	rig_spend(&rig, "x", 5 * TEST_USD, TEST_NOW_MS);
	account = &rig_service(&rig, "x")->accounts[0];
	job = (struct toll_publish_job){ .service = rig_service(&rig, "x"),
		                         .seq = 7,
		                         .pair_count = 1 };
	publisher.pairs[0] = (struct toll_pair_out){ TEST_NOW_MS / BUCKET_MS, 5000000000 };
	return 0;
}

static int teardown(void **state TOLL_UNUSED)
{
	rig_release(&rig);
	return 0;
}

/* born: of the sums, before TEST_NOW_MS */
static void answer(uint64_t born, const char *total, const char *chain, const char *old)
{
	char generation[48], current[24], now[24];
	const char *texts[] = { generation, current, now, total, chain, old };
	redisReply *reply;

	snprintf(generation, sizeof(generation), "%llu.1795000000123456",
	         (unsigned long long)(TEST_NOW_MS - born));
	if (strcmp(total, "0") == 0)
		generation[0] = '\0';
	snprintf(current, sizeof(current), "%llu", (unsigned long long)(TEST_NOW_MS / BUCKET_MS));
	snprintf(now, sizeof(now), "%llu", (unsigned long long)TEST_NOW_MS);
	reply = rig_reply(texts, 5 + job.pair_count);
	toll_publish_apply(&publisher, &job, reply);
	freeReplyObject(reply);
}

/* Nothing is connected: what would have been sent can be seen. */
static uint32_t round_without_redis(void)
{
	uint32_t published;

	toll_redis_init(&publisher.redis, &(struct toll_redis_settings){ 0 });
	return toll_publish_round(&publisher, &published) ? publisher.job_count : 0;
}

static void only_what_a_checkpoint_has_is_published(void **state TOLL_UNUSED)
{
	rig.totals.saves = true;
	assert_int_equal(round_without_redis(), 0);
	assert_true(account->dirty);
	account->series.at[0].saved = 3;
	assert_int_equal(round_without_redis(), 1);
	assert_true(publisher.pairs[0].nano == 3);
	rig.totals.saves = false;
	assert_int_equal(round_without_redis(), 1);
	assert_true(publisher.pairs[0].nano == 5000000000);
}

static void an_acknowledged_total_is_clean(void **state TOLL_UNUSED)
{
	assert_true(account->dirty);
	answer(60000, "12.5", "0", "0");
	assert_false(account->dirty);
	assert_int_equal(account->chain, 7);
	assert_true(account->reading.nano == 12500000000);
	assert_true(account->reading.settled);
	assert_int_equal(toll_publisher_clock_ms(&publisher), TEST_NOW_MS);
	rig_spend(&rig, "x", 1000, TEST_NOW_MS);
	assert_true(account->dirty);
}

static void a_total_that_grew_meanwhile_stays_dirty(void **state TOLL_UNUSED)
{
	rig_spend(&rig, "x", TEST_USD, TEST_NOW_MS);
	answer(60000, "5", "0", "0");
	assert_true(account->dirty);
	assert_true(toll_publish_waiting_pico(&rig.totals) == TEST_USD);
}

static void a_bucket_ahead_of_the_clock_is_kept(void **state TOLL_UNUSED)
{
	answer(60000, "5", "0", "f");
	assert_true(account->dirty);
	assert_true(account->series.at[0].sent == 0);
}

static void a_bucket_that_redis_has_dropped_is_not_acknowledged(void **state TOLL_UNUSED)
{
	answer(60000, "0.5", "0", "x");
	assert_true(account->series.at[0].sent == 0);
	assert_true(toll_publish_waiting_pico(&rig.totals) == 5 * TEST_USD);
}

static void an_error_makes_the_last_reading_old(void **state TOLL_UNUSED)
{
	char text[] = "OOM command not allowed";
	redisReply error = { .type = REDIS_REPLY_ERROR, .str = text, .len = sizeof(text) - 1 };

	answer(60000, "5", "0", "0");
	assert_true(account->reading.settled);
	toll_publish_apply(&publisher, &job, &error);
	assert_false(account->reading.settled);
	assert_int_equal(toll_counter_get(&counters, TOLL_COUNTER_PUBLISH_ERRORS), 1);
}

static void young_sums_are_not_settled(void **state TOLL_UNUSED)
{
	answer(500, "5", "0", "0");
	assert_false(account->reading.settled);
}

static void a_broken_chain_publishes_everything_again(void **state TOLL_UNUSED)
{
	answer(60000, "5", "0", "0");
	job.prev = 7;
	job.seq = 8;
	job.service->listed_ms = TEST_NOW_MS;
	answer(60000, "5", "6", "0");
	assert_true(account->dirty);
	assert_true(publisher.lost);
	assert_int_equal(job.service->listed_ms, 0); /* the list of names may be lost as well */
	assert_int_equal(account->chain, 0);
	assert_true(account->series.at[0].sent == 0);
	assert_false(account->reading.settled);
	assert_int_equal(toll_counter_get(&counters, TOLL_COUNTER_LOSSES), 1);
}

static void another_generation_is_a_loss_as_well(void **state TOLL_UNUSED)
{
	answer(60000, "5", "0", "0");
	job = (struct toll_publish_job){ .service = job.service, .seq = 8, .prev = 7 };
	answer(50000, "3", "7", NULL);
	assert_true(publisher.lost);
	assert_true(account->dirty);
}

/* No sums any more, the clock of Redis being at now_ms. */
static void answer_nothing(uint64_t now_ms)
{
	char current[24], now[24];
	const char *texts[] = { "", current, now, "0", "0" };
	redisReply *reply;

	snprintf(current, sizeof(current), "%llu", (unsigned long long)(now_ms / BUCKET_MS));
	snprintf(now, sizeof(now), "%llu", (unsigned long long)now_ms);
	reply = rig_reply(texts, 5);
	toll_publish_apply(&publisher, &job, reply);
	freeReplyObject(reply);
}

static void a_window_that_ran_out_is_no_loss(void **state TOLL_UNUSED)
{
	answer(60000, "5", "0", "0");
	job = (struct toll_publish_job){ .service = job.service, .seq = 8, .prev = 7 };
	answer_nothing(TEST_NOW_MS + 97 * BUCKET_MS);
	assert_false(publisher.lost);
	assert_int_equal(toll_counter_get(&counters, TOLL_COUNTER_LOSSES), 0);
	assert_int_equal(account->chain, 0);
	assert_true(account->reading.settled);
	assert_true(account->reading.nano == 0);
}

/* The sums ended, and nobody asked before there was something new to publish. */
static void spending_after_the_window_ran_out_is_no_loss(void **state TOLL_UNUSED)
{
	answer(60000, "5", "0", "0");
	account->series.count = 0;
	rig_spend(&rig, "x", 3 * TEST_USD, TEST_NOW_MS);
	publisher.pairs[0].nano = 3000000000;
	job.seq = 8;
	job.prev = 7;
	answer(50000, "3", "0", "0");
	assert_int_equal(toll_counter_get(&counters, TOLL_COUNTER_LOSSES), 0);
	assert_false(account->dirty);
	assert_int_equal(account->chain, 0);
}

static void no_sums_at_all_where_ours_should_be_is_a_loss(void **state TOLL_UNUSED)
{
	answer(60000, "5", "0", "0");
	job = (struct toll_publish_job){ .service = job.service, .seq = 8, .prev = 0 };
	answer(0, "0", "0", NULL);
	assert_true(publisher.lost);
}

static void nonsense_is_an_error_and_changes_nothing(void **state TOLL_UNUSED)
{
	static const char *const bad[][6] = {
		{ "", "x", "1", "0", "0", "0" },
		{ "", "1", "x", "0", "0", "0" },
		{ "", "1", "1", "-5", "0", "0" },
		{ "", "1", "1", "1e5", "0", "0" },
		{ "", "1", "1", "0", "99999999999999999999", "0" },
		{ "nodot", "1", "1", "0", "0", "0" },
		{ "1795000000000.00000000000000000000000000000000000", "1", "1", "0", "0", "0" },
	};

	for (size_t i = 0; i < TOLL_COUNT(bad); i++) {
		redisReply *reply = rig_reply(bad[i], 6);

		toll_publish_apply(&publisher, &job, reply);
		freeReplyObject(reply);
		assert_int_equal(toll_counter_get(&counters, TOLL_COUNTER_PUBLISH_ERRORS), i + 1);
		assert_true(account->dirty);
		assert_int_equal(account->chain, 0);
	}
}

static void state_is_read_field_by_field(void **state TOLL_UNUSED)
{
	static const char *const fields[] = {
		"v",
		"1795000000001",
		"applied",
		"1",
		"shadow",
		"0",
		"cid",
		"17",
		"by",
		"me",
		"what",
		"set",
		"note",
		"$5/$1",
		"b:0123456789abcdef",
		"1795000 5.5 3 0 1 1795003600000 enforce 1795000000000 600000000000",
		"b:broken",
		"1 2 3",
		"other",
		"x",
		"b:toolongtoolongtoolongtoolong",
		"1 2 3 4 1 5 enforce 6 7",
	};
	redisReply *reply = rig_reply(fields, TOLL_COUNT(fields));
	static struct toll_state st;

	toll_state_read(reply, &st);
	assert_string_equal(st.version, "1795000000001");
	assert_true(st.applied && !st.shadow);
	assert_int_equal(st.change_id, 17);
	assert_true(toll_slice_is(st.by, "me"));
	assert_true(toll_slice_is(st.note, "$5/$1"));
	assert_int_equal(st.slots.count, 1);
	assert_string_equal(st.slots.at[0].id, "b:0123456789abcdef");
	assert_true(st.slots.at[0].state.on);
	assert_int_equal(st.unreadable, 2);
	freeReplyObject(reply);
}

static void keys_are_named_as_promised(void **state TOLL_UNUSED)
{
	struct toll_spend_keys k;
	struct toll_flag_keys f;

	toll_spend_keys_init(&k, TOLL_SLICE("payment-svc"), &rig.rules.windows[0], "abc", 0);
	assert_string_equal(k.total, "cost:rolling:payment-svc:24h");
	assert_string_equal(k.sums, "{cost:rolling:payment-svc:24h}:s");
	assert_string_equal(k.instance, "{cost:rolling:payment-svc:24h}:i:abc");
	toll_spend_keys_init(&k, TOLL_SLICE("payment-svc"), &rig.rules.windows[0], "abc", 7);
	assert_string_equal(k.instance, "{cost:rolling:payment-svc:24h}:i:abc.7");
	toll_flag_keys_init(&f, TOLL_SLICE("payment-svc"));
	assert_string_equal(f.flag, "enforce:throttle:payment-svc");
	assert_string_equal(f.state, "{enforce:throttle:payment-svc}:d");
	assert_string_equal(f.shadow, "{enforce:throttle:payment-svc}:shadow");
}

static void back_off_grows_to_three_seconds(void **state TOLL_UNUSED)
{
	assert_int_equal(toll_redis_backoff_ns(1), 100 * TOLL_MS);
	assert_int_equal(toll_redis_backoff_ns(7), 700 * TOLL_MS);
	assert_int_equal(toll_redis_backoff_ns(30), 3 * TOLL_S);
	assert_int_equal(toll_redis_backoff_ns(UINT32_MAX), 3 * TOLL_S);
}

static void the_flush_interval_stretches_with_the_fleet(void **state TOLL_UNUSED)
{
	assert_int_equal(toll_redis_interval_ns(TOLL_S, 20, 10), TOLL_S);
	assert_int_equal(toll_redis_interval_ns(TOLL_S, 500, 100), 20 * TOLL_S);
	assert_int_equal(toll_redis_interval_ns(TOLL_S, 5000, 0), 2 * TOLL_S);
}

static void a_flush_shortly_before_a_decision_waits_for_it(void **state TOLL_UNUSED)
{
	const uint64_t i = 20 * TOLL_S, t = 1000 * TOLL_S;

	assert_true(toll_redis_flush_due(t, t, t + i, i));
	assert_false(toll_redis_flush_due(t - 1, t, t + i, i));
	assert_false(toll_redis_flush_due(t, t, t + i - 1, i));
	assert_true(toll_redis_flush_due(t + i - 1, t, t + i - 1, i));
	/* decisions more often than the fleet may publish: not every one has a flush */
	assert_false(toll_redis_flush_due(t - i / 2, t, t - i / 2, i));
	assert_true(toll_redis_flush_due(t - i / 20, t, t - i / 20, i));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(only_what_a_checkpoint_has_is_published, setup,
		                                teardown),
		cmocka_unit_test_setup_teardown(an_acknowledged_total_is_clean, setup, teardown),
		cmocka_unit_test_setup_teardown(a_total_that_grew_meanwhile_stays_dirty, setup,
		                                teardown),
		cmocka_unit_test_setup_teardown(a_bucket_ahead_of_the_clock_is_kept, setup,
		                                teardown),
		cmocka_unit_test_setup_teardown(a_bucket_that_redis_has_dropped_is_not_acknowledged,
		                                setup, teardown),
		cmocka_unit_test_setup_teardown(an_error_makes_the_last_reading_old, setup,
		                                teardown),
		cmocka_unit_test_setup_teardown(young_sums_are_not_settled, setup, teardown),
		cmocka_unit_test_setup_teardown(a_broken_chain_publishes_everything_again, setup,
		                                teardown),
		cmocka_unit_test_setup_teardown(another_generation_is_a_loss_as_well, setup,
		                                teardown),
		cmocka_unit_test_setup_teardown(a_window_that_ran_out_is_no_loss, setup, teardown),
		cmocka_unit_test_setup_teardown(spending_after_the_window_ran_out_is_no_loss, setup,
		                                teardown),
		cmocka_unit_test_setup_teardown(no_sums_at_all_where_ours_should_be_is_a_loss,
		                                setup, teardown),
		cmocka_unit_test_setup_teardown(nonsense_is_an_error_and_changes_nothing, setup,
		                                teardown),
		cmocka_unit_test_setup_teardown(state_is_read_field_by_field, setup, teardown),
		cmocka_unit_test_setup_teardown(keys_are_named_as_promised, setup, teardown),
		cmocka_unit_test(back_off_grows_to_three_seconds),
		cmocka_unit_test(a_flush_shortly_before_a_decision_waits_for_it),
		cmocka_unit_test(the_flush_interval_stretches_with_the_fleet),
	};

	return cmocka_run_group_tests_name("publish", tests, NULL, NULL);
}

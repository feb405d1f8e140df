/* SPDX-License-Identifier: Apache-2.0 */
#include "budget/flags.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "budget/flag_table.h"
#include "tests/unit/unit.h"

#define NOW_MS UINT64_C(1795000000000)

static struct toll_flag_source source;
static uint64_t now_ns;

static uint64_t fake_clock(void)
{
	return now_ns;
}

static int setup(void **state TOLL_UNUSED)
{
	now_ns = NOW_MS * TOLL_MS;
	toll_clock_replace(fake_clock, fake_clock);
	toll_flag_source_init(&source);
	toll_flags_heard(&source, now_ns);
	return 0;
}

static int teardown(void **state TOLL_UNUSED)
{
	toll_flag_source_release(&source);
	toll_clock_replace(NULL, NULL);
	return 0;
}

static struct toll_flag flag(const char *subject)
{
	return (struct toll_flag){ .subject = toll_slice_str(subject),
		                   .throttled = true,
		                   .until_ms = NOW_MS + 3600 * 1000,
		                   .retry_after_s = 60,
		                   .spent_nano = (toll_i128)512400000000,
		                   .limit_pico = 500 * TOLL_PICO_PER_USD,
		                   .window = "24h" };
}

static void publish(const struct toll_flag *flags, uint32_t count)
{
	assert_int_equal(toll_flags_publish(&source, flags, count), 0);
}

static void publish_one(struct toll_flag f)
{
	publish(&f, 1);
}

/* "dimension=value" words; ends with NULL. */
static struct toll_flag_question question(const char *const words[])
{
	struct toll_flag_question q = { .dice = UINT64_MAX };

	for (; *words; words++) {
		const char *value = strchr(*words, '=') + 1;

		q.at[q.count].dimension = toll_slice(*words, (size_t)(value - *words) - 1);
		q.at[q.count++].value = toll_slice_str(value);
	}
	return q;
}
static struct toll_flag_answer ask(const struct toll_flag_question *q)
{
	struct toll_flag_answer a;

	memset(&a, 0xff, sizeof(a));
	toll_flags_ask(&source, q, 60 * TOLL_S, &a);
	return a;
}

static struct toll_flag_answer about(struct toll_flag_question q)
{
	return ask(&q);
}
#define ASK(...) about(question((const char *const[]){ __VA_ARGS__, NULL }))

static void who_has_no_flag_may_pass(void **state TOLL_UNUSED)
{
	struct toll_flag_answer a = ASK("service=cart");

	assert_true(a.allow && !a.stale && a.allowed == 1 && !a.subject[0]);
	publish_one(flag("payment-svc"));
	a = ASK("service=cart", "tenant=payment-svc");
	assert_true(a.allow && a.allowed == 1 && !a.subject[0] && !a.window[0]);
}

static void who_is_throttled_is_told_why_and_until_when(void **state TOLL_UNUSED)
{
	struct toll_flag_answer a;

	publish_one(flag("payment-svc"));
	a = ASK("service=payment-svc", "tenant=acme");
	assert_true(!a.allow && !a.stale && a.allowed == 0);
	assert_string_equal(a.subject, "payment-svc");
	assert_string_equal(a.window, "24h");
	assert_int_equal(a.retry_after_s, 60);
	assert_int_equal(a.until_ms, NOW_MS + 3600 * 1000);
	assert_int_equal(a.limit_pico, 500 * TOLL_PICO_PER_USD);
	assert_true(a.spent_nano == (toll_i128)512400000000 && a.reason == TOLL_FLAG_BUDGET);
}

static void names_are_asked_for_as_they_are_on_the_wire(void **state TOLL_UNUSED)
{
	struct toll_flag flags[] = { flag("a%3Ab"), flag("tenant:a%3Ab:service:x%20y") };
	char nasty[300];

	publish(flags, 2);
	assert_false(ASK("service=a:b").allow);
	assert_false(ASK("service=x y", "tenant=a:b").allow);
	assert_true(ASK("service=a%3Ab").allow);
	memset(nasty, 'x', sizeof(nasty) - 1);
	memcpy(nasty, "service=", 8);
	nasty[sizeof(nasty) - 1] = '\0';
	assert_true(ASK(nasty).allow);
	assert_true(ASK("service=").allow);
}

static void every_subject_of_a_request_is_looked_at(void **state TOLL_UNUSED)
{
	struct toll_flag flags[] = { flag("tenant:acme"), flag("tenant:acme:service:pay"),
		                     flag("organisation:o"), flag("pay") };

	for (size_t i = 0; i < TOLL_COUNT(flags); i++) {
		publish(&flags[i], 1);
		assert_string_equal(ASK("service=pay", "tenant=acme", "organisation=o").subject,
		                    flags[i].subject.ptr);
	}
	publish(&flags[1], 1);
	assert_true(ASK("service=pay").allow);
	assert_true(ASK("tenant=acme").allow);
	assert_true(ASK("tenant=acme", "service=cart").allow);
}

static void the_most_restrictive_one_answers(void **state TOLL_UNUSED)
{
	struct toll_flag flags[] = { flag("pay"), flag("tenant:acme"), flag("organisation:o") };

	flags[0].allowed = 0.9;
	flags[1].allowed = 0.5;
	flags[2].allowed = 0.5;
	flags[2].retry_after_s = 120;
	publish(flags, 3);
	assert_string_equal(ASK("service=pay", "tenant=acme").subject, "tenant:acme");
	assert_string_equal(ASK("service=pay", "tenant=acme", "organisation=o").subject,
	                    "organisation:o");
	assert_string_equal(ASK("service=pay").subject, "pay");
}

static void an_allow_override_frees_its_own_subject_only(void **state TOLL_UNUSED)
{
	struct toll_flag flags[] = { flag("pay"), flag("tenant:acme") };

	flags[0].throttled = false;
	flags[0].override_allow = true;
	publish(flags, 2);
	assert_true(ASK("service=pay").allow);
	assert_string_equal(ASK("service=pay", "tenant=acme").subject, "tenant:acme");
}

static void a_flag_ends_by_itself(void **state TOLL_UNUSED)
{
	publish_one(flag("pay"));
	now_ns += 3599 * TOLL_S;
	toll_flags_heard(&source, now_ns);
	assert_false(ASK("service=pay").allow);
	assert_int_equal(ASK("service=pay").retry_after_s, 1);
	now_ns += 1 * TOLL_S;
	assert_true(ASK("service=pay").allow);
}

static void an_old_copy_stops_nobody(void **state TOLL_UNUSED)
{
	struct toll_flag_question q = question((const char *const[]){ "service=pay", NULL });
	struct toll_flag_answer a;

	publish_one(flag("pay"));
	now_ns += 61 * TOLL_S;
	a = ask(&q);
	assert_true(a.allow && a.stale && a.allowed == 1 && !a.subject[0]);
	toll_flags_ask(&source, &q, 0, &a);
	assert_true(!a.allow && !a.stale);
	toll_flags_heard(&source, now_ns);
	assert_false(ask(&q).allow);
	toll_flags_heard(&source, now_ns - 120 * TOLL_S); /* late news are no news */
	assert_int_equal(toll_flags_age_ns(&source), 0);
}

static void a_copy_that_never_heard_of_the_store_is_old(void **state TOLL_UNUSED)
{
	struct toll_flag_source fresh;
	struct toll_flag_question q = question((const char *const[]){ "service=pay", NULL });
	struct toll_flag_answer a;

	toll_flag_source_init(&fresh);
	toll_flags_ask(&fresh, &q, TOLL_S, &a);
	assert_true(a.allow && a.stale);
	assert_true(toll_flags_age_ns(&fresh) == UINT64_MAX);
	toll_flag_source_release(&fresh);
}

static void shares_shed_the_least_critical_first(void **state TOLL_UNUSED)
{
	/* allowed: shares of low, medium, high, critical */
	static const double cases[][5] = {
		{ 1, 1, 1, 1, 1 },       { 0.9, 0.6, 1, 1, 1 }, { 0.75, 0, 1, 1, 1 },
		{ 0.5, 0, 0, 1, 1 },     { 0.4, 0, 0, 0.6, 1 }, { 0.25, 0, 0, 0, 1 },
		{ 0.125, 0, 0, 0, 0.5 }, { 0, 0, 0, 0, 0 },
	};

	for (size_t i = 0; i < TOLL_COUNT(cases); i++)
		for (int c = TOLL_CRITICALITY_LOW; c <= TOLL_CRITICALITY_CRITICAL; c++)
			assert_float_equal(
				toll_criticality_share((enum toll_criticality)c, cases[i][0]),
				cases[i][c], 1e-9);
	assert_float_equal(toll_criticality_share(TOLL_CRITICALITY_UNKNOWN, 0.6), 0.4, 1e-9);
}

static void the_dice_decide_about_a_graded_flag(void **state TOLL_UNUSED)
{
	struct toll_flag flags[] = { flag("pay") };
	struct toll_flag_question q = question((const char *const[]){ "service=pay", NULL });
	int passed = 0;

	flags[0].allowed = 0.6; /* of unknown criticality two in five pass */
	publish(flags, 1);
	for (uint64_t i = 0; i < 1000; i++) {
		struct toll_flag_answer a;

		q.dice = i * (UINT64_MAX / 1000);
		a = ask(&q);
		assert_float_equal(a.allowed, 0.4, 1e-9);
		passed += a.allow;
	}
	assert_in_range(passed, 399, 401);
	q.criticality = TOLL_CRITICALITY_CRITICAL;
	assert_true(ask(&q).allow);
	q.criticality = TOLL_CRITICALITY_LOW;
	q.dice = 0;
	assert_false(ask(&q).allow);
}

static void the_criticality_of_the_service_holds_for_its_tenants_flag(void **state TOLL_UNUSED)
{
	struct toll_flag flags[] = { flag("tenant:acme"), flag("pay") };

	flags[0].allowed = 0.3;
	flags[1].throttled = false;
	flags[1].criticality = TOLL_CRITICALITY_CRITICAL;
	publish(flags, 2);
	assert_true(ASK("tenant=acme", "service=pay").allow);
	assert_false(ASK("tenant=acme", "service=cart").allow);
	assert_int_equal(toll_criticality_parse(TOLL_SLICE("critical")), TOLL_CRITICALITY_CRITICAL);
	assert_int_equal(toll_criticality_parse(TOLL_SLICE("vital")), TOLL_CRITICALITY_UNKNOWN);
	assert_int_equal(toll_criticality_parse(TOLL_SLICE("")), TOLL_CRITICALITY_UNKNOWN);
	assert_string_equal(toll_criticality_name(TOLL_CRITICALITY_HIGH), "high");
}

static void subjects_that_are_none_are_never_found(void **state TOLL_UNUSED)
{
	struct toll_flag flags[] = {
		flag("tenant:"),          flag(":x"), flag("a:1:b:2:c:3:d:4:e:5"),
		flag("tenant:a:service"), flag(""),   flag("pay")
	};

	publish(flags, TOLL_COUNT(flags));
	assert_true(ASK("tenant=", "=x", "a=1", "b=2", "c=3", "d=4", "e=5").allow);
	assert_false(ASK("service=pay").allow);
}

static void count_one(void *ctx, const struct toll_flag *f TOLL_UNUSED)
{
	++*(int *)ctx;
}

static void of_one_subject_the_last_flag_counts(void **state TOLL_UNUSED)
{
	struct toll_flag flags[] = { flag("pay"), flag("pay") };
	int count = 0;

	flags[1].throttled = false;
	publish(flags, 2);
	toll_flags_each(&source, count_one, &count);
	assert_int_equal(count, 1);
	assert_true(ASK("service=pay").allow);
	publish(NULL, 0);
	count = 0;
	toll_flags_each(&source, count_one, &count);
	assert_int_equal(count, 0);
}

static void *ask_for_a_while(void *arg TOLL_UNUSED)
{
	struct toll_flag_question q = question((const char *const[]){ "service=pay", NULL });

	for (int i = 0; i < 20000; i++) {
		struct toll_flag_answer a;

		toll_flags_ask(&source, &q, 0, &a);
		if (a.allow != !a.subject[0])
			return &source;
	}
	return NULL;
}

static void readers_never_see_half_a_table(void **state TOLL_UNUSED)
{
	struct toll_flag flags[] = { flag("pay"), flag("cart") };
	pthread_t readers[2];
	void *bad;

	for (size_t i = 0; i < TOLL_COUNT(readers); i++)
		assert_int_equal(pthread_create(&readers[i], NULL, ask_for_a_while, NULL), 0);
	for (int i = 0; i < 2000; i++)
		publish(flags, (uint32_t)i % 3);
	for (size_t i = 0; i < TOLL_COUNT(readers); i++) {
		pthread_join(readers[i], &bad);
		assert_null(bad);
	}
}

static void long_keys_are_cut_and_still_told_apart(void **state TOLL_UNUSED)
{
	struct toll_flag_kind kind = { .count = 4 };
	struct toll_slice values[4];
	char long_value[121], first[TOLL_SUBJECT_MAX], second[TOLL_SUBJECT_MAX];
	size_t len;

	memset(long_value, 'v', sizeof(long_value));
	for (int i = 0; i < 4; i++) {
		kind.dimensions[i] = TOLL_SLICE("organisation");
		values[i] = toll_slice(long_value, 120);
	}
	len = toll_flag_key(&kind, values, first);
	assert_in_range(len, TOLL_SUBJECT_MAX - 4, TOLL_SUBJECT_MAX);
	values[3].len = 119;
	assert_int_equal(toll_flag_key(&kind, values, second), len);
	assert_memory_not_equal(first, second, len);
	assert_memory_equal(first, second, len - 17);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		TEST(who_has_no_flag_may_pass),
		TEST(who_is_throttled_is_told_why_and_until_when),
		TEST(names_are_asked_for_as_they_are_on_the_wire),
		TEST(every_subject_of_a_request_is_looked_at),
		TEST(the_most_restrictive_one_answers),
		TEST(an_allow_override_frees_its_own_subject_only),
		TEST(a_flag_ends_by_itself),
		TEST(an_old_copy_stops_nobody),
		TEST(a_copy_that_never_heard_of_the_store_is_old),
		TEST(shares_shed_the_least_critical_first),
		TEST(the_dice_decide_about_a_graded_flag),
		TEST(the_criticality_of_the_service_holds_for_its_tenants_flag),
		TEST(subjects_that_are_none_are_never_found),
		TEST(of_one_subject_the_last_flag_counts),
		TEST(readers_never_see_half_a_table),
		TEST(long_keys_are_cut_and_still_told_apart),
	};

	return cmocka_run_group_tests_name("flags", tests, NULL, NULL);
}

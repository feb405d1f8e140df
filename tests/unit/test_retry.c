/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/retry.h"

#include "base/clock.h"
#include "pipeline/runner.h"
#include "tests/unit/unit.h"

/* The Collector's defaults. */
static const struct toll_retry_settings defaults = {
	.enabled = true,
	.initial_interval = 5 * TOLL_S,
	.randomization_factor = 0.5,
	.multiplier = 1.5,
	.max_interval = 30 * TOLL_S,
	.max_elapsed_time = 300 * TOLL_S,
};

static void waits_grow_up_to_the_maximum(void **state TOLL_UNUSED)
{
	/* In ms, drawn from the middle. */
	static const uint64_t expect[] = { 5000, 7500, 11250, 16875, 25312, 30000, 30000 };
	struct toll_backoff b = { 0 };
	uint64_t wait;

	for (size_t i = 0; i < TOLL_COUNT(expect); i++) {
		assert_true(toll_backoff_next(&b, &defaults, 0, 0.5, &wait));
		assert_int_equal(wait / TOLL_MS, expect[i]);
	}
}

static void wait_is_spread_by_the_randomization_factor(void **state TOLL_UNUSED)
{
	struct toll_backoff low = { 0 }, high = { 0 };
	uint64_t wait;

	assert_true(toll_backoff_next(&low, &defaults, 0, 0.0, &wait));
	assert_int_equal(wait, 2500 * TOLL_MS);
	assert_true(toll_backoff_next(&high, &defaults, 0, 0.999999999, &wait));
	assert_in_range(wait, 7499 * TOLL_MS, 7500 * TOLL_MS);
}

static void gives_up_where_the_next_attempt_would_be_too_late(void **state TOLL_UNUSED)
{
	struct toll_backoff b = { .first_ns = 1000 * TOLL_S };
	uint64_t wait, now = 1295 * TOLL_S;

	assert_true(toll_backoff_next(&b, &defaults, now, 0.5, &wait)); /* at exactly 300 s */
	b = (struct toll_backoff){ .first_ns = 1000 * TOLL_S };
	assert_false(toll_backoff_next(&b, &defaults, now + 1, 0.5, &wait));
}

static void zero_elapsed_time_never_gives_up(void **state TOLL_UNUSED)
{
	struct toll_retry_settings set = defaults;
	struct toll_backoff b = { 0 };
	uint64_t wait;

	set.max_elapsed_time = 0;
	assert_true(toll_backoff_next(&b, &set, UINT64_MAX / 2, 0.5, &wait));
	set.enabled = false;
	assert_false(toll_backoff_next(&b, &set, 0, 0.5, &wait));
}

static void no_wait_is_shorter_than_the_destination_asked_for(void **state TOLL_UNUSED)
{
	struct toll_backoff b = { .least_ns = 20 * TOLL_S };
	uint64_t wait;

	assert_true(toll_backoff_next(&b, &defaults, 0, 0.5, &wait));
	assert_int_equal(wait, 20 * TOLL_S);
	b.least_ns = TOLL_S;
	assert_true(toll_backoff_next(&b, &defaults, 0, 0.5, &wait));
	assert_int_equal(wait, 7500 * TOLL_MS);
	b.least_ns = 301 * TOLL_S; /* beyond max_elapsed_time */
	assert_false(toll_backoff_next(&b, &defaults, 0, 0.5, &wait));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(waits_grow_up_to_the_maximum),
		cmocka_unit_test(wait_is_spread_by_the_randomization_factor),
		cmocka_unit_test(gives_up_where_the_next_attempt_would_be_too_late),
		cmocka_unit_test(zero_elapsed_time_never_gives_up),
		cmocka_unit_test(no_wait_is_shorter_than_the_destination_asked_for),
	};

	return cmocka_run_group_tests_name("retry", tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "base/macro.h"
#include "extensions/pricebook/breaker.h"
#include "tests/unit/unit.h"

static struct toll_breaker failed(uint32_t times)
{
	struct toll_breaker b = { .failures = 3, .open_ns = 30 * TOLL_S };

	for (uint32_t i = 0; i < times; i++) {
		toll_breaker_attempt(&b);
		toll_breaker_failure(&b);
	}
	return b;
}

static void failures_are_retried_ever_later(void **state TOLL_UNUSED)
{
	struct toll_breaker b = failed(0);

	assert_int_equal(toll_breaker_wait_ns(&b), 0);
	b = failed(1);
	assert_int_equal(b.state, TOLL_BREAKER_CLOSED);
	assert_int_equal(toll_breaker_wait_ns(&b), TOLL_S);
	b = failed(2);
	assert_int_equal(toll_breaker_wait_ns(&b), 2 * TOLL_S);
}

static void enough_of_them_open_it(void **state TOLL_UNUSED)
{
	struct toll_breaker b = failed(3);

	assert_int_equal(b.state, TOLL_BREAKER_OPEN);
	assert_int_equal(toll_breaker_wait_ns(&b), 30 * TOLL_S);
}

static void a_probe_closes_it_or_opens_it_for_longer(void **state TOLL_UNUSED)
{
	struct toll_breaker b = failed(3);

	toll_breaker_attempt(&b);
	assert_int_equal(b.state, TOLL_BREAKER_HALF_OPEN);
	toll_breaker_failure(&b);
	assert_int_equal(b.state, TOLL_BREAKER_OPEN);
	assert_int_equal(toll_breaker_wait_ns(&b), 60 * TOLL_S);
	b = failed(100);
	assert_int_equal(toll_breaker_wait_ns(&b), TOLL_BREAKER_OPEN_MAX_NS);
	toll_breaker_attempt(&b);
	toll_breaker_success(&b);
	assert_int_equal(b.state, TOLL_BREAKER_CLOSED);
	assert_int_equal(toll_breaker_wait_ns(&b), 0);
	toll_breaker_failure(&b);
	assert_int_equal(b.state, TOLL_BREAKER_CLOSED);
}

static void an_attempt_while_closed_changes_nothing(void **state TOLL_UNUSED)
{
	struct toll_breaker b = failed(2);

	toll_breaker_attempt(&b);
	assert_int_equal(b.state, TOLL_BREAKER_CLOSED);
	assert_string_equal(toll_breaker_name(TOLL_BREAKER_HALF_OPEN), "half_open");
}

static void zero_failures_never_open_it(void **state TOLL_UNUSED)
{
	struct toll_breaker b = { .failures = 0 };

	for (int i = 0; i < 1000; i++)
		toll_breaker_failure(&b);
	assert_int_equal(b.state, TOLL_BREAKER_CLOSED);
	assert_int_equal(toll_breaker_wait_ns(&b), 60 * TOLL_S);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(failures_are_retried_ever_later),
		cmocka_unit_test(enough_of_them_open_it),
		cmocka_unit_test(a_probe_closes_it_or_opens_it_for_longer),
		cmocka_unit_test(an_attempt_while_closed_changes_nothing),
		cmocka_unit_test(zero_failures_never_open_it),
	};

	return cmocka_run_group_tests_name("price_breaker", tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "base/thread.h"

#include <stdatomic.h>
#include <unistd.h>

#include "base/clock.h"
#include "tests/unit/unit.h"

static atomic_bool let_go;

static void *wait_for_it(void *arg)
{
	while (!atomic_load(&let_go))
		usleep(1000);
	return arg;
}

static void a_join_ends_at_its_deadline_and_may_be_tried_again(void **state TOLL_UNUSED)
{
	uint64_t begin = toll_clock_mono_ns();
	pthread_t t;

	atomic_store(&let_go, false);
	assert_int_equal(toll_thread_start(&t, "test", wait_for_it, NULL), 0);
	assert_int_equal(toll_thread_join_until(t, begin + 20 * TOLL_MS), TOLL_ETIMEOUT);
	assert_true(toll_clock_mono_ns() - begin >= 20 * TOLL_MS);
	assert_int_equal(toll_thread_join_until(t, 1), TOLL_ETIMEOUT); /* long ago */
	atomic_store(&let_go, true);
	assert_int_equal(toll_thread_join_until(t, toll_clock_mono_ns() + PATIENCE_NS), 0);
}

static void no_deadline_waits_for_the_end(void **state TOLL_UNUSED)
{
	pthread_t t;

	atomic_store(&let_go, true);
	assert_int_equal(toll_thread_start(&t, "test", wait_for_it, NULL), 0);
	assert_int_equal(toll_thread_join_until(t, 0), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_join_ends_at_its_deadline_and_may_be_tried_again),
		cmocka_unit_test(no_deadline_waits_for_the_end),
	};

	return cmocka_run_group_tests_name("thread", tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"
#include "pipeline/runner.h"
#include "tests/support/component.h"
#include "tests/unit/unit.h"

extern const struct toll_factory toll_processor_batch;

static void settings_become_those_of_the_queue(void **state TOLL_UNUSED)
{
	static const struct {
		const char *yaml;
		struct toll_batch_settings expect;
		bool warns;
	} cases[] = {
		{ "{}", { true, 200 * TOLL_MS, 8192, 0 }, false },
		/* The seed's: the Collector refuses it, here both are 1000. */
		{ "{timeout: 5s, send_batch_max_size: 1000}",
		  { true, 5 * TOLL_S, 1000, 1000 },
		  true },
		{ "{send_batch_size: 10, send_batch_max_size: 20}",
		  { true, 200 * TOLL_MS, 10, 20 },
		  false },
		{ "{timeout: 0s}", { true, 0, 0, 0 }, false },
	};

	for (size_t i = 0; i < TOLL_COUNT(cases); i++) {
		struct toll_batch_settings set = { 0 };
		struct component_rig g = { 0 };

		component_load(&g, &toll_processor_batch, cases[i].yaml);
		assert_non_null(g.settings);
		toll_processor_batch.fold(g.settings, &set);
		assert_true(set.enabled);
		assert_int_equal(set.flush_timeout, cases[i].expect.flush_timeout);
		assert_int_equal(set.min_size, cases[i].expect.min_size);
		assert_int_equal(set.max_size, cases[i].expect.max_size);
		assert_int_equal(strstr(g.findings, "warning") != NULL, cases[i].warns);
		component_release(&g);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(settings_become_those_of_the_queue),
	};

	return cmocka_run_group_tests_name("batch processor", tests, NULL, NULL);
}

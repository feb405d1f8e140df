/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"
#include "pipeline/recent.h"
#include "tests/support/component.h"
#include "tests/support/fake_batch.h"
#include "tests/unit/unit.h"

extern const struct toll_factory toll_processor_memory_limiter;

#define MIB ((size_t)1 << 20)

static void drop_line(void *ctx TOLL_UNUSED, const char *line TOLL_UNUSED)
{
}

static struct toll_processor *start(struct component_rig *g, const char *yaml)
{
	component_load(g, &toll_processor_memory_limiter, yaml);
	assert_non_null(g->settings);
	assert_int_equal(component_create(g, &toll_processor_memory_limiter), 0);
	assert_int_equal(g->component->ops->start(g->component, &g->error), 0);
	return toll_container_of(g->component, struct toll_processor, super);
}

static void refuses_from_the_soft_limit_on(void **state TOLL_UNUSED)
{
	struct toll_batch *b = fake_batch_from(1, 0);
	struct component_rig g = { 0 };
	struct toll_processor *p = start(&g, "{check_interval: 1h, limit_mib: 4000}");
	struct toll_memory *m = toll_host_memory(g.host);

	assert_int_equal(m->limit, 4000 * MIB);
	assert_int_equal(p->process(p, b), 0);
	assert_true(toll_memory_charge(m, 3200 * MIB));
	assert_int_equal(p->process(p, b), 0);
	assert_true(toll_memory_charge(m, 1));
	assert_int_equal(p->process(p, b), TOLL_EFULL);
	assert_false(toll_memory_charge(m, 800 * MIB)); /* the hard limit, before decoding */
	toll_memory_release(m, 1);
	assert_int_equal(p->process(p, b), 0);
	toll_batch_unref(b);
	component_release(&g);
}

/* Batches that debug pages keep give way before a client is refused. */
static void what_is_kept_to_be_looked_at_refuses_nobody(void **state TOLL_UNUSED)
{
	struct toll_batch *b = fake_batch_from(1, 0), *kept = NULL;
	struct component_rig g = { 0 };
	struct toll_processor *p =
		start(&g, "{check_interval: 1h, limit_mib: 16, spike_limit_mib: 15}");
	struct toll_memory *m = toll_host_memory(g.host);
	struct toll_recent *r = toll_host_recent(g.host);
	char *wire;

	assert_int_equal(toll_batch_new(100 * 1024, m, &wire, &kept), 0);
	toll_batch_seal(kept);
	toll_recent_watch(r, MIB);
	toll_recent_add(r, kept);
	toll_batch_unref(kept);
	assert_true(m->used >= 100 * 1024);
	assert_true(toll_memory_charge(m, MIB - 1024));
	assert_int_equal(p->process(p, b), 0);
	assert_int_equal(m->used, MIB - 1024);
	toll_recent_unwatch(r);
	toll_batch_unref(b);
	component_release(&g);
}

static void stop_loop(void *ctx)
{
	toll_host_stop(ctx);
}

static void large_process_refuses_while_data_is_in_flight(void **state TOLL_UNUSED)
{
	struct toll_batch *b = fake_batch_from(1, 0);
	struct component_rig g = { 0 };
	struct toll_processor *p = start(&g, "{check_interval: 1ms, limit_mib: 80}");
	struct toll_memory *m = toll_host_memory(g.host);
	struct toll_timer *t = toll_host_timer(g.host, 50000000, 0, stop_loop, g.host);
	char *large = malloc(200 * MIB);

	memset(large, 1, 200 * MIB); /* resident, but not charged to anybody */
	assert_int_equal(large[MIB], 1);
	assert_int_equal(toll_host_run(g.host, NULL, NULL), 0);
	assert_int_equal(p->process(p, b), 0); /* refusing would not make it smaller */
	assert_true(toll_memory_charge(m, 20 * MIB));
	assert_int_equal(p->process(p, b), TOLL_EFULL);
	free(large);
	toll_host_timer_stop(t);
	toll_batch_unref(b);
	component_release(&g);
}

static void wrong_settings_are_told(void **state TOLL_UNUSED)
{
	static const struct {
		const char *yaml, *text;
	} cases[] = {
		{ "{limit_mib: 100}", "check_interval: must be more than 0" },
		{ "{check_interval: 1s}", "limit_mib: or limit_percentage must be set" },
		{ "{check_interval: 1s, limit_mib: 10, spike_limit_mib: 10}",
		  "spike_limit_mib: must be smaller" },
	};

	for (size_t i = 0; i < TOLL_COUNT(cases); i++) {
		struct component_rig g = { 0 };

		component_load(&g, &toll_processor_memory_limiter, cases[i].yaml);
		assert_null(g.settings);
		assert_non_null(strstr(g.findings, cases[i].text));
		component_release(&g);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refuses_from_the_soft_limit_on),
		cmocka_unit_test(what_is_kept_to_be_looked_at_refuses_nobody),
		cmocka_unit_test(large_process_refuses_while_data_is_in_flight),
		cmocka_unit_test(wrong_settings_are_told),
	};

	toll_log_set_sink(drop_line, NULL);
	return cmocka_run_group_tests_name("memory_limiter", tests, NULL, NULL);
}

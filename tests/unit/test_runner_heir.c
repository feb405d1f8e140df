/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "base/log.h"
#include "tests/support/fake_batch.h"
#include "tests/support/fake_exporter.h"
#include "tests/unit/unit.h"

static void drop_line(void *ctx TOLL_UNUSED, const char *line TOLL_UNUSED)
{
}

/* One that must go, and its successor. */
struct rig {
	struct fake_exporter *exporters[2];
	struct toll_runner *runners[2];
	struct fake_waiter waiter;
};

static int set_up(void **state)
{
	struct rig *g = calloc(1, sizeof(*g));

	toll_log_set_sink(drop_line, NULL);
	g->waiter.super.done = fake_waiter_done;
	for (int i = 0; i < 2; i++) {
		g->exporters[i] = fake_exporter_new();
		g->runners[i] = toll_runner_new(&g->exporters[i]->super, &g->exporters[i]->set);
		assert_non_null(g->runners[i]);
	}
	toll_runner_hold(g->runners[1]);
	assert_int_equal(toll_runner_start(g->runners[1]), 0);
	*state = g;
	return 0;
}

static void end(struct rig *g, int i)
{
	if (g->runners[i])
		toll_runner_drain(g->runners[i], toll_clock_mono_ns() + PATIENCE_NS);
	fake_exporter_free(g->exporters[i]);
	g->runners[i] = toll_runner_free(g->runners[i]);
}

static int tear_down(void **state)
{
	struct rig *g = *state;

	end(g, 0);
	end(g, 1);
	toll_log_set_sink(NULL, NULL);
	free(g);
	return 0;
}

static void offer(struct rig *g, int to, uint64_t first, struct toll_waiter *w)
{
	struct toll_batch *b = fake_batch_from(2, first);

	toll_batch_seal(b);
	assert_int_equal(toll_runner_reserve(g->runners[to], b), 0);
	toll_runner_commit(g->runners[to], b, w);
	toll_batch_unref(b);
}

/* Three requests, the first of them given and not answered. */
static void fill(struct rig *g)
{
	g->exporters[0]->hold = true;
	assert_int_equal(toll_runner_start(g->runners[0]), 0);
	offer(g, 0, 100, &g->waiter.super);
	FAKE_WAIT(g->exporters[0], g->exporters[0]->held_count == 1);
	offer(g, 0, 200, &g->waiter.super);
	offer(g, 0, 300, NULL);
}

static uint64_t lost(const struct rig *g, int i)
{
	return toll_stat_get(&g->exporters[i]->stats, TOLL_STAT_EXPORTER_SEND_FAILED_SPANS);
}

static void drain_soon(struct rig *g)
{
	toll_runner_drain(g->runners[0], toll_clock_mono_ns() + 20 * TOLL_MS);
}

static void what_is_left_goes_first_to_the_heir(void **state)
{
	struct rig *g = *state;
	const struct fake_exporter *heir = g->exporters[1];

	fill(g);
	offer(g, 1, 400, NULL); /* waits: the heir is held */
	toll_runner_set_heir(g->runners[0], g->runners[1]);
	drain_soon(g);
	assert_int_equal(heir->seen_count, 0);
	toll_runner_release(g->runners[1]);
	FAKE_WAIT(g->exporters[1], heir->spans == 8);
	for (uint64_t i = 0; i < 4; i++)
		assert_int_equal(heir->seen[i].first, 100 * (i + 1));
	toll_runner_drain(g->runners[1], toll_clock_mono_ns() + PATIENCE_NS);
	assert_int_equal(atomic_load(&g->waiter.calls), 2);
	assert_int_equal(atomic_load(&g->waiter.err), 0);
	assert_int_equal(lost(g, 0), 0);
	assert_int_equal(toll_stat_get(&heir->stats, TOLL_STAT_EXPORTER_SENT_SPANS), 8);
	fake_answer(g->exporters[0], 0); /* too late: told nobody */
	assert_int_equal(atomic_load(&g->waiter.calls), 2);
}

static void a_request_in_several_deliveries_is_handed_over_once(void **state)
{
	struct rig *g = *state;

	g->exporters[0]->set.sending_queue.batch =
		(struct toll_batch_settings){ true, TOLL_MS, 1, 1 };
	toll_runner_drain(g->runners[0], 0);
	toll_runner_free(g->runners[0]);
	g->runners[0] = toll_runner_new(&g->exporters[0]->super, &g->exporters[0]->set);
	fill(g);
	toll_runner_set_heir(g->runners[0], g->runners[1]);
	drain_soon(g);
	toll_runner_release(g->runners[1]);
	FAKE_WAIT(g->exporters[1], g->exporters[1]->spans == 6);
	toll_runner_drain(g->runners[1], toll_clock_mono_ns() + PATIENCE_NS);
	assert_int_equal(atomic_load(&g->waiter.calls), 2);
	assert_int_equal(lost(g, 0), 0);
}

static void an_heir_that_has_ended_takes_nothing(void **state)
{
	struct rig *g = *state;

	fill(g);
	toll_runner_drain(g->runners[1], 0);
	toll_runner_set_heir(g->runners[0], g->runners[1]);
	drain_soon(g);
	assert_int_equal(lost(g, 0), 6);
	assert_int_equal(atomic_load(&g->waiter.calls), 2);
	assert_int_equal(atomic_load(&g->waiter.err), TOLL_ESHUTDOWN);
}

static void who_adds_up_gets_nothing_twice(void **state)
{
	struct rig *g = *state;

	g->exporters[0]->super.accounts = true;
	fill(g);
	toll_runner_set_heir(g->runners[0], g->runners[1]);
	drain_soon(g);
	toll_runner_release(g->runners[1]);
	assert_int_equal(lost(g, 0), 6);
	toll_runner_drain(g->runners[1], toll_clock_mono_ns() + PATIENCE_NS);
	assert_int_equal(g->exporters[1]->seen_count, 0);
}

static void what_was_delivered_stays_delivered(void **state)
{
	struct rig *g = *state;

	fill(g);
	fake_answer(g->exporters[0], 0);
	FAKE_WAIT(g->exporters[0], g->exporters[0]->held_count == 1);
	toll_runner_set_heir(g->runners[0], g->runners[1]);
	drain_soon(g);
	toll_runner_release(g->runners[1]);
	FAKE_WAIT(g->exporters[1], g->exporters[1]->spans == 4);
	assert_int_equal(g->exporters[1]->seen[0].first, 200);
	assert_int_equal(lost(g, 0), 0);
	assert_int_equal(toll_stat_get(&g->exporters[0]->stats, TOLL_STAT_EXPORTER_SENT_SPANS), 2);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_is_left_goes_first_to_the_heir),
		TEST(a_request_in_several_deliveries_is_handed_over_once),
		TEST(an_heir_that_has_ended_takes_nothing),
		TEST(who_adds_up_gets_nothing_twice),
		TEST(what_was_delivered_stays_delivered),
	};

	return cmocka_run_group_tests_name("runner_heir", tests, NULL, NULL);
}

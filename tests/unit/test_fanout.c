/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/fanout.h"

#include <stdio.h>

#include "base/log.h"
#include "tests/support/fake_batch.h"
#include "tests/support/fake_exporter.h"
#include "tests/unit/unit.h"

struct answer {
	struct toll_ack ack;
	atomic_uint calls;
	atomic_int err;
};

static void answered(struct toll_ack *ack, int err)
{
	struct answer *a = toll_container_of(ack, struct answer, ack);

	atomic_store(&a->err, err);
	atomic_fetch_add(&a->calls, 1);
}

struct rig {
	struct fake_exporter *exporters[3];
	struct toll_runner *runners[3];
	struct toll_fanout fanout;
	struct answer answer;
};

static void drop_line(void *ctx TOLL_UNUSED, const char *line TOLL_UNUSED)
{
}

static int set_up(void **state)
{
	struct rig *g = calloc(1, sizeof(*g));

	toll_log_set_sink(drop_line, NULL);
	for (int i = 0; i < 3; i++) {
		g->exporters[i] = fake_exporter_new();
		g->exporters[i]->set.sending_queue.queue_size = 2;
		g->exporters[i]->hold = true;
	}
	g->answer.ack.done = answered;
	*state = g;
	return 0;
}

/* The third is optional. */
static void start(struct rig *g)
{
	for (uint32_t i = 0; i < 3; i++) {
		g->runners[i] = toll_runner_new(&g->exporters[i]->super, &g->exporters[i]->set);
		assert_non_null(g->runners[i]);
		assert_int_equal(toll_runner_start(g->runners[i]), 0);
		g->fanout.targets[i] =
			(struct toll_fanout_target){ .runner = g->runners[i], .required = i < 2 };
	}
	g->fanout.count = 3;
	g->fanout.batch_count = 1;
}

static int tear_down(void **state)
{
	struct rig *g = *state;

	for (int i = 0; i < 3; i++) {
		toll_runner_drain(g->runners[i], 0);
		fake_exporter_free(g->exporters[i]);
		g->runners[i] = toll_runner_free(g->runners[i]);
	}
	toll_log_set_sink(NULL, NULL);
	free(g);
	return 0;
}

static void offer(struct rig *g, uint32_t spans)
{
	struct toll_batch *b = fake_batch(spans);

	toll_fanout_offer(&g->fanout, &b, &g->answer.ack);
	toll_batch_unref(b);
}

static uint64_t queued(struct rig *g, int i)
{
	return toll_stat_get(&g->exporters[i]->stats, TOLL_STAT_EXPORTER_QUEUE_SIZE);
}

static void fill(struct rig *g, int i)
{
	for (int n = 0; n < 2; n++) {
		struct toll_batch *b = fake_batch(1);

		assert_int_equal(toll_runner_reserve(g->runners[i], b), 0);
		toll_runner_commit(g->runners[i], b, NULL);
		toll_batch_unref(b);
	}
}

static void everybody_gets_it_and_the_client_hears_ok(void **state)
{
	struct rig *g = *state;

	start(g);
	offer(g, 5);
	assert_int_equal(g->answer.calls, 1);
	assert_int_equal(g->answer.err, 0);
	for (int i = 0; i < 3; i++)
		assert_int_equal(queued(g, i), 1);
}

static void one_full_required_queue_means_nobody_gets_it(void **state)
{
	struct rig *g = *state;

	start(g);
	fill(g, 1);
	offer(g, 5);
	assert_int_equal(g->answer.calls, 1);
	assert_int_equal(g->answer.err, TOLL_EFULL);
	assert_int_equal(queued(g, 0), 0);
	assert_int_equal(queued(g, 2), 0);
	assert_int_equal(
		toll_stat_get(&g->exporters[1]->stats, TOLL_STAT_EXPORTER_ENQUEUE_FAILED_SPANS), 5);
	/* And what was reserved is free again. */
	fill(g, 0);
	fill(g, 2);
}

static void full_optional_queue_drops_and_counts(void **state)
{
	struct rig *g = *state;

	start(g);
	fill(g, 2);
	offer(g, 5);
	assert_int_equal(g->answer.err, 0);
	assert_int_equal(queued(g, 0), 1);
	assert_int_equal(queued(g, 1), 1);
	assert_int_equal(
		toll_stat_get(&g->exporters[2]->stats, TOLL_STAT_EXPORTER_ENQUEUE_FAILED_SPANS), 5);
}

static void exported_waits_for_every_required_exporter(void **state)
{
	struct rig *g = *state;

	g->answer.ack.level = TOLL_ACK_EXPORTED;
	g->exporters[1]->set.retry_on_failure.enabled = false;
	start(g);
	offer(g, 5);
	fake_answer(g->exporters[0], 0);
	toll_runner_drain(g->runners[0], toll_clock_mono_ns() + PATIENCE_NS);
	assert_int_equal(g->answer.calls, 0);
	fake_answer(g->exporters[1], TOLL_EDOWN);
	toll_runner_drain(g->runners[1], toll_clock_mono_ns() + PATIENCE_NS);
	assert_int_equal(g->answer.calls, 1); /* the optional one is not asked */
	assert_int_equal(g->answer.err, TOLL_EDOWN);
}

static void wait_for_result_is_honoured(void **state)
{
	struct rig *g = *state;

	g->exporters[1]->set.sending_queue.wait_for_result = true;
	g->exporters[2]->set.sending_queue.wait_for_result = true; /* optional: nobody waits */
	start(g);
	offer(g, 5);
	assert_int_equal(g->answer.calls, 0);
	fake_answer(g->exporters[1], 0);
	toll_runner_drain(g->runners[1], toll_clock_mono_ns() + PATIENCE_NS);
	assert_int_equal(g->answer.calls, 1);
	assert_int_equal(g->answer.err, 0);
}

static void remember_accepted(void *ctx, struct toll_batch *const *batches TOLL_UNUSED,
                              uint64_t which TOLL_UNUSED)
{
	++*(unsigned *)ctx;
}

/* The first exporter adds up; the client waits for the second, which answers err. */
static void add_up_after(struct rig *g, int err)
{
	g->exporters[0]->super.accounts = true;
	g->exporters[0]->hold = false;
	g->exporters[1]->set.retry_on_failure.enabled = false;
	g->answer.ack.level = TOLL_ACK_EXPORTED;
	start(g);
	offer(g, 5);
	assert_int_equal(g->exporters[0]->seen_count, 0);
	assert_int_equal(queued(g, 0), 0);
	fake_answer(g->exporters[1], err);
	toll_runner_drain(g->runners[1], toll_clock_mono_ns() + PATIENCE_NS);
	toll_runner_drain(g->runners[0], toll_clock_mono_ns() + PATIENCE_NS);
	assert_int_equal(g->answer.calls, 1);
	assert_int_equal(g->answer.err, err);
}

static void what_failed_is_not_added_up(void **state)
{
	struct rig *g = *state;
	unsigned accepted = 0;

	g->fanout.accepted = remember_accepted;
	g->fanout.ctx = &accepted;
	add_up_after(g, TOLL_EDOWN);
	assert_int_equal(g->exporters[0]->spans, 0);
	assert_int_equal(accepted, 0);
}

static void what_succeeded_is_added_up_once(void **state)
{
	struct rig *g = *state;
	unsigned accepted = 0;

	g->fanout.accepted = remember_accepted;
	g->fanout.ctx = &accepted;
	add_up_after(g, 0);
	assert_int_equal(g->exporters[0]->spans, 5);
	assert_int_equal(accepted, 1);
}

static void nothing_to_send_is_done_at_once(void **state)
{
	struct rig *g = *state;

	g->answer.ack.level = TOLL_ACK_EXPORTED;
	start(g);
	offer(g, 0);
	assert_int_equal(g->answer.calls, 1);
	assert_int_equal(g->answer.err, 0);
	assert_int_equal(queued(g, 0), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(everybody_gets_it_and_the_client_hears_ok),
		TEST(one_full_required_queue_means_nobody_gets_it),
		TEST(full_optional_queue_drops_and_counts),
		TEST(exported_waits_for_every_required_exporter),
		TEST(wait_for_result_is_honoured),
		TEST(what_failed_is_not_added_up),
		TEST(what_succeeded_is_added_up_once),
		TEST(nothing_to_send_is_done_at_once),
	};

	return cmocka_run_group_tests_name("fanout", tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/runner.h"

#include <stdio.h>

#include "base/log.h"
#include "tests/support/fake_batch.h"
#include "tests/support/fake_exporter.h"
#include "tests/unit/unit.h"

static char log_text[65536];
static pthread_mutex_t log_lock = PTHREAD_MUTEX_INITIALIZER;

static void keep_log(void *ctx TOLL_UNUSED, const char *line)
{
	size_t len;

	pthread_mutex_lock(&log_lock);
	len = strlen(log_text);
	snprintf(log_text + len, sizeof(log_text) - len, "%s\n", line);
	pthread_mutex_unlock(&log_lock);
}

struct rig {
	struct fake_exporter *exporter;
	struct toll_runner *runner;
	struct fake_waiter waiter;
};

static int set_up(void **state)
{
	struct rig *g = calloc(1, sizeof(*g));

	g->exporter = fake_exporter_new();
	g->waiter.super.done = fake_waiter_done;
	log_text[0] = '\0';
	toll_log_set_sink(keep_log, NULL);
	*state = g;
	return 0;
}

static int tear_down(void **state)
{
	struct rig *g = *state;

	if (g->runner)
		toll_runner_drain(g->runner, 0);
	fake_exporter_free(g->exporter);
	g->runner = toll_runner_free(g->runner);
	toll_log_set_sink(NULL, NULL);
	free(g);
	return 0;
}

static void start(struct rig *g)
{
	g->runner = toll_runner_new(&g->exporter->super, &g->exporter->set);
	assert_non_null(g->runner);
	assert_int_equal(toll_runner_start(g->runner), 0);
}

static int offer(struct rig *g, struct toll_batch *take_batch, struct toll_waiter *w)
{
	int err = toll_runner_reserve(g->runner, take_batch);

	if (!err)
		toll_runner_commit(g->runner, take_batch, w);
	toll_batch_unref(take_batch);
	return err;
}

static struct toll_batch *sealed_from(uint32_t spans, uint64_t first)
{
	struct toll_batch *b = fake_batch_from(spans, first);

	toll_batch_seal(b);
	return b;
}

static void drain(struct rig *g, uint64_t ns)
{
	toll_runner_drain(g->runner, toll_clock_mono_ns() + ns);
}

static uint64_t stat(struct rig *g, enum toll_stat which)
{
	return toll_stat_get(&g->exporter->stats, which);
}

static void deliveries_keep_the_order_of_admission(void **state)
{
	struct rig *g = *state;

	start(g);
	for (uint64_t i = 0; i < 100; i++)
		assert_int_equal(offer(g, sealed_from(3, i * 3), &g->waiter.super), 0);
	drain(g, PATIENCE_NS);
	assert_int_equal(g->exporter->seen_count, 100);
	for (uint64_t i = 0; i < 100; i++)
		assert_int_equal(g->exporter->seen[i].first, i * 3);
	assert_int_equal(stat(g, TOLL_STAT_EXPORTER_SENT_SPANS), 300);
	assert_int_equal(stat(g, TOLL_STAT_EXPORTER_QUEUE_SIZE), 0);
	assert_int_equal(stat(g, TOLL_STAT_EXPORTER_QUEUE_BYTES), 0);
	assert_int_equal(g->waiter.calls, 100);
	assert_int_equal(g->waiter.err, 0);
}

static void delivery_waits_for_min_size(void **state)
{
	struct rig *g = *state;

	g->exporter->set.sending_queue.batch.enabled = true;
	start(g);
	for (uint64_t i = 0; i < 3; i++) /* 3, 6, 9: not yet 10 */
		assert_int_equal(offer(g, sealed_from(3, i * 3), NULL), 0);
	assert_int_equal(g->exporter->seen_count, 0);
	assert_int_equal(offer(g, sealed_from(3, 9), NULL), 0);
	FAKE_WAIT(g->exporter, g->exporter->spans == 12);
	assert_int_equal(g->exporter->seen_count, 1);
	assert_int_equal(g->exporter->seen[0].parts, 4);
}

static void flush_timeout_ends_the_wait(void **state)
{
	struct rig *g = *state;
	uint64_t begin = toll_clock_mono_ns();

	g->exporter->set.sending_queue.batch.enabled = true;
	g->exporter->set.sending_queue.batch.flush_timeout = 30 * TOLL_MS;
	start(g);
	assert_int_equal(offer(g, sealed_from(3, 0), NULL), 0);
	FAKE_WAIT(g->exporter, g->exporter->spans == 3);
	assert_true(toll_clock_mono_ns() - begin >= 30 * TOLL_MS);
}

static void full_queue_does_not_wait_for_min_size(void **state)
{
	struct rig *g = *state;

	g->exporter->hold = true; /* what is delivered still takes its place */
	g->exporter->set.sending_queue.batch.enabled = true;
	g->exporter->set.sending_queue.queue_size = 2;
	start(g);
	assert_int_equal(offer(g, sealed_from(1, 0), NULL), 0);
	assert_int_equal(offer(g, sealed_from(1, 1), NULL), 0);
	assert_int_equal(offer(g, sealed_from(1, 2), NULL), TOLL_EFULL);
	FAKE_WAIT(g->exporter, g->exporter->spans == 2);
	fake_answer(g->exporter, 0);
}

static void max_size_splits_exactly(void **state)
{
	struct rig *g = *state;
	uint64_t next = 0;

	g->exporter->set.sending_queue.batch =
		(struct toll_batch_settings){ true, 600 * TOLL_S, 10, 10 };
	start(g);
	assert_int_equal(offer(g, sealed_from(25, 0), &g->waiter.super), 0);
	assert_int_equal(offer(g, sealed_from(7, 25), &g->waiter.super), 0);
	FAKE_WAIT(g->exporter, g->exporter->spans == 30);
	drain(g, PATIENCE_NS);
	assert_int_equal(g->exporter->seen_count, 4);
	for (int i = 0; i < 4; i++) {
		assert_int_equal(g->exporter->seen[i].first, next);
		assert_int_equal(g->exporter->seen[i].spans, i < 3 ? 10 : 2);
		next += g->exporter->seen[i].spans;
	}
	assert_int_equal(g->exporter->seen[2].parts, 2);
	assert_int_equal(g->waiter.calls, 2); /* once per batch, not once per part */
}

static void retryable_errors_are_retried(void **state)
{
	struct rig *g = *state;

	g->exporter->err = TOLL_EDOWN;
	g->exporter->fail_count = 3;
	start(g);
	assert_int_equal(offer(g, sealed_from(4, 0), &g->waiter.super), 0);
	assert_int_equal(offer(g, sealed_from(4, 4), &g->waiter.super), 0);
	drain(g, PATIENCE_NS);
	assert_int_equal(stat(g, TOLL_STAT_EXPORTER_RETRIES), 3);
	assert_int_equal(stat(g, TOLL_STAT_EXPORTER_SENT_SPANS), 8);
	assert_int_equal(stat(g, TOLL_STAT_EXPORTER_SEND_FAILED_SPANS), 0);
	assert_int_equal(g->exporter->seen_count, 5);
	for (uint32_t i = 0; i < 4; i++) { /* the second waits: one place in flight */
		assert_int_equal(g->exporter->seen[i].first, 0);
		assert_int_equal(g->exporter->seen[i].attempt, i);
	}
	assert_int_equal(g->waiter.err, 0);
}

static void refusal_of_the_exporter_means_the_same(void **state)
{
	struct rig *g = *state;

	g->exporter->err = TOLL_EFULL;
	g->exporter->fail_count = 2;
	g->exporter->refuse = true;
	start(g);
	assert_int_equal(offer(g, sealed_from(4, 0), NULL), 0);
	drain(g, PATIENCE_NS);
	assert_int_equal(stat(g, TOLL_STAT_EXPORTER_RETRIES), 2);
	assert_int_equal(stat(g, TOLL_STAT_EXPORTER_SENT_SPANS), 4);
}

static void other_errors_lose_the_spans_and_say_how_much(void **state)
{
	struct rig *g = *state;

	g->exporter->err = TOLL_EREFUSED;
	g->exporter->fail_count = 1;
	start(g);
	assert_int_equal(offer(g, sealed_from(4, 0), &g->waiter.super), 0);
	drain(g, PATIENCE_NS);
	assert_int_equal(stat(g, TOLL_STAT_EXPORTER_SEND_FAILED_SPANS), 4);
	assert_int_equal(stat(g, TOLL_STAT_EXPORTER_SENT_SPANS), 0);
	assert_int_equal(g->waiter.calls, 1);
	assert_int_equal(g->waiter.err, TOLL_EREFUSED);
	assert_non_null(strstr(log_text, "exporter/fake  lost 4 spans worth $4.00: refused"));
}

static void retries_end_after_max_elapsed_time(void **state)
{
	struct rig *g = *state;

	g->exporter->err = TOLL_EDOWN;
	g->exporter->fail_count = UINT32_MAX;
	g->exporter->set.retry_on_failure.max_elapsed_time = 20 * TOLL_MS;
	start(g);
	assert_int_equal(offer(g, sealed_from(4, 0), &g->waiter.super), 0);
	drain(g, PATIENCE_NS);
	assert_int_equal(stat(g, TOLL_STAT_EXPORTER_SEND_FAILED_SPANS), 4);
	assert_int_equal(g->waiter.err, TOLL_EDOWN);
}

static void only_so_many_in_flight(void **state)
{
	struct rig *g = *state;

	g->exporter->hold = true;
	g->exporter->set.sending_queue.num_consumers = 3;
	start(g);
	for (uint64_t i = 0; i < 10; i++)
		assert_int_equal(offer(g, sealed_from(1, i), NULL), 0);
	FAKE_WAIT(g->exporter, g->exporter->held_count == 3);
	for (int i = 0; i < 10; i++)
		fake_answer(g->exporter, 0);
	drain(g, PATIENCE_NS);
	assert_int_equal(g->exporter->most_held, 3);
	assert_int_equal(stat(g, TOLL_STAT_EXPORTER_SENT_SPANS), 10);
}

static void full_queue_refuses_and_counts(void **state)
{
	struct rig *g = *state;

	g->exporter->hold = true;
	g->exporter->set.sending_queue.queue_size = 2;
	start(g);
	assert_int_equal(offer(g, sealed_from(5, 0), NULL), 0);
	assert_int_equal(offer(g, sealed_from(5, 5), NULL), 0);
	assert_int_equal(offer(g, sealed_from(5, 10), NULL), TOLL_EFULL);
	assert_int_equal(stat(g, TOLL_STAT_EXPORTER_ENQUEUE_FAILED_SPANS), 5);
	assert_int_equal(stat(g, TOLL_STAT_EXPORTER_QUEUE_SIZE), 2);
	assert_int_equal(stat(g, TOLL_STAT_EXPORTER_QUEUE_CAPACITY), 2);
	fake_answer(g->exporter, 0);
	fake_answer(g->exporter, 0);
	drain(g, PATIENCE_NS);
	assert_int_equal(offer(g, sealed_from(5, 10), NULL), TOLL_ESHUTDOWN);
}

static void disabled_queue_makes_the_client_wait(void **state)
{
	struct rig *g = *state;

	g->exporter->hold = true;
	g->exporter->set.sending_queue.enabled = false;
	g->exporter->set.sending_queue.num_consumers = 2;
	g->exporter->set.sending_queue.batch.enabled = true;
	start(g);
	assert_true(toll_runner_waits(g->runner));
	assert_int_equal(offer(g, sealed_from(1, 0), &g->waiter.super), 0);
	assert_int_equal(offer(g, sealed_from(1, 1), &g->waiter.super), 0);
	assert_int_equal(offer(g, sealed_from(1, 2), &g->waiter.super), TOLL_EFULL);
	FAKE_WAIT(g->exporter, g->exporter->held_count == 2); /* not batched */
	fake_answer(g->exporter, 0);
	fake_answer(g->exporter, 0);
	drain(g, PATIENCE_NS);
	assert_int_equal(g->waiter.calls, 2);
}

static void drain_flushes_what_waits_and_what_is_retried(void **state)
{
	struct rig *g = *state;
	uint64_t begin = toll_clock_mono_ns();

	g->exporter->set.sending_queue.batch.enabled = true;
	g->exporter->set.retry_on_failure.initial_interval = 600 * TOLL_S;
	g->exporter->set.retry_on_failure.max_interval = 600 * TOLL_S;
	g->exporter->set.retry_on_failure.max_elapsed_time = 0;
	g->exporter->err = TOLL_EDOWN;
	g->exporter->fail_count = 2;
	start(g);
	assert_int_equal(offer(g, sealed_from(10, 0), NULL), 0); /* waits long for its retry */
	FAKE_WAIT(g->exporter, g->exporter->seen_count == 1);
	assert_int_equal(offer(g, sealed_from(3, 10), NULL), 0); /* waits for min_size */
	drain(g, PATIENCE_NS);
	assert_int_equal(stat(g, TOLL_STAT_EXPORTER_SENT_SPANS), 13);
	assert_true(toll_clock_mono_ns() - begin < 2 * PATIENCE_NS);
}

static void what_is_left_at_the_deadline_is_counted_and_told(void **state)
{
	struct rig *g = *state;

	g->exporter->hold = true;
	start(g);
	assert_int_equal(offer(g, sealed_from(4, 0), &g->waiter.super), 0);
	FAKE_WAIT(g->exporter, g->exporter->held_count == 1);
	assert_int_equal(offer(g, sealed_from(3, 4), &g->waiter.super), 0);
	drain(g, 20 * TOLL_MS);
	assert_int_equal(stat(g, TOLL_STAT_EXPORTER_SEND_FAILED_SPANS), 7);
	assert_int_equal(g->waiter.calls, 2);
	assert_int_equal(g->waiter.err, TOLL_ESHUTDOWN);
	assert_non_null(strstr(log_text, "lost 7 spans worth $7.00: unanswered at shutdown"));
	assert_int_equal(stat(g, TOLL_STAT_EXPORTER_QUEUE_SIZE), 0);
	fake_answer(g->exporter, 0); /* too late to count, but not too late to be safe */
	assert_int_equal(stat(g, TOLL_STAT_EXPORTER_SENT_SPANS), 0);
	drain(g, 0);
}

struct late {
	struct fake_exporter *exporter;
	uint64_t at_mono_ns;
};

static void *unblock_late(void *arg)
{
	const struct late *l = arg;
	struct fake_exporter *f = l->exporter;

	while (toll_clock_mono_ns() < l->at_mono_ns)
		usleep(1000);
	pthread_mutex_lock(&f->lock);
	f->block = false;
	pthread_cond_broadcast(&f->changed);
	pthread_mutex_unlock(&f->lock);
	return NULL;
}

static void exporter_that_comes_back_late_does_no_harm(void **state)
{
	struct rig *g = *state;
	struct late late = { .exporter = g->exporter };
	uint64_t deadline;
	pthread_t thread;

	g->exporter->block = g->exporter->refuse = true;
	g->exporter->err = TOLL_EDOWN;
	g->exporter->fail_count = UINT32_MAX; /* also if this thread is slower */
	start(g);
	assert_int_equal(offer(g, sealed_from(4, 0), &g->waiter.super), 0);
	FAKE_WAIT(g->exporter, g->exporter->seen_count == 1);
	deadline = toll_clock_mono_ns() + 20 * TOLL_MS;
	late.at_mono_ns = deadline + 20 * TOLL_MS;
	pthread_create(&thread, NULL, unblock_late, &late);
	toll_runner_drain(g->runner, deadline); /* the call ends later, within the grace */
	pthread_join(thread, NULL);
	assert_false(toll_runner_stuck(g->runner));
	assert_int_equal(g->waiter.calls, 1);
	assert_int_equal(g->waiter.err, TOLL_ESHUTDOWN);
	assert_int_equal(stat(g, TOLL_STAT_EXPORTER_SEND_FAILED_SPANS), 4);
	assert_int_equal(stat(g, TOLL_STAT_EXPORTER_SENT_SPANS), 0);
}

static void unanswered_deliveries_do_not_leak(void **state)
{
	struct rig *g = *state;

	g->exporter->hold = true;
	g->exporter->set.sending_queue.batch = (struct toll_batch_settings){ true, 0, 2, 2 };
	start(g);
	assert_int_equal(offer(g, sealed_from(5, 0), &g->waiter.super), 0);
	FAKE_WAIT(g->exporter, g->exporter->held_count == 1);
	drain(g, 0);
	assert_int_equal(stat(g, TOLL_STAT_EXPORTER_SEND_FAILED_SPANS), 5);
	assert_int_equal(g->waiter.calls, 1);
}

static void never_started_gives_back_what_it_has(void **state)
{
	struct rig *g = *state;

	g->runner = toll_runner_new(&g->exporter->super, &g->exporter->set);
	assert_int_equal(offer(g, sealed_from(5, 0), &g->waiter.super), 0);
	drain(g, 0);
	assert_int_equal(g->waiter.err, TOLL_ESHUTDOWN);
}

static void ticks_also_while_busy(void **state)
{
	struct rig *g = *state;

	g->exporter->super.tick = fake_tick;
	g->exporter->super.tick_ns = TOLL_MS;
	g->exporter->hold = true;
	start(g);
	assert_int_equal(offer(g, sealed_from(5, 0), NULL), 0);
	FAKE_WAIT(g->exporter, g->exporter->ticks >= 5);
	fake_answer(g->exporter, 0);
	drain(g, PATIENCE_NS);
}

static void losing_more_than_it_was_given_is_losing_all(void **state)
{
	struct rig *g = *state;

	g->exporter->loses = 9;
	start(g);
	assert_int_equal(offer(g, sealed_from(5, 0), NULL), 0);
	drain(g, PATIENCE_NS);
	assert_int_equal(stat(g, TOLL_STAT_EXPORTER_SEND_FAILED_SPANS), 5);
	assert_int_equal(stat(g, TOLL_STAT_EXPORTER_SENT_SPANS), 0);
}

/* ---- many threads ---- */

#define PRODUCERS 3
#define EACH      400

static void *produce(void *arg)
{
	struct rig *g = arg;

	for (unsigned i = 0; i < EACH; i++) {
		struct toll_batch *b = fake_batch(1 + i % 7);

		while (toll_runner_reserve(g->runner, b))
			sched_yield();
		if (i % 5 == 0) {
			toll_runner_cancel(g->runner, b);
			while (toll_runner_reserve(g->runner, b))
				sched_yield();
		}
		toll_runner_commit(g->runner, b, &g->waiter.super);
		toll_batch_unref(b);
	}
	return NULL;
}

static atomic_bool answering;

static void *answer_some(void *arg)
{
	struct fake_exporter *f = arg;

	for (unsigned i = 0; atomic_load(&answering); i++) {
		pthread_mutex_lock(&f->lock);
		bool any = f->held_count != 0;
		pthread_mutex_unlock(&f->lock);
		if (any)
			fake_answer(f, i % 9 == 0 ? TOLL_EDOWN : 0);
		else
			sched_yield();
	}
	return NULL;
}

static void nothing_is_lost_between_many_threads(void **state)
{
	struct rig *g = *state;
	pthread_t producers[PRODUCERS], answerer;
	uint64_t expect = 0;

	for (unsigned i = 0; i < EACH; i++)
		expect += PRODUCERS * (1 + i % 7);
	g->exporter->hold = true;
	g->exporter->set.sending_queue.num_consumers = 4;
	g->exporter->set.sending_queue.queue_size = 20;
	g->exporter->set.sending_queue.batch =
		(struct toll_batch_settings){ true, TOLL_MS, 12, 12 };
	start(g);
	atomic_store(&answering, true);
	for (int i = 0; i < PRODUCERS; i++)
		pthread_create(&producers[i], NULL, produce, g);
	pthread_create(&answerer, NULL, answer_some, g->exporter);
	for (int i = 0; i < PRODUCERS; i++)
		pthread_join(producers[i], NULL);
	drain(g, PATIENCE_NS);
	atomic_store(&answering, false);
	pthread_join(answerer, NULL);
	assert_int_equal(stat(g, TOLL_STAT_EXPORTER_SENT_SPANS), expect);
	assert_int_equal(stat(g, TOLL_STAT_EXPORTER_SEND_FAILED_SPANS), 0);
	assert_int_equal(g->waiter.calls, PRODUCERS * EACH);
	assert_int_equal(stat(g, TOLL_STAT_EXPORTER_QUEUE_SIZE), 0);
	assert_int_equal(stat(g, TOLL_STAT_EXPORTER_IN_FLIGHT), 0);
}

static void what_is_done_is_not_lost_with_the_rest(void **state)
{
	struct rig *g = *state;

	g->exporter->err = TOLL_EREFUSED;
	g->exporter->fail_count = 1;
	g->exporter->does = 6;
	g->exporter->loses = 1;
	start(g);
	assert_int_equal(offer(g, sealed_from(10, 0), &g->waiter.super), 0);
	drain(g, PATIENCE_NS);
	assert_int_equal(stat(g, TOLL_STAT_EXPORTER_SENT_SPANS), 5);
	assert_int_equal(stat(g, TOLL_STAT_EXPORTER_SEND_FAILED_SPANS), 5);
	assert_int_equal(g->waiter.err, TOLL_EREFUSED);
	assert_non_null(strstr(log_text, "exporter/fake  lost 4 spans worth $4.00: refused"));
}

static void no_retry_comes_before_the_destination_wants_it(void **state)
{
	struct rig *g = *state;
	uint64_t begin = toll_clock_mono_ns();

	g->exporter->err = TOLL_EFULL;
	g->exporter->fail_count = 1;
	g->exporter->retry_after_ns = 40 * TOLL_MS;
	start(g);
	assert_int_equal(offer(g, sealed_from(4, 0), NULL), 0);
	FAKE_WAIT(g->exporter, g->exporter->spans == 4);
	assert_true(toll_clock_mono_ns() - begin >= 40 * TOLL_MS);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(deliveries_keep_the_order_of_admission),
		TEST(delivery_waits_for_min_size),
		TEST(flush_timeout_ends_the_wait),
		TEST(full_queue_does_not_wait_for_min_size),
		TEST(max_size_splits_exactly),
		TEST(retryable_errors_are_retried),
		TEST(refusal_of_the_exporter_means_the_same),
		TEST(other_errors_lose_the_spans_and_say_how_much),
		TEST(retries_end_after_max_elapsed_time),
		TEST(only_so_many_in_flight),
		TEST(full_queue_refuses_and_counts),
		TEST(disabled_queue_makes_the_client_wait),
		TEST(drain_flushes_what_waits_and_what_is_retried),
		TEST(what_is_left_at_the_deadline_is_counted_and_told),
		TEST(exporter_that_comes_back_late_does_no_harm),
		TEST(unanswered_deliveries_do_not_leak),
		TEST(never_started_gives_back_what_it_has),
		TEST(ticks_also_while_busy),
		TEST(losing_more_than_it_was_given_is_losing_all),
		TEST(what_is_done_is_not_lost_with_the_rest),
		TEST(no_retry_comes_before_the_destination_wants_it),
		TEST(nothing_is_lost_between_many_threads),
	};

	return cmocka_run_group_tests_name("runner", tests, NULL, NULL);
}

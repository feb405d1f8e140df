/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/once.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "pipeline/inlet.h"
#include "tests/support/fake_batch.h"
#include "tests/support/fake_exporter.h"
#include "tests/unit/unit.h"

enum { LEGS = 3 };

struct client {
	struct toll_ack ack;
	atomic_uint answers;
	atomic_int err;
};

static void answered(struct toll_ack *ack, int err)
{
	struct client *c = toll_container_of(ack, struct client, ack);

	atomic_store(&c->err, err);
	atomic_fetch_add(&c->answers, 1);
}

struct counter {
	struct toll_processor super;
	struct toll_stats stats;
	unsigned calls;
	int err;
};

static int count_call(struct toll_processor *p, struct toll_batch *b TOLL_UNUSED)
{
	struct counter *c = toll_container_of(p, struct counter, super);

	c->calls++;
	return c->err;
}

/* Legs 0 and 1 begin at the receiver, 2 goes on from 0; each has an exporter. */
struct rig {
	struct counter counters[LEGS];
	struct toll_stage stages[LEGS];
	struct toll_chain chains[LEGS];
	struct fake_exporter *exporters[LEGS];
	struct toll_runner *runners[LEGS];
	struct toll_repeats *spans[LEGS]; /* NULL: not known */
	struct toll_route *route;
	struct toll_inlet inlet;
};

static void drop_line(void *ctx TOLL_UNUSED, const char *line TOLL_UNUSED)
{
}

static void add_leg(struct rig *g, uint32_t i)
{
	static const char *const names[LEGS] = { "traces/a", "traces/b", "traces/c" };

	g->counters[i].super.process = count_call;
	g->stages[i] = (struct toll_stage){ &g->counters[i].super, &g->counters[i].stats };
	g->chains[i] = (struct toll_chain){
		.id = names[i], .stages = &g->stages[i], .count = 1, .repeats = toll_repeats_new(i)
	};
	toll_repeats_limit(g->chains[i].repeats, 60 * TOLL_S, 1 << 20);
	g->exporters[i] = fake_exporter_new();
	g->exporters[i]->set.sending_queue.queue_size = 2;
	g->runners[i] = toll_runner_new(&g->exporters[i]->super, &g->exporters[i]->set);
	assert_int_equal(toll_runner_start(g->runners[i]), 0);
	g->route->legs[i] = (struct toll_leg){ &g->chains[i], TOLL_LEG_ARRIVED, 0 };
	g->route->fanout.targets[i] = (struct toll_fanout_target){ .runner = g->runners[i],
		                                                   .required = true,
		                                                   .batch = i };
}

static int set_up(void **state)
{
	struct rig *g = calloc(1, sizeof(*g));

	toll_log_set_sink(drop_line, NULL);
	g->route = toll_route_new();
	for (uint32_t i = 0; i < LEGS; i++)
		add_leg(g, i);
	g->route->legs[2].from = 0;
	g->route->legs[2].salt = toll_once_salt(0, "traces/a", "forward");
	g->route->count = g->route->fanout.count = g->route->fanout.batch_count = LEGS;
	toll_inlet_init(&g->inlet);
	toll_inlet_set(&g->inlet, g->route);
	*state = g;
	return 0;
}

static int tear_down(void **state)
{
	struct rig *g = *state;

	toll_inlet_set(&g->inlet, NULL);
	for (int i = 0; i < LEGS; i++) {
		toll_runner_drain(g->runners[i], 0);
		fake_exporter_free(g->exporters[i]);
		g->runners[i] = toll_runner_free(g->runners[i]);
	}
	assert_true(toll_route_is_idle(g->route));
	g->route = toll_route_free(g->route);
	for (int i = 0; i < LEGS; i++)
		toll_repeats_free(g->chains[i].repeats);
	for (int i = 0; i < LEGS; i++)
		toll_repeats_free(g->spans[i]);
	toll_log_set_sink(NULL, NULL);
	free(g);
	return 0;
}

/* body: the same byte, the same request. */
static struct toll_batch *request(char body)
{
	struct toll_batch *b = fake_batch_from(1, 100);
	char *bytes = toll_arena_alloc(&b->arena, 100, 1);

	memset(bytes, body, 100);
	b->wire = toll_slice(bytes, 100);
	return b;
}

static void send_batch(struct rig *g, struct toll_batch *b, struct client *c)
{
	g->inlet.consumer.consume(&g->inlet.consumer, b, &c->ack);
	toll_batch_unref(b);
}

static struct client client(enum toll_ack_level level)
{
	return (struct client){ .ack = { .done = answered, .level = level, .sender = 1 } };
}

static struct client send(struct rig *g, char body)
{
	struct client c = client(TOLL_ACK_RECEIVED);

	send_batch(g, request(body), &c);
	assert_int_equal(c.answers, 1);
	return c;
}

static void wait_until_each_has(struct rig *g, uint64_t a, uint64_t b, uint64_t c)
{
	const uint64_t want[LEGS] = { a, b, c };

	for (int i = 0; i < LEGS; i++)
		EVENTUALLY(toll_stat_get(&g->exporters[i]->stats, TOLL_STAT_EXPORTER_SENT_SPANS) ==
		           want[i]);
}

/* The last of a test: what is queued is delivered first, so nothing can come later. */
static void expect_each_has(struct rig *g, uint64_t a, uint64_t b, uint64_t c)
{
	const uint64_t want[LEGS] = { a, b, c };

	for (int i = 0; i < LEGS; i++) {
		toll_runner_drain(g->runners[i], toll_clock_mono_ns() + PATIENCE_NS);
		assert_int_equal(
			toll_stat_get(&g->exporters[i]->stats, TOLL_STAT_EXPORTER_SENT_SPANS),
			want[i]);
	}
}

static void a_repeat_is_answered_ok_and_counts_once(void **state)
{
	struct rig *g = *state;

	assert_false(send(g, 'a').ack.repeated);
	wait_until_each_has(g, 1, 1, 1);
	for (int i = 0; i < 3; i++) {
		struct client c = send(g, 'a');

		assert_int_equal(c.err, 0);
		assert_true(c.ack.repeated);
	}
	assert_int_equal(g->counters[0].calls, 1);
	assert_false(send(g, 'b').ack.repeated);
	expect_each_has(g, 2, 2, 2);
}

/* The same request of somebody else, or of a receiver that does not ask. */
static void only_who_sent_it_repeats_it(void **state)
{
	struct rig *g = *state;
	struct client other = client(TOLL_ACK_RECEIVED), nobody = other;

	other.ack.sender = 7;
	nobody.ack.sender = 0;
	send(g, 'a');
	wait_until_each_has(g, 1, 1, 1);
	send_batch(g, request('a'), &other);
	assert_false(other.ack.repeated);
	wait_until_each_has(g, 2, 2, 2);
	send_batch(g, request('a'), &nobody);
	assert_false(nobody.ack.repeated);
	expect_each_has(g, 3, 3, 3);
}

static void a_copy_of_what_is_on_its_way_waits(void **state)
{
	struct rig *g = *state;
	struct client first = client(TOLL_ACK_EXPORTED), copy = first;

	g->exporters[1]->hold = true;
	send_batch(g, request('a'), &first);
	FAKE_WAIT(g->exporters[1], g->exporters[1]->held_count == 1);
	send_batch(g, request('a'), &copy);
	assert_int_equal(first.answers, 0);
	assert_int_equal(copy.answers, 0);
	assert_int_equal(g->counters[0].calls, 1);
	fake_answer(g->exporters[1], 0);
	EVENTUALLY(copy.answers == 1);
	assert_int_equal(first.answers, 1);
	assert_int_equal(copy.err, 0);
	assert_true(copy.ack.repeated);
	assert_false(first.ack.repeated);
	expect_each_has(g, 1, 1, 1);
}

static void a_copy_hears_what_the_first_one_hears(void **state)
{
	struct rig *g = *state;
	struct client first = client(TOLL_ACK_EXPORTED), copy = first;

	g->exporters[0]->hold = true;
	send_batch(g, request('a'), &first);
	FAKE_WAIT(g->exporters[0], g->exporters[0]->held_count == 1);
	send_batch(g, request('a'), &copy);
	fake_answer(g->exporters[0], TOLL_EREFUSED);
	EVENTUALLY(copy.answers == 1);
	assert_int_equal(first.err, TOLL_EREFUSED);
	assert_int_equal(copy.err, TOLL_EREFUSED);
	g->exporters[0]->hold = false;
	assert_false(send(g, 'a').ack.repeated);
}

static void what_a_processor_refuses_is_no_repeat(void **state)
{
	struct rig *g = *state;

	g->counters[1].err = TOLL_EFULL;
	assert_int_equal(send(g, 'a').err, TOLL_EFULL);
	g->counters[1].err = 0;
	assert_false(send(g, 'a').ack.repeated);
	expect_each_has(g, 1, 1, 1);
}

static void remember(struct rig *g, int leg, char body)
{
	struct toll_batch *b = request(body);
	uint64_t digest[2];

	toll_repeats_digest(g->chains[leg].repeats, b->wire, 1, g->route->legs[leg].salt, digest);
	toll_repeats_remember(g->chains[leg].repeats, digest, 0);
	toll_batch_unref(b);
}

static void a_leg_that_has_it_is_skipped(void **state)
{
	struct rig *g = *state;
	struct client c;

	remember(g, 1, 'a');
	c = send(g, 'a');
	assert_int_equal(c.err, 0);
	assert_false(c.ack.repeated);
	assert_int_equal(g->counters[1].calls, 0);
	assert_true(send(g, 'a').ack.repeated);
	expect_each_has(g, 1, 0, 1);
}

static void what_goes_on_from_a_skipped_leg_is_processed_there(void **state)
{
	struct rig *g = *state;

	remember(g, 0, 'a');
	remember(g, 1, 'a');
	assert_int_equal(send(g, 'a').err, 0);
	assert_int_equal(g->counters[0].calls, 1);
	assert_int_equal(g->counters[2].calls, 1);
	assert_true(send(g, 'a').ack.repeated);
	expect_each_has(g, 0, 0, 1);
}

/* Leg 0 has begun and must be free again for who comes later. */
static void a_part_that_somebody_else_has_is_not_waited_for(void **state)
{
	struct rig *g = *state;
	struct toll_repeat other = { .way = "another route" };
	struct toll_batch *b = request('a');

	toll_repeats_digest(g->chains[1].repeats, b->wire, 1, 0, other.digest);
	toll_batch_unref(b);
	assert_int_equal(toll_repeats_begin(g->chains[1].repeats, &other, NULL), TOLL_REPEATS_NEW);
	assert_int_equal(send(g, 'a').err, TOLL_ETOOMANY);
	toll_repeats_answer(toll_repeats_settle(g->chains[1].repeats, &other, true), 0);
	assert_int_equal(send(g, 'a').err, 0);
	expect_each_has(g, 1, 0, 1);
}

/* It will be delivered, so its copy must not be, whatever the client has heard. */
static void what_is_written_down_is_known_also_after_an_error(void **state)
{
	struct rig *g = *state;
	struct client first = client(TOLL_ACK_EXPORTED);
	struct toll_batch *b = request('a');

	memset(b->origin.epoch, 'a', 32);
	g->exporters[1]->hold = true;
	send_batch(g, b, &first);
	FAKE_WAIT(g->exporters[1], g->exporters[1]->held_count == 1);
	fake_answer(g->exporters[1], TOLL_EREFUSED);
	EVENTUALLY(first.answers == 1);
	assert_int_equal(first.err, TOLL_EREFUSED);
	g->exporters[1]->hold = false;
	assert_int_equal(send(g, 'a').err, 0);
	expect_each_has(g, 1, 1, 2);
}

/* ---- fingerprints ---- */

static struct toll_batch *request_of_spans(char body, uint8_t first, uint32_t count)
{
	struct toll_batch *b = fake_batch_from(count, 100);
	struct toll_batch *bytes = request(body);

	b->wire = toll_arena_dup(&b->arena, bytes->wire);
	toll_batch_unref(bytes);
	for (uint32_t i = 0; i < count; i++) {
		char *id = toll_arena_alloc(&b->arena, 24, 1);

		memset(id, first + (int)i, 24);
		b->spans[i].trace_id = (const uint8_t *)id;
		b->spans[i].span_id = (const uint8_t *)id + 16;
	}
	return b;
}

static void know_spans(struct rig *g)
{
	for (int i = 0; i < LEGS; i++) {
		g->spans[i] = g->chains[i].fingerprints = toll_repeats_new(9);
		toll_repeats_limit(g->spans[i], 60 * TOLL_S, 1 << 20);
	}
}

static void spans_in_another_request_count_once(void **state)
{
	struct rig *g = *state;
	struct client c = client(TOLL_ACK_RECEIVED);

	know_spans(g);
	send_batch(g, request_of_spans('a', 1, 3), &c);
	send_batch(g, request_of_spans('b', 2, 4), &c); /* 2 and 3 again, 4 and 5 */
	assert_int_equal(c.answers, 2);
	assert_int_equal(c.err, 0);
	send_batch(g, request_of_spans('c', 1, 5), &c); /* all of them again */
	expect_each_has(g, 5, 5, 5);
}

static void spans_of_a_refused_request_are_not_known(void **state)
{
	struct rig *g = *state;
	struct client c = client(TOLL_ACK_RECEIVED);

	know_spans(g);
	g->counters[2].err = TOLL_EFULL;
	send_batch(g, request_of_spans('a', 1, 3), &c);
	assert_int_equal(c.err, TOLL_EFULL);
	g->counters[2].err = 0;
	send_batch(g, request_of_spans('b', 1, 3), &c);
	expect_each_has(g, 3, 3, 3);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(a_repeat_is_answered_ok_and_counts_once),
		TEST(only_who_sent_it_repeats_it),
		TEST(a_copy_of_what_is_on_its_way_waits),
		TEST(a_copy_hears_what_the_first_one_hears),
		TEST(what_a_processor_refuses_is_no_repeat),
		TEST(a_leg_that_has_it_is_skipped),
		TEST(what_goes_on_from_a_skipped_leg_is_processed_there),
		TEST(a_part_that_somebody_else_has_is_not_waited_for),
		TEST(what_is_written_down_is_known_also_after_an_error),
		TEST(spans_in_another_request_count_once),
		TEST(spans_of_a_refused_request_are_not_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

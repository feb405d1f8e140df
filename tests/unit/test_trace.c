/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/trace.h"

#include "proto/batch.h"
#include "proto/edit.h"
#include "tests/support/fake_batch.h"
#include "tests/support/otlp.h"
#include "tests/unit/unit.h"

static char text[65536];

static const char *printed(struct toll_trace *t)
{
	FILE *out = fmemopen(text, sizeof(text), "w");

	text[0] = '\0';
	assert_int_equal(toll_trace_print(t, out), 0);
	fclose(out);
	return text;
}

static unsigned follow(struct toll_trace *t, unsigned batches)
{
	struct toll_batch *b = fake_batch_from(3, 100);
	unsigned followed = 0;

	for (unsigned i = 0; i < batches; i++) {
		struct toll_traced *d = toll_trace_begin(t, "traces", b);

		followed += d != NULL;
		toll_trace_end(t, d);
	}
	toll_batch_unref(b);
	return followed;
}

static void one_in_so_many(void **state TOLL_UNUSED)
{
	struct toll_trace *t = toll_trace_new();

	assert_int_equal(follow(t, 10), 0);
	toll_trace_watch(t, 4);
	assert_int_equal(follow(t, 12), 3);
	toll_trace_watch(t, 1);
	toll_trace_unwatch(t);
	assert_int_equal(follow(t, 5), 5);
	toll_trace_unwatch(t);
	assert_int_equal(follow(t, 5), 0);
	toll_trace_free(t);
}

static void what_a_processor_did(void **state TOLL_UNUSED)
{
	struct toll_trace *t = toll_trace_new();
	struct toll_batch *b = fake_batch_from(3, 100);
	struct toll_traced *d;

	toll_trace_watch(t, 1);
	toll_span_drop(b, &b->spans[0], TOLL_DROP_FILTERED);
	d = toll_trace_begin(t, "traces/x", b);
	b->spans[1].cost_state = TOLL_COST_PRICED;
	b->spans[1].cost_pico = 1500000000000;
	toll_traced_step(d, b, "cost", 7, 0);
	toll_span_drop(b, &b->spans[1], TOLL_DROP_FILTERED);
	toll_traced_step(d, b, "filter", 8, 0);
	toll_traced_step(d, b, "memory_limiter", 9, TOLL_EFULL);
	toll_trace_end(t, d);
	printed(t);
	assert_non_null(strstr(text, "  traces/x  "));
	assert_non_null(strstr(text,
	                       "  cost  7 ns for 3 spans\n      cost: priced, 1.5 USD\n"
	                       "  filter  8 ns for 3 spans\n      dropped\n"
	                       "  memory_limiter  9 ns for 3 spans\n      refused the batch: "));
	toll_batch_unref(b);
	toll_trace_free(t);
}

static void a_number_is_written_as_short_as_it_can_be(void **state TOLL_UNUSED)
{
	struct toll_trace *t = toll_trace_new();
	struct msg *span = span_new("op", 1, 5);
	struct toll_batch *b = batch_of_request(request_of("svc", &span, 1));
	struct toll_node *n = &b->spans[0].node;
	struct toll_traced *d;

	toll_trace_watch(t, 1);
	d = toll_trace_begin(t, "traces", b);
	assert_int_equal(toll_node_set_double(b, n, TOLL_SLICE("cost.amount"), 0.0031), 0);
	toll_traced_step(d, b, "cost", 7, 0);
	toll_trace_end(t, d);
	printed(t);
	assert_non_null(strstr(text, "cost.amount = 0.0031\n"));
	toll_batch_unref(b);
	toll_trace_free(t);
}

static void the_ring_and_a_record_have_an_end(void **state TOLL_UNUSED)
{
	struct toll_trace *t = toll_trace_new();
	struct toll_batch *b = fake_batch_from(1, 100);
	struct toll_traced *d;
	unsigned records = 0;

	toll_trace_watch(t, 1);
	follow(t, 100);
	d = toll_trace_begin(t, "last", b);
	for (int i = 0; i < 1000; i++)
		toll_traced_step(d, b, "a-processor-with-a-long-name", 1, 0);
	toll_trace_end(t, d);
	printed(t);
	assert_non_null(strstr(text, "  last  "));
	for (const char *at = text; (at = strstr(at, "\n\n")); at++)
		records++;
	assert_true(records <= 32);
	assert_true(strlen(text) < 16384);
	toll_batch_unref(b);
	toll_trace_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_in_so_many),
		cmocka_unit_test(what_a_processor_did),
		cmocka_unit_test(a_number_is_written_as_short_as_it_can_be),
		cmocka_unit_test(the_ring_and_a_record_have_an_end),
	};

	return cmocka_run_group_tests_name("trace", tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/queue.h"

#include "tests/support/fake_batch.h"
#include "tests/unit/unit.h"

static struct toll_entry *take_all(struct toll_queue *q, uint32_t max, uint32_t expect)
{
	struct toll_part part;
	struct toll_entry *e;

	assert_int_equal(toll_queue_take(q, max, &part, &e), expect);
	return e;
}

static void drop(struct toll_queue *q, struct toll_entry *e)
{
	toll_queue_answered(q, e);
	toll_batch_unref(e->batch);
	free(e);
}

static void sizer_decides_what_fits(void **state TOLL_UNUSED)
{
	static const struct {
		enum toll_sizer sizer;
		uint64_t capacity;
		unsigned fit; /* batches of 10 spans and 100 bytes */
	} cases[] = {
		{ TOLL_SIZER_REQUESTS, 3, 3 },
		{ TOLL_SIZER_ITEMS, 35, 3 },
		{ TOLL_SIZER_BYTES, 399, 3 },
	};
	struct toll_batch *b = fake_batch(10);

	for (size_t i = 0; i < TOLL_COUNT(cases); i++) {
		struct toll_queue q;

		toll_queue_init(&q, cases[i].sizer, cases[i].capacity);
		for (unsigned n = 0; n < cases[i].fit; n++)
			assert_int_equal(toll_queue_reserve(&q, b), 0);
		assert_int_equal(toll_queue_reserve(&q, b), TOLL_EFULL);
		assert_true(q.refused);
		for (unsigned n = 0; n < cases[i].fit; n++)
			toll_queue_cancel(&q, b);
		assert_int_equal(q.used, 0);
		assert_int_equal(q.bytes, 0);
		toll_queue_release(&q);
	}
	toll_batch_unref(b);
}

static void batch_larger_than_the_queue_gets_into_an_empty_one(void **state TOLL_UNUSED)
{
	struct toll_batch *big = fake_batch(10), *small = fake_batch(1);
	struct toll_queue q;

	toll_queue_init(&q, TOLL_SIZER_ITEMS, 5);
	assert_int_equal(toll_queue_reserve(&q, big), 0);
	assert_int_equal(toll_queue_reserve(&q, small), TOLL_EFULL);
	toll_queue_cancel(&q, big);
	assert_int_equal(toll_queue_reserve(&q, small), 0);
	assert_int_equal(toll_queue_reserve(&q, big), TOLL_EFULL);
	toll_queue_cancel(&q, small);
	toll_queue_release(&q);
	toll_batch_unref(big);
	toll_batch_unref(small);
}

static void room_comes_back_when_answered(void **state TOLL_UNUSED)
{
	struct toll_batch *b = fake_batch(4);
	struct toll_entry *e;
	struct toll_queue q;

	toll_queue_init(&q, TOLL_SIZER_REQUESTS, 1);
	assert_int_equal(toll_queue_reserve(&q, b), 0);
	toll_queue_commit(&q, b, NULL, 0);
	e = take_all(&q, UINT32_MAX, 4);
	assert_null(q.first);
	assert_int_equal(toll_queue_reserve(&q, b), TOLL_EFULL); /* it is in flight */
	drop(&q, e);
	assert_int_equal(q.used, 0);
	toll_queue_release(&q);
}

static void dropped_spans_are_not_counted_but_covered(void **state TOLL_UNUSED)
{
	struct toll_batch *b = fake_batch_from(6, 0);
	struct toll_entry *e;
	struct toll_part part;
	struct toll_queue q;

	toll_span_drop(b, &b->spans[0], TOLL_DROP_FILTERED);
	toll_span_drop(b, &b->spans[3], TOLL_DROP_FILTERED);
	toll_span_drop(b, &b->spans[5], TOLL_DROP_FILTERED);
	toll_batch_seal(b);
	toll_queue_init(&q, TOLL_SIZER_ITEMS, 100);
	assert_int_equal(toll_queue_reserve(&q, b), 0);
	assert_int_equal(q.used, 3);
	toll_queue_commit(&q, b, NULL, 0);
	assert_int_equal(q.waiting_spans, 3);
	assert_int_equal(toll_queue_take(&q, 2, &part, &e), 2);
	assert_int_equal(part.first, 0);
	assert_int_equal(part.count, 3);
	assert_int_equal(toll_queue_take(&q, 2, &part, &e), 1);
	assert_int_equal(part.first, 3);
	assert_int_equal(part.count, 3);
	assert_null(q.first);
	assert_int_equal(q.waiting_spans, 0);
	drop(&q, e);
	toll_queue_release(&q);
}

static void closed_queue_says_so(void **state TOLL_UNUSED)
{
	struct toll_batch *b = fake_batch(1);
	struct toll_queue q;

	toll_queue_init(&q, TOLL_SIZER_REQUESTS, 1);
	q.closed = true;
	assert_int_equal(toll_queue_reserve(&q, b), TOLL_ESHUTDOWN);
	toll_batch_unref(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sizer_decides_what_fits),
		cmocka_unit_test(batch_larger_than_the_queue_gets_into_an_empty_one),
		cmocka_unit_test(room_comes_back_when_answered),
		cmocka_unit_test(dropped_spans_are_not_counted_but_covered),
		cmocka_unit_test(closed_queue_says_so),
	};

	return cmocka_run_group_tests_name("queue", tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "exporters/kafka/delivery.h"

#include "tests/unit/unit.h"

static struct toll_kafka_record *put(struct toll_kafka_store *s, struct toll_kafka_flight *f,
                                     size_t size)
{
	struct toll_kafka_record *r = toll_kafka_store_reserve(s, size);

	assert_non_null(r);
	memset(r->payload, 'x', size);
	r->size = (uint32_t)size;
	toll_kafka_store_commit(s, r, f);
	return r;
}

static void flight_ends_with_its_last_record(void **state TOLL_UNUSED)
{
	struct toll_kafka_store s;
	struct toll_kafka_flight f = { .encoded = true };
	struct toll_kafka_record *a, *b;

	toll_kafka_store_init(&s);
	a = put(&s, &f, 100);
	b = put(&s, &f, 7);
	assert_false(toll_kafka_store_finish(&s, b));
	assert_true(toll_kafka_store_finish(&s, a));
	assert_int_equal(s.held, 0);
	toll_kafka_store_release(&s);
}

static void flight_that_is_still_encoded_does_not_end(void **state TOLL_UNUSED)
{
	struct toll_kafka_store s;
	struct toll_kafka_flight f = { 0 };

	toll_kafka_store_init(&s);
	assert_false(toll_kafka_store_finish(&s, put(&s, &f, 10)));
	toll_kafka_store_release(&s);
}

static void memory_held_follows_what_is_unanswered(void **state TOLL_UNUSED)
{
	enum { N = 1000 };
	struct toll_kafka_store s;
	struct toll_kafka_flight f = { 0 };
	struct toll_kafka_record *r[N];

	toll_kafka_store_init(&s);
	for (int i = 0; i < N; i++)
		r[i] = put(&s, &f, i == 500 ? 3 * TOLL_KAFKA_CHUNK : 300);
	assert_true(s.held >= N * 300 + 3 * TOLL_KAFKA_CHUNK);
	assert_true(s.held <= 2 * N * 300 + 4 * TOLL_KAFKA_CHUNK);
	for (int i = 0; i < N; i += 2)
		toll_kafka_store_finish(&s, r[i]);
	for (int i = 1; i < N; i += 2)
		toll_kafka_store_finish(&s, r[i]);
	assert_int_equal(s.held, 0);
	assert_int_equal(f.open, 0);
	toll_kafka_store_release(&s);
}

static void recall_finds_what_was_sent_and_nothing_else(void **state TOLL_UNUSED)
{
	enum { N = 600 };
	struct toll_kafka_store s;
	struct toll_kafka_flight f = { 0 };
	struct toll_kafka_list l = { 0 };
	struct toll_kafka_record *r[N];
	int recalled = 0;

	toll_kafka_store_init(&s);
	for (int i = 0; i < N; i++) {
		r[i] = put(&s, &f, (size_t)(1 + i * 37 % 1000));
		r[i]->seq = (uint64_t)i;
		if (i % 3)
			r[i]->state = TOLL_KAFKA_SENT;
	}
	for (int i = 2; i < N; i += 3)
		toll_kafka_store_finish(&s, r[i]);
	toll_kafka_store_recall(&s, &l);
	for (struct toll_kafka_record *x; (x = toll_kafka_list_pop(&l)); recalled++) {
		assert_int_equal(x->seq % 3, 1);
		assert_int_equal(x->state, TOLL_KAFKA_READY);
	}
	assert_int_equal(recalled, N / 3);
	toll_kafka_store_release(&s);
}

static void list_keeps_its_order(void **state TOLL_UNUSED)
{
	struct toll_kafka_record a = { 0 }, b = { 0 }, c = { 0 };
	struct toll_kafka_list l = { 0 };

	toll_kafka_list_push(&l, &b);
	toll_kafka_list_push(&l, &c);
	toll_kafka_list_push_front(&l, &a);
	assert_ptr_equal(toll_kafka_list_pop(&l), &a);
	assert_ptr_equal(toll_kafka_list_pop(&l), &b);
	assert_ptr_equal(toll_kafka_list_pop(&l), &c);
	assert_null(toll_kafka_list_pop(&l));
	toll_kafka_list_push_front(&l, &a);
	toll_kafka_list_push(&l, &b);
	assert_ptr_equal(toll_kafka_list_pop(&l), &a);
	assert_ptr_equal(toll_kafka_list_pop(&l), &b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(flight_ends_with_its_last_record),
		cmocka_unit_test(flight_that_is_still_encoded_does_not_end),
		cmocka_unit_test(memory_held_follows_what_is_unanswered),
		cmocka_unit_test(recall_finds_what_was_sent_and_nothing_else),
		cmocka_unit_test(list_keeps_its_order),
	};

	return cmocka_run_group_tests_name("kafka delivery", tests, NULL, NULL);
}

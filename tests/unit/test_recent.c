/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/recent.h"

#include "tests/support/fake_batch.h"
#include "tests/unit/unit.h"

static bool count_it(void *ctx, struct toll_batch *b TOLL_UNUSED)
{
	++*(unsigned *)ctx;
	return true;
}

static bool first_only(void *ctx, struct toll_batch *b)
{
	*(const struct toll_batch **)ctx = b;
	return false;
}

static unsigned kept(struct toll_recent *r)
{
	unsigned count = 0;

	toll_recent_each(r, count_it, &count);
	return count;
}

static void nothing_is_kept_unwatched(void **state TOLL_UNUSED)
{
	struct toll_recent *r = toll_recent_new(NULL);
	struct toll_batch *b = fake_batch_from(1, 100);

	toll_batch_seal(b);
	toll_recent_add(r, b);
	assert_int_equal(kept(r), 0);
	toll_recent_watch(r, (size_t)1 << 20);
	toll_recent_add(r, b);
	assert_int_equal(kept(r), 1);
	toll_recent_unwatch(r);
	assert_int_equal(kept(r), 0);
	assert_int_equal(b->refs, 1);
	toll_batch_unref(b);
	toll_recent_free(r);
}

/* A small budget is not used up by what is only looked at. */
static void a_small_part_of_the_budget_is_kept(void **state TOLL_UNUSED)
{
	struct toll_batch *b = fake_batch_from(1, 100);
	struct toll_memory memory = { .limit = b->arena.held * 2 * TOLL_RECENT_PART };
	struct toll_recent *r = toll_recent_new(&memory);

	toll_batch_seal(b);
	memory.limit = b->arena.held * 2 * TOLL_RECENT_PART;
	toll_recent_watch(r, SIZE_MAX);
	for (int i = 0; i < 5; i++)
		toll_recent_add(r, b);
	assert_int_equal(kept(r), 2);
	atomic_store(&memory.limit, b->arena.held * TOLL_RECENT_PART);
	toll_recent_add(r, b);
	assert_int_equal(kept(r), 1);
	toll_recent_forget(r);
	assert_int_equal(kept(r), 0);
	toll_recent_add(r, b);
	assert_int_equal(kept(r), 1);
	toll_recent_unwatch(r);
	toll_recent_free(r);
	toll_batch_unref(b);
}

static void the_oldest_go_where_bytes_are_used_up(void **state TOLL_UNUSED)
{
	struct toll_recent *r = toll_recent_new(NULL);
	struct toll_batch *old = fake_batch_from(1, 100), *new = fake_batch_from(1, 100);
	const struct toll_batch *newest = NULL;

	toll_batch_seal(old);
	toll_batch_seal(new);
	toll_recent_watch(r, old->arena.held * 2);
	toll_recent_add(r, old);
	toll_recent_add(r, new);
	assert_int_equal(kept(r), 2);
	toll_recent_each(r, first_only, &newest);
	assert_ptr_equal(newest, new);
	toll_recent_add(r, new);
	assert_int_equal(old->refs, 1);
	toll_recent_watch(r, old->arena.held - 1); /* larger than all there is room for */
	assert_int_equal(kept(r), 0);
	toll_recent_add(r, new);
	assert_int_equal(kept(r), 0);
	toll_recent_unwatch(r);
	toll_recent_free(r);
	toll_batch_unref(old);
	toll_batch_unref(new);
}

static void batches_are_bounded_in_number(void **state TOLL_UNUSED)
{
	struct toll_recent *r = toll_recent_new(NULL);
	struct toll_batch *b = fake_batch_from(1, 100);

	toll_batch_seal(b);
	toll_recent_watch(r, SIZE_MAX);
	for (unsigned i = 0; i < TOLL_RECENT_BATCHES + 5; i++)
		toll_recent_add(r, b);
	assert_int_equal(kept(r), TOLL_RECENT_BATCHES);
	toll_recent_free(r);
	assert_int_equal(b->refs, 1);
	toll_batch_unref(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_kept_unwatched),
		cmocka_unit_test(a_small_part_of_the_budget_is_kept),
		cmocka_unit_test(the_oldest_go_where_bytes_are_used_up),
		cmocka_unit_test(batches_are_bounded_in_number),
	};

	return cmocka_run_group_tests_name("recent", tests, NULL, NULL);
}

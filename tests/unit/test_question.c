/* SPDX-License-Identifier: Apache-2.0 */
/* What a request tells of itself becomes a question to the flags. */
#include "budget/question.h"

#include "base/macro.h"
#include "tests/unit/unit.h"

static bool tell(struct toll_flag_question *q, const char *name, const char *value)
{
	return toll_question_tell(q, toll_slice_str(name), toll_slice_str(value));
}

static void of_what_is_told_twice_the_first_counts(void **state TOLL_UNUSED)
{
	struct toll_flag_question q = { .count = 0 };

	assert_true(tell(&q, "service", "checkout"));
	assert_true(tell(&q, "service", "search"));
	assert_true(tell(&q, "criticality", "high"));
	assert_true(tell(&q, "criticality", "low"));
	assert_int_equal(q.count, 1);
	assert_true(toll_slice_is(q.at[0].value, "checkout"));
	assert_int_equal(q.criticality, TOLL_CRITICALITY_HIGH);
}

static void nothing_and_nonsense_tell_nothing(void **state TOLL_UNUSED)
{
	struct toll_flag_question q = { .count = 0 };

	assert_true(tell(&q, "tenant", ""));
	assert_true(tell(&q, "criticality", ""));
	assert_true(tell(&q, "criticality", "enormous"));
	assert_int_equal(q.criticality, TOLL_CRITICALITY_UNKNOWN);
	assert_true(tell(&q, "criticality", "critical"));
	assert_int_equal(q.criticality, TOLL_CRITICALITY_CRITICAL);
	assert_int_equal(q.count, 0);
	assert_false(toll_question_has(&q, TOLL_SLICE("tenant")));
}

static void more_dimensions_than_there_is_room_for_are_refused(void **state TOLL_UNUSED)
{
	static const char *const names[] = { "a", "b", "c", "d", "e", "f", "g", "h" };
	struct toll_flag_question q = { .count = 0 };

	assert_int_equal(TOLL_COUNT(names), TOLL_QUESTION_MAX);
	for (size_t i = 0; i < TOLL_COUNT(names); i++)
		assert_true(tell(&q, names[i], "1"));
	assert_false(tell(&q, "i", "1"));
	assert_true(tell(&q, "h", "2"));
	assert_true(tell(&q, "i", ""));
	assert_true(tell(&q, "criticality", "low"));
	assert_true(toll_question_has(&q, TOLL_SLICE("h")));
	assert_false(toll_question_has(&q, TOLL_SLICE("i")));
	assert_int_equal(q.count, TOLL_QUESTION_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(of_what_is_told_twice_the_first_counts),
		cmocka_unit_test(nothing_and_nonsense_tell_nothing),
		cmocka_unit_test(more_dimensions_than_there_is_room_for_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

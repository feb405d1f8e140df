/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/sampling.h"

#include "proto/trace_state.h"
#include "tests/unit/unit.h"

#define MOST 10000

static struct toll_span span_with(const char *trace_state, const uint8_t trace_id[16])
{
	return (struct toll_span){ .trace_state = toll_slice_str(trace_state),
		                   .trace_id = trace_id,
		                   .cost_pico = 7,
		                   .adjusted_count = 1 };
}

static void a_threshold_says_how_many_there_were(void **state TOLL_UNUSED)
{
	static const struct {
		const char *trace_state, *count;
		int64_t total; /* of 7 picodollars */
	} cases[] = {
		{ "", "1", 7 },
		{ "a=1", "1", 7 },
		{ "ot=th:0", "1", 7 },
		{ "ot=th:8", "2", 14 },
		{ "ot=th:c", "4", 28 },
		{ "a=1,ot=rv:ffffffffffffff;th:c", "4", 28 },
		{ "ot=th:e6666666666666", "10", 70 },          /* 10 % */
		{ "ot=th:b3333333333333", "3.333333333", 23 }, /* 30 %: 23.33 */
		{ "ot=th:55555555555555", "1.5", 10 },         /* 2/3: 10.5 and a little less */
		{ "ot=th:fff9724745", "9999.999979773", 70000 },
		{ "ot=th:x", "1", 7 }, /* malformed */
	};
	static const uint8_t id[16] = { [9] = 0xff, [10] = 0xff, [11] = 0xff, [12] = 0xff };

	for (size_t i = 0; i < TOLL_COUNT(cases); i++) {
		struct toll_span s = span_with(cases[i].trace_state, id);
		char text[TOLL_ADJUSTED_TEXT];

		assert_true(toll_span_adjust(&s, MOST));
		text[toll_span_print_adjusted(&s, text)] = '\0';
		if (strcmp(text, cases[i].count) != 0 || toll_span_total_pico(&s) != cases[i].total)
			fail_msg("%s: %s and %lld", cases[i].trace_state, text,
			         (long long)toll_span_total_pico(&s));
	}
}

static void more_than_the_most_is_refused(void **state TOLL_UNUSED)
{
	static const uint8_t id[16] = { 0 };
	struct toll_span s = span_with("ot=th:ffffffffffffff", id);

	assert_false(toll_span_adjust(&s, MOST));
	assert_int_equal(s.adjusted_count, 1);
	assert_int_equal(toll_span_total_pico(&s), 7);
	s = span_with("ot=th:c", id);
	assert_true(toll_span_adjust(&s, 4));
	assert_false(toll_span_adjust(&s, 3));
}

/* Of 30 % that are kept each stands for 3 or 4, and together they are as many as there were. */
static void counts_are_right_on_average(void **state TOLL_UNUSED)
{
	enum { TRACES = 1 << 16 };
	uint64_t sum = 0;

	for (uint64_t i = 0; i < TRACES; i++) {
		uint64_t random = i << 40; /* evenly spread 56 bits */
		uint8_t id[16] = { 0 };
		struct toll_span s = span_with("ot=th:b3333333333333", id);

		for (int byte = 15; byte >= 9; byte--, random >>= 8)
			id[byte] = (uint8_t)random;
		if (i << 40 < UINT64_C(0xb3333333333333))
			continue; /* was not kept */
		assert_true(toll_span_adjust(&s, MOST));
		assert_in_range(s.adjusted_count, 3, 4);
		sum += s.adjusted_count;
	}
	assert_in_range(sum, TRACES - 4, TRACES + 4);
}

static void amounts_of_any_size_fit(void **state TOLL_UNUSED)
{
	static const uint8_t id[16] = { 0 };
	struct toll_span s = span_with("ot=th:c", id);

	s.cost_pico = INT64_MAX;
	assert_true(toll_span_adjust(&s, MOST));
	assert_true(toll_span_total_pico(&s) == (toll_i128)INT64_MAX * 4);
	s.threshold = 0;
	s.adjusted_count = UINT32_MAX;
	assert_true(toll_span_total_pico(&s) == (toll_i128)INT64_MAX * UINT32_MAX);
}

static void a_count_tells_its_threshold(void **state TOLL_UNUSED)
{
	static const struct {
		const char *count, *threshold; /* "": none */
	} cases[] = {
		{ "1", "" },
		{ "0.5", "" },
		{ "2", "8" },
		{ "4", "c" },
		{ "3", "" }, /* no threshold makes exactly three */
		{ "1.333333333", "4" },
		{ "9999.999979773", "fff9724745" },
		{ "16777216", "ffffff" },
	};

	for (size_t i = 0; i < TOLL_COUNT(cases); i++) {
		char text[TOLL_THRESHOLD_TEXT] = "", again[TOLL_ADJUSTED_TEXT];
		struct toll_decimal d;
		toll_u128 adjusted;
		struct toll_span s = { 0 };

		assert_true(toll_decimal_read(toll_slice_str(cases[i].count), &d));
		assert_int_equal(
			toll_decimal_scale(&d, TOLL_ADJUSTED_PLACES, UINT64_MAX, &adjusted), 0);
		s.threshold = toll_threshold_of_adjusted(adjusted);
		if (s.threshold)
			toll_threshold_print(s.threshold, text);
		if (cases[i].threshold[0]) {
			toll_span_print_adjusted(&s, again);
			assert_string_equal(again, cases[i].count);
		} else {
			assert_true(s.threshold == 0);
		}
		if (strlen(cases[i].threshold) < 8)
			assert_string_equal(text, cases[i].threshold);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_threshold_says_how_many_there_were),
		cmocka_unit_test(more_than_the_most_is_refused),
		cmocka_unit_test(counts_are_right_on_average),
		cmocka_unit_test(amounts_of_any_size_fit),
		cmocka_unit_test(a_count_tells_its_threshold),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

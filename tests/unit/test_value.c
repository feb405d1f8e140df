/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <string.h>

#include "tests/unit/unit.h"
#include "transform/value.h"

static struct toll_value number(double v)
{
	return (struct toll_value){ .type = TOLL_VALUE_DOUBLE, .number = v };
}

static struct toll_value text(const char *s)
{
	return (struct toll_value){ .type = TOLL_VALUE_STRING, .bytes = toll_slice_str(s) };
}

/* As Go's encoding/json: shortest, exponents only for the very small and very large. */
static void doubles_are_written_as_go_does(void **state TOLL_UNUSED)
{
	static const struct {
		double v;
		const char *text;
	} cases[] = {
		{ 0, "0" },
		{ 1, "1" },
		{ -2.25, "-2.25" },
		{ 0.1, "0.1" },
		{ 1e6, "1000000" },
		{ 1e20, "100000000000000000000" },
		{ 1e21, "1e+21" },
		{ 123456789012345680, "123456789012345680" },
		{ 1e-6, "0.000001" },
		{ 1.5e-7, "1.5e-7" },
		{ 5e-324, "5e-324" },
		{ 1.7976931348623157e308, "1.7976931348623157e+308" },
		{ 0.30000000000000004, "0.30000000000000004" },
		{ INFINITY, "+Inf" },
	};

	for (size_t i = 0; i < TOLL_COUNT(cases); i++) {
		char buf[TOLL_VALUE_TEXT];
		struct toll_value v = number(cases[i].v);
		struct toll_slice got = toll_value_text(&v, buf);

		if (!toll_slice_is(got, cases[i].text))
			fail_msg("%.*s, not %s", TOLL_FMT(got), cases[i].text);
	}
}

static void text_becomes_a_number_or_stays(void **state TOLL_UNUSED)
{
	static const struct {
		const char *text;
		bool is_int, is_double;
	} cases[] = {
		{ "5", true, true },       { "-5", true, true },
		{ "+5", true, true },      { "5.5", false, true },
		{ "1e3", false, true },    { "", false, false },
		{ " 5", false, false },    { "5 ", false, false },
		{ "0x10", false, false },  { "inf", false, true },
		{ "NaN", false, true },    { "nan(1)", false, false },
		{ "1e999", false, false }, { "9223372036854775808", false, true },
	};

	for (size_t i = 0; i < TOLL_COUNT(cases); i++) {
		struct toll_value v = text(cases[i].text);
		int64_t n;
		double d;

		if (toll_value_to_int(&v, &n) != cases[i].is_int ||
		    toll_value_to_double(&v, &d) != cases[i].is_double)
			fail_msg("\"%s\"", cases[i].text);
	}
}

static void doubles_out_of_range_are_no_ints(void **state TOLL_UNUSED)
{
	int64_t n;

	assert_true(toll_value_to_int(
		&(struct toll_value){ .type = TOLL_VALUE_DOUBLE, .number = -1.9 }, &n));
	assert_int_equal(n, -1);
	for (int i = 0; i < 3; i++) {
		struct toll_value v = number((double[]){ 1e300, NAN, 0x1p63 }[i]);

		assert_false(toll_value_to_int(&v, &n));
	}
}

static void what_cannot_be_hashed_is_said(void **state TOLL_UNUSED)
{
	char out[TOLL_HASH_TEXT];
	struct toll_value empty = text(""), none = { .type = TOLL_VALUE_KVLIST };
	struct toll_value abc = text("abc"), truth = { .type = TOLL_VALUE_BOOL, .integer = 1 };

	assert_false(toll_value_hash(&empty, out));
	assert_false(toll_value_hash(&none, out));
	assert_true(toll_value_hash(&abc, out)); /* FIPS 180-2, appendix B.1 */
	assert_memory_equal(out, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
	                    sizeof(out));
	assert_true(toll_value_hash(&truth, out));
	assert_memory_equal(out, "4bf5122f344554c53bde2ebb8cd2b7e3d1600ad631c385a5d7cce23c7785459a",
	                    sizeof(out));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(doubles_are_written_as_go_does),
		cmocka_unit_test(text_becomes_a_number_or_stays),
		cmocka_unit_test(doubles_out_of_range_are_no_ints),
		cmocka_unit_test(what_cannot_be_hashed_is_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

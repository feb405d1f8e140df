/* SPDX-License-Identifier: Apache-2.0 */
#include "prices/date.h"

#include "tests/unit/unit.h"

static void dates_are_seconds(void **state TOLL_UNUSED)
{
	static const struct {
		const char *text;
		int64_t s;
		const char *prints;
	} cases[] = {
		{ "1970-01-01", 0, "1970-01-01" },
		{ "2026-11-20", 1795132800, "2026-11-20" },
		{ "2026-11-20T15:00:01Z", 1795186801, "2026-11-20T15:00:01Z" },
		{ "2026-11-20 15:00:01.999Z", 1795186801, "2026-11-20T15:00:01Z" },
		{ "2026-11-20T15:00:01+01:30", 1795181401, "2026-11-20T13:30:01Z" },
		{ "2026-11-19T23:00:00-01:00", 1795132800, "2026-11-20" },
		{ "2024-02-29", 1709164800, "2024-02-29" },
		{ "9999-12-31", INT64_C(253402214400), "9999-12-31" },
	};

	for (size_t i = 0; i < TOLL_COUNT(cases); i++) {
		char text[TOLL_DATE_TEXT];
		int64_t s = -1;

		assert_true(toll_date_read(toll_slice_str(cases[i].text), &s));
		assert_int_equal(s, cases[i].s);
		assert_string_equal(toll_date_print(s, text), cases[i].prints);
	}
}

static void other_texts_are_none(void **state TOLL_UNUSED)
{
	static const char *const texts[] = {
		"",
		"2026",
		"2026-11",
		"2026-13-01",
		"2026-00-10",
		"2026-02-29",
		"2026-11-31",
		"2026-11-00",
		"26-11-20",
		"1969-12-31",
		"2026-11-20x",
		"2026-11-20T",
		"2026-11-20T15:00:00",
		"2026-11-20T24:00:00Z",
		"2026-11-20T15:60:00Z",
		"2026-11-20T15:00:00Zx",
		"2026-11-20T15:00:00+1:00",
		"20261120",
		"tomorrow",
	};

	for (size_t i = 0; i < TOLL_COUNT(texts); i++) {
		int64_t s = 0;

		assert_false(toll_date_read(toll_slice_str(texts[i]), &s));
	}
	assert_false(toll_date_read(toll_slice("2026-11-20\0", 11), &(int64_t){ 0 }));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(dates_are_seconds),
		cmocka_unit_test(other_texts_are_none),
	};

	return cmocka_run_group_tests_name("date", tests, NULL, NULL);
}

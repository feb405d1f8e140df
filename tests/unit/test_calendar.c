/* SPDX-License-Identifier: Apache-2.0 */
/* Days, weeks and months of time zones. The expected times are those of Python's zoneinfo. */
#include "budget/calendar.h"

#include "base/macro.h"
#include "tests/unit/unit.h"

#define HOUR_S 3600

static struct toll_arena arena;
static struct toll_window window;

static int setup(void **state TOLL_UNUSED)
{
	toll_arena_init(&arena, (size_t)1024 * 1024);
	return 0;
}

static int teardown(void **state TOLL_UNUSED)
{
	toll_arena_release(&arena);
	return 0;
}

static int make(enum toll_budget_period period, const char *zone, uint64_t now_s)
{
	struct toll_error error;

	toll_arena_reset(&arena);
	return toll_calendar_window(period, toll_slice_str(zone), now_s * 1000, &arena, &window,
	                            &error);
}

/* The period that s is in begins and ends then. */
static void expect(uint64_t s, uint64_t begins, uint64_t ends)
{
	int64_t index = toll_window_index(&window, s * 1000);

	assert_int_equal(toll_periods_start_ms(window.periods, index), begins * 1000);
	assert_int_equal(toll_periods_start_ms(window.periods, index + 1), ends * 1000);
	assert_int_equal(toll_window_index(&window, ends * 1000 - 1), index);
	assert_int_equal(toll_window_index(&window, ends * 1000), index + 1);
	assert_int_equal(toll_window_length_ms(&window, s * 1000), (ends - begins) * 1000);
}

/* Of 2024: what is to come may be decided otherwise. */
static void days_begin_with_their_first_instant(void **state TOLL_UNUSED)
{
	static const struct {
		const char *zone;
		uint64_t begins, ends;
	} days[] = {
		{ "UTC", 1732147200, 1732233600 },
		{ "Europe/Berlin", 1711839600, 1711922400 },       /* 23 hours */
		{ "Europe/Berlin", 1729980000, 1730070000 },       /* 25 hours */
		{ "Asia/Kathmandu", 1732126500, 1732212900 },      /* +05:45 */
		{ "Asia/Kolkata", 1732127400, 1732213800 },        /* +05:30 */
		{ "Australia/Lord_Howe", 1728135000, 1728219600 }, /* half an hour less */
		{ "Africa/Cairo", 1714082400, 1714165200 },        /* has no midnight */
		{ "Asia/Beirut", 1711836000, 1711918800 },         /* neither */
		{ "America/Santiago", 1725768000, 1725850800 },    /* neither */
		{ "America/Santiago", 1712372400, 1712462400 },    /* has 23:30 twice */
		{ "America/Havana", 1730606400, 1730696400 },      /* has midnight twice */
	};

	for (size_t i = 0; i < TOLL_COUNT(days); i++) {
		assert_int_equal(make(TOLL_PERIOD_DAY, days[i].zone, 1735000000), 0);
		expect(days[i].begins, days[i].begins, days[i].ends);
		expect(days[i].ends - 1, days[i].begins, days[i].ends);
	}
}

static void weeks_begin_on_monday(void **state TOLL_UNUSED)
{
	assert_int_equal(make(TOLL_PERIOD_WEEK, "UTC", 1795219200), 0);
	expect(1795219200, 1794787200, 1794787200 + 7 * 24 * HOUR_S); /* 2026-11-16 */
	assert_string_equal(window.name, "week");
	assert_int_equal(make(TOLL_PERIOD_WEEK, "Europe/Berlin", 1795219200), 0);
	expect(1792879200, 1792360800, 1792969200); /* an hour longer */
	assert_string_equal(window.name, "week@Europe/Berlin");
}

static void months_are_as_long_as_they_are(void **state TOLL_UNUSED)
{
	assert_int_equal(make(TOLL_PERIOD_MONTH, "UTC", 1795219200), 0);
	expect(1795219200, 1793491200, 1796083200); /* November 2026 */
	expect(1798761600, 1798761600, 1801440000); /* January 2027 */
	expect(1835000000, 1832976000, 1835481600); /* February 2028, 29 days */
	assert_int_equal(toll_window_index(&window, UINT64_C(1795219200000)), 56 * 12 + 10);
	assert_int_equal(make(TOLL_PERIOD_MONTH, "Europe/Berlin", 1795219200), 0);
	expect(1792879200, 1790805600, 1793487600); /* October 2026: 31 days and an hour */
}

static void an_index_does_not_depend_on_when_it_was_worked_out(void **state TOLL_UNUSED)
{
	const uint64_t ms = UINT64_C(1795219200000);
	int64_t index;

	for (int period = TOLL_PERIOD_DAY; period <= TOLL_PERIOD_MONTH; period++) {
		assert_int_equal(make((enum toll_budget_period)period, "UTC", 1795219200), 0);
		index = toll_window_index(&window, ms);
		assert_int_equal(make((enum toll_budget_period)period, "UTC", 1800000000), 0);
		assert_int_equal(toll_window_index(&window, ms), index);
		/* Out of what was worked out it goes on evenly, both ways. */
		assert_int_equal(make((enum toll_budget_period)period, "UTC", UINT64_C(3456000000)),
		                 0);
		assert_in_range(toll_window_index(&window, ms), index - 20, index + 20);
		assert_int_equal(make((enum toll_budget_period)period, "UTC", 86400 * 1000), 0);
		assert_in_range(toll_window_index(&window, ms), index - 20, index + 20);
	}
}

static void periods_go_on_as_the_last_one_is(void **state TOLL_UNUSED)
{
	static const uint64_t starts[] = { 1000, 1100, 1300 };
	const struct toll_periods p = { 7, 3, starts };

	assert_int_equal(toll_periods_index(&p, 0), -3);
	assert_int_equal(toll_periods_index(&p, 899), 5);
	assert_int_equal(toll_periods_index(&p, 900), 6);
	assert_int_equal(toll_periods_index(&p, 999), 6);
	assert_int_equal(toll_periods_index(&p, 1099), 7);
	assert_int_equal(toll_periods_index(&p, 1299), 8);
	assert_int_equal(toll_periods_index(&p, 1300), 9);
	assert_int_equal(toll_periods_index(&p, 1500), 10);
	assert_int_equal(toll_periods_start_ms(&p, 5), 800);
	assert_int_equal(toll_periods_start_ms(&p, 9), 1300);
	assert_int_equal(toll_periods_start_ms(&p, 11), 1700);
}

static void a_zone_that_is_none_is_refused(void **state TOLL_UNUSED)
{
	static const char *const none[] = { "Europe/Nowhere", "+02:00",
		                            "/etc/localtime", "../UTC",
		                            "Europe//../x",   "EST5EDT,M3.2.0,M11.1.0",
		                            "Europe/Berlin\n" };

	for (size_t i = 0; i < TOLL_COUNT(none); i++)
		assert_int_equal(make(TOLL_PERIOD_DAY, none[i], 1795219200), TOLL_ECONFIG);
	assert_int_equal(make(TOLL_PERIOD_DAY, "", 1795219200), 0); /* UTC */
	assert_string_equal(window.name, "day");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(days_begin_with_their_first_instant),
		TEST(weeks_begin_on_monday),
		TEST(months_are_as_long_as_they_are),
		TEST(an_index_does_not_depend_on_when_it_was_worked_out),
		TEST(periods_go_on_as_the_last_one_is),
		TEST(a_zone_that_is_none_is_refused),
	};

	return cmocka_run_group_tests_name("calendar", tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "budget/calendar.h"

#include <glib.h>
#include <stdio.h>
#include <string.h>

#include "config/suggest.h"

#define DAY_S     INT64_C(86400)
#define ZONE_MAX  40 /* with "month@" the name of a window still fits */
#define ZONE_LIST "/usr/share/zoneinfo/tzdata.zi"

static const struct {
	const char *name;
	int64_t usual_days;
	uint32_t past, future; /* periods in a year and in ten, or some more */
} periods[] = {
	[TOLL_PERIOD_DAY] = { "day", 1, 400, 4000 },
	[TOLL_PERIOD_WEEK] = { "week", 7, 60, 600 },
	[TOLL_PERIOD_MONTH] = { "month", 31, 24, 150 },
};

/* ---- dates without a zone ---- */

static int64_t floor_div(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

/* Days from 1970-01-01 to the first of a month, counted from January 1970; Gregorian. */
static int64_t day_of_month(int64_t month)
{
	/* Years from March on, so that the leap day is the last one: month 0 is March of year 0. */
	int64_t m = month + (int64_t)1970 * 12 - 2, year = floor_div(m, 12);
	int64_t days = (153 * (m - year * 12) + 2) / 5;

	return 365 * year + floor_div(year, 4) - floor_div(year, 100) + floor_div(year, 400) +
	       days - 719468;
}

static int64_t month_of_day(int64_t day)
{
	int64_t month = floor_div(day, 31); /* never too far on */

	while (day_of_month(month + 1) <= day)
		month += 1 + (day - day_of_month(month + 1)) / 31;
	return month;
}

/* Local midnight, in seconds, with which the period begins; 1970-01-01 was a Thursday. */
static int64_t local_start(enum toll_budget_period period, int64_t index)
{
	switch (period) {
	case TOLL_PERIOD_WEEK:
		return (index * 7 - 3) * DAY_S;
	case TOLL_PERIOD_MONTH:
		return day_of_month(index) * DAY_S;
	default:
		return index * DAY_S;
	}
}

static int64_t local_index(enum toll_budget_period period, int64_t local_s)
{
	int64_t day = floor_div(local_s, DAY_S);

	switch (period) {
	case TOLL_PERIOD_WEEK:
		return floor_div(day + 3, 7);
	case TOLL_PERIOD_MONTH:
		return month_of_day(day);
	default:
		return day;
	}
}

/* ---- zones ---- */

static int64_t offset_at(GTimeZone *zone, int64_t unix_s)
{
	int at = g_time_zone_find_interval(zone, G_TIME_TYPE_UNIVERSAL, unix_s);

	return g_time_zone_get_offset(zone, at);
}

/* The first instant that is local_s or later there: where clocks skip it the end of the gap, where
 * it comes twice the first time. */
static uint64_t unix_ms(GTimeZone *zone, int64_t local_s)
{
	gint64 adjusted = local_s;
	int at = g_time_zone_adjust_time(zone, G_TIME_TYPE_DAYLIGHT, &adjusted);
	int64_t unix_s = adjusted - g_time_zone_get_offset(zone, at);

	return unix_s > 0 ? (uint64_t)unix_s * 1000 : 0;
}

static bool is_zone_name(struct toll_slice zone)
{
	for (size_t i = 0; i < zone.len; i++)
		if (!g_ascii_isalnum(zone.ptr[i]) && !strchr("_+-/", zone.ptr[i]))
			return false;
	return zone.len > 0 && zone.len <= ZONE_MAX && g_ascii_isalpha(zone.ptr[0]);
}

/* name lies in a line that is read over. */
static void offer(struct toll_suggest *s, const char *name, char best[128])
{
	toll_suggest_offer(s, name);
	if (s->best != name)
		return;
	snprintf(best, 128, "%s", name);
	s->best = best;
}

/* Lines "Z name ..." are zones, "L target name" links. */
static void offer_zones(struct toll_suggest *s, FILE *list, char best[128])
{
	char line[512], kind, first[128], second[128];

	while (fgets(line, sizeof(line), list)) {
		int words = sscanf(line, "%c %127s %127s", &kind, first, second);

		if (words >= 2 && kind == 'Z')
			offer(s, first, best);
		if (words == 3 && kind == 'L')
			offer(s, second, best);
	}
}

static int fail_zone(struct toll_slice zone, struct toll_error *reterr)
{
	FILE *list = fopen(ZONE_LIST, "re");
	struct toll_suggest s;
	char best[128];

	toll_suggest_init(&s, zone);
	if (list) {
		offer_zones(&s, list, best);
		fclose(list);
	}
	if (s.best)
		return toll_fail(reterr, TOLL_ECONFIG,
		                 "there is no such time zone, did you mean \"%s\"?", s.best);
	return toll_fail(reterr, TOLL_ECONFIG,
	                 "there is no such time zone: an IANA name such as Europe/Berlin");
}

static GTimeZone *open_zone(struct toll_slice name)
{
	char text[ZONE_MAX + 1];

	if (!is_zone_name(name))
		return NULL;
	snprintf(text, sizeof(text), "%.*s", TOLL_FMT(name));
	return g_time_zone_new_identifier(text);
}

/* ---- windows ---- */

static struct toll_periods *make_periods(enum toll_budget_period period, GTimeZone *zone,
                                         uint64_t now_ms, struct toll_arena *arena)
{
	int64_t now_s = (int64_t)(now_ms / 1000);
	int64_t first = local_index(period, now_s + offset_at(zone, now_s)) - periods[period].past;
	uint32_t count = periods[period].past + periods[period].future;
	struct toll_periods *p = toll_arena_new(arena, struct toll_periods, 1);
	uint64_t *starts = toll_arena_new(arena, uint64_t, count);

	if (!p || !starts)
		return NULL;
	for (uint32_t i = 0; i < count; i++)
		starts[i] = unix_ms(zone, local_start(period, first + i));
	*p = (struct toll_periods){ first, count, starts };
	return p;
}

int toll_calendar_window(enum toll_budget_period period, struct toll_slice zone, uint64_t now_ms,
                         struct toll_arena *arena, struct toll_window *ret,
                         struct toll_error *reterr)
{
	bool utc = zone.len == 0 || toll_slice_is(zone, "UTC");
	GTimeZone *tz = utc ? g_time_zone_new_utc() : open_zone(zone);
	uint64_t usual_ms = (uint64_t)(periods[period].usual_days * DAY_S) * 1000;

	if (!tz)
		return fail_zone(zone, reterr);
	*ret = (struct toll_window){ .window_ms = usual_ms, .bucket_ms = usual_ms, .buckets = 1 };
	ret->periods = make_periods(period, tz, now_ms, arena);
	g_time_zone_unref(tz);
	if (!ret->periods)
		return toll_fail(reterr, TOLL_ENOMEM, "out of memory");
	snprintf(ret->name, sizeof(ret->name), "%s%s%.*s", periods[period].name, utc ? "" : "@",
	         (int)(utc ? 0 : zone.len), zone.ptr);
	return 0;
}

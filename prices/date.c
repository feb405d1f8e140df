/* SPDX-License-Identifier: Apache-2.0 */
#include "prices/date.h"

#include <stdio.h>
#include <time.h>

enum { DAY_S = 86400 };

/* Takes exactly `digits` digits from *at; -1: there are fewer. */
static int take(const char **at, const char *end, int digits)
{
	int value = 0;

	for (; digits; digits--, ++*at) {
		if (*at >= end || **at < '0' || **at > '9')
			return -1;
		value = value * 10 + (**at - '0');
	}
	return value;
}

static bool take_char(const char **at, const char *end, const char *any_of)
{
	if (*at >= end || !**at || !strchr(any_of, **at))
		return false;
	++*at;
	return true;
}

static bool take_day(const char **at, const char *end, struct tm *tm)
{
	tm->tm_year = take(at, end, 4) - 1900;
	if (!take_char(at, end, "-"))
		return false;
	tm->tm_mon = take(at, end, 2) - 1;
	if (!take_char(at, end, "-"))
		return false;
	tm->tm_mday = take(at, end, 2);
	return tm->tm_year >= 70 && tm->tm_mon >= 0 && tm->tm_mday >= 1;
}

static bool take_clock(const char **at, const char *end, struct tm *tm)
{
	tm->tm_hour = take(at, end, 2);
	if (!take_char(at, end, ":"))
		return false;
	tm->tm_min = take(at, end, 2);
	if (!take_char(at, end, ":"))
		return false;
	tm->tm_sec = take(at, end, 2);
	if (take_char(at, end, "."))
		while (take(at, end, 1) >= 0)
			;
	return tm->tm_hour >= 0 && tm->tm_hour < 24 && tm->tm_min >= 0 && tm->tm_min < 60 &&
	       tm->tm_sec >= 0 && tm->tm_sec < 60;
}

/* "Z" or "+01:00", to the end of the text. */
static bool take_zone(const char **at, const char *end, int *ret_s)
{
	int sign = *at < end && **at == '-' ? -1 : 1, hours, minutes;

	*ret_s = 0;
	if (take_char(at, end, "Zz"))
		return *at == end;
	if (!take_char(at, end, "+-"))
		return false;
	hours = take(at, end, 2);
	if (!take_char(at, end, ":"))
		return false;
	minutes = take(at, end, 2);
	*ret_s = sign * (hours * 3600 + minutes * 60);
	return *at == end && hours >= 0 && hours < 24 && minutes >= 0 && minutes < 60;
}

bool toll_date_read(struct toll_slice text, int64_t *ret_s)
{
	const char *at = text.ptr, *end = text.ptr + text.len;
	struct tm tm = { 0 }, day;
	int zone_s = 0;
	int64_t s;

	if (!take_day(&at, end, &tm))
		return false;
	day = tm;
	if (at < end && (!take_char(&at, end, "Tt ") || !take_clock(&at, end, &tm) ||
	                 !take_zone(&at, end, &zone_s)))
		return false;
	/* February 30 becomes March: not the day that was written. */
	s = timegm(&day);
	if (day.tm_mon != tm.tm_mon || day.tm_mday != tm.tm_mday)
		return false;
	*ret_s = s + INT64_C(3600) * tm.tm_hour + INT64_C(60) * tm.tm_min + tm.tm_sec - zone_s;
	return true;
}

const char *toll_date_print(int64_t s, char buf[TOLL_DATE_TEXT])
{
	time_t when = (time_t)s;
	struct tm tm;

	if (!gmtime_r(&when, &tm))
		snprintf(buf, TOLL_DATE_TEXT, "?");
	else
		strftime(buf, TOLL_DATE_TEXT, s % DAY_S ? "%Y-%m-%dT%H:%M:%SZ" : "%Y-%m-%d", &tm);
	return buf;
}

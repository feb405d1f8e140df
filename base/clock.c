/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"

#include <stdio.h>
#include <time.h>

static uint64_t read_clock(clockid_t id)
{
	struct timespec t;

	clock_gettime(id, &t);
	return (uint64_t)t.tv_sec * TOLL_S + (uint64_t)t.tv_nsec;
}

static uint64_t system_mono(void)
{
	return read_clock(CLOCK_MONOTONIC);
}

static uint64_t system_wall(void)
{
	return read_clock(CLOCK_REALTIME);
}

static uint64_t (*mono)(void) = system_mono;
static uint64_t (*wall)(void) = system_wall;

uint64_t toll_clock_mono_ns(void)
{
	return mono();
}

uint64_t toll_clock_wall_ns(void)
{
	return wall();
}

const char *toll_clock_rfc3339(uint64_t wall_ns, int with_ms, char *buf, size_t size)
{
	time_t s = (time_t)(wall_ns / TOLL_S);
	struct tm tm;
	size_t n;

	gmtime_r(&s, &tm);
	n = strftime(buf, size, "%Y-%m-%dT%H:%M:%S", &tm);
	if (with_ms)
		snprintf(buf + n, size - n, ".%03uZ", (unsigned)(wall_ns % TOLL_S / TOLL_MS));
	else
		snprintf(buf + n, size - n, "Z");
	return buf;
}

void toll_clock_replace(uint64_t (*mono_ns)(void), uint64_t (*wall_ns)(void))
{
	mono = mono_ns ? mono_ns : system_mono;
	wall = wall_ns ? wall_ns : system_wall;
}

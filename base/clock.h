/* SPDX-License-Identifier: Apache-2.0 */
/* clock.h - monotonic and wall time in nanoseconds; a test may put its own clock behind both. */
#ifndef TOLL_BASE_CLOCK_H
#define TOLL_BASE_CLOCK_H

#include <stddef.h>
#include <stdint.h>

#define TOLL_US ((uint64_t)1000)
#define TOLL_MS ((uint64_t)1000 * 1000)
#define TOLL_S  ((uint64_t)1000 * 1000 * 1000)

uint64_t toll_clock_mono_ns(void); /* since an arbitrary start; never goes back */
uint64_t toll_clock_wall_ns(void); /* since 1970-01-01T00:00:00Z */

static inline uint64_t toll_clock_wall_ms(void)
{
	return toll_clock_wall_ns() / TOLL_MS;
}

/* "2026-11-21T10:15:00Z", "2026-11-21T10:15:00.123Z" with milliseconds. buf: at least 32 bytes. */
const char *toll_clock_rfc3339(uint64_t wall_ns, int with_ms, char *buf, size_t size);

/* Tests only, before any thread runs: NULL goes back to the system's clock. */
void toll_clock_replace(uint64_t (*mono_ns)(void), uint64_t (*wall_ns)(void));

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* clock.h - the enforcer's wall clock: the machine's and Redis's, or, in tests, a file.
 *
 * The file (test_clock of the configuration) holds 8 bytes, the milliseconds since 1970, little
 * endian, and is mapped shared: whoever writes it sets the time for all enforcers that map it.
 * Receipt of spans, windows, evaluations and the scripts inside Redis go by it; time-outs and
 * back-off do not. It must not become shorter while it is mapped. */
#ifndef TOLL_ENFORCER_CLOCK_H
#define TOLL_ENFORCER_CLOCK_H

#include "base/clock.h"
#include "base/error.h"
#include "base/slice.h"

#define TOLL_TEST_CLOCK_POLL_NS (3 * TOLL_MS) /* how soon a jump is noticed */

struct toll_test_clock; /* NULL wherever one may be given: time is real */

/* TOLL_ECONFIG with a sentence. Any thread may read it afterwards. */
int toll_test_clock_open(struct toll_slice path, struct toll_test_clock **ret,
                         struct toll_error *reterr) TOLL_MUST_CHECK;
struct toll_test_clock *toll_test_clock_close(struct toll_test_clock *c); /* always NULL */
uint64_t toll_test_clock_ms(const struct toll_test_clock *c);

static inline uint64_t toll_wall_ms_by(const struct toll_test_clock *c)
{
	return c ? toll_test_clock_ms(c) : toll_clock_wall_ms();
}

/* For ages of what is kept in windows: they shrink and grow with the windows. */
static inline uint64_t toll_age_ns_by(const struct toll_test_clock *c)
{
	return c ? toll_test_clock_ms(c) * TOLL_MS : toll_clock_mono_ns();
}

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* retry.h - how long to wait before a delivery is tried again: pure arithmetic.
 *
 * The Collector's semantics (retry_on_failure): the n-th wait is drawn evenly from current ±
 * randomization_factor; current starts at initial_interval, grows by multiplier up to max_interval;
 * nothing is tried that would begin later than max_elapsed_time after the first attempt. A
 * destination that names a time (RetryInfo, Retry-After) is not asked before it. */
#ifndef TOLL_PIPELINE_RETRY_H
#define TOLL_PIPELINE_RETRY_H

#include <stdbool.h>
#include <stdint.h>

struct toll_retry_settings;

struct toll_backoff {
	uint64_t first_ns;   /* monotonic: when the first attempt began */
	uint64_t current_ns; /* 0: no wait so far */
	uint64_t least_ns;   /* what the destination asked for this time: no wait is shorter */
};

/* After a failure at now_ns. random: [0, 1). False: give up; else *ret_ns is the wait. */
bool toll_backoff_next(struct toll_backoff *b, const struct toll_retry_settings *set,
                       uint64_t now_ns, double random, uint64_t *ret_ns);

#endif

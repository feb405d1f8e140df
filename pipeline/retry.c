/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/retry.h"

#include "pipeline/runner.h"

static uint64_t grow(uint64_t current, const struct toll_retry_settings *set)
{
	double next = (double)current * set->multiplier;

	return next >= (double)set->max_interval ? set->max_interval : (uint64_t)next;
}

bool toll_backoff_next(struct toll_backoff *b, const struct toll_retry_settings *set,
                       uint64_t now_ns, double random, uint64_t *ret_ns)
{
	uint64_t wait;
	double spread;

	if (!set->enabled)
		return false;
	b->current_ns = b->current_ns ? grow(b->current_ns, set) : set->initial_interval;
	spread = set->randomization_factor * (double)b->current_ns;
	wait = (uint64_t)((double)b->current_ns - spread + random * 2 * spread);
	if (wait < b->least_ns)
		wait = b->least_ns;
	if (set->max_elapsed_time && now_ns - b->first_ns + wait > set->max_elapsed_time)
		return false;
	*ret_ns = wait;
	return true;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* redis_health.h - what is told of Redis: one line of log per change, the component's health,
 * counters. Store's thread only. */
#ifndef TOLL_ENFORCER_REDIS_HEALTH_H
#define TOLL_ENFORCER_REDIS_HEALTH_H

#include "exporters/enforcer/counters.h"
#include "net/redis.h"
#include "pipeline/component.h"

struct toll_redis_health {
	const struct toll_component *owner;
	struct toll_counters *counters;
	bool complained;          /* about this outage */
	bool refused;             /* connected, but Redis answers publishes with errors */
	uint32_t failures;        /* in a row */
	uint32_t away;            /* nodes of a cluster, as last told */
	uint64_t lost, redirects; /* as last counted */
	char warned[240];
};

/* The connection broke, or could not be made. */
void toll_redis_health_down(struct toll_redis_health *h, const struct toll_redis *r);
void toll_redis_health_up(struct toll_redis_health *h, const struct toll_redis *r);
/* After a flush. refused: some publishes were answered with errors, of which r->why is the last.
 * True: the health of the component was set. */
bool toll_redis_health_flushed(struct toll_redis_health *h, const struct toll_redis *r,
                               bool refused);
/* Nothing is wrong with Redis: somebody else may set the health. */
bool toll_redis_health_is_good(const struct toll_redis_health *h);

#endif

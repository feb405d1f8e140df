/* SPDX-License-Identifier: Apache-2.0 */
#include "exporters/enforcer/store_redis/redis_health.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "pipeline/host.h"

#define SENTENCE 400

static void degrade(struct toll_redis_health *h, const char *why)
{
	TOLL_WARN(h->owner->who, "%s; spans flow on, totals wait", why);
	toll_host_set_health(h->owner->host, h->owner, TOLL_HEALTH_DEGRADED, why);
}

void toll_redis_health_down(struct toll_redis_health *h, const struct toll_redis *r)
{
	char why[SENTENCE], at[TOLL_ENDPOINT_MAX];

	h->failures++;
	toll_counter_add(h->counters, TOLL_COUNTER_FAILURES, 1);
	toll_counter_set(h->counters, TOLL_COUNTER_UP, 0);
	snprintf(why, sizeof(why), "redis %.60s is away: %s", toll_redis_where(r, at), r->why);
	if (h->complained) /* the log has been told; whoever asks hears the latest reason */
		toll_host_set_health(h->owner->host, h->owner, TOLL_HEALTH_DEGRADED, why);
	else
		degrade(h, why);
	h->complained = true;
}

static void tell_connected(const struct toll_redis_health *h, const struct toll_redis *r)
{
	char at[TOLL_ENDPOINT_MAX];

	toll_redis_where(r, at);
	if (r->set.mode == TOLL_REDIS_CLUSTER)
		TOLL_INFO(h->owner->who, "connected to redis cluster by %s: %u of %u nodes", at,
		          r->stats.nodes - r->stats.nodes_away, r->stats.nodes);
	else if (r->set.mode == TOLL_REDIS_SENTINEL)
		TOLL_INFO(h->owner->who, "connected to redis %s, primary of %.*s", at,
		          TOLL_FMT(r->set.master_name));
	else
		TOLL_INFO(h->owner->who, "connected to redis %s", at);
}

static void warn_once(struct toll_redis_health *h, const struct toll_redis *r)
{
	if (r->warning[0] && strcmp(r->warning, h->warned) != 0)
		TOLL_WARN(h->owner->who, "%s", r->warning);
	snprintf(h->warned, sizeof(h->warned), "%s", r->warning);
}

void toll_redis_health_up(struct toll_redis_health *h, const struct toll_redis *r)
{
	h->failures = h->away = 0;
	h->complained = h->refused = false;
	toll_counter_set(h->counters, TOLL_COUNTER_UP, 1);
	toll_host_set_health(h->owner->host, h->owner, TOLL_HEALTH_OK, "");
	tell_connected(h, r);
	warn_once(h, r);
}

static void count(struct toll_redis_health *h, const struct toll_redis *r)
{
	toll_counter_add(h->counters, TOLL_COUNTER_FAILURES, r->stats.nodes_lost - h->lost);
	toll_counter_add(h->counters, TOLL_COUNTER_REDIRECTS, r->stats.redirects - h->redirects);
	toll_counter_set(h->counters, TOLL_COUNTER_NODES_AWAY, r->stats.nodes_away);
	h->lost = r->stats.nodes_lost;
	h->redirects = r->stats.redirects;
}

bool toll_redis_health_flushed(struct toll_redis_health *h, const struct toll_redis *r,
                               bool refused)
{
	uint32_t away = r->stats.nodes_away;
	char why[SENTENCE];

	count(h, r);
	warn_once(h, r);
	if (refused == h->refused && away == h->away)
		return false;
	h->refused = refused;
	h->away = away;
	if (away) {
		snprintf(why, sizeof(why), "%u of %u nodes of the redis cluster %s away%s%s", away,
		         r->stats.nodes, away == 1 ? "is" : "are", refused ? ": " : "",
		         refused ? r->why : "");
		degrade(h, why);
	} else if (refused) {
		snprintf(why, sizeof(why), "redis refuses totals: %s", r->why);
		degrade(h, why);
	} else {
		TOLL_INFO(h->owner->who, "redis takes totals again");
		toll_host_set_health(h->owner->host, h->owner, TOLL_HEALTH_OK, "");
	}
	return true;
}

bool toll_redis_health_is_good(const struct toll_redis_health *h)
{
	return !h->complained && !h->refused && !h->away;
}

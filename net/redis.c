/* SPDX-License-Identifier: Apache-2.0 */
#include "net/redis.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "net/redis_private.h"

#define BACKOFF_STEP_NS (100 * TOLL_MS)
#define BACKOFF_MAX_NS  (3 * TOLL_S)

uint64_t toll_redis_backoff_ns(uint32_t failures)
{
	return failures < BACKOFF_MAX_NS / BACKOFF_STEP_NS ? failures * BACKOFF_STEP_NS
	                                                   : BACKOFF_MAX_NS;
}

void toll_redis_init(struct toll_redis *r, const struct toll_redis_settings *set)
{
	*r = (struct toll_redis){ .set = *set, .timeout_ns = set->timeout_ns };
	/* validate() has refused everything else. */
	if (set->endpoint_count == 0 ||
	    toll_endpoint_parse(set->endpoints[0], &r->endpoint, NULL) < 0)
		r->endpoint = (struct toll_endpoint){ "localhost", 6379 };
}

bool toll_redis_is_connected(const struct toll_redis *r)
{
	return r->core != NULL;
}

const char *toll_redis_where(const struct toll_redis *r, char buf[TOLL_ENDPOINT_MAX])
{
	return toll_endpoint_print(&r->endpoint, buf);
}

void toll_redis_limit(struct toll_redis *r, uint64_t timeout_ns)
{
	r->timeout_ns = timeout_ns;
}

/* ---- life of a connection ---- */

static struct toll_redis_core *core_new(struct toll_redis *r)
{
	struct toll_redis_core *core = calloc(1, sizeof(*core));

	if (!core)
		return NULL;
	core->r = r;
	core->order_end = &core->order;
	for (unsigned i = 0; i < TOLL_REDIS_SLOTS; i++)
		core->slots[i] = TOLL_REDIS_NO_NODE;
	return core;
}

void toll_redis_close(struct toll_redis *r)
{
	struct toll_redis_core *core = r->core;

	if (!core)
		return;
	for (unsigned i = core->node_count; i-- > 0;)
		if (core->nodes[i])
			toll_redis_node_remove(core, i);
	while (core->order) {
		struct toll_redis_request *q = core->order;

		core->order = q->next_in_order;
		toll_redis_request_free(q);
	}
	free(core);
	r->core = NULL;
	r->stats.nodes = r->stats.nodes_away = 0;
}

/* ---- connecting ---- */

/* One server: node 0 has every slot. */
static int connect_one(struct toll_redis_core *core, uint64_t deadline)
{
	unsigned index;
	struct toll_redis_node *n = toll_redis_node_at(core, &core->r->endpoint, &index);

	if (!n) {
		toll_redis_break(core, "out of memory");
		return TOLL_EDOWN;
	}
	n->mapped = true;
	toll_redis_node_open(core, n);
	while (!core->broken && !n->ready && toll_redis_pump(core, deadline) == 0)
		continue;
	if (!core->broken && !n->ready)
		toll_redis_node_fail(core, n, "timed out");
	toll_redis_cluster_count(core);
	return core->broken ? TOLL_EDOWN : 0;
}

static int connect_by_mode(struct toll_redis_core *core, uint64_t deadline)
{
	struct toll_redis *r = core->r;
	int err = 0;

	if (r->set.mode == TOLL_REDIS_CLUSTER)
		return toll_redis_cluster_connect(core, deadline);
	if (r->set.mode == TOLL_REDIS_SENTINEL)
		err = toll_redis_sentinel_find(r, deadline, &r->endpoint);
	return err ? err : connect_one(core, deadline);
}

int toll_redis_connect(struct toll_redis *r)
{
	uint64_t deadline = toll_clock_mono_ns() + r->timeout_ns;
	int err;

	toll_redis_close(r);
	r->warning[0] = '\0';
	r->core = core_new(r);
	if (!r->core) {
		snprintf(r->why, sizeof(r->why), "out of memory");
		return TOLL_EDOWN;
	}
	err = connect_by_mode(r->core, deadline);
	if (err)
		toll_redis_close(r);
	return err;
}

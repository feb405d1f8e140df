/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "net/redis_private.h"

#define PATIENCE_NS (100 * TOLL_MS) /* of a pipeline with nodes that come back */
#define MAP_REST_NS (100 * TOLL_MS) /* between two looks at the map */

static bool stands(const struct toll_redis_node *n)
{
	return n && toll_redis_connection_stands(&n->link);
}

static bool is_cluster(const struct toll_redis_core *core)
{
	return core->r->set.mode == TOLL_REDIS_CLUSTER;
}

void toll_redis_cluster_count(struct toll_redis_core *core)
{
	struct toll_redis_stats *s = &core->r->stats;

	s->nodes = s->nodes_away = 0;
	for (unsigned i = 0; i < core->node_count; i++) {
		const struct toll_redis_node *n = core->nodes[i];

		if (n && n->mapped) {
			s->nodes++;
			s->nodes_away += !n->ready;
		}
	}
}

/* ---- routing ---- */

static struct toll_redis_node *any_node(struct toll_redis_core *core)
{
	for (unsigned i = 0; i < core->node_count; i++) {
		unsigned index = (core->any + i) % core->node_count;

		if (stands(core->nodes[index]) && core->nodes[index]->ready) {
			core->any = index;
			return core->nodes[index];
		}
	}
	return NULL;
}

struct toll_redis_node *toll_redis_cluster_route(struct toll_redis_core *core, int slot,
                                                 char *ret_why, size_t size)
{
	char at[TOLL_ENDPOINT_MAX];
	struct toll_redis_node *n = NULL;

	if (slot < 0 || core->slots[slot] == TOLL_REDIS_NO_NODE) {
		n = any_node(core);
		snprintf(ret_why, size, "AWAY: no node answers");
		if (slot >= 0)
			toll_redis_cluster_doubt(core);
		return n;
	}
	n = core->nodes[core->slots[slot]];
	/* One that failed proves itself before it is trusted with commands. */
	if (stands(n) && (n->ready || n->failures == 0))
		return n;
	snprintf(ret_why, size, "AWAY %s: %s", toll_endpoint_print(&n->at, at), n->why);
	return NULL;
}

void toll_redis_cluster_moved(struct toll_redis_core *core, unsigned slot, unsigned node)
{
	if (core->slots[slot] == node)
		return;
	core->slots[slot] = (uint16_t)node;
	core->nodes[node]->mapped = true;
	core->r->stats.epoch++;
}

/* ---- the map ---- */

void toll_redis_cluster_doubt(struct toll_redis_core *core)
{
	core->map_wanted = true;
}

static void ask_map(struct toll_redis_core *core)
{
	struct toll_redis_node *n;

	if (!core->map_wanted || core->map_asked || toll_clock_mono_ns() < core->map_at)
		return;
	core->any++; /* another one than last time: it may be the one that is wrong */
	n = any_node(core);
	if (!n)
		return;
	core->map_wanted = false;
	core->map_asked = true;
	if (toll_redis_node_ask(core, n, TOLL_REDIS_MAP) < 0) {
		core->map_wanted = true;
		core->map_asked = false;
	}
}

struct fresh {
	struct toll_redis_core *core;
	uint16_t slots[TOLL_REDIS_SLOTS];
};

static void take_range(void *ctx, unsigned first, unsigned last, const struct toll_endpoint *at)
{
	struct fresh *f = ctx;
	unsigned index;
	struct toll_redis_node *n = toll_redis_node_at(f->core, at, &index);

	if (!n)
		return;
	n->mapped = true;
	for (unsigned slot = first; slot <= last; slot++)
		f->slots[slot] = (uint16_t)index;
}

static int read_map(struct toll_redis_core *core, struct toll_redis_node *n,
                    const redisReply *reply)
{
	struct fresh f TOLL_UNINITIALIZED;
	int ranges;

	f.core = core;
	for (unsigned i = 0; i < core->node_count; i++)
		if (core->nodes[i])
			core->nodes[i]->mapped = false;
	for (unsigned i = 0; i < TOLL_REDIS_SLOTS; i++)
		f.slots[i] = TOLL_REDIS_NO_NODE;
	ranges = toll_redis_slots_read(reply, &n->at, take_range, &f);
	if (ranges <= 0)
		return TOLL_EINVALID;
	if (memcmp(f.slots, core->slots, sizeof(f.slots)) != 0)
		core->r->stats.epoch++;
	memcpy(core->slots, f.slots, sizeof(f.slots));
	return 0;
}

/* Without a map, slots and nodes stay as they were. */
static void keep_old_map(struct toll_redis_core *core)
{
	for (unsigned i = 0; i < TOLL_REDIS_SLOTS; i++)
		if (core->slots[i] != TOLL_REDIS_NO_NODE)
			core->nodes[core->slots[i]]->mapped = true;
}

static bool is_complete(const struct toll_redis_core *core)
{
	for (unsigned i = 0; i < core->node_count; i++)
		if (core->nodes[i] && core->nodes[i]->mapped && core->nodes[i]->failures > 0)
			return false;
	return true;
}

void toll_redis_cluster_mapped(struct toll_redis_core *core, struct toll_redis_node *n,
                               const redisReply *reply)
{
	int err = read_map(core, n, reply);
	bool good = !err && is_complete(core);

	core->map_asked = false;
	core->map_failures = good ? 0 : core->map_failures + 1;
	core->map_at = toll_clock_mono_ns() +
	               (good ? MAP_REST_NS : toll_redis_backoff_ns(core->map_failures));
	if (!good)
		core->map_wanted = true; /* until somebody has taken over from who is away */
	if (!err) {
		core->mapped = true;
		return;
	}
	keep_old_map(core);
	if (!core->mapped)
		toll_redis_node_fail(core, n,
		                     reply->type == REDIS_REPLY_ERROR ? reply->str
		                                                      : "it knows of no slots");
}

/* ---- nodes that come and go ---- */

static void open_nodes(struct toll_redis_core *core)
{
	uint64_t now = toll_clock_mono_ns();

	for (unsigned i = 0; i < core->node_count; i++) {
		struct toll_redis_node *n = core->nodes[i];

		if (!n || !n->mapped || stands(n) || now < n->retry_at)
			continue;
		core->patient_until = now + PATIENCE_NS;
		toll_redis_node_open(core, n);
	}
}

static bool is_unsettled(const struct toll_redis_core *core)
{
	for (unsigned i = 0; i < core->node_count; i++)
		if (stands(core->nodes[i]) && !core->nodes[i]->ready)
			return true;
	return core->map_asked;
}

static void forget_nodes(struct toll_redis_core *core)
{
	for (unsigned i = core->node_count; i-- > 0;)
		if (core->nodes[i] && !core->nodes[i]->mapped && !core->nodes[i]->first)
			toll_redis_node_remove(core, i);
}

void toll_redis_cluster_tend(struct toll_redis_core *core)
{
	bool asked = core->map_asked;

	if (!is_cluster(core))
		return;
	open_nodes(core);
	ask_map(core);
	if (core->map_asked && !asked)
		core->patient_until = toll_clock_mono_ns() + PATIENCE_NS;
	while (is_unsettled(core) && toll_redis_pump(core, core->patient_until) == 0)
		continue;
	forget_nodes(core);
	toll_redis_cluster_count(core);
}

/* ---- connecting ---- */

/* Until the map is there, or this node has failed. */
static int map_from(struct toll_redis_core *core, struct toll_slice endpoint, uint64_t until)
{
	struct toll_redis_node *n;
	struct toll_endpoint at;
	unsigned index;

	core->broken = false;
	if (toll_endpoint_parse(endpoint, &at, NULL) < 0)
		return TOLL_EDOWN; /* validate() has refused it */
	core->r->endpoint = at;
	n = toll_redis_node_at(core, &at, &index);
	if (!n) {
		toll_redis_break(core, "out of memory");
		return TOLL_EDOWN;
	}
	toll_redis_node_open(core, n);
	if (stands(n) && toll_redis_node_ask(core, n, TOLL_REDIS_MAP) == 0)
		while (!core->mapped && toll_redis_pump(core, until) == 0)
			continue;
	if (!core->mapped && stands(n))
		toll_redis_node_fail(core, n, "timed out");
	return core->mapped ? 0 : TOLL_EDOWN;
}

static void end_opening(struct toll_redis_core *core)
{
	for (unsigned i = 0; i < core->node_count; i++)
		if (stands(core->nodes[i]) && !core->nodes[i]->ready)
			toll_redis_node_fail(core, core->nodes[i], "timed out");
}

int toll_redis_cluster_connect(struct toll_redis_core *core, uint64_t deadline_mono_ns)
{
	struct toll_redis *r = core->r;
	size_t count = r->set.endpoint_count;
	int err = TOLL_EDOWN;

	for (size_t i = 0; i < count && err; i++) {
		r->first = (unsigned)((r->first + (i > 0)) % count);
		err = map_from(core, r->set.endpoints[r->first],
		               toll_redis_share(deadline_mono_ns, count - i + 1));
	}
	if (err)
		return err;
	open_nodes(core);
	while (is_unsettled(core) && toll_redis_pump(core, deadline_mono_ns) == 0)
		continue;
	end_opening(core);
	forget_nodes(core);
	toll_redis_cluster_count(core);
	return core->broken ? TOLL_EDOWN : 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "net/redis_private.h"

/* ---- which there are ---- */

static struct toll_redis_node *node_new(const struct toll_endpoint *at)
{
	struct toll_redis_node *n = calloc(1, sizeof(*n));

	if (!n)
		return NULL;
	n->at = *at;
	n->end = &n->first;
	toll_redis_connection_init(&n->link);
	return n;
}

struct toll_redis_node *toll_redis_node_at(struct toll_redis_core *core,
                                           const struct toll_endpoint *at, unsigned *ret_index)
{
	unsigned free_at = core->node_count;

	for (unsigned i = 0; i < core->node_count; i++) {
		struct toll_redis_node *n = core->nodes[i];

		*ret_index = i;
		if (n && n->at.port == at->port && strcmp(n->at.host, at->host) == 0)
			return n;
		if (!n)
			free_at = i;
	}
	if (free_at == TOLL_REDIS_NODES_MAX)
		return NULL;
	core->nodes[free_at] = node_new(at);
	if (core->nodes[free_at] && free_at == core->node_count)
		core->node_count++;
	*ret_index = free_at;
	return core->nodes[free_at];
}

/* The caller's commands end with the core, not with their node. */
void toll_redis_node_remove(struct toll_redis_core *core, unsigned index)
{
	struct toll_redis_node *n = core->nodes[index];

	while (n->first) {
		struct toll_redis_request *q = n->first;

		n->first = q->next;
		if (q->purpose != TOLL_REDIS_CALLERS)
			toll_redis_request_free(q);
	}
	toll_redis_connection_close(&n->link);
	free(n);
	core->nodes[index] = NULL;
	while (core->node_count > 0 && !core->nodes[core->node_count - 1])
		core->node_count--;
}

void toll_redis_node_open(struct toll_redis_core *core, struct toll_redis_node *n)
{
	n->ready = false;
	n->signing = 0;
	n->open_until = toll_clock_mono_ns() + core->r->timeout_ns;
	if (toll_redis_connection_open(&n->link, &n->at, core->r->set.tls) < 0)
		toll_redis_node_fail(core, n, n->link.why);
	else if (toll_redis_node_sign_in(core, n) == TOLL_ENOMEM)
		toll_redis_node_fail(core, n, "out of memory");
}

/* ---- failing ---- */

static void answer_all(struct toll_redis_core *core, struct toll_redis_request *list,
                       const char *text)
{
	while (list) {
		struct toll_redis_request *q = list;

		list = q->next;
		if (q->purpose == TOLL_REDIS_MAP)
			core->map_asked = false;
		toll_redis_answer_error(q, text);
	}
}

static bool somebody_stands(const struct toll_redis_core *core)
{
	for (unsigned i = 0; i < core->node_count; i++)
		if (core->nodes[i] && toll_redis_connection_stands(&core->nodes[i]->link))
			return true;
	return false;
}

void toll_redis_node_fail(struct toll_redis_core *core, struct toll_redis_node *n, const char *why)
{
	struct toll_redis_request *list = n->first;
	char text[TOLL_ENDPOINT_MAX + 220], at[TOLL_ENDPOINT_MAX];

	if (why != n->why)
		snprintf(n->why, sizeof(n->why), "%s", why);
	n->first = NULL;
	n->end = &n->first;
	n->ready = false;
	n->failures++;
	n->retry_at = toll_clock_mono_ns() + toll_redis_backoff_ns(n->failures);
	toll_redis_connection_close(&n->link);
	snprintf(text, sizeof(text), "AWAY %s: %s", toll_endpoint_print(&n->at, at), n->why);
	answer_all(core, list, text);
	if (core->r->set.mode == TOLL_REDIS_CLUSTER) {
		core->r->stats.nodes_lost++;
		toll_redis_cluster_doubt(core);
	}
	if (!somebody_stands(core))
		toll_redis_break(core, n->why);
}

/* ---- answers ---- */

static void is_signed_in(struct toll_redis_core *core, struct toll_redis_node *n)
{
	n->ready = true;
	n->failures = 0;
	core->r->stats.epoch++;
}

static void ours_answered(struct toll_redis_core *core, struct toll_redis_node *n,
                          struct toll_redis_request *q, const redisReply *reply)
{
	bool signing = q->purpose != TOLL_REDIS_ASKING && q->purpose != TOLL_REDIS_MAP;

	if (toll_redis_node_judge(core, n, q, reply) && signing && n->signing > 0 &&
	    --n->signing == 0 && !n->ready)
		is_signed_in(core, n);
	toll_redis_request_free(q);
}

void toll_redis_node_answered(struct toll_redis_core *core, struct toll_redis_node *n,
                              redisReply *reply)
{
	struct toll_redis_request *q = n->first;

	if (!q) {
		freeReplyObject(reply);
		toll_redis_node_fail(core, n, "it answers what nobody asked");
		return;
	}
	n->first = q->next;
	if (!n->first)
		n->end = &n->first;
	if (q->purpose == TOLL_REDIS_CALLERS &&
	    (reply->type != REDIS_REPLY_ERROR || !toll_redis_follow(core, n, q, reply->str))) {
		toll_redis_answer(q, reply);
		return;
	}
	if (q->purpose != TOLL_REDIS_CALLERS)
		ours_answered(core, n, q, reply);
	freeReplyObject(reply);
}

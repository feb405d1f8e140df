/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "net/redis_private.h"

#define MOVES_MAX 5 /* a cluster that keeps pointing elsewhere is left to the caller */
#define TRIES_MAX 8 /* of TRYAGAIN, together 200 ms; slots move for longer, callers come again */
#define TRY_NS    (25 * TOLL_MS)

static bool begins(const char *text, const char *with)
{
	return strncmp(text, with, strlen(with)) == 0;
}

static struct toll_redis_node *open_node_at(struct toll_redis_core *core,
                                            const struct toll_endpoint *at, unsigned *ret_index)
{
	struct toll_redis_node *n = toll_redis_node_at(core, at, ret_index);

	if (n && !toll_redis_connection_stands(&n->link) && toll_clock_mono_ns() >= n->retry_at)
		toll_redis_node_open(core, n);
	return n && toll_redis_connection_stands(&n->link) ? n : NULL;
}

/* The slot is there for good. */
static bool follow_moved(struct toll_redis_core *core, struct toll_redis_request *q, unsigned slot,
                         const struct toll_endpoint *at)
{
	unsigned index;
	struct toll_redis_node *n = open_node_at(core, at, &index);

	toll_redis_cluster_doubt(core);
	if (!n)
		return false;
	toll_redis_cluster_moved(core, slot, index);
	toll_redis_put(core, n, q);
	return true;
}

/* This one key is there already. */
static bool follow_ask(struct toll_redis_core *core, struct toll_redis_request *q,
                       const struct toll_endpoint *at)
{
	unsigned index;
	struct toll_redis_node *n = open_node_at(core, at, &index);

	if (!n || toll_redis_node_ask(core, n, TOLL_REDIS_ASKING) < 0)
		return false;
	toll_redis_put(core, n, q);
	return true;
}

static bool follow_in_cluster(struct toll_redis_core *core, struct toll_redis_node *n,
                              struct toll_redis_request *q, const char *error)
{
	struct toll_endpoint at;
	unsigned slot = 0;
	enum toll_redis_redirect kind = toll_redis_redirect_parse(error, &n->at, &slot, &at);
	bool again = begins(error, "TRYAGAIN");

	if (begins(error, "CLUSTERDOWN") || begins(error, "READONLY"))
		toll_redis_cluster_doubt(core);
	if (!kind && !again)
		return false;
	core->r->stats.redirects++;
	if (again) {
		if (q->tries++ >= TRIES_MAX)
			return false;
		toll_redis_postpone(core, q, TRY_NS);
		return true;
	}
	if (q->moves++ >= MOVES_MAX)
		return false;
	return kind == TOLL_REDIRECT_MOVED ? follow_moved(core, q, slot, &at)
	                                   : follow_ask(core, q, &at);
}

/* Somebody else is the primary now, or this was never the way to talk to it: the whole connection
 * is of no more use. Scripts of Redis 6 wrap the error of their commands in one of their own. */
static bool is_no_primary(const char *error)
{
	return begins(error, "MASTERDOWN") || begins(error, "READONLY") ||
	       strstr(error, "-READONLY ") != NULL;
}

static bool follow_to_the_end(struct toll_redis_core *core, struct toll_redis_request *q,
                              const char *error)
{
	if (begins(error, "MOVED "))
		toll_redis_break(core, "it is a node of a cluster: set mode: cluster");
	else if (is_no_primary(error))
		toll_redis_break(core, error);
	else
		return false;
	toll_redis_answer_error(q, error);
	return true;
}

bool toll_redis_follow(struct toll_redis_core *core, struct toll_redis_node *n,
                       struct toll_redis_request *q, const char *error)
{
	if (begins(error, "NOSCRIPT") && !q->reloaded) {
		q->reloaded = true;
		if (toll_redis_node_load_scripts(core, n) < 0)
			return false;
		toll_redis_put(core, n, q);
		return true;
	}
	if (core->r->set.mode == TOLL_REDIS_CLUSTER)
		return follow_in_cluster(core, n, q, error);
	return follow_to_the_end(core, q, error);
}

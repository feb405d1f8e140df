/* SPDX-License-Identifier: Apache-2.0 */
/* redis_private.h - what redis.c and its parts share: nodes, and commands until they are answered.
 *
 * A command is on its node from being written until its answer comes (answers of a connection come
 * in the order of its commands), or waits for its time; besides, the caller's commands are in the
 * order in which the caller wants the answers. */
#ifndef TOLL_NET_REDIS_PRIVATE_H
#define TOLL_NET_REDIS_PRIVATE_H

#include "net/redis.h"
#include "net/redis_connection.h"
#include "net/redis_slots.h"

#define TOLL_REDIS_NODES_MAX 1000 /* as many as Redis Cluster is made for */
#define TOLL_REDIS_NO_NODE   UINT16_MAX

/* What an answer is to. All but the caller's are ours. */
enum toll_redis_purpose {
	TOLL_REDIS_CALLERS = 0,
	TOLL_REDIS_MUST_BE_OK, /* AUTH, SELECT: an error ends the connection */
	TOLL_REDIS_ROLE,
	TOLL_REDIS_POLICY,
	TOLL_REDIS_SCRIPT,
	TOLL_REDIS_ASKING,
	TOLL_REDIS_MAP,
};

struct toll_redis_request {
	struct toll_redis_request *next;          /* on its node, or among those that wait */
	struct toll_redis_request *next_in_order; /* the caller's */
	enum toll_redis_purpose purpose;
	unsigned script;   /* SCRIPT */
	const char *about; /* MUST_BE_OK: the command, for people */
	char *bytes;
	size_t len;
	int slot; /* -1: any node */
	uint8_t moves, tries;
	bool reloaded;       /* after NOSCRIPT */
	bool failed;         /* there will be no answer but reply, if that */
	uint64_t at_mono_ns; /* while it waits: until then */
	redisReply *reply;   /* the answer, until the caller takes it */
};

struct toll_redis_node {
	struct toll_endpoint at;
	struct toll_redis_connection link;
	struct toll_redis_request *first, **end; /* written, not answered */
	unsigned signing;                        /* answers missing until it is ready */
	bool ready;                              /* signed in */
	bool mapped;                             /* serves slots; outside a cluster always */
	uint32_t failures;                       /* in a row */
	uint64_t open_until, retry_at;           /* mono ns */
	char why[200];                           /* of the last failure */
};

struct toll_redis_core {
	struct toll_redis *r;
	bool broken;                                         /* r->why tells it: everything ends */
	struct toll_redis_node *nodes[TOLL_REDIS_NODES_MAX]; /* with holes */
	unsigned node_count;                                 /* up to the last one */
	uint16_t slots[TOLL_REDIS_SLOTS];                    /* index of the node */
	struct toll_redis_request *order, **order_end;
	struct toll_redis_request *waiting;
	bool mapped, map_wanted, map_asked;
	uint32_t map_failures;
	uint64_t map_at;        /* not before */
	uint64_t patient_until; /* so long a new pipeline waits for nodes and the map */
	unsigned any;           /* the node that was asked last where any will do */
};

/* ---- redis_pipeline.c: what is on its way ---- */

/* NULL: out of memory. bytes: malloc'ed by hiredis, taken over. */
struct toll_redis_request *toll_redis_request_new(enum toll_redis_purpose purpose, char *bytes,
                                                  int len);
struct toll_redis_request *toll_redis_request_free(struct toll_redis_request *q);
/* The request is the pipeline's from here; where it cannot go it is answered with an error. */
void toll_redis_dispatch(struct toll_redis_core *core, struct toll_redis_request *q);
void toll_redis_put(struct toll_redis_core *core, struct toll_redis_node *n,
                    struct toll_redis_request *q);
/* Ends as the answer of a caller's command, or is let go. */
void toll_redis_answer(struct toll_redis_request *q, redisReply *reply);
void toll_redis_answer_error(struct toll_redis_request *q, const char *text);
/* Comes back to toll_redis_dispatch() after a while. */
void toll_redis_postpone(struct toll_redis_core *core, struct toll_redis_request *q, uint64_t ns);
/* One round of waiting for any node and working on what it says; TOLL_ETIMEOUT at the deadline,
 * TOLL_EDOWN once the core is broken. */
int toll_redis_pump(struct toll_redis_core *core, uint64_t deadline_mono_ns) TOLL_MUST_CHECK;
/* The whole connection is over. */
void toll_redis_break(struct toll_redis_core *core, const char *why);

/* ---- redis_node.c: one server ---- */

/* The one at this address, a new one if needed; NULL: no room, or out of memory. */
struct toll_redis_node *toll_redis_node_at(struct toll_redis_core *core,
                                           const struct toll_endpoint *at, unsigned *ret_index);
/* Begins to connect and to sign in. */
void toll_redis_node_open(struct toll_redis_core *core, struct toll_redis_node *n);
/* Its commands are answered with an error; in a cluster the others go on. */
void toll_redis_node_fail(struct toll_redis_core *core, struct toll_redis_node *n, const char *why);
void toll_redis_node_remove(struct toll_redis_core *core, unsigned index);
/* The answer to the oldest command of the node. */
void toll_redis_node_answered(struct toll_redis_core *core, struct toll_redis_node *n,
                              redisReply *reply);

/* ---- redis_sign_in.c: our own commands ---- */

/* AUTH, SELECT, ROLE, INFO, SCRIPT LOAD, as the settings want it. */
int toll_redis_node_sign_in(struct toll_redis_core *core,
                            struct toll_redis_node *n) TOLL_MUST_CHECK;
/* ASKING, or CLUSTER SLOTS. */
int toll_redis_node_ask(struct toll_redis_core *core, struct toll_redis_node *n,
                        enum toll_redis_purpose purpose) TOLL_MUST_CHECK;
/* SCRIPT LOAD of all, again. */
int toll_redis_node_load_scripts(struct toll_redis_core *core,
                                 struct toll_redis_node *n) TOLL_MUST_CHECK;
/* False: the answer to a command of ours was the node's end. */
bool toll_redis_node_judge(struct toll_redis_core *core, struct toll_redis_node *n,
                           const struct toll_redis_request *q, const redisReply *reply);

/* ---- redis_follow.c: errors that mean "elsewhere", "later" or "not at all" ---- */

/* True: dealt with; false: the error is the caller's to read. */
bool toll_redis_follow(struct toll_redis_core *core, struct toll_redis_node *n,
                       struct toll_redis_request *q, const char *error);

/* ---- redis_cluster.c: which node has which slot ---- */

/* NULL: nobody, or away; *ret_why: a sentence to answer with. */
struct toll_redis_node *toll_redis_cluster_route(struct toll_redis_core *core, int slot,
                                                 char *ret_why, size_t size);
void toll_redis_cluster_moved(struct toll_redis_core *core, unsigned slot, unsigned node);
void toll_redis_cluster_mapped(struct toll_redis_core *core, struct toll_redis_node *n,
                               const redisReply *reply);
/* Another look at the map is needed, as soon as the back-off allows. */
void toll_redis_cluster_doubt(struct toll_redis_core *core);
/* Before a pipeline: nodes that are away are tried again, a map that is in doubt is asked for. */
void toll_redis_cluster_tend(struct toll_redis_core *core);
int toll_redis_cluster_connect(struct toll_redis_core *core,
                               uint64_t deadline_mono_ns) TOLL_MUST_CHECK;
void toll_redis_cluster_count(struct toll_redis_core *core); /* the nodes, into r->stats */

/* ---- redis_sentinel.c ---- */

/* The primary's address, from the first Sentinel that tells it. TOLL_EDOWN with r->why. */
int toll_redis_sentinel_find(struct toll_redis *r, uint64_t deadline_mono_ns,
                             struct toll_endpoint *ret) TOLL_MUST_CHECK;

/* An equal share of the time left for each of n attempts. */
uint64_t toll_redis_share(uint64_t deadline_mono_ns, size_t n);

#endif

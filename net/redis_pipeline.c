/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "net/redis_private.h"

/* ---- requests ---- */

struct toll_redis_request *toll_redis_request_new(enum toll_redis_purpose purpose, char *bytes,
                                                  int len)
{
	struct toll_redis_request *q = len >= 0 ? calloc(1, sizeof(*q)) : NULL;

	if (!q) {
		free(len >= 0 ? bytes : NULL);
		return NULL;
	}
	q->purpose = purpose;
	q->bytes = bytes;
	q->len = (size_t)len;
	q->slot = -1;
	return q;
}

struct toll_redis_request *toll_redis_request_free(struct toll_redis_request *q)
{
	if (!q)
		return NULL;
	if (q->reply)
		freeReplyObject(q->reply);
	free(q->bytes);
	free(q);
	return NULL;
}

void toll_redis_answer(struct toll_redis_request *q, redisReply *reply)
{
	if (q->purpose == TOLL_REDIS_CALLERS) {
		q->reply = reply;
		return;
	}
	if (reply)
		freeReplyObject(reply);
	toll_redis_request_free(q);
}

static void fail_callers(struct toll_redis_request *q, const char *text)
{
	q->reply = toll_redis_error_reply(text);
	q->failed = true; /* also where there was no memory for saying so */
}

void toll_redis_answer_error(struct toll_redis_request *q, const char *text)
{
	if (q->purpose == TOLL_REDIS_CALLERS)
		fail_callers(q, text);
	else
		toll_redis_request_free(q);
}

void toll_redis_put(struct toll_redis_core *core, struct toll_redis_node *n,
                    struct toll_redis_request *q)
{
	q->next = NULL;
	*n->end = q;
	n->end = &q->next;
	if (toll_redis_connection_put(&n->link, q->bytes, q->len) < 0)
		toll_redis_node_fail(core, n, n->link.why);
}

void toll_redis_dispatch(struct toll_redis_core *core, struct toll_redis_request *q)
{
	char why[280];
	struct toll_redis_node *n = toll_redis_cluster_route(core, q->slot, why, sizeof(why));

	if (n)
		toll_redis_put(core, n, q);
	else
		toll_redis_answer_error(q, why);
}

void toll_redis_postpone(struct toll_redis_core *core, struct toll_redis_request *q, uint64_t ns)
{
	q->at_mono_ns = toll_clock_mono_ns() + ns;
	q->next = core->waiting;
	core->waiting = q;
}

void toll_redis_break(struct toll_redis_core *core, const char *why)
{
	snprintf(core->r->why, sizeof(core->r->why), "%s", why);
	core->broken = true;
}

/* ---- waiting for nodes ---- */

static void work(struct toll_redis_core *core, struct toll_redis_node *n)
{
	int err = toll_redis_connection_step(&n->link), rc;
	redisReply *reply;

	while ((rc = toll_redis_connection_take(&n->link, &reply)) > 0)
		toll_redis_node_answered(core, n, reply);
	if (err || rc < 0)
		toll_redis_node_fail(core, n, n->link.why);
}

static void give_up_opening(struct toll_redis_core *core, uint64_t now)
{
	for (unsigned i = 0; i < core->node_count; i++) {
		struct toll_redis_node *n = core->nodes[i];

		if (n && !n->ready && toll_redis_connection_stands(&n->link) &&
		    now >= n->open_until)
			toll_redis_node_fail(core, n, "timed out");
	}
}

static void release_waiting(struct toll_redis_core *core, uint64_t now)
{
	struct toll_redis_request **at = &core->waiting, *due = NULL;

	while (*at) {
		struct toll_redis_request *q = *at;

		if (q->at_mono_ns > now) {
			at = &q->next;
			continue;
		}
		*at = q->next;
		q->next = due;
		due = q;
	}
	while (due) {
		struct toll_redis_request *q = due;

		due = q->next;
		toll_redis_dispatch(core, q);
	}
}

static uint64_t next_event(const struct toll_redis_core *core, uint64_t deadline)
{
	for (const struct toll_redis_request *q = core->waiting; q; q = q->next)
		if (q->at_mono_ns < deadline)
			deadline = q->at_mono_ns;
	for (unsigned i = 0; i < core->node_count; i++) {
		const struct toll_redis_node *n = core->nodes[i];

		if (n && !n->ready && toll_redis_connection_stands(&n->link) &&
		    n->open_until < deadline)
			deadline = n->open_until;
	}
	return deadline;
}

static unsigned gather(const struct toll_redis_core *core, struct pollfd *fds, unsigned *who,
                       bool *ret_more)
{
	unsigned count = 0;

	*ret_more = false;
	for (unsigned i = 0; i < core->node_count; i++) {
		const struct toll_redis_node *n = core->nodes[i];

		if (!n || !toll_redis_connection_stands(&n->link))
			continue;
		fds[count] = (struct pollfd){ .fd = n->link.tcp.fd,
			                      .events = toll_redis_connection_events(&n->link) };
		who[count++] = i;
		*ret_more |= n->link.more;
	}
	return count;
}

static int wait_ms(uint64_t until)
{
	uint64_t now = toll_clock_mono_ns();

	return now >= until ? 0 : (int)((until - now + TOLL_MS - 1) / TOLL_MS);
}

int toll_redis_pump(struct toll_redis_core *core, uint64_t deadline_mono_ns)
{
	struct pollfd fds[TOLL_REDIS_NODES_MAX] TOLL_UNINITIALIZED;
	unsigned who[TOLL_REDIS_NODES_MAX] TOLL_UNINITIALIZED;
	bool more;
	unsigned count = gather(core, fds, who, &more);
	int rc = poll(fds, count, more ? 0 : wait_ms(next_event(core, deadline_mono_ns)));
	uint64_t now = toll_clock_mono_ns();

	for (unsigned i = 0; i < count && rc > 0; i++) {
		struct toll_redis_node *n = core->nodes[who[i]];

		/* An earlier one's answer may have ended this one. */
		if (n && fds[i].revents && toll_redis_connection_stands(&n->link))
			work(core, n);
	}
	for (unsigned i = 0; i < count && more; i++)
		if (core->nodes[who[i]] && core->nodes[who[i]]->link.more)
			work(core, core->nodes[who[i]]);
	give_up_opening(core, now);
	release_waiting(core, now);
	if (core->broken)
		return TOLL_EDOWN;
	return now >= deadline_mono_ns ? TOLL_ETIMEOUT : 0;
}

/* ---- the caller's side ---- */

static struct toll_redis_node *holder_of(const struct toll_redis_core *core,
                                         const struct toll_redis_request *q)
{
	for (unsigned i = 0; i < core->node_count; i++)
		for (struct toll_redis_request *at = core->nodes[i] ? core->nodes[i]->first : NULL;
		     at; at = at->next)
			if (at == q)
				return core->nodes[i];
	return NULL;
}

/* It waited for its time until there was none left. */
static void stop_waiting(struct toll_redis_core *core, struct toll_redis_request *q)
{
	struct toll_redis_request **at = &core->waiting;

	while (*at && *at != q)
		at = &(*at)->next;
	if (*at)
		*at = q->next;
	fail_callers(q, "TRYAGAIN for too long");
}

static void time_out(struct toll_redis_core *core, struct toll_redis_request *q)
{
	struct toll_redis_node *n = holder_of(core, q);

	if (n)
		toll_redis_node_fail(core, n, "timed out");
	else
		stop_waiting(core, q);
}

static int end(struct toll_redis *r)
{
	toll_redis_close(r);
	return TOLL_EDOWN;
}

int toll_redis_send(struct toll_redis *r, struct toll_slice key, struct toll_command *c)
{
	struct toll_redis_core *core = r->core;
	struct toll_redis_request *q;
	char *bytes = NULL;
	int len;

	if (!core)
		return TOLL_EDOWN;
	if (!core->order)
		toll_redis_cluster_tend(core);
	if (core->broken)
		return end(r);
	len = (int)redisFormatCommandArgv(&bytes, c->count, c->args, c->lens);
	q = toll_redis_request_new(TOLL_REDIS_CALLERS, bytes, len);
	if (!q) {
		snprintf(r->why, sizeof(r->why), "out of memory");
		return end(r);
	}
	if (key.len && r->set.mode == TOLL_REDIS_CLUSTER)
		q->slot = (int)toll_redis_slot(key);
	*core->order_end = q;
	core->order_end = &q->next_in_order;
	toll_redis_dispatch(core, q);
	return core->broken ? end(r) : 0;
}

int toll_redis_receive(struct toll_redis *r, redisReply **ret)
{
	uint64_t deadline = toll_clock_mono_ns() + r->timeout_ns;
	struct toll_redis_core *core = r->core;
	struct toll_redis_request *q = core ? core->order : NULL;

	if (!q) {
		snprintf(r->why, sizeof(r->why), "an answer to nothing is awaited");
		return end(r);
	}
	while (!q->reply && !q->failed && !core->broken)
		if (toll_redis_pump(core, deadline) == TOLL_ETIMEOUT && !q->reply && !q->failed)
			time_out(core, q);
	if (core->broken || !q->reply)
		return end(r);
	*ret = q->reply;
	q->reply = NULL;
	core->order = q->next_in_order;
	if (!core->order)
		core->order_end = &core->order;
	toll_redis_request_free(q);
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "exporters/enforcer/store_redis/redis_audit.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "exporters/enforcer/store_redis/keys.h"
#include "exporters/enforcer/store_redis/state.h"

#define CHUNK 32 /* streams in one pipeline */

/* Records so far: at most twice as many as wanted, then the oldest go. */
struct record {
	uint64_t ms, order; /* of the stream's id */
	char *text;
};

struct records {
	struct record *at;
	uint32_t count, wanted;
};

static int is_later(const void *left, const void *right)
{
	const struct record *a = left, *b = right;

	if (a->ms != b->ms)
		return a->ms < b->ms ? -1 : 1;
	return (a->order > b->order) - (a->order < b->order);
}

/* Oldest first, and not more than wanted. */
static void trim(struct records *all)
{
	uint32_t extra = all->count > all->wanted ? all->count - all->wanted : 0;

	if (all->count == 0)
		return;
	qsort(all->at, all->count, sizeof(*all->at), is_later);
	for (uint32_t i = 0; i < extra; i++)
		free(all->at[i].text);
	memmove(all->at, all->at + extra, (all->count - extra) * sizeof(*all->at));
	all->count -= extra;
}

/* An entry of XREVRANGE: [id, ["event", text]]. */
static void add(struct records *all, const redisReply *entry)
{
	struct toll_slice id = toll_reply_text(entry, 0), text;
	const char *dash = id.ptr ? memchr(id.ptr, '-', id.len) : NULL;
	char *copy;

	if (!dash || entry->elements != 2)
		return;
	text = toll_reply_text(entry->element[1], 1);
	copy = text.ptr ? strndup(text.ptr, text.len) : NULL;
	if (!copy)
		return;
	if (all->count == 2 * all->wanted)
		trim(all);
	all->at[all->count++] = (struct record){
		toll_state_number(toll_slice(id.ptr, (size_t)(dash - id.ptr))),
		toll_state_number(toll_slice(dash + 1, id.len - (size_t)(dash - id.ptr) - 1)), copy
	};
}

static int ask(struct toll_decider *d, const struct records *all, const char *stream)
{
	struct toll_command *c = &d->publisher->command;
	char limit[16];

	snprintf(limit, sizeof(limit), "%" PRIu32, all->wanted);
	c->count = 0;
	toll_command_add(c, TOLL_SLICE("XREVRANGE"));
	toll_command_add(c, toll_slice_str(stream));
	toll_command_add(c, TOLL_SLICE("+"));
	toll_command_add(c, TOLL_SLICE("-"));
	toll_command_add(c, TOLL_SLICE("COUNT"));
	toll_command_add(c, toll_slice_str(limit));
	return toll_redis_send(&d->publisher->redis, toll_slice_str(stream), c);
}

static int receive(struct toll_decider *d, struct records *all)
{
	redisReply *reply;
	int err = toll_redis_receive(&d->publisher->redis, &reply);

	if (err)
		return err;
	for (size_t i = 0; reply->type == REDIS_REPLY_ARRAY && i < reply->elements; i++)
		add(all, reply->element[i]);
	freeReplyObject(reply);
	return 0;
}

static int ask_subject(struct toll_decider *d, const struct records *all, struct toll_slice subject)
{
	struct toll_flag_keys keys = { .flag = "" };

	toll_flag_keys_init(&keys, subject);
	return ask(d, all, keys.audit);
}

/* The next services that ever had a change, from *at on. */
static uint32_t take(struct toll_totals *t, uint32_t *at, struct toll_service **ret)
{
	uint32_t n = 0;

	toll_totals_lock(t);
	for (; *at < t->count && n < CHUNK; ++*at)
		if (t->services[*at]->change_seen ||
		    t->services[*at]->override != TOLL_OVERRIDE_NONE || t->services[*at]->nudged)
			ret[n++] = t->services[*at];
	toll_totals_unlock(t);
	return n;
}

static int read_all(struct toll_decider *d, struct records *all)
{
	struct toll_service *services[CHUNK];
	uint32_t at = 0, n;
	int err = ask(d, all, TOLL_KEY_KILL_AUDIT);

	if (!err)
		err = ask(d, all, TOLL_KEY_BUDGETS_AUDIT);
	for (int i = 0; i < 2 && !err; i++)
		err = receive(d, all);
	while (!err && (n = take(d->publisher->totals, &at, services)) > 0) {
		for (uint32_t i = 0; i < n && !err; i++)
			err = ask_subject(d, all, services[i]->key);
		for (uint32_t i = 0; i < n && !err; i++)
			err = receive(d, all);
	}
	return err;
}

static int read_one(struct toll_decider *d, struct records *all, const char *subject)
{
	int err = ask_subject(d, all, toll_slice_str(subject));

	return err ? err : receive(d, all);
}

int toll_redis_audit_read(struct toll_decider *d, struct toll_request *q)
{
	struct records all = { .wanted = q->limit };
	int err;

	all.at = calloc((size_t)2 * q->limit + 1, sizeof(*all.at));
	if (!all.at)
		return toll_fail(&q->error, TOLL_ENOMEM, "out of memory");
	err = q->subject[0] ? read_one(d, &all, q->subject) : read_all(d, &all);
	trim(&all);
	for (uint32_t i = 0; i < all.count; i++) {
		if (!err && toll_answer_add(&q->lines, toll_slice_str(all.at[i].text)) < 0)
			err = toll_fail(&q->error, TOLL_ENOMEM, "out of memory");
		free(all.at[i].text);
	}
	free(all.at);
	return err;
}

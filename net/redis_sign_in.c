/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/redis_private.h"

#define WORDS_MAX 8

/* ---- signing in ---- */

static int send_ours(struct toll_redis_core *core, struct toll_redis_node *n,
                     enum toll_redis_purpose purpose, unsigned script, const char *const words[])
{
	struct toll_redis_request *q;
	const char *argv[WORDS_MAX];
	char *bytes = NULL;
	int argc = 0, len;

	while (argc < WORDS_MAX && words[argc]) {
		argv[argc] = words[argc];
		argc++;
	}
	len = (int)redisFormatCommandArgv(&bytes, argc, argv, NULL);
	q = toll_redis_request_new(purpose, bytes, len);
	if (!q)
		return TOLL_ENOMEM;
	q->about = words[0];
	q->script = script;
	n->signing += purpose != TOLL_REDIS_ASKING && purpose != TOLL_REDIS_MAP;
	toll_redis_put(core, n, q);
	return toll_redis_connection_stands(&n->link) ? 0 : TOLL_EDOWN;
}

#define send_words(core, n, purpose, script, ...) \
	send_ours((core), (n), (purpose), (script), (const char *const[]){ __VA_ARGS__, NULL })

int toll_redis_node_ask(struct toll_redis_core *core, struct toll_redis_node *n,
                        enum toll_redis_purpose purpose)
{
	if (purpose == TOLL_REDIS_ASKING)
		return send_words(core, n, purpose, 0, "ASKING");
	return send_words(core, n, TOLL_REDIS_MAP, 0, "CLUSTER", "SLOTS");
}

int toll_redis_node_load_scripts(struct toll_redis_core *core, struct toll_redis_node *n)
{
	const struct toll_redis_settings *set = &core->r->set;
	int err = 0;

	for (unsigned i = 0; i < set->script_count && !err; i++)
		err = send_words(core, n, TOLL_REDIS_SCRIPT, i, "SCRIPT", "LOAD", set->scripts[i]);
	return err;
}

static int send_auth(struct toll_redis_core *core, struct toll_redis_node *n)
{
	const struct toll_redis_settings *set = &core->r->set;

	if (!set->password.len)
		return 0;
	if (!set->username.len)
		return send_words(core, n, TOLL_REDIS_MUST_BE_OK, 0, "AUTH", set->password.ptr);
	return send_words(core, n, TOLL_REDIS_MUST_BE_OK, 0, "AUTH", set->username.ptr,
	                  set->password.ptr);
}

static int send_select(struct toll_redis_core *core, struct toll_redis_node *n)
{
	char db[16];

	snprintf(db, sizeof(db), "%d", core->r->set.db);
	if (!core->r->set.db || core->r->set.mode == TOLL_REDIS_CLUSTER)
		return 0;
	return send_words(core, n, TOLL_REDIS_MUST_BE_OK, 0, "SELECT", db);
}

int toll_redis_node_sign_in(struct toll_redis_core *core, struct toll_redis_node *n)
{
	int err = send_auth(core, n);

	if (!err)
		err = send_select(core, n);
	if (!err && core->r->set.mode == TOLL_REDIS_SENTINEL)
		err = send_words(core, n, TOLL_REDIS_ROLE, 0, "ROLE");
	if (!err)
		err = send_words(core, n, TOLL_REDIS_POLICY, 0, "INFO", "memory");
	return err ? err : toll_redis_node_load_scripts(core, n);
}

/* ---- what it says to ours ---- */

static void fail_with(struct toll_redis_core *core, struct toll_redis_node *n, const char *what,
                      const redisReply *reply)
{
	char why[200];

	snprintf(why, sizeof(why), "%.20s: %.160s", what,
	         reply->type == REDIS_REPLY_ERROR ? reply->str : "no answer to that");
	toll_redis_node_fail(core, n, why);
}

static bool check_role(struct toll_redis_core *core, struct toll_redis_node *n,
                       const redisReply *reply)
{
	struct toll_slice role = toll_reply_text(reply, 0);
	char why[120];

	if (toll_slice_is(role, "master"))
		return true;
	if (!role.ptr) {
		fail_with(core, n, "ROLE", reply);
		return false;
	}
	snprintf(why, sizeof(why), "the Sentinels name it primary, but its role is %.40s",
	         role.ptr);
	toll_redis_node_fail(core, n, why);
	return false;
}

/* "\r\nname:value\r\n" in the text of INFO. */
static struct toll_slice info_value(const char *text, const char *name)
{
	const char *at = strstr(text, name);

	if (!at)
		return toll_slice(NULL, 0);
	at += strlen(name);
	return toll_slice(at, strcspn(at, "\r\n"));
}

/* A Redis that evicts our keys forgets spend; it says so itself only when it happens. */
static void check_policy(struct toll_redis_core *core, struct toll_redis_node *n,
                         const redisReply *reply)
{
	struct toll_redis *r = core->r;
	char at[TOLL_ENDPOINT_MAX];
	struct toll_slice policy;

	if (reply->type != REDIS_REPLY_STRING)
		return; /* whoever may not ask is not warned */
	policy = info_value(reply->str, "\nmaxmemory_policy:");
	if (!policy.len || toll_slice_is(policy, "noeviction") || r->warning[0])
		return;
	policy = toll_slice_cut(policy, 40);
	snprintf(r->warning, sizeof(r->warning),
	         "maxmemory-policy of %.100s is %.*s: an evicted key loses spend; set it to "
	         "noeviction",
	         toll_endpoint_print(&n->at, at), TOLL_FMT(policy));
}

static bool take_script(struct toll_redis_core *core, struct toll_redis_node *n,
                        const struct toll_redis_request *q, const redisReply *reply)
{
	if (reply->type != REDIS_REPLY_STRING || reply->len >= TOLL_SHA_TEXT) {
		fail_with(core, n, "SCRIPT LOAD", reply);
		return false;
	}
	snprintf(core->r->sha[q->script], TOLL_SHA_TEXT, "%s", reply->str);
	return true;
}

bool toll_redis_node_judge(struct toll_redis_core *core, struct toll_redis_node *n,
                           const struct toll_redis_request *q, const redisReply *reply)
{
	switch (q->purpose) {
	case TOLL_REDIS_MUST_BE_OK:
		if (reply->type == REDIS_REPLY_ERROR) {
			fail_with(core, n, q->about, reply);
			return false;
		}
		return true;
	case TOLL_REDIS_ROLE:
		return check_role(core, n, reply);
	case TOLL_REDIS_POLICY:
		check_policy(core, n, reply);
		return true;
	case TOLL_REDIS_SCRIPT:
		return take_script(core, n, q, reply);
	case TOLL_REDIS_MAP:
		toll_redis_cluster_mapped(core, n, reply);
		return true;
	default:
		return true;
	}
}

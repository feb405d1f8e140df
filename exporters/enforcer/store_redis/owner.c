/* SPDX-License-Identifier: Apache-2.0 */
#include "exporters/enforcer/store_redis/owner.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/clock.h"
#include "exporters/enforcer/store_redis/keys.h"
#include "exporters/enforcer/store_redis/scripts.h"

#define LIFE_MIN_S     UINT64_C(60)
#define LIFE_INTERVALS 3

uint64_t toll_claim_life_s(uint64_t interval_ns)
{
	uint64_t life = (LIFE_INTERVALS * interval_ns + TOLL_S - 1) / TOLL_S;

	return life > LIFE_MIN_S ? life : LIFE_MIN_S;
}

static int ask(const struct toll_claim *c, struct toll_publisher *p, uint64_t interval_ns,
               redisReply **ret)
{
	char life[24];
	int err;

	snprintf(life, sizeof(life), "%" PRIu64, toll_claim_life_s(interval_ns));
	toll_command_script(&p->command, &p->redis, TOLL_SCRIPT_OWNER, "1");
	toll_command_add(&p->command, TOLL_SLICE(TOLL_KEY_OWNER));
	toll_command_add(&p->command, toll_slice_str(c->ours));
	toll_command_add(&p->command, toll_slice_str(life));
	err = toll_redis_send(&p->redis, TOLL_SLICE(TOLL_KEY_OWNER), &p->command);
	return err ? err : toll_redis_receive(&p->redis, ret);
}

static void note(struct toll_claim *c, struct toll_slice owner)
{
	c->why[0] = '\0';
	c->state = TOLL_CLAIM_OURS;
	if (toll_slice_is(owner, c->ours))
		return;
	c->state = TOLL_CLAIM_THEIRS;
	snprintf(c->why, sizeof(c->why),
	         "the sums in redis belong to %.*s (" TOLL_KEY_OWNER "), and %.120s would count "
	         "the same spans twice: nothing is published",
	         owner.len > 120 ? 120 : (int)owner.len, owner.ptr, c->ours);
}

int toll_claim_make(struct toll_claim *c, struct toll_publisher *p, uint64_t interval_ns)
{
	redisReply *reply;
	int err = ask(c, p, interval_ns, &reply);

	if (err)
		return err;
	if (toll_redis_is_error(&p->redis, reply) || reply->type != REDIS_REPLY_STRING)
		toll_counter_add(p->counters, TOLL_COUNTER_PUBLISH_ERRORS, 1);
	else
		note(c, toll_slice(reply->str, reply->len));
	toll_counter_set(p->counters, TOLL_COUNTER_DISOWNED, c->state == TOLL_CLAIM_THEIRS);
	freeReplyObject(reply);
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* state.h - what {F}:d, the state of one service's decisions, says. */
#ifndef TOLL_ENFORCER_STATE_H
#define TOLL_ENFORCER_STATE_H

#include "budget/slot.h"
#include "net/redis.h"

struct toll_state {
	struct toll_slots slots;
	char version[24];
	bool applied, shadow;
	uint64_t change_id;
	struct toll_slice by, what, note; /* of the last change; lie in the answer */
	uint32_t unreadable;              /* budget fields that made no sense */
};

/* The answer of HGETALL. An empty one is a state as well: nothing was decided yet. */
void toll_state_read(const redisReply *reply, struct toll_state *ret);

/* A change id or version as a number; 0 when it is none. */
uint64_t toll_state_number(struct toll_slice text);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* state.h - what {F}:d, the state of one service's decisions, says. */
#ifndef TOLL_ENFORCER_STATE_H
#define TOLL_ENFORCER_STATE_H

#include "budget/control.h"
#include "budget/slot.h"
#include "net/redis.h"

struct toll_state {
	struct toll_slots slots;
	char version[24];
	bool applied, shadow, capped;
	uint64_t until_ms; /* end of the flag, the store's clock */
	enum toll_criticality criticality;
	enum toll_override override; /* read beside it */
	uint64_t change_id;
	struct toll_slice by, what, note; /* of the last change; lie in the answer */
	uint32_t unreadable;              /* budget fields that made no sense */
	redisReply *answer;               /* what the slices lie in; owned; NULL: the caller's */
};

/* The answer of HGETALL. An empty one is a state as well: nothing was decided yet. */
void toll_state_read(const redisReply *reply, struct toll_state *ret);
void toll_state_release(struct toll_state *st);

/* A change id or version as a number; 0 when it is none. */
uint64_t toll_state_number(struct toll_slice text);

#endif

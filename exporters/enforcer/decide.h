/* SPDX-License-Identifier: Apache-2.0 */
/* decide.h - once per evaluation window, for every service with live spend: read the sums and the
 * state, apply the rule, commit. Store's thread only.
 *
 * No leader: the first commit of a window moves the state's version on, and the others change
 * nothing. The daemon whose commit changed a flag tells it, once. */
#ifndef TOLL_ENFORCER_DECIDE_H
#define TOLL_ENFORCER_DECIDE_H

#include "exporters/enforcer/publish.h"

/* TOLL_EDOWN: the connection broke; what was not decided is decided after it is back. */
int toll_decide_round(struct toll_publisher *p, const char *who) TOLL_MUST_CHECK;

/* One log line for a change of a flag; what: "set", "release", "restore", "shadow_set",
 * "shadow_release", or several with commas. Shared with the memory store. */
void toll_decide_tell(struct toll_counters *c, const char *who, struct toll_slice service,
                      struct toll_slice what, struct toll_slice amounts);

/* What {F}:d holds. For tests as well. */
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

#endif

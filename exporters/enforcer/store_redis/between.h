/* SPDX-License-Identifier: Apache-2.0 */
/* between.h - what the store's thread does between two rounds of decisions: it looks at the kill
 * switch, does what people ask, and follows what events tell of. */
#ifndef TOLL_ENFORCER_BETWEEN_H
#define TOLL_ENFORCER_BETWEEN_H

#include "exporters/enforcer/api/requests.h"
#include "exporters/enforcer/decision/runtime.h"
#include "exporters/enforcer/store_redis/decide.h"
#include "exporters/enforcer/store_redis/follow.h"

struct toll_between {
	struct toll_decider *decider;
	struct toll_runtime *runtime;
	struct toll_requests *requests; /* NULL: nobody can ask */
	uint64_t kill_at;               /* mono ns, when the kill switch is looked at again */
	unsigned wishes;                /* enum toll_follow_wish, done by the next run */
};

/* Whatever is due. What people have said is followed at once; the rule waits for its window.
 * TOLL_EDOWN. */
int toll_between_run(struct toll_between *b, uint64_t now_mono_ns) TOLL_MUST_CHECK;

#endif

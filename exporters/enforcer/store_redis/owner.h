/* SPDX-License-Identifier: Apache-2.0 */
/* owner.h - who may publish sums: the daemons that clients send to, or those behind a topic that
 * the first have written. Both count the same spans, so only one kind does at a time
 * (spantoll:owner, with a life that every flush renews). Store's thread only. */
#ifndef TOLL_ENFORCER_OWNER_H
#define TOLL_ENFORCER_OWNER_H

#include "exporters/enforcer/store_redis/publish.h"

enum toll_claim_state { TOLL_CLAIM_UNKNOWN = 0, TOLL_CLAIM_OURS, TOLL_CLAIM_THEIRS };

struct toll_claim {
	const char *ours; /* the source of what is counted here: pipeline/source.h; borrowed */
	enum toll_claim_state state;
	char why[400]; /* theirs: a sentence for people, else "" */
};

/* Before a flush: asks, and takes or renews what is ours. interval_ns: until the next one. An
 * answer that is an error changes nothing; it is counted as one of a publish. TOLL_EDOWN: the
 * connection broke. */
int toll_claim_make(struct toll_claim *c, struct toll_publisher *p,
                    uint64_t interval_ns) TOLL_MUST_CHECK;

/* How long an owner that nobody renews stays. */
uint64_t toll_claim_life_s(uint64_t interval_ns);

#endif

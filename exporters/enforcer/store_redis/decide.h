/* SPDX-License-Identifier: Apache-2.0 */
/* decide.h - once per evaluation window, for every service with live spend: read the sums, the
 * state and what people say about it, apply the rule, commit. Store's thread only.
 *
 * No leader: the first commit of a window moves the state's version on, and the others change
 * nothing. The daemon whose commit changed a flag tells it, once. */
#ifndef TOLL_ENFORCER_DECIDE_H
#define TOLL_ENFORCER_DECIDE_H

#include "budget/flag_board.h"
#include "budget/places.h"
#include "exporters/enforcer/config.h"
#include "exporters/enforcer/store_redis/publish.h"

struct toll_notifier;
struct toll_audit; /* exporters/enforcer/decision/audit.h */

struct toll_decider {
	struct toll_publisher *publisher;
	const char *who;                /* for log lines */
	struct toll_flag_board *board;  /* NULL: nobody in this process asks */
	struct toll_audit *audit;       /* NULL: there is no local log */
	struct toll_notifier *notifier; /* NULL: nobody is told */
	const struct toll_throttle_config *throttle;
	bool cluster;    /* keys of all subjects together are out of reach of a script */
	bool killed;     /* the kill switch: a daemon's own configuration, or ... */
	bool kill_key;   /* ... enforce:kill as last heard of */
	uint32_t capped; /* subjects that the cap holds back, after a round */
	/* Of the round that runs. */
	struct toll_contender *contenders;
	uint32_t contender_count, contender_room;
};

void toll_decider_release(struct toll_decider *d);

/* TOLL_EDOWN: the connection broke; what was not decided is decided after it is back. */
int toll_decide_round(struct toll_decider *d) TOLL_MUST_CHECK;

/* Between rounds: only those that have a flag, and those that somebody has said something about
 * (struct toll_service: nudged). */
int toll_decide_flagged(struct toll_decider *d) TOLL_MUST_CHECK;

#endif

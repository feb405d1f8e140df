/* SPDX-License-Identifier: Apache-2.0 */
/* decide_inside.h - what the files of decisions share.
 *
 * candidates.c  which services are looked at
 * survey.c      whose window is decided already
 * contend.c     who has a place under the cap
 * commit.c      a decision becomes true, or meets that of another daemon
 * show.c        what it looks like from outside: spend rows, the copy of flags
 * decide.c      rounds of all of that */
#ifndef TOLL_ENFORCER_DECIDE_INSIDE_H
#define TOLL_ENFORCER_DECIDE_INSIDE_H

#include "budget/outcome.h"
#include "exporters/enforcer/decision/describe.h"
#include "exporters/enforcer/store_redis/decide.h"
#include "exporters/enforcer/store_redis/state.h"

/* One service on its way through a pipeline. */
struct toll_case {
	struct toll_service *service;
	struct toll_publish_job peeks[TOLL_WINDOWS_MAX];
	uint32_t peek_count;
	bool asked;     /* for the state */
	bool ranked;    /* the sums are read and the place is known ... */
	bool placed;    /* ... this one */
	bool committed; /* an answer of commit.lua is to come */
	bool again;     /* what was read had moved on */
	bool missing;   /* its flag is to be set again: Redis has lost it */
	bool announced; /* a pending line is in the local audit log */
	bool relist;    /* enforce:throttled is to say ... */
	bool listed;    /* ... this of it */
	struct toll_verdict verdict;
	struct toll_outcome outcome;
	uint32_t places; /* of its kind; 0: no cap */
};

/* Marks the services that are looked at: all that can matter, or only flagged and nudged ones. */
int toll_candidates_find(struct toll_decider *d, bool flagged_only) TOLL_MUST_CHECK;
bool toll_candidate_must_be_asked(const struct toll_service *s);

/* Sends; the answers are for toll_state_receive(). */
int toll_state_ask(struct toll_decider *d, const struct toll_service *s) TOLL_MUST_CHECK;
/* *ret_known false: Redis has answered with an error. Release st in any case. */
int toll_state_receive(struct toll_decider *d, struct toll_state *st,
                       bool *ret_known) TOLL_MUST_CHECK;

/* Leaves those cases that are ours to decide or to listen to. Sums are dearer to read than states,
 * and in a fleet all but one daemon come too late. */
int toll_survey(struct toll_decider *d, struct toll_case *cases, uint32_t *n) TOLL_MUST_CHECK;

/* What holds for a service besides its verdict, given its state. */
struct toll_circumstances toll_circumstances_of(const struct toll_decider *d,
                                                const struct toll_state *st);
/* A flag that people hold is renewed once per window, though nothing is evaluated any more. */
bool toll_must_be_renewed(const struct toll_decider *d, const struct toll_outcome *o,
                          const struct toll_state *st);
/* Only a ranking can tell whether it is throttled: not one that has just been made. */
bool toll_is_contested(const struct toll_decider *d, const struct toll_verdict *v,
                       const struct toll_state *st);
void toll_contend(struct toll_decider *d, struct toll_service *s, const struct toll_verdict *v,
                  bool mine);
/* Orders all contenders of the round and gives places. */
void toll_contenders_place(struct toll_decider *d);
/* Of this service's kind, as things stand in this round; 0: no cap. */
uint32_t toll_places_for(const struct toll_decider *d, const struct toll_service *s);

/* Sends the outcome of a case that read this state. */
int toll_commit_send(struct toll_decider *d, struct toll_case *c,
                     const struct toll_state *st) TOLL_MUST_CHECK;
void toll_commit_conclude(struct toll_decider *d, struct toll_case *c, const redisReply *reply);
/* In a cluster, after they are concluded: the list of who is throttled follows. */
int toll_commit_list(struct toll_decider *d, const struct toll_case *cases,
                     uint32_t n) TOLL_MUST_CHECK;
/* Our own change whose answer was lost is told now. Every read moves change_seen on, so that only
 * what happened after we last looked counts as news. */
void toll_tell_late(struct toll_decider *d, struct toll_service *s, const struct toll_state *st);

struct toll_about toll_case_about(const struct toll_decider *d, const struct toll_service *s,
                                  const struct toll_verdict *v);
/* What spend rows, gauges and readers of the copy see: the verdict, and what holds now. */
void toll_service_show(struct toll_decider *d, struct toll_service *s, const struct toll_verdict *v,
                       const struct toll_state *st);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* kept.h - what outlives one enforcer of an id: its totals and counters go on when a reload puts
 * another one, with other budgets, in its place.
 *
 * Both fold spans into the same totals while the old one drains. Only one of them decides and
 * publishes: it has the turn, and the totals follow its rules. The next one gets the turn when the
 * old one has let go of it. */
#ifndef TOLL_ENFORCER_KEPT_H
#define TOLL_ENFORCER_KEPT_H

#include "budget/flag_board.h"
#include "exporters/enforcer/checkpoint/checkpoint.h"
#include "exporters/enforcer/config.h"
#include "exporters/enforcer/counters.h"
#include "exporters/enforcer/decision/runtime_texts.h"
#include "exporters/enforcer/store_memory/memory_words.h"
#include "exporters/enforcer/totals/totals.h"
#include "proto/wire_out.h"

#define TOLL_INSTANCE_MAX 64

struct toll_host;

/* Of all enforcers only one shows its metrics: two sets of the same families would be no valid
 * page. The first to be asked, until what it keeps is gone. */
struct toll_shown {
	const void *_Atomic kept;
};

struct toll_kept {
	bool made, begun; /* begun: somebody has had the turn */
	/* Among all enforcers of all processes; "": whoever comes first says so. */
	char instance[TOLL_INSTANCE_MAX];
	struct toll_shown *shown;       /* shared with the other enforcers */
	pthread_mutex_t lock;           /* guards holder and waiting */
	const void *holder;             /* who has the turn; NULL: nobody */
	const void *waiting;            /* who asked for it and does not have it */
	enum toll_enforcer_store store; /* of the last holder */
	struct toll_rules rules;        /* of the holder; never moves, changes with the turn */
	struct toll_totals totals;
	struct toll_counters counters;
	struct toll_flag_board board; /* the host's service "flags" */
	struct toll_memory_words
		words; /* store memory: what people have said, and what came of it */
	struct toll_runtime_texts said; /* budgets set at run time, of who has the turn */
	uint64_t seq;                   /* the last one used for a publish */
	int64_t window;                 /* store memory: the last one decided; -1: none */
	/* See kept_save.h. */
	atomic_bool saves;      /* there are checkpoints */
	pthread_mutex_t saving; /* guards checkpoint and payload */
	struct toll_checkpoint checkpoint;
	struct toll_wire_out payload;
	bool save_failed;  /* who has the turn */
	uint64_t saved_at; /* mono ns; likewise */
};

/* What is kept under this id, with one more user; rules and max_services are those of the first
 * one, who asks before anybody has the turn. NULL: out of memory. Main thread, as is
 * toll_host_let_go() for the other end. */
struct toll_kept *toll_kept_of(struct toll_host *h, const char *id, const struct toll_rules *rules,
                               uint32_t max_services);

/* Any thread. True: the turn is who's, who begins it before anything else. False: somebody has it
 * still: ask again. */
bool toll_kept_claim_turn(struct toll_kept *k, const void *who);
/* The totals follow rules (copied). False: there is no memory for the change, and the turn is
 * nobody's: claim it again. */
bool toll_kept_begin_turn(struct toll_kept *k, const void *who, const struct toll_rules *rules,
                          uint32_t max_services, enum toll_enforcer_store store);
/* Both. */
bool toll_kept_take_turn(struct toll_kept *k, const void *who, const struct toll_rules *rules,
                         uint32_t max_services, enum toll_enforcer_store store);
/* Who has the turn, or takes it: the totals follow other rules (copied), and lie as the ones before
 * say until they lie as these say. TOLL_ENOMEM: nothing has changed. */
int toll_kept_follow(struct toll_kept *k, const struct toll_rules *rules,
                     uint32_t max_services) TOLL_MUST_CHECK;
void toll_kept_leave_turn(struct toll_kept *k, const void *who);
bool toll_kept_has_turn(struct toll_kept *k, const void *who);
/* Does somebody else wait for the turn? */
bool toll_kept_is_wanted(struct toll_kept *k, const void *who);

#endif

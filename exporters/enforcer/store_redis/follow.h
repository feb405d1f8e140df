/* SPDX-License-Identifier: Apache-2.0 */
/* follow.h - events of other daemons and people, as they happen: a thread that listens on
 * enforce:events and keeps the copy of flags. What it misses, the next round of decisions finds. */
#ifndef TOLL_ENFORCER_FOLLOW_H
#define TOLL_ENFORCER_FOLLOW_H

#include "budget/event.h"
#include "budget/flag_board.h"
#include "exporters/enforcer/counters.h"
#include "exporters/enforcer/store_redis/redis_settings.h"
#include "exporters/enforcer/totals/totals.h"

/* What the store's thread is to do, soon. */
enum toll_follow_wish {
	TOLL_WISH_LOOK = 1,    /* somebody has said something of a subject (nudged) */
	TOLL_WISH_KILL = 2,    /* the kill switch was touched */
	TOLL_WISH_BUDGETS = 4, /* a budget was set or removed at run time */
	TOLL_WISH_ROUND = 8    /* events may have been missed: everything is read again */
};

struct toll_follower_settings {
	const struct toll_redis_config *redis; /* borrowed */
	struct toll_flag_board *board;
	struct toll_totals *totals;
	struct toll_counters *counters;
	const char *instance;                     /* whose own events are no news */
	const char *who;                          /* for log lines */
	void (*wish)(void *ctx, unsigned wishes); /* any thread */
	void *ctx;
};

struct toll_follower;

/* Starts the thread. NULL: out of memory. */
struct toll_follower *toll_follower_new(const struct toll_follower_settings *set);
/* It begins to end; does not wait. */
void toll_follower_stop(struct toll_follower *f);
/* True: it has ended; false: it hangs, and what it borrows must be left alone. Legal twice. */
bool toll_follower_join(struct toll_follower *f, uint64_t deadline_mono_ns);
/* After a join that returned true. NULL is fine. Always returns NULL. */
struct toll_follower *toll_follower_free(struct toll_follower *f);

/* Takes one message in; returns wishes. For tests as well. */
unsigned toll_follow_message(const struct toll_follower_settings *set, struct toll_slice message);

#endif

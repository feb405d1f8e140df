/* SPDX-License-Identifier: Apache-2.0 */
/* replay.h - what budgets would have done to spend that was recorded: the rules of the enforcer in
 * virtual time, for one store that nobody else shares.
 *
 * The clock is the spend itself: it stands at the latest time seen so far. Each time it passes the
 * end of an evaluation window or period, every subject is decided, as the enforcer does it.
 * Spend that comes late (its time is before the clock) counts in the bucket of its time as long as
 * that is in the window, but decisions that were made stay made: it is counted as late. Memory is
 * bounded by subjects, not by spend. Pure; one thread. */
#ifndef TOLL_BUDGET_REPLAY_H
#define TOLL_BUDGET_REPLAY_H

#include "budget/decision.h"

struct toll_replay;

/* A subject came over one of its budgets, or back under it. */
struct toll_replay_change {
	uint64_t time_ms; /* the end of the evaluation window */
	struct toll_slice subject;
	const struct toll_rule *rule;
	const char *window; /* "24h" */
	bool on;
	toll_i128 nano; /* the sum that decided */
	double ema_usd;
};

struct toll_replay_settings {
	const struct toll_rules *rules; /* outlives the replay */
	uint32_t max_subjects;          /* of each kind; spend of others goes to __overflow__ */
	uint64_t latest_ms; /* spend from after it is refused: it would run the clock away */
	void (*changed)(void *ctx, const struct toll_replay_change *c); /* NULL: nobody asks */
	void *ctx;
};

struct toll_replay_spend {
	uint64_t time_ms;                /* Unix */
	const struct toll_slice *values; /* of each dimension of the rules' subjects; empty: none */
	toll_i128 pico;                  /* >= 0; with what sampling left out */
};

int toll_replay_new(const struct toll_replay_settings *set,
                    struct toll_replay **ret) TOLL_MUST_CHECK;
struct toll_replay *toll_replay_free(struct toll_replay *r); /* always returns NULL */

/* TOLL_ENOMEM: it is in some sums, or in none. */
int toll_replay_add(struct toll_replay *r, const struct toll_replay_spend *s) TOLL_MUST_CHECK;

/* No more spend comes: decides the window that the last one is in. Before rows are read. */
void toll_replay_end(struct toll_replay *r);

/* A time that a budget was over its limit: [set, release); release 0: still at the end. */
struct toll_replay_episode {
	uint64_t set_ms, release_ms;
};

#define TOLL_REPLAY_EPISODES 100

/* One subject and one budget. */
struct toll_replay_row {
	struct toll_slice subject;
	const struct toll_rule *rule;
	const char *window;
	const struct toll_replay_episode *episodes; /* the first TOLL_REPLAY_EPISODES */
	uint64_t sets;                              /* how often it came over its budget */
	uint64_t on_ms;                             /* how long it was over, altogether */
	toll_i128 highest_nano;                     /* largest sum that a decision saw ... */
	uint64_t highest_ms;                        /* ... and when */
	toll_i128 pico, on_pico;                    /* spent; while it was over */
	uint64_t spans, on_spans;
};

/* In no order. */
void toll_replay_each(const struct toll_replay *r,
                      void (*row)(void *ctx, const struct toll_replay_row *row), void *ctx);

struct toll_replay_totals {
	uint64_t from_ms, to_ms; /* of the spend; 0: there was none */
	uint64_t end_ms;         /* of the last window that was decided */
	uint64_t spans, services;
	uint64_t rounds; /* of decisions */
	toll_i128 pico;
	uint64_t late, late_ms; /* came before the clock; by how much at most */
	uint64_t expired;       /* of these, too late for any window: not in sums */
	toll_i128 expired_pico;
	uint64_t refused;    /* later than latest_ms, or no amount: nowhere counted */
	uint64_t overflowed; /* under __overflow__ */
};

const struct toll_replay_totals *toll_replay_totals(const struct toll_replay *r);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* replay_subject.h - one subject of a replay: its sums, the state of its budgets, and what became
 * of them. */
#ifndef TOLL_BUDGET_REPLAY_SUBJECT_H
#define TOLL_BUDGET_REPLAY_SUBJECT_H

#include "budget/replay.h"

struct toll_replay_budget {
	uint16_t rule;
	bool on;
	uint64_t since_ms; /* while on */
	uint64_t sets, on_ms, highest_ms, on_spans;
	toll_i128 highest_nano, on_pico;
	struct toll_replay_episode *episodes;
	uint32_t episode_room;
};

struct toll_replay_subject {
	struct toll_slice key; /* encoded; owned */
	char *key_text;
	uint32_t kind;
	bool awake; /* has something to be decided */
	uint64_t spans;
	toll_i128 pico;
	struct toll_slots slots;
	struct toll_series *series; /* one per window of the rules; only those in use have room */
	uint32_t budget_count;
	struct toll_replay_budget budgets[]; /* that match */
};

/* key: one of the rules' subjects. NULL: out of memory. */
struct toll_replay_subject *toll_replay_subject_new(struct toll_slice key,
                                                    const struct toll_rules *rules);
/* Always returns NULL. */
struct toll_replay_subject *toll_replay_subject_free(struct toll_replay_subject *s,
                                                     const struct toll_rules *rules);

/* now_ms: where the clock stands. False: too late for all windows in use. */
bool toll_replay_subject_add(struct toll_replay_subject *s, const struct toll_rules *rules,
                             uint64_t now_ms, const struct toll_replay_spend *spend);

/* Decides the window that ends at now_ms. */
void toll_replay_subject_decide(struct toll_replay_subject *s,
                                const struct toll_replay_settings *set, uint64_t now_ms);

/* Times that are still running end here, for rows. */
void toll_replay_subject_end(struct toll_replay_subject *s, uint64_t now_ms);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* checkpoint_save.h - what is kept of an enforcer as the payload of a frame.
 *
 * A run of entries: their kind (a varint), then their bytes behind a length; numbers are varints,
 * signed ones zigzag, amounts two varints (the high and the low 64 bits), texts behind a length.
 *
 *   1 basics    instance, store, the last sequence of a publish, lost nanodollars,
 *               overflow spans, refused spans, kill switch, who turned it, change id
 *   2 rules     budget/rules_saved.h; in a snapshot, before the subjects
 *   3 budgets   set at run time: count, then name and text of each; in a snapshot
 *   4 folded    of one journal: epoch, sequence, spans
 *   5 subject   key, overflow?, criticality, picodollars, spans, unpriced, window count + 1, and of
 * each window used: index, life, carry, lost nanodollars, chain, generation, then buckets: index of
 * the oldest there is, count of those that follow, and of each index, nanodollars, sent; ends with
 *               the window count; then the state of store memory, or nothing
 *   6 word      one line of store memory's records
 *
 * Changes say anew what has changed: a subject's numbers as they are, of its buckets those from the
 * first that changed on. */
#ifndef TOLL_ENFORCER_CHECKPOINT_SAVE_H
#define TOLL_ENFORCER_CHECKPOINT_SAVE_H

#include "exporters/enforcer/totals/kept.h"
#include "proto/wire_out.h"

enum toll_saved_entry {
	TOLL_SAVED_BASICS = 1,
	TOLL_SAVED_RULES,
	TOLL_SAVED_BUDGETS,
	TOLL_SAVED_FOLDED,
	TOLL_SAVED_SUBJECT,
	TOLL_SAVED_WORD,
};

/* With the lock of the totals held, by who has the turn. What is written counts as saved from now
 * on: if the write fails, a whole one has to follow. Check out->failed. */
void toll_checkpoint_save(struct toll_kept *k, bool whole, struct toll_wire_out *out);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* kept_save.h - what is kept of an enforcer survives the process: checkpoints in a directory, from
 * which the next process goes on as the same instance. */
#ifndef TOLL_ENFORCER_KEPT_SAVE_H
#define TOLL_ENFORCER_KEPT_SAVE_H

#include "exporters/enforcer/totals/kept.h"

#define TOLL_CHECKPOINT_NS TOLL_S /* so often while something changes; before every publish too */

/* What the totals have to follow. */
struct toll_kept_plan {
	const struct toll_rules *rules;             /* as configured */
	const struct toll_budget_settings *budgets; /* under those that were set at run time; NULL:
	                                               none can be */
	uint32_t max_services;
	const char *who; /* for log lines */
};

/* Where the checkpoints of an enforcer are in a directory of journals: exporters/<its id>, made and
 * locked. With a sentence. */
int toll_kept_directory(const char *storage, const char *id, const char *who,
                        struct toll_journal_io **ret, struct toll_error *reterr) TOLL_MUST_CHECK;

/* From now on there are checkpoints in this directory (io is taken over). What is there already is
 * taken up if nobody has had the turn yet: totals, identity, how far journals are added up; else
 * the last alone. What is damaged is told and put aside: the enforcer begins anew. Before anybody
 * has the turn or spans, or by its holder's thread. TOLL_EUNSUPPORTED (a newer version),
 * TOLL_ENOMEM or the disk's error, with a sentence. */
int toll_kept_open(struct toll_kept *k, struct toll_journal_io *io,
                   const struct toll_kept_plan *plan, struct toll_error *reterr) TOLL_MUST_CHECK;

/* Who has the turn: what has changed is durable, or the failure is told and counted. Then it may be
 * published all the same: a disk that fails must not blind the budgets, and a fold after a crash
 * comes to the same totals. Waits for the disk, without the lock of the totals. */
void toll_kept_save(struct toll_kept *k, const char *who);
/* The same, when it is time. */
void toll_kept_save_when_due(struct toll_kept *k, const char *who, uint64_t now_mono_ns);

/* Any thread. See durable_seq in pipeline/component.h. */
uint64_t toll_kept_durable_seq(struct toll_kept *k, const char *epoch);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* kept_load.c - what a checkpoint has becomes what is kept, and follows the rules there are now:
 * the way that a reload goes. */
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "exporters/enforcer/checkpoint/checkpoint_load.h"
#include "exporters/enforcer/checkpoint/kept_save.h"
#include "exporters/enforcer/decision/runtime.h"
#include "exporters/enforcer/totals/service.h"
#include "pipeline/directory.h"
#include "pipeline/spool.h"

/* More publishes than fit between two checkpoints, so that no sequence is used twice; it takes two
 * million starts until they pass what the script counts exactly. */
#define SEQ_AHEAD (UINT64_C(1) << 32)

static int add_frame(void *ctx, const struct toll_frame *f)
{
	return toll_loaded_add(ctx, f);
}

/* ---- rules ---- */

static bool is_same(const struct toll_rule *a, const struct toll_rule *b)
{
	return strcmp(a->id, b->id) == 0;
}

/* The same rules as before the restart go on as the same: with their life and whom they followed.
 */
static void go_on_as(struct toll_rules *next, const struct toll_rules *before)
{
	next->life = before->life;
	for (uint32_t i = 0; i < next->count; i++)
		for (uint32_t j = 0; j < before->count; j++)
			if (is_same(&next->at[i], &before->at[j]))
				memcpy(next->at[i].before, before->at[j].before,
				       sizeof(next->at[i].before));
}

static void find_rules(struct toll_kept *k, const struct toll_kept_plan *plan,
                       const struct toll_rules *before, struct toll_rules *next)
{
	struct toll_runtime rt = { .who = plan->who, .said = plan->budgets ? &k->said : NULL };

	if (plan->budgets)
		rt.conf = *plan->budgets;
	toll_runtime_renew(&rt);
	toll_rules_copy(next, rt.rules.count ? &rt.rules : plan->rules);
	toll_runtime_release(&rt);
	if (toll_rules_equal(before, next))
		go_on_as(next, before);
	else
		toll_rules_succeed(next, before);
}

/* ---- totals ---- */

/* The services as they were, in tables that nobody can find them in. */
static void take_services(struct toll_kept *k, struct toll_loaded *l)
{
	struct toll_totals *t = &k->totals;

	toll_totals_release_tables(t);
	toll_rules_release(&k->rules);
	k->rules = l->rules;
	t->services = l->services;
	t->count = t->room = l->count;
	t->by_key = l->by_key;
	memset(t->names, 0, sizeof(t->names));
	l->services = NULL;
	l->count = 0;
	l->by_key = (struct toll_table){ 0 };
	l->rules = (struct toll_rules){ 0 };
}

static void mark_dirty(struct toll_totals *t)
{
	for (uint32_t i = 0; i < t->count; i++)
		for (uint32_t w = 0; w < t->rules->window_count; w++) {
			struct toll_account *a = &t->services[i]->accounts[w];

			a->dirty = a->used && a->series.count > 0;
		}
}

static void take_rest(struct toll_kept *k, struct toll_loaded *l)
{
	memcpy(k->instance, l->instance, sizeof(k->instance));
	k->store = l->store;
	k->seq = l->seq + SEQ_AHEAD;
	k->words = l->words;
	l->words = (struct toll_memory_words){ 0 };
	k->totals.folded = l->folded;
	k->totals.lost_nano = l->lost_nano;
	k->totals.overflow_spans = l->overflow_spans;
	k->totals.refused_spans = l->refused_spans;
}

static int restore(struct toll_kept *k, const struct toll_kept_plan *plan, struct toll_loaded *l)
{
	struct toll_rules next, before;
	int err;

	k->said = l->said;
	l->said = (struct toll_runtime_texts){ 0 };
	find_rules(k, plan, &l->rules, &next);
	take_rest(k, l);
	take_services(k, l);
	before = k->rules;
	err = toll_totals_follow(&k->totals, &k->rules, &next, plan->max_services);
	toll_rules_release(err ? &next : &before);
	if (!err)
		mark_dirty(&k->totals);
	return err;
}

/* Totals that live are better than those on disk, but what the journals still hold of before must
 * not be counted again. */
static void learn_folded(struct toll_kept *k, const struct toll_loaded *l)
{
	for (uint32_t i = 0; i < l->folded.count; i++)
		if (toll_folded_seq(&k->totals.folded, l->folded.at[i].epoch) == 0)
			toll_folded_set(&k->totals.folded, l->folded.at[i].epoch,
			                l->folded.at[i].seq, l->folded.at[i].span);
}

static void tell_loss(const struct toll_kept_plan *plan)
{
	TOLL_WARN(
		plan->who,
		"the checkpoint is damaged and put aside (checkpoint.*.damaged): this enforcer is "
		"a new instance and begins with what its cursors have not passed; what the old "
		"one had published stays in Redis until it leaves its window, and spend of its "
		"last two seconds may be missing or counted twice");
}

static int take_up(struct toll_kept *k, const struct toll_kept_plan *plan, struct toll_loaded *l)
{
	int err = 0;

	toll_totals_lock(&k->totals);
	if (k->begun)
		learn_folded(k, l);
	else if (k->checkpoint.generation)
		err = restore(k, plan, l);
	k->totals.saves = true;
	k->totals.reshaped = true;
	toll_totals_unlock(&k->totals);
	return err;
}

int toll_kept_directory(const char *storage, const char *id, const char *who,
                        struct toll_journal_io **ret, struct toll_error *reterr)
{
	char *all = toll_spool_path(storage, "exporters");
	char *path = all ? toll_spool_path(all, id) : NULL;
	struct toll_error why = { 0 };
	int made = path ? toll_directory_make(path, 0700, true) : 0, err = TOLL_ENOMEM;

	free(all);
	if (made < 0)
		err = toll_fail(&why, TOLL_EDOWN, "%s cannot be made: %s", path, strerror(-made));
	else if (path)
		err = toll_journal_disk(path, ret, &why);
	free(path);
	return err ? toll_fail(reterr, err, "%s: its checkpoint: %s", who,
	                       why.text[0] ? why.text : toll_err_text(err))
	           : 0;
}

static int refuse(const struct toll_kept_plan *plan, int err, struct toll_error *reterr)
{
	if (err == TOLL_EUNSUPPORTED)
		return toll_fail(
			reterr, err,
			"%s: its checkpoint was written by a newer version of spantoll: run "
			"that one, or delete the directory and begin with empty sums",
			plan->who);
	return toll_fail(reterr, err, "%s: its checkpoint: %s", plan->who, toll_err_text(err));
}

static int open_and_take_up(struct toll_kept *k, struct toll_journal_io *io,
                            const struct toll_kept_plan *plan, struct toll_loaded *l)
{
	int err = toll_checkpoint_open(&k->checkpoint, io, add_frame, l);

	if (err == TOLL_EINVALID) {
		tell_loss(plan);
		toll_loaded_release(l);
		err = 0;
	}
	if (!err)
		err = take_up(k, plan, l);
	if (err)
		toll_checkpoint_close(&k->checkpoint);
	return err;
}

int toll_kept_open(struct toll_kept *k, struct toll_journal_io *io,
                   const struct toll_kept_plan *plan, struct toll_error *reterr)
{
	struct toll_loaded *l = calloc(1, sizeof(*l));
	int err = TOLL_ENOMEM;

	if (l) {
		pthread_mutex_lock(&k->saving);
		err = open_and_take_up(k, io, plan, l);
		pthread_mutex_unlock(&k->saving);
		toll_loaded_release(l);
	} else {
		io->release(io);
	}
	free(l);
	if (err)
		return refuse(plan, err, reterr);
	atomic_store_explicit(&k->saves, true, memory_order_release);
	if (!k->begun)
		toll_kept_save(k, plan->who); /* the identity comes before all else */
	return 0;
}

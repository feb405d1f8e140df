/* SPDX-License-Identifier: Apache-2.0 */
#include "exporters/enforcer/checkpoint/kept_save.h"

#include "base/clock.h"
#include "base/log.h"
#include "exporters/enforcer/checkpoint/checkpoint_save.h"

/* ---- saving ---- */

/* With the lock held. */
static bool has_changed(const struct toll_kept *k)
{
	return k->totals.unsaved || k->totals.reshaped || k->checkpoint.doubtful ||
	       k->checkpoint.generation == 0;
}

static int write(struct toll_kept *k, bool whole)
{
	struct toll_slice payload = toll_slice(k->payload.at, k->payload.len);

	if (k->payload.failed) {
		k->checkpoint.doubtful = true;
		return TOLL_ENOMEM;
	}
	return whole ? toll_checkpoint_write_snapshot(&k->checkpoint, payload)
	             : toll_checkpoint_write_changes(&k->checkpoint, payload);
}

static void tell(struct toll_kept *k, const char *who, int err)
{
	if (err)
		toll_counter_add(&k->counters, TOLL_COUNTER_CHECKPOINT_FAILURES, 1);
	else
		toll_counter_add(&k->counters, TOLL_COUNTER_CHECKPOINTS, 1);
	if (err && !k->save_failed)
		TOLL_WARN(who,
		          "no checkpoint can be written: %s; the journal keeps what the last one "
		          "does not have, totals are published all the same",
		          toll_err_text(err));
	else if (!err && k->save_failed)
		TOLL_INFO(who, "checkpoints are written again");
	k->save_failed = err != 0;
}

/* Under the lock as long as it takes to write it into memory. */
static bool collect(struct toll_kept *k, bool *ret_whole, struct toll_folded *ret_folded)
{
	struct toll_totals *t = &k->totals;
	bool changed;

	toll_totals_lock(t);
	changed = has_changed(k);
	*ret_whole = t->reshaped || toll_checkpoint_wants_snapshot(&k->checkpoint);
	if (changed)
		toll_checkpoint_save(k, *ret_whole, &k->payload);
	*ret_folded = t->folded;
	toll_totals_unlock(t);
	return changed;
}

static void save(struct toll_kept *k, const char *who)
{
	struct toll_folded folded;
	bool whole;
	int err;

	if (!collect(k, &whole, &folded))
		return;
	err = write(k, whole);
	if (!err) {
		toll_totals_lock(&k->totals);
		k->totals.durable = folded;
		toll_totals_unlock(&k->totals);
		toll_counter_set(&k->counters, TOLL_COUNTER_CHECKPOINT_BYTES, k->checkpoint.end);
	}
	tell(k, who, err);
}

void toll_kept_save(struct toll_kept *k, const char *who)
{
	if (!atomic_load_explicit(&k->saves, memory_order_acquire))
		return;
	k->saved_at = toll_clock_mono_ns();
	pthread_mutex_lock(&k->saving);
	save(k, who);
	pthread_mutex_unlock(&k->saving);
}

void toll_kept_save_when_due(struct toll_kept *k, const char *who, uint64_t now_mono_ns)
{
	if (now_mono_ns - k->saved_at >= TOLL_CHECKPOINT_NS)
		toll_kept_save(k, who);
}

uint64_t toll_kept_durable_seq(struct toll_kept *k, const char *epoch)
{
	uint64_t seq = UINT64_MAX;

	toll_totals_lock(&k->totals);
	if (k->totals.saves)
		seq = toll_folded_seq(&k->totals.durable, epoch);
	toll_totals_unlock(&k->totals);
	return seq;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/fanout.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "base/error.h"
#include "pipeline/runner.h"
#include "proto/batch.h"

/* What a client waits for: the answers of several exporters. */
struct fate {
	struct toll_waiter waiter;
	atomic_uint open;
	atomic_int err; /* of the first that failed */
	struct toll_ack *ack;
};

static void fate_answered(struct toll_waiter *w, int err)
{
	struct fate *f = toll_container_of(w, struct fate, waiter);
	int none = 0;

	if (err)
		atomic_compare_exchange_strong(&f->err, &none, err);
	if (atomic_fetch_sub_explicit(&f->open, 1, memory_order_acq_rel) != 1)
		return;
	f->ack->done(f->ack, atomic_load(&f->err));
	free(f);
}

static bool is_waited_for(const struct toll_fanout_target *t, const struct toll_ack *ack)
{
	return toll_runner_waits(t->runner) || (t->required && ack->level == TOLL_ACK_EXPORTED);
}

static void cancel(const struct toll_fanout *f, struct toll_batch *const *batches, uint64_t taken)
{
	for (size_t i = 0; i < f->count; i++)
		if (taken >> i & 1)
			toll_runner_cancel(f->targets[i].runner, batches[f->targets[i].batch]);
}

/* Room at every target that has work: required ones first, since one refusal ends it all.
 * *ret_taken: one bit per target. */
static int reserve(const struct toll_fanout *f, struct toll_batch *const *batches,
                   uint64_t *ret_taken)
{
	uint64_t taken = 0;

	for (int required = 1; required >= 0; required--)
		for (size_t i = 0; i < f->count; i++) {
			const struct toll_fanout_target *t = &f->targets[i];
			int err;

			if (t->required != (bool)required || !batches[t->batch]->kept_count)
				continue;
			err = toll_runner_reserve(t->runner, batches[t->batch]);
			if (!err) {
				taken |= UINT64_C(1) << i;
			} else if (required) {
				cancel(f, batches, taken);
				return err;
			}
		}
	*ret_taken = taken;
	return 0;
}

static uint64_t waited_for(const struct toll_fanout *f, uint64_t taken, const struct toll_ack *ack)
{
	uint64_t waited = 0;

	for (size_t i = 0; i < f->count; i++)
		if ((taken >> i & 1) && is_waited_for(&f->targets[i], ack))
			waited |= UINT64_C(1) << i;
	return waited;
}

/* NULL in *ret when nothing is waited for. */
static int fate_new(struct toll_ack *ack, uint64_t waited, struct fate **ret)
{
	*ret = NULL;
	if (!waited)
		return 0;
	*ret = malloc(sizeof(**ret));
	if (!*ret)
		return TOLL_ENOMEM;
	(*ret)->waiter.done = fate_answered;
	(*ret)->ack = ack;
	atomic_init(&(*ret)->open, (unsigned)__builtin_popcountll(waited));
	atomic_init(&(*ret)->err, 0);
	return 0;
}

/* From the last waited-for commit on, fate and ack may be gone. */
static void commit(const struct toll_fanout *f, struct toll_batch *const *batches, uint64_t taken,
                   uint64_t waited, struct fate *fate)
{
	for (size_t i = 0; i < f->count; i++) {
		const struct toll_fanout_target *t = &f->targets[i];

		if (taken >> i & 1)
			toll_runner_commit(t->runner, batches[t->batch],
			                   waited >> i & 1 ? &fate->waiter : NULL);
	}
}

int toll_fanout_offer(const struct toll_fanout *f, struct toll_batch *const *batches,
                      struct toll_ack *ack)
{
	uint64_t taken, waited = 0;
	struct fate *fate = NULL;
	int err = reserve(f, batches, &taken);

	if (!err) {
		waited = waited_for(f, taken, ack);
		err = fate_new(ack, waited, &fate);
		if (err)
			cancel(f, batches, taken);
	}
	if (!err)
		commit(f, batches, taken, waited, fate);
	if (err || !waited)
		ack->done(ack, err);
	return err;
}

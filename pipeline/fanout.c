/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/fanout.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "base/error.h"
#include "pipeline/runner.h"
#include "proto/batch.h"

/* The answers of several exporters that a client waits for, and what happens then. */
struct fate {
	struct toll_waiter waiter;
	atomic_uint open;
	atomic_int err; /* of the first that failed */
	struct toll_ack *ack;
	const struct toll_fanout *fanout;
	uint64_t held; /* reserved targets that get the batch when all went well */
	uint32_t batch_count;
	struct toll_batch *batches[]; /* own references */
};

/* An exporter that adds up is done once it has the batch: nobody waits for it. */
static bool is_waited_for(const struct toll_fanout_target *t, const struct toll_ack *ack)
{
	return t->required && !toll_runner_accounts(t->runner) &&
	       (toll_runner_waits(t->runner) || ack->level == TOLL_ACK_EXPORTED);
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

static uint64_t accounting(const struct toll_fanout *f, uint64_t taken)
{
	uint64_t found = 0;

	for (size_t i = 0; i < f->count; i++)
		if ((taken >> i & 1) && toll_runner_accounts(f->targets[i].runner))
			found |= UINT64_C(1) << i;
	return found;
}

static void commit(const struct toll_fanout *f, struct toll_batch *const *batches, uint64_t targets,
                   uint64_t waited, struct toll_waiter *w)
{
	for (size_t i = 0; i < f->count; i++)
		if (targets >> i & 1)
			toll_runner_commit(f->targets[i].runner, batches[f->targets[i].batch],
			                   waited >> i & 1 ? w : NULL);
}

static void accept(const struct toll_fanout *f, struct toll_batch *const *batches)
{
	if (f->accepted)
		f->accepted(f->ctx, batches);
}

static void fate_answered(struct toll_waiter *w, int err)
{
	struct fate *f = toll_container_of(w, struct fate, waiter);
	int none = 0;

	if (err)
		atomic_compare_exchange_strong(&f->err, &none, err);
	if (atomic_fetch_sub_explicit(&f->open, 1, memory_order_acq_rel) != 1)
		return;
	err = atomic_load(&f->err);
	if (err) {
		cancel(f->fanout, f->batches, f->held);
	} else {
		commit(f->fanout, f->batches, f->held, 0, NULL);
		accept(f->fanout, f->batches);
	}
	for (uint32_t i = 0; i < f->batch_count; i++)
		toll_batch_unref(f->batches[i]);
	f->ack->done(f->ack, err);
	toll_shared_unref(f->fanout->owner);
	free(f);
}

static struct fate *fate_new(const struct toll_fanout *f, struct toll_batch *const *batches,
                             struct toll_ack *ack, uint64_t waited, uint64_t held)
{
	uint32_t count = f->batch_count;
	struct fate *fate = malloc(sizeof(*fate) + count * sizeof(struct toll_batch *));

	if (!fate)
		return NULL;
	fate->waiter.done = fate_answered;
	fate->ack = ack;
	fate->fanout = f;
	toll_shared_ref(f->owner);
	fate->held = held;
	atomic_init(&fate->open, (unsigned)__builtin_popcountll(waited));
	atomic_init(&fate->err, 0);
	fate->batch_count = count;
	for (uint32_t i = 0; i < count; i++)
		fate->batches[i] = toll_batch_ref(batches[i]);
	return fate;
}

/* From the last waited-for commit on, the fate and ack may be gone. */
static int offer_and_wait(const struct toll_fanout *f, struct toll_batch *const *batches,
                          uint64_t taken, uint64_t waited, struct toll_ack *ack)
{
	uint64_t held = accounting(f, taken);
	struct fate *fate = fate_new(f, batches, ack, waited, held);

	if (!fate)
		return TOLL_ENOMEM;
	commit(f, batches, taken & ~held, waited, &fate->waiter);
	return 0;
}

void toll_fanout_offer(const struct toll_fanout *f, struct toll_batch *const *batches,
                       struct toll_ack *ack)
{
	uint64_t taken, waited;
	int err = reserve(f, batches, &taken);

	if (err) {
		ack->done(ack, err);
		return;
	}
	waited = waited_for(f, taken, ack);
	if (!waited) {
		commit(f, batches, taken, 0, NULL);
		accept(f, batches);
		ack->done(ack, 0);
		return;
	}
	err = offer_and_wait(f, batches, taken, waited, ack);
	if (err) {
		cancel(f, batches, taken);
		ack->done(ack, err);
	}
}

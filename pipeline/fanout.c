/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/fanout.h"

#include "base/error.h"
#include "pipeline/admission.h"
#include "pipeline/runner.h"
#include "proto/batch.h"

/* ---- who is who ---- */

static bool has_work(const struct toll_batch *b)
{
	return b && b->kept_count;
}

toll_bits toll_fanout_records(const struct toll_fanout *f, struct toll_batch *const *batches)
{
	toll_bits found = 0;

	for (uint32_t i = 0; i < f->batch_count; i++)
		if (f->spools[i] && has_work(batches[i]))
			found |= TOLL_BIT(i);
	return found;
}

/* An exporter that adds up is done once it has the batch: nobody waits for it. */
static bool is_waited_for(const struct toll_fanout_target *t, const struct toll_ack *ack)
{
	return t->required && !toll_runner_accounts(t->runner) &&
	       (toll_runner_waits(t->runner) || ack->level == TOLL_ACK_EXPORTED);
}

toll_bits toll_fanout_waited(const struct toll_fanout *f, struct toll_batch *const *batches,
                             const struct toll_ack *ack)
{
	toll_bits found = 0;

	for (size_t i = 0; i < f->count; i++)
		if (has_work(batches[f->targets[i].batch]) && is_waited_for(&f->targets[i], ack))
			found |= TOLL_BIT(i);
	return found;
}

toll_bits toll_fanout_accounting(const struct toll_fanout *f, toll_bits targets)
{
	toll_bits found = 0;

	for (size_t i = 0; i < f->count; i++)
		if ((targets & TOLL_BIT(i)) && toll_runner_accounts(f->targets[i].runner))
			found |= TOLL_BIT(i);
	return found;
}

/* ---- doing it ---- */

void toll_fanout_cancel(const struct toll_fanout *f, struct toll_batch *const *batches,
                        toll_bits targets)
{
	for (size_t i = 0; i < f->count; i++)
		if (targets & TOLL_BIT(i))
			toll_runner_cancel(f->targets[i].runner, batches[f->targets[i].batch]);
}

void toll_fanout_commit(const struct toll_fanout *f, struct toll_batch *const *batches,
                        toll_bits targets, toll_bits waited, struct toll_waiter *w)
{
	for (size_t i = 0; i < f->count; i++)
		if (targets & TOLL_BIT(i))
			toll_runner_commit(f->targets[i].runner, batches[f->targets[i].batch],
			                   waited & TOLL_BIT(i) ? w : NULL);
}

void toll_fanout_accept(const struct toll_fanout *f, struct toll_batch *const *batches,
                        toll_bits which)
{
	for (uint32_t i = 0; i < f->batch_count; i++)
		if (!batches[i])
			which &= ~TOLL_BIT(i);
	if (f->accepted)
		f->accepted(f->ctx, batches, which);
}

/* Room at every target that has work and follows no journal: required ones first, since one refusal
 * ends it all. */
static int reserve(const struct toll_fanout *f, struct toll_batch *const *batches,
                   toll_bits *ret_reserved)
{
	toll_bits reserved = 0;

	for (int required = 1; required >= 0; required--)
		for (size_t i = 0; i < f->count; i++) {
			const struct toll_fanout_target *t = &f->targets[i];
			int err;

			if (t->required != (bool)required || t->follows || !batches[t->batch] ||
			    !batches[t->batch]->kept_count)
				continue;
			err = toll_runner_reserve(t->runner, batches[t->batch]);
			if (!err) {
				reserved |= TOLL_BIT(i);
			} else if (required) {
				toll_fanout_cancel(f, batches, reserved);
				return err;
			}
		}
	*ret_reserved = reserved;
	return 0;
}

void toll_fanout_offer(const struct toll_fanout *f, struct toll_batch *const *batches,
                       struct toll_ack *ack)
{
	toll_bits reserved;
	int err = reserve(f, batches, &reserved);

	if (err) {
		ack->done(ack, err);
		return;
	}
	if (toll_fanout_records(f, batches) || toll_fanout_waited(f, batches, ack)) {
		toll_admission_begin(f, batches, reserved, ack);
		return;
	}
	toll_fanout_commit(f, batches, reserved, 0, NULL);
	toll_fanout_accept(f, batches, UINT64_MAX);
	ack->done(ack, 0);
}

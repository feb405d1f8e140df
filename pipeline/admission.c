/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/admission.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/log.h"
#include "pipeline/lost.h"
#include "pipeline/record.h"
#include "pipeline/runner.h"
#include "pipeline/spool.h"
#include "proto/batch.h"

struct admission;

/* One batch on its way into its journal. */
struct record {
	struct toll_journal_entry entry;
	struct admission *admission;
	uint32_t batch; /* which */
	int err;        /* why it is not durable */
	void *memory;   /* where the entry's bytes lie */
};

struct admission {
	struct toll_waiter waiter; /* of every exporter that is waited for */
	const struct toll_fanout *fanout;
	struct toll_ack *ack;  /* NULL: has been answered */
	atomic_uint unwritten; /* records, and whoever appends them */
	atomic_uint open;      /* answers of exporters, and `unwritten` */
	atomic_int err;        /* the first */
	bool written;          /* all records are: what was reserved has been committed */
	bool promised;         /* level RECEIVED: the client has heard OK before that */
	toll_bits reserved, waited, held;
	toll_bits records; /* batches that have one */
	uint32_t record_count;
	struct toll_batch **batches; /* own references */
	struct record at[];
};

/* ---- the end ---- */

static void destroy(struct admission *a)
{
	for (uint32_t i = 0; i < a->fanout->batch_count; i++)
		toll_batch_unref(a->batches[i]);
	for (uint32_t i = 0; i < a->record_count; i++)
		free(a->at[i].memory);
	toll_shared_unref(a->fanout->owner);
	free(a);
}

static void answer(struct admission *a, int err)
{
	struct toll_ack *ack = a->ack;

	a->ack = NULL;
	if (ack)
		ack->done(ack, err);
}

static void note(struct admission *a, int err)
{
	int none = 0;

	if (err)
		atomic_compare_exchange_strong(&a->err, &none, err);
}

/* So many of those that are waited for have answered, or never will. */
static void close_some(struct admission *a, unsigned count)
{
	int err;

	if (!count || atomic_fetch_sub_explicit(&a->open, count, memory_order_acq_rel) != count)
		return;
	err = atomic_load(&a->err);
	if (a->written && err)
		toll_fanout_cancel(a->fanout, a->batches, a->held);
	if (a->written && !err) {
		toll_fanout_commit(a->fanout, a->batches, a->held, 0, NULL);
		toll_fanout_accept(a->fanout, a->batches, ~a->records);
	}
	answer(a, err);
	destroy(a);
}

static void on_answer(struct toll_waiter *w, int err)
{
	struct admission *a = toll_container_of(w, struct admission, waiter);

	note(a, err);
	close_some(a, 1);
}

/* ---- records ---- */

/* The client has heard OK under `received`, and the disk did not keep it. */
static void tell_lost(const struct admission *a, const struct record *r)
{
	struct toll_lost lost = { r->entry.items, (uint64_t)r->entry.pico };
	char dollars[TOLL_LOST_TEXT];

	TOLL_FAULT(a->fanout->spools[r->batch]->who,
	           "lost %u span%s worth %s that a client had heard OK for (acknowledge: "
	           "received): %s",
	           r->entry.items, TOLL_PLURAL(r->entry.items), toll_lost_dollars(&lost, dollars),
	           toll_err_text(r->err));
}

static void keep_promise(struct admission *a)
{
	for (uint32_t i = 0; i < a->record_count; i++)
		if (a->at[i].err)
			tell_lost(a, &a->at[i]);
	atomic_store(&a->err, 0);
}

/* Reserved targets whose batch has a durable record: a client that comes again does not bring it
 * once more, so that what they do not get now they never would. */
static toll_bits reserved_beside(const struct admission *a)
{
	toll_bits durable = 0, found = 0;

	for (uint32_t i = 0; i < a->record_count; i++)
		if (!a->at[i].err)
			durable |= TOLL_BIT(a->at[i].batch);
	for (size_t i = 0; i < a->fanout->count; i++)
		if (durable & TOLL_BIT(a->fanout->targets[i].batch))
			found |= a->reserved & TOLL_BIT(i);
	return found;
}

/* Nothing of what has no journal goes on unless everything was written: the client comes again.
 * never: exporters that will not answer, because they do not get their record. */
static void all_written(struct admission *a, unsigned never)
{
	toll_bits waited = a->waited & a->reserved, beside;
	int err;

	if (a->promised)
		keep_promise(a);
	err = atomic_load(&a->err);
	if (err) {
		beside = reserved_beside(a);
		toll_fanout_cancel(a->fanout, a->batches, a->reserved & ~beside);
		toll_fanout_commit(a->fanout, a->batches, beside, 0, NULL);
		answer(a, err);
		close_some(a, (unsigned)__builtin_popcountll(waited) + 1 + never);
		return;
	}
	a->written = true;
	toll_fanout_commit(a->fanout, a->batches, a->reserved & ~a->held, waited, &a->waiter);
	close_some(a, 1 + never);
}

/* The admission may be gone afterwards. */
static void count_down(struct admission *a, unsigned never)
{
	if (atomic_fetch_sub_explicit(&a->unwritten, 1, memory_order_acq_rel) == 1)
		all_written(a, never);
	else
		close_some(a, never);
}

static int journal_error(int err)
{
	if (err == TOLL_EFULL)
		return TOLL_EJOURNALFULL;
	return err == TOLL_EDOWN ? TOLL_EJOURNALDOWN : err;
}

/* Returns how many of those that are waited for would have followed it. */
static unsigned not_written(struct admission *a, struct record *r, int err)
{
	const struct toll_fanout *f = a->fanout;
	unsigned waited = 0;

	for (size_t i = 0; i < f->count; i++)
		waited += f->targets[i].follows && f->targets[i].batch == r->batch &&
		          (a->waited & TOLL_BIT(i));
	r->err = journal_error(err);
	note(a, r->err);
	return waited;
}

/* Those that follow cannot refuse it: it is theirs from here on, whatever becomes of the rest. */
static void written(struct admission *a, const struct record *r)
{
	const struct toll_fanout *f = a->fanout;
	struct toll_batch *b = a->batches[r->batch];
	const struct toll_journal *j = f->spools[r->batch]->journal;

	memcpy(b->origin.epoch, toll_journal_epoch(j), sizeof(b->origin.epoch));
	b->origin.seq = r->entry.begin.seq;
	toll_spool_note(f->spools[r->batch], b->digest, r->entry.end);
	for (size_t i = 0; i < f->count; i++)
		if (f->targets[i].follows && f->targets[i].batch == r->batch)
			toll_runner_offer(f->targets[i].runner, f->targets[i].lane, b,
			                  r->entry.begin, r->entry.end,
			                  a->waited & TOLL_BIT(i) ? &a->waiter : NULL);
	toll_fanout_accept(f, a->batches, TOLL_BIT(r->batch));
}

/* On the journal's thread. */
static void on_record(struct toll_journal_entry *e, int err)
{
	struct record *r = toll_container_of(e, struct record, entry);
	struct admission *a = r->admission;
	struct toll_spool *s = a->fanout->spools[r->batch];
	unsigned never = 0;

	free(r->memory);
	r->memory = NULL;
	if (err)
		never = not_written(a, r, err);
	else
		written(a, r);
	count_down(a, never);
	toll_spool_leave(s);
}

static int append(struct admission *a, struct record *r)
{
	struct toll_spool *s = a->fanout->spools[r->batch];
	int err;

	toll_spool_enter(s);
	err = toll_journal_append(s->journal, &r->entry);
	if (err)
		toll_spool_leave(s);
	return err;
}

/* The first that is not taken ends it; those before it become durable, so that the client is
 * answered after them: the request may come again at once. */
static int append_all(struct admission *a, unsigned *ret_never)
{
	int err = 0;

	for (uint32_t i = 0; i < a->record_count; i++) {
		if (!err)
			err = append(a, &a->at[i]);
		if (!err)
			continue;
		*ret_never += not_written(a, &a->at[i], err);
		atomic_fetch_sub(&a->unwritten, 1); /* not the last: the caller holds one */
	}
	return journal_error(err);
}

/* ---- the beginning ---- */

static int make_records(struct admission *a)
{
	int err = 0;

	for (uint32_t i = 0; i < a->fanout->batch_count && !err; i++) {
		struct record *r = &a->at[a->record_count];

		if (!(a->records & TOLL_BIT(i)))
			continue;
		*r = (struct record){ .admission = a, .batch = i };
		err = toll_record_new(a->batches[i], &r->entry, &r->memory);
		r->entry.done = on_record;
		a->record_count += !err;
	}
	return err;
}

static int new_admission(const struct toll_fanout *f, struct toll_batch *const *batches,
                         toll_bits reserved, struct toll_ack *ack, struct admission **ret)
{
	toll_bits records = toll_fanout_records(f, batches);
	size_t count = (size_t)__builtin_popcountll(records);
	struct admission *a = malloc(sizeof(*a) + count * sizeof(struct record) +
	                             f->batch_count * sizeof(struct toll_batch *));
	int err;

	if (!a)
		return TOLL_ENOMEM;
	*a = (struct admission){ .waiter = { on_answer },
		                 .fanout = f,
		                 .ack = ack,
		                 .reserved = reserved,
		                 .records = records,
		                 .batches = (struct toll_batch **)&a->at[count] };
	a->waited = toll_fanout_waited(f, batches, ack);
	a->held = toll_fanout_accounting(f, reserved);
	toll_shared_ref(f->owner);
	for (uint32_t i = 0; i < f->batch_count; i++)
		a->batches[i] = batches[i] ? toll_batch_ref(batches[i]) : NULL;
	err = make_records(a);
	if (err)
		return destroy(a), err;
	atomic_init(&a->unwritten, a->record_count + 1);
	atomic_init(&a->open, (unsigned)__builtin_popcountll(a->waited) + 1);
	*ret = a;
	return 0;
}

void toll_admission_begin(const struct toll_fanout *f, struct toll_batch *const *batches,
                          toll_bits reserved, struct toll_ack *ack)
{
	struct admission *a = NULL;
	int err = new_admission(f, batches, reserved, ack, &a);
	unsigned never = 0;

	if (err) {
		toll_fanout_cancel(f, batches, reserved);
		ack->done(ack, err);
		return;
	}
	a->promised = append_all(a, &never) == 0 && ack->level == TOLL_ACK_RECEIVED && !a->waited;
	if (a->promised) {
		a->ack = NULL;
		ack->done(ack, 0);
	}
	count_down(a, never);
}

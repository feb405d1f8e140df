/* SPDX-License-Identifier: Apache-2.0 */
/* runner_heir.c - a reload: what one runner could not deliver goes on with the next of its id. */
#include <stdlib.h>

#include "base/log.h"
#include "pipeline/runner_private.h"
#include "proto/batch.h"

/* Copies of entries, while their runner's lock is held. */
struct legacy {
	struct toll_entry *first;
	uint64_t spans;
	bool failed; /* out of memory: nothing is handed over */
};

void toll_runner_set_heir(struct toll_runner *r, struct toll_runner *heir)
{
	if (!toll_runner_accounts(r))
		r->heir = heir;
}

/* An entry may be in the queue and in several deliveries. */
static void bequeath(struct legacy *l, struct toll_entry *e)
{
	struct toll_entry *copy;

	if (e->handed || e->place.lane || l->failed)
		return;
	copy = malloc(sizeof(*copy));
	if (!copy) {
		l->failed = true;
		return;
	}
	*copy = (struct toll_entry){ .next = l->first,
		                     .batch = e->batch,
		                     .waiter = e->waiter,
		                     .admitted_ns = e->admitted_ns,
		                     .number = e->number };
	l->first = copy;
	l->spans += e->batch->kept_count;
	e->handed = true;
}

static bool is_open(const struct toll_flight *f)
{
	return f->state != TOLL_DELIVERY_ABANDONED &&
	       !(f->state == TOLL_DELIVERY_ANSWERED && !f->err);
}

static void take_stock(struct toll_runner *r, struct legacy *l)
{
	for (struct toll_flight *f = r->flights; f; f = f->next)
		for (uint32_t i = 0; is_open(f) && i < f->given.part_count; i++)
			bequeath(l, f->entries[i]);
	for (struct toll_entry *e = r->queue.first; e; e = e->next)
		bequeath(l, e);
}

/* The waiters and the batches are the copies' from now on; or nothing has happened. */
static void part_with(struct toll_runner *r, const struct legacy *l)
{
	for (struct toll_flight *f = r->flights; f; f = f->next)
		for (uint32_t i = 0; i < f->given.part_count; i++) {
			f->entries[i]->handed &= !l->failed;
			if (f->entries[i]->handed)
				f->entries[i]->waiter = NULL;
		}
	for (struct toll_entry *e = r->queue.first; e; e = e->next) {
		e->handed &= !l->failed;
		if (e->handed)
			e->waiter = NULL;
	}
	for (struct toll_entry *e = l->first; e && !l->failed; e = e->next)
		toll_batch_ref(e->batch);
}

/* Its own end may have come as well. */
static bool inherit(struct toll_runner *heir, struct toll_entry *e)
{
	bool taken;

	pthread_mutex_lock(&heir->lock);
	taken = !heir->quit;
	if (taken) {
		toll_queue_inherit(&heir->queue, e);
		toll_runner_show(heir);
		pthread_cond_signal(&heir->work);
	}
	pthread_mutex_unlock(&heir->lock);
	return taken;
}

static void refuse(struct toll_runner *r, struct toll_entry *e)
{
	toll_stat_add(r->exporter->super.stats, TOLL_STAT_EXPORTER_SEND_FAILED_SPANS,
	              e->batch->kept_count);
	TOLL_FAULT(r->exporter->super.who, "lost %u span%s: unanswered at shutdown",
	           e->batch->kept_count, TOLL_PLURAL(e->batch->kept_count));
	if (e->waiter)
		e->waiter->done(e->waiter, TOLL_ESHUTDOWN);
	toll_batch_unref(e->batch);
	free(e);
}

void toll_runner_hand_over(struct toll_runner *r)
{
	struct legacy l = { 0 };
	struct toll_entry *next;

	pthread_mutex_lock(&r->lock);
	take_stock(r, &l);
	part_with(r, &l);
	pthread_mutex_unlock(&r->lock);
	if (l.first && !l.failed)
		TOLL_INFO(r->exporter->super.who,
		          "its successor goes on with %llu span%s that it could not deliver",
		          (unsigned long long)l.spans, TOLL_PLURAL(l.spans));
	for (struct toll_entry *e = l.first; e; e = next) {
		next = e->next;
		if (l.failed)
			free(e);
		else if (!inherit(r->heir, e))
			refuse(r, e);
	}
	toll_runner_hand_waits_over(r);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* runner_follow.c - a runner that follows journals: what it is offered, and its ends. */
#include <stdlib.h>

#include "base/clock.h"
#include "pipeline/runner_private.h"
#include "pipeline/spool.h"
#include "proto/batch.h"

int toll_runner_follow(struct toll_runner *r, struct toll_spool *s, unsigned *ret_lane)
{
	struct toll_lane **lanes = realloc(r->lanes,
	                                   (r->lane_count + 1) * sizeof(struct toll_lane *)),
			 *l;
	int err;

	if (!lanes)
		return TOLL_ENOMEM;
	r->lanes = lanes;
	l = calloc(1, sizeof(*l));
	if (!l)
		return TOLL_ENOMEM;
	err = toll_journal_cursor(s->journal, r->exporter->super.id.text, &l->cursor);
	if (err < 0) {
		free(l);
		return err;
	}
	l->spool = s;
	l->last = &l->first;
	l->checkpoints = r->exporter->durable_seq != NULL;
	*ret_lane = r->lane_count;
	r->lanes[r->lane_count++] = l;
	return 0;
}

void toll_runner_begin_lanes(struct toll_runner *r, struct toll_lane_wait **told)
{
	for (unsigned i = 0; i < r->lane_count; i++) {
		struct toll_lane *l = r->lanes[i];

		if (l->begun || l->ended)
			continue;
		toll_lane_begin(l);
		/* Done by the one before, and nobody can say how. */
		toll_lane_dismiss(l, l->next.seq, TOLL_ESHUTDOWN, told);
		r->poll_due_ns = toll_clock_mono_ns();
	}
}

/* ---- offers: the journals' threads ---- */

static bool is_next(const struct toll_runner *r, const struct toll_lane *l,
                    struct toll_journal_mark begin)
{
	return l->begun && !l->ended && !r->queue.closed && !toll_lane_lags(l) &&
	       l->next.seq == begin.seq;
}

static bool take(struct toll_runner *r, struct toll_lane *l, struct toll_batch *b,
                 const struct toll_lane_place *place, struct toll_waiter *w)
{
	struct toll_entry *e;

	if (!is_next(r, l, place->begin) ||
	    !toll_runner_has_room(r, l, toll_queue_size_of(&r->queue, b->kept_count, b->wire.len)))
		return false;
	e = malloc(sizeof(*e));
	if (!e)
		return false;
	*e = (struct toll_entry){ .batch = toll_batch_ref(b), .waiter = w, .place = *place };
	toll_queue_put(&r->queue, e, r->batches ? toll_clock_mono_ns() : 0);
	toll_lane_give(l, e);
	l->passed_bytes += b->wire.len;
	toll_runner_show(r);
	return true;
}

/* 1: it waits; else what it hears at once. */
static int wait_for(struct toll_runner *r, struct toll_lane *l, uint64_t seq, struct toll_waiter *w)
{
	int err = 0;

	if (l->begun && seq < l->next.seq)
		return toll_lane_is_over(l, seq, w, &err) ? err : 1;
	if (r->dismissed || l->ended)
		return TOLL_ESHUTDOWN;
	return toll_lane_wait(l, seq, w) ? 1 : TOLL_ENOMEM;
}

void toll_runner_offer(struct toll_runner *r, unsigned lane, struct toll_batch *b,
                       struct toll_journal_mark begin, struct toll_journal_mark end,
                       struct toll_waiter *w)
{
	const struct toll_lane_place place = { .begin = begin, .end = end };
	struct toll_lane *l = r->lanes[lane];
	bool lagged, taken;
	int heard = 1;

	pthread_mutex_lock(&r->lock);
	lagged = toll_lane_lags(l);
	taken = b->kept_count && take(r, l, b, &place, w);
	if (w && !taken)
		heard = wait_for(r, l, begin.seq, w);
	toll_lane_know(l, end);
	if (taken ? r->queue.waiting_spans >= r->wake_spans : !lagged)
		pthread_cond_signal(&r->work);
	pthread_mutex_unlock(&r->lock);
	if (heard <= 0)
		w->done(w, heard);
}

/* ---- the end ---- */

void toll_runner_dismiss(struct toll_runner *r)
{
	struct toll_lane_wait *told = NULL;

	pthread_mutex_lock(&r->lock);
	r->dismissed = true;
	for (unsigned i = 0; i < r->lane_count; i++)
		toll_lane_dismiss(r->lanes[i], UINT64_MAX, TOLL_ESHUTDOWN, &told);
	pthread_mutex_unlock(&r->lock);
	toll_lane_tell(told);
}

void toll_runner_end_lanes(struct toll_runner *r, struct toll_lane_wait **told)
{
	for (unsigned i = 0; i < r->lane_count; i++) {
		r->lanes[i]->ended = true;
		toll_lane_dismiss(r->lanes[i], UINT64_MAX, TOLL_ESHUTDOWN, told);
	}
}

/* Those of entries wait for the record again, as the heir will read it. */
static void take_waits(struct toll_lane *l, struct toll_lane_wait **ret)
{
	for (struct toll_entry *e = l->first; e; e = e->place.next)
		if (e->waiter && toll_lane_wait(l, e->place.begin.seq, e->waiter))
			e->waiter = NULL;
	toll_lane_dismiss(l, UINT64_MAX, TOLL_ESHUTDOWN, ret);
}

static void give_waits(struct toll_runner *heir, const struct toll_spool *s,
                       struct toll_lane_wait **waits)
{
	struct toll_lane_wait **at = waits, *w;

	for (unsigned i = 0; i < heir->lane_count; i++) {
		struct toll_lane *l = heir->lanes[i];

		if (l->spool != s || l->ended || l->begun || heir->dismissed)
			continue;
		while ((w = *at)) {
			if (!toll_lane_wait(l, w->seq, w->waiter)) {
				at = &w->next;
				continue;
			}
			*at = w->next;
			free(w);
		}
	}
}

void toll_runner_hand_waits_over(struct toll_runner *r)
{
	for (unsigned i = 0; i < r->lane_count; i++) {
		struct toll_lane *l = r->lanes[i];
		struct toll_lane_wait *waits = NULL;

		pthread_mutex_lock(&r->lock);
		take_waits(l, &waits);
		pthread_mutex_unlock(&r->lock);
		pthread_mutex_lock(&r->heir->lock);
		give_waits(r->heir, l->spool, &waits);
		pthread_mutex_unlock(&r->heir->lock);
		toll_lane_tell(waits);
	}
}

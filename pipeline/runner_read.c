/* SPDX-License-Identifier: Apache-2.0 */
/* runner_read.c - what the runner's thread does for its lanes: reads what they have not been given
 * from memory. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "pipeline/host.h"
#include "pipeline/record.h"
#include "pipeline/runner_private.h"
#include "pipeline/spool.h"

#define BACKOFF_FIRST (100 * TOLL_MS)
#define BACKOFF_MOST  (3 * TOLL_S)
/* Memory comes back when others have been delivered, which nobody tells. */
#define MEMORY_NS (20 * TOLL_MS)
/* After so long without memory those who have it may be waiting for this very lane. */
#define STARVED_NS TOLL_S
/* So much may have been given from memory since a file was read: to read over it is cheaper than to
 * look for the place from the segment's begin. */
#define PASSED_MAX (UINT64_C(8) << 20)

/* ---- room ---- */

/* Receivers need the rest, or what cannot be delivered would end in refusals: the disk has room. */
static bool memory_is_tight(const struct toll_lane *l)
{
	struct toll_memory *m = l->spool->memory;
	size_t limit = m ? atomic_load_explicit(&m->limit, memory_order_relaxed) : 0;

	return limit && atomic_load_explicit(&m->used, memory_order_relaxed) > limit / 2;
}

static bool others_want(const struct toll_runner *r, const struct toll_lane *l)
{
	for (unsigned i = 0; i < r->lane_count; i++)
		if (r->lanes[i] != l && toll_lane_lags(r->lanes[i]))
			return true;
	return r->others_until_ns && toll_clock_mono_ns() < r->others_until_ns;
}

/* An even share, where somebody else has use for the rest. A lane that has nothing in the queue may
 * always put one: else a large one might never get in. */
static bool queue_has_room(const struct toll_runner *r, const struct toll_lane *l, uint64_t size)
{
	const struct toll_queue *q = &r->queue;

	if (!l->used)
		return true;
	if (q->used >= q->capacity || size > q->capacity - q->used)
		return false;
	return !others_want(r, l) || l->used + size <= q->capacity / (r->lane_count + 1);
}

bool toll_runner_has_room(const struct toll_runner *r, const struct toll_lane *l, uint64_t size)
{
	return queue_has_room(r, l, size) && (!l->used || !memory_is_tight(l));
}

static uint64_t size_of_next(const struct toll_runner *r, const struct toll_lane *l)
{
	return l->has_record ? toll_queue_size_of(&r->queue, l->record.items, l->record.payload.len)
	                     : 1;
}

bool toll_runner_lanes_want(const struct toll_runner *r)
{
	for (unsigned i = 0; i < r->lane_count; i++) {
		const struct toll_lane *l = r->lanes[i];

		if (toll_lane_lags(l) && !toll_runner_has_room(r, l, size_of_next(r, l)))
			return true;
	}
	return false;
}

/* TOLL_NEVER: not before something else happens, which wakes the thread. */
static uint64_t readable_at(const struct toll_runner *r, const struct toll_lane *l, uint64_t now)
{
	if (r->draining || l->ended || !l->begun || !toll_lane_lags(l) ||
	    !queue_has_room(r, l, size_of_next(r, l)))
		return TOLL_NEVER;
	if (now < l->again_ns)
		return l->again_ns;
	return l->used && memory_is_tight(l) ? now + MEMORY_NS : now;
}

/* They take turns. */
static struct toll_lane *next_lane(struct toll_runner *r, uint64_t now)
{
	for (unsigned i = 0; i < r->lane_count; i++) {
		unsigned at = (r->turn + i) % r->lane_count;

		if (readable_at(r, r->lanes[at], now) > now)
			continue;
		if (r->lanes[at]->has_record) /* fetched: this time it gets in */
			r->turn = at + 1;
		return r->lanes[at];
	}
	return NULL;
}

/* ---- what goes wrong ---- */

static void tell_trouble(struct toll_runner *r, const struct toll_lane *l, int err)
{
	const struct toll_component *c = &r->exporter->super;
	char why[200];

	snprintf(why, sizeof(why), "cannot read %s: %s; tries again, nothing is lost",
	         l->spool->who, toll_err_text(err));
	TOLL_WARN(c->who, "%s", why);
	if (c->host)
		toll_host_set_health(c->host, c, TOLL_HEALTH_DEGRADED, why);
}

static void tell_recovery(struct toll_runner *r, const struct toll_lane *l)
{
	const struct toll_component *c = &r->exporter->super;

	TOLL_INFO(c->who, "reads %s again", l->spool->who);
	if (c->host)
		toll_host_set_health(c->host, c, TOLL_HEALTH_OK, "");
}

/* Without the lock. When to try again. */
static uint64_t backoff(struct toll_runner *r, struct toll_lane *l, int err)
{
	if (err < 0) {
		if (!l->backoff_ns)
			tell_trouble(r, l, err);
		l->backoff_ns = l->backoff_ns ? l->backoff_ns * 2 : BACKOFF_FIRST;
		if (l->backoff_ns > BACKOFF_MOST)
			l->backoff_ns = BACKOFF_MOST;
		return toll_clock_mono_ns() + l->backoff_ns;
	}
	if (l->backoff_ns)
		tell_recovery(r, l);
	l->backoff_ns = 0;
	return 0;
}

static const char *const loss_texts[TOLL_LANE_LOSSES] = {
	[TOLL_LANE_GAP] = "damaged or dropped in",
	[TOLL_LANE_UNDECODABLE] = "cannot be decoded from",
};

/* Once per run of them. Lets go of the lock. */
static void tell_losses(struct toll_runner *r, struct toll_lane *l)
{
	for (int why = 0; why < TOLL_LANE_LOSSES; why++) {
		const struct toll_lost lost = l->untold[why];
		char dollars[TOLL_LOST_TEXT];

		if (!lost.spans)
			continue;
		l->untold[why] = (struct toll_lost){ 0 };
		pthread_mutex_unlock(&r->lock);
		TOLL_FAULT(r->exporter->super.who, "lost %" PRIu64 " span%s worth %s: %s %s",
		           lost.spans, TOLL_PLURAL(lost.spans), toll_lost_dollars(&lost, dollars),
		           loss_texts[why], l->spool->who);
		pthread_mutex_lock(&r->lock);
	}
}

/* ---- one step of reading ---- */

static void fetch(struct toll_runner *r, struct toll_lane *l)
{
	const struct toll_journal_mark next = l->next;
	const bool is_far = l->passed_bytes > PASSED_MAX;
	uint64_t again;
	int err;

	l->passed_bytes = 0;
	pthread_mutex_unlock(&r->lock);
	if (is_far)
		toll_lane_close(l);
	err = toll_lane_fetch(l, next);
	again = backoff(r, l, err);
	pthread_mutex_lock(&r->lock);
	l->again_ns = again;
}

static void lose(struct toll_runner *r, struct toll_lane *l, struct toll_journal_mark to,
                 enum toll_lane_loss why, enum toll_stat stat)
{
	struct toll_lane_wait *told = NULL;

	toll_stat_add(r->exporter->super.stats, stat, to.items - l->next.items);
	toll_lane_lose(l, to, why, &told);
	pthread_mutex_unlock(&r->lock);
	toll_lane_tell(told);
	pthread_mutex_lock(&r->lock);
}

/* What cannot be read any more may be more than is known: the rest will come from memory, so the
 * reader must begin again behind that. */
static void pass_gap(struct toll_runner *r, struct toll_lane *l)
{
	struct toll_journal_mark to = l->is_gap ? l->record.end : l->record.begin;
	const bool is_ahead = to.seq > l->known.seq;

	if (l->is_gap)
		l->has_record = false;
	if (is_ahead) {
		to = l->known;
		pthread_mutex_unlock(&r->lock);
		toll_lane_close(l);
		pthread_mutex_lock(&r->lock);
	}
	lose(r, l, to, TOLL_LANE_GAP, TOLL_STAT_EXPORTER_JOURNAL_GAP_SPANS);
}

/* It has been read, decoded, and is the next one. Lets go of the lock. */
static void put(struct toll_runner *r, struct toll_lane *l, struct toll_entry *e)
{
	struct toll_lane_wait *told = NULL;

	l->has_record = false;
	toll_stat_add(r->exporter->super.stats, TOLL_STAT_EXPORTER_JOURNAL_RECORDS, 1);
	if (e->batch->kept_count) {
		e->waiter = toll_lane_waiter(l, e->place.begin.seq);
		toll_queue_put(&r->queue, e, toll_clock_mono_ns());
		toll_lane_give(l, e);
		toll_runner_show(r);
		return;
	}
	toll_lane_skip(l, e->place.end, 0, &told); /* nobody's work */
	pthread_mutex_unlock(&r->lock);
	toll_lane_tell(told);
	toll_batch_unref(e->batch);
	free(e);
	pthread_mutex_lock(&r->lock);
}

/* Clients that wait for what is still to be read hold memory until it is delivered: then a lane
 * with nothing in the queue gets one record on top of the budget, or neither would ever go on. */
static bool is_starved(const struct toll_lane *l)
{
	return !l->used && l->hungry_ns && toll_clock_mono_ns() - l->hungry_ns > STARVED_NS;
}

/* Without the lock. */
static int decode(const struct toll_lane *l, struct toll_memory *memory, struct toll_entry **ret)
{
	struct toll_entry *e = calloc(1, sizeof(*e));
	int err;

	if (!e)
		return TOLL_ENOMEM;
	e->place.begin = l->record.begin;
	e->place.end = l->record.end;
	err = toll_record_decode(&l->record, toll_journal_epoch(l->spool->journal), memory,
	                         &e->batch);
	if (err < 0) {
		free(e);
		return err;
	}
	*ret = e;
	return 0;
}

/* Lets go of the lock. */
static int decode_within_budget(struct toll_runner *r, struct toll_lane *l, struct toll_entry **ret)
{
	const bool starved = is_starved(l);
	int err;

	pthread_mutex_unlock(&r->lock);
	err = decode(l, l->spool->memory, ret);
	if (err != TOLL_EFULL)
		l->hungry_ns = 0;
	else if (starved)
		err = decode(l, NULL, ret);
	else if (!l->hungry_ns)
		l->hungry_ns = toll_clock_mono_ns();
	pthread_mutex_lock(&r->lock);
	return err;
}

/* False: it was no good. */
static bool give(struct toll_runner *r, struct toll_lane *l)
{
	struct toll_entry *e = NULL;
	int err = decode_within_budget(r, l, &e);

	if (err == TOLL_EFULL || err == TOLL_ENOMEM) {
		l->again_ns = toll_clock_mono_ns() + MEMORY_NS;
	} else if (err < 0) {
		l->has_record = false;
		lose(r, l, l->record.end, TOLL_LANE_UNDECODABLE,
		     TOLL_STAT_EXPORTER_JOURNAL_UNDECODABLE_SPANS);
	} else if (r->draining || l->ended) { /* its end has begun meanwhile */
		toll_batch_unref(e->batch);
		free(e);
	} else {
		put(r, l, e);
		return true;
	}
	return false;
}

bool toll_runner_read(struct toll_runner *r, uint64_t now)
{
	struct toll_lane *l = next_lane(r, now);
	bool is_run = true;

	if (!l)
		return false;
	if (!l->has_record)
		fetch(r, l);
	else if (l->is_gap || l->record.begin.seq > l->next.seq)
		pass_gap(r, l);
	else
		is_run = !give(r, l);
	if (!is_run || !toll_lane_lags(l))
		tell_losses(r, l);
	return true;
}

uint64_t toll_runner_lanes_due(const struct toll_runner *r, uint64_t now)
{
	uint64_t due = r->poll_due_ns;

	for (unsigned i = 0; i < r->lane_count; i++) {
		uint64_t at = readable_at(r, r->lanes[i], now);

		if (at < due)
			due = at;
	}
	return due;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* runner_poll.c - what a runner's thread does for its lanes now and then, and in the end. */
#include "base/clock.h"
#include "pipeline/runner_private.h"
#include "pipeline/spool.h"

#define POLL_NS (500 * TOLL_MS)

/* All but the last let go of the lock that they are called with. */

static void follow_exporter(struct toll_runner *r, struct toll_lane *l)
{
	struct toll_exporter *e = r->exporter;
	uint64_t seq;

	if (!l->marks.count)
		return;
	pthread_mutex_unlock(&r->lock);
	seq = e->durable_seq(e, toll_journal_epoch(l->spool->journal));
	pthread_mutex_lock(&r->lock);
	toll_lane_durable(l, seq);
}

/* What was durable at the last poll has been offered since, or nobody will. */
static void look_at_journal(struct toll_lane *l)
{
	toll_lane_know(l, l->seen_end);
	l->seen_end = toll_journal_end(l->spool->journal);
}

/* An open file holds its place on the disk. */
static void close_unused(struct toll_runner *r, struct toll_lane *l)
{
	if (!l->reader || toll_lane_lags(l))
		return;
	pthread_mutex_unlock(&r->lock);
	toll_lane_close(l);
	pthread_mutex_lock(&r->lock);
}

bool toll_runner_poll(struct toll_runner *r, uint64_t now)
{
	if (now < r->poll_due_ns)
		return false;
	for (unsigned i = 0; i < r->lane_count; i++) {
		struct toll_lane *l = r->lanes[i];

		if (!l->begun || l->ended)
			continue;
		look_at_journal(l);
		follow_exporter(r, l);
		close_unused(r, l);
	}
	r->poll_due_ns = toll_clock_mono_ns() + POLL_NS;
	return true;
}

void toll_runner_close_lanes(struct toll_runner *r)
{
	pthread_mutex_lock(&r->lock);
	for (unsigned i = 0; i < r->lane_count; i++)
		if (!r->lanes[i]->ended)
			follow_exporter(r, r->lanes[i]);
	pthread_mutex_unlock(&r->lock);
	for (unsigned i = 0; i < r->lane_count; i++)
		toll_lane_close(r->lanes[i]);
}

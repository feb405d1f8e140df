/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/lane.h"

#include <string.h>

#include "pipeline/queue.h"
#include "pipeline/spool.h"
#include "proto/batch.h"

/* ---- marks ---- */

void toll_marks_add(struct toll_marks *m, struct toll_journal_mark mark)
{
	unsigned kept = 0;

	if (m->count == TOLL_MARKS_MAX) {
		for (unsigned i = 1; i < m->count; i += 2)
			m->at[kept++] = m->at[i];
		m->count = kept;
	}
	m->at[m->count++] = mark;
}

bool toll_marks_take(struct toll_marks *m, uint64_t seq, struct toll_journal_mark *ret)
{
	unsigned n = 0;

	while (n < m->count && m->at[n].seq <= seq)
		n++;
	if (!n)
		return false;
	*ret = m->at[n - 1];
	m->count -= n;
	memmove(m->at, m->at + n, m->count * sizeof(m->at[0]));
	return true;
}

/* ---- how far it has come ---- */

void toll_lane_begin(struct toll_lane *l)
{
	l->next = l->done = toll_journal_cursor_mark(l->cursor);
	toll_lane_know(l, toll_journal_end(l->spool->journal));
	l->begun = true;
}

void toll_lane_know(struct toll_lane *l, struct toll_journal_mark end)
{
	if (end.seq > l->known.seq)
		l->known = end;
}

/* Everything before the first that is not answered is done. */
static void move(struct toll_lane *l)
{
	const struct toll_journal_mark done = l->first ? l->first->place.begin : l->next;

	if (l->ended || done.seq <= l->done.seq)
		return;
	l->done = done;
	if (l->checkpoints)
		toll_marks_add(&l->marks, done);
	else
		toll_journal_advance(l->cursor, done);
}

static void note_failure(struct toll_lane *l, uint64_t end, int err)
{
	if (!err || end <= l->failed_end)
		return;
	l->failed_end = end;
	l->failed_err = err;
}

void toll_lane_give(struct toll_lane *l, struct toll_entry *e)
{
	struct toll_lane_place *p = &e->place;

	p->lane = l;
	p->next = NULL;
	p->link = l->last;
	*l->last = e;
	l->last = &p->next;
	l->used += e->size;
	l->next = p->end;
	l->newest_ms = e->batch->received_wall_ms;
}

void toll_lane_answered(struct toll_lane *l, struct toll_entry *e)
{
	struct toll_lane_place *p = &e->place;

	*p->link = p->next;
	if (p->next)
		p->next->place.link = p->link;
	else
		l->last = p->link;
	l->used -= e->size;
	note_failure(l, p->end.seq, e->err);
	move(l);
}

void toll_lane_skip(struct toll_lane *l, struct toll_journal_mark to, int err,
                    struct toll_lane_wait **told)
{
	toll_lane_dismiss(l, to.seq, err, told);
	note_failure(l, to.seq, err);
	l->next = to;
	move(l);
}

static struct toll_journal_mark between(struct toll_journal_mark begin,
                                        struct toll_journal_mark end)
{
	return (struct toll_journal_mark){ end.seq - begin.seq, end.items - begin.items,
		                           end.pico - begin.pico };
}

struct toll_lost toll_lane_as_lost(const struct toll_journal_mark *m)
{
	const bool fits = m->pico < (toll_i128)UINT64_MAX;

	return (struct toll_lost){ m->items, m->pico <= 0 ? 0
		                             : fits       ? (uint64_t)m->pico
		                                          : UINT64_MAX };
}

void toll_lane_lose(struct toll_lane *l, struct toll_journal_mark to, enum toll_lane_loss why,
                    struct toll_lane_wait **told)
{
	const struct toll_journal_mark more = between(l->next, to);
	struct toll_journal_mark *sum = &l->lost[why];

	*sum = (struct toll_journal_mark){ sum->seq + more.seq, sum->items + more.items,
		                           sum->pico + more.pico };
	toll_lost_join(&l->untold[why], toll_lane_as_lost(&more));
	/* The destination does not get it from here: a client may send it again. */
	toll_lane_skip(l, to, TOLL_EDOWN, told);
}

void toll_lane_durable(struct toll_lane *l, uint64_t seq)
{
	struct toll_journal_mark to;

	if (!l->ended && toll_marks_take(&l->marks, seq, &to))
		toll_journal_advance(l->cursor, to);
}

struct toll_journal_mark toll_lane_behind(const struct toll_lane *l, struct toll_journal_mark end)
{
	return end.seq > l->done.seq ? between(l->done, end) : (struct toll_journal_mark){ 0 };
}

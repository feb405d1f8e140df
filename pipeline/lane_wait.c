/* SPDX-License-Identifier: Apache-2.0 */
/* lane_wait.c - who waits for records that a lane has not come to yet. */
#include <stdlib.h>

#include "pipeline/lane.h"
#include "pipeline/queue.h"

bool toll_lane_wait(struct toll_lane *l, uint64_t seq, struct toll_waiter *w)
{
	struct toll_lane_wait *new = malloc(sizeof(*new)), **at = &l->waits;

	if (!new)
		return false;
	if (l->last_wait && l->last_wait->seq <= seq) /* but for those of a runner before */
		at = &l->last_wait->next;
	while (*at && (*at)->seq <= seq)
		at = &(*at)->next;
	*new = (struct toll_lane_wait){ .next = *at, .waiter = w, .seq = seq };
	*at = new;
	if (!new->next)
		l->last_wait = new;
	return true;
}

static struct toll_lane_wait *take_first(struct toll_lane *l)
{
	struct toll_lane_wait *first = l->waits;

	l->waits = first->next;
	if (!l->waits)
		l->last_wait = NULL;
	return first;
}

struct toll_waiter *toll_lane_waiter(struct toll_lane *l, uint64_t seq)
{
	struct toll_waiter *w = NULL;
	struct toll_lane_wait *first;

	if (l->waits && l->waits->seq == seq) {
		first = take_first(l);
		w = first->waiter;
		free(first);
	}
	return w;
}

void toll_lane_dismiss(struct toll_lane *l, uint64_t seq, int err, struct toll_lane_wait **told)
{
	while (l->waits && l->waits->seq < seq) {
		struct toll_lane_wait *w = take_first(l);

		w->err = err;
		w->next = *told;
		*told = w;
	}
}

void toll_lane_tell(struct toll_lane_wait *told)
{
	while (told) {
		struct toll_lane_wait *next = told->next;

		told->waiter->done(told->waiter, told->err);
		free(told);
		told = next;
	}
}

bool toll_lane_is_over(struct toll_lane *l, uint64_t seq, struct toll_waiter *w, int *ret_err)
{
	struct toll_entry *e = l->first;

	while (e && e->place.begin.seq < seq)
		e = e->place.next;
	if (e && e->place.begin.seq == seq) {
		e->waiter = w;
		return false;
	}
	*ret_err = seq < l->failed_end ? l->failed_err : 0;
	return true;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* runner_follow.c - a runner that gets what it delivers from journals. */
#include "pipeline/runner.h"

int toll_runner_follow(struct toll_runner *r TOLL_UNUSED, struct toll_spool *s TOLL_UNUSED,
                       unsigned *ret_lane TOLL_UNUSED)
{
	return TOLL_EUNSUPPORTED; /* no pipeline has a journal yet */
}

/* Nobody follows, so nobody is offered anything. */
void toll_runner_offer(struct toll_runner *r TOLL_UNUSED, unsigned lane TOLL_UNUSED,
                       struct toll_batch *b TOLL_UNUSED, struct toll_journal_mark begin TOLL_UNUSED,
                       struct toll_journal_mark end TOLL_UNUSED, struct toll_waiter *w)
{
	if (w)
		w->done(w, TOLL_EUNSUPPORTED);
}

void toll_runner_lag(struct toll_runner *r TOLL_UNUSED, unsigned lane TOLL_UNUSED,
                     struct toll_journal_mark *ret_behind)
{
	*ret_behind = (struct toll_journal_mark){ 0 };
}

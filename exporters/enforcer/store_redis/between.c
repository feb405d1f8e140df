/* SPDX-License-Identifier: Apache-2.0 */
#include "exporters/enforcer/store_redis/between.h"

#include "base/clock.h"
#include "exporters/enforcer/store_redis/kill.h"
#include "exporters/enforcer/store_redis/redis_errands.h"

/* People wait for it. */
static int run_errands(struct toll_between *b)
{
	struct toll_request *r;
	int err = 0;

	while (b->requests && !err && (r = toll_requests_take(b->requests)) != NULL) {
		bool must_look = false;

		err = toll_redis_errand(b->decider, b->runtime, r, &must_look);
		if (must_look)
			b->wishes |= TOLL_WISH_LOOK | TOLL_WISH_KILL;
		if (r->op == TOLL_REQUEST_SET_BUDGET)
			b->wishes |= TOLL_WISH_BUDGETS;
		toll_requests_answer(b->requests, r);
	}
	return err;
}

/* The kill switch, and with its answer the word that the copy of flags is of now. */
static int watch_kill(struct toll_between *b)
{
	struct toll_decider *d = b->decider;
	bool changed;
	int err = toll_kill_look(d, d->throttle->kill, &changed);

	b->kill_at = toll_clock_mono_ns() + TOLL_KILL_POLL_NS;
	b->wishes &= ~(unsigned)TOLL_WISH_KILL;
	if (err)
		return err;
	if (changed)
		b->wishes |= TOLL_WISH_LOOK;
	if (d->board)
		toll_flags_heard(&d->board->source, toll_clock_mono_ns());
	return 0;
}

static int look(struct toll_between *b)
{
	b->wishes &= ~(unsigned)TOLL_WISH_LOOK;
	return toll_decide_flagged(b->decider);
}

int toll_between_run(struct toll_between *b, uint64_t now_mono_ns)
{
	int err = run_errands(b);

	if (!err && (now_mono_ns >= b->kill_at || (b->wishes & TOLL_WISH_KILL)))
		err = watch_kill(b);
	if (!err && (b->wishes & TOLL_WISH_LOOK))
		err = look(b);
	return err;
}

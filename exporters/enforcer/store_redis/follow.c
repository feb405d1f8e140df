/* SPDX-License-Identifier: Apache-2.0 */
#include "exporters/enforcer/store_redis/follow.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/thread.h"
#include "exporters/enforcer/store_redis/keys.h"
#include "net/redis_listener.h"
#include "net/tls_client.h"

#define WAIT_NS (100 * TOLL_MS) /* between two looks whether it is to stop */
#define BURST   64              /* messages before readers see what came of them */

struct toll_follower {
	struct toll_follower_settings set;
	struct toll_redis_listener *listener; /* NULL: to be made */
	struct toll_tls_client *tls;          /* its certificates; NULL: plain */
	pthread_t thread;
	bool joined;
	atomic_bool stop;
	pthread_mutex_t lock; /* guards nothing but the wait of a back-off */
	pthread_cond_t wake;  /* stop was set */
	bool complained;      /* about this outage */
	uint32_t failures;    /* in a row */
};

/* ---- one event ---- */

static enum toll_flag_reason reason_of(const struct toll_budget_event *e)
{
	for (int i = 0; i < TOLL_FLAG_REASONS; i++)
		if (strcmp(e->reason, toll_flag_reason_name((enum toll_flag_reason)i)) == 0)
			return (enum toll_flag_reason)i;
	return TOLL_FLAG_BUDGET;
}

/* Its end is as far away here as there, whatever the clocks say. */
static void put_flag(struct toll_flag_board *b, const struct toll_budget_event *e)
{
	struct toll_flag f = { .subject = toll_slice_str(e->subject),
		               .throttled = true,
		               .allowed = e->allowed,
		               .retry_after_s = e->retry_after_s,
		               .reason = reason_of(e),
		               .spent_nano = e->spent_nano,
		               .limit_pico = e->limit_pico };

	if (e->until_ms <= e->time_ms)
		return;
	f.until_ms = toll_clock_wall_ms() + (e->until_ms - e->time_ms);
	snprintf(f.window, sizeof(f.window), "%s", e->window);
	toll_flag_board_put(b, &f);
}

/* There may be no room for it: then the next round of decisions shows its flag. */
static void nudge(struct toll_totals *t, const char *subject)
{
	struct toll_service *s;

	toll_totals_lock(t);
	s = toll_totals_meet(t, toll_slice_str(subject));
	if (s)
		s->nudged = true;
	toll_totals_unlock(t);
}

static unsigned apply(const struct toll_follower_settings *set, const struct toll_budget_event *e)
{
	switch (e->what) {
	case TOLL_EVENT_SET:
	case TOLL_EVENT_RESTORE:
		put_flag(set->board, e);
		return 0;
	case TOLL_EVENT_RELEASE:
	case TOLL_EVENT_CAPPED:
		toll_flag_board_clear(set->board, toll_slice_str(e->subject));
		return 0;
	case TOLL_EVENT_OVERRIDE:
		if (!e->subject[0])
			return 0;
		nudge(set->totals, e->subject);
		return TOLL_WISH_LOOK;
	case TOLL_EVENT_KILL:
	case TOLL_EVENT_UNKILL:
		return TOLL_WISH_KILL;
	case TOLL_EVENT_BUDGET:
		return TOLL_WISH_BUDGETS;
	default:
		return 0;
	}
}

unsigned toll_follow_message(const struct toll_follower_settings *set, struct toll_slice message)
{
	struct toll_budget_event e;

	if (toll_event_parse(message, &e) < 0) {
		toll_counter_add(set->counters, TOLL_COUNTER_BAD_EVENTS, 1);
		return 0;
	}
	if (strcmp(e.by, set->instance) == 0)
		return 0;
	toll_counter_add(set->counters, TOLL_COUNTER_EVENTS, 1);
	return apply(set, &e);
}

/* ---- the connection ---- */

/* As the store's, whose own complaint may say the same: once per outage. */
static void went_down(struct toll_follower *f, const char *why)
{
	f->failures++;
	if (!f->complained)
		TOLL_WARN(f->set.who,
		          "events are not heard: %s; flags of other daemons are seen once per "
		          "evaluation window",
		          why);
	f->complained = true;
}

/* Certificates are read anew for every connection: then they matter. */
static int make_listener(struct toll_follower *f, struct toll_error *reterr)
{
	struct toll_redis_settings set;
	int err;

	f->listener = toll_redis_listener_free(f->listener);
	toll_tls_client_free(f->tls);
	f->tls = NULL;
	err = toll_redis_tls_load(f->set.redis, &f->tls, reterr);
	if (err)
		return err;
	toll_redis_settings_make(f->set.redis, &set);
	set.tls = f->tls;
	f->listener = toll_redis_listener_new(&set, TOLL_CHANNEL);
	return f->listener ? 0 : toll_fail(reterr, TOLL_ENOMEM, "out of memory");
}

static int listen_now(struct toll_follower *f, struct toll_error *reterr)
{
	int err = make_listener(f, reterr);

	if (err)
		return err;
	err = toll_redis_listen(f->listener);
	return err ? toll_fail(reterr, err, "%.200s", toll_redis_listener_why(f->listener)) : 0;
}

static void back_off(struct toll_follower *f)
{
	uint64_t until = toll_clock_mono_ns() + toll_redis_backoff_ns(f->failures);

	pthread_mutex_lock(&f->lock);
	while (!atomic_load(&f->stop) &&
	       toll_cond_wait_until(&f->wake, &f->lock, until) != TOLL_ETIMEOUT)
		;
	pthread_mutex_unlock(&f->lock);
}

static bool connected(struct toll_follower *f)
{
	struct toll_error why;

	if (f->listener && toll_redis_listener_is_connected(f->listener))
		return true;
	if (listen_now(f, &why) < 0) {
		went_down(f, why.text);
		back_off(f);
		return false;
	}
	f->failures = 0;
	f->complained = false;
	f->set.wish(f->set.ctx, TOLL_WISH_ROUND);
	return true;
}

/* ---- the thread ---- */

/* Messages until none is there for a while; readers see them together. */
static void follow(struct toll_follower *f)
{
	struct toll_slice message;
	unsigned wishes = 0;
	int n, got = 0;

	do {
		n = toll_redis_listener_next(f->listener, got ? 0 : WAIT_NS, &message);
		if (n == 1)
			wishes |= toll_follow_message(&f->set, message);
		got += n == 1;
	} while (n == 1 && got < BURST);
	if (got)
		toll_flag_board_publish(f->set.board);
	if (wishes)
		f->set.wish(f->set.ctx, wishes);
	if (n < 0)
		went_down(f, toll_redis_listener_why(f->listener));
	else
		toll_flags_heard(&f->set.board->source,
		                 toll_redis_listener_heard_mono_ns(f->listener));
}

static void *run(void *arg)
{
	struct toll_follower *f = arg;

	while (!atomic_load(&f->stop))
		if (connected(f))
			follow(f);
	return NULL;
}

/* ---- life ---- */

struct toll_follower *toll_follower_new(const struct toll_follower_settings *set)
{
	struct toll_follower *f = calloc(1, sizeof(*f));

	if (!f)
		return NULL;
	f->set = *set;
	f->joined = true;
	if (pthread_mutex_init(&f->lock, NULL) || toll_cond_init(&f->wake) < 0) {
		free(f);
		return NULL;
	}
	f->joined = toll_thread_start(&f->thread, "toll-flags", run, f) < 0;
	return f->joined ? toll_follower_free(f) : f;
}

void toll_follower_stop(struct toll_follower *f)
{
	pthread_mutex_lock(&f->lock);
	atomic_store(&f->stop, true);
	pthread_cond_broadcast(&f->wake);
	pthread_mutex_unlock(&f->lock);
}

bool toll_follower_join(struct toll_follower *f, uint64_t deadline_mono_ns)
{
	if (!f->joined)
		f->joined = toll_thread_join_until(f->thread, deadline_mono_ns) == 0;
	return f->joined;
}

struct toll_follower *toll_follower_free(struct toll_follower *f)
{
	if (!f)
		return NULL;
	toll_redis_listener_free(f->listener);
	toll_tls_client_free(f->tls);
	pthread_cond_destroy(&f->wake);
	pthread_mutex_destroy(&f->lock);
	free(f);
	return NULL;
}

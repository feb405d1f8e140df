/* SPDX-License-Identifier: Apache-2.0 */
#include "exporters/enforcer/store_redis/redis_store.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/thread.h"
#include "exporters/enforcer/decision/audit.h"
#include "exporters/enforcer/store_redis/redis_inside.h"
#include "exporters/enforcer/store_redis/redis_settings.h"
#include "pipeline/source.h"

#define SPREAD_MAX_MS 500            /* daemons do not all come at once */
#define TURN_NS       (10 * TOLL_MS) /* between two looks whether the one before is done */

struct toll_redis_store *toll_redis_store_new(const struct toll_enforcer_config *config,
                                              const struct toll_component *owner,
                                              const char *instance, struct toll_totals *totals,
                                              const struct toll_rules *rules,
                                              struct toll_counters *counters)
{
	struct toll_redis_store *s = calloc(1, sizeof(*s));
	struct toll_publisher *p;
	uint64_t spread = config->evaluation_window / TOLL_MS / 20; /* rules may be changing */
	struct toll_redis_settings set;

	if (!s)
		return NULL;
	if (pthread_mutex_init(&s->lock, NULL) || toll_cond_init(&s->wake) < 0) {
		free(s);
		return NULL;
	}
	s->config = config;
	s->owner = owner;
	s->interval_ns = config->flush_interval;
	s->daemons = 1;
	s->spread_ms = toll_hash(toll_slice_str(instance)) %
	               ((spread < SPREAD_MAX_MS ? spread : SPREAD_MAX_MS) + 1);
	p = &s->publisher;
	toll_redis_settings_make(&config->redis, &set);
	toll_redis_init(&p->redis, &set);
	s->claim.ours = TOLL_SOURCE_INLINE;
	s->health.owner = owner;
	s->health.counters = counters;
	p->totals = totals;
	p->rules = rules;
	p->counters = counters;
	p->instance = instance;
	s->between.decider = &s->decider;
	s->between.runtime = &s->runtime;
	s->runtime.conf = toll_enforcer_budget_settings(config);
	s->runtime.who = owner->who;
	s->runtime.totals = totals;
	s->decider = (struct toll_decider){
		.publisher = p,
		.who = owner->who,
		.throttle = &config->throttle,
		.cluster = config->redis.mode == TOLL_REDIS_CLUSTER,
	};
	return s;
}

void toll_redis_store_notify(struct toll_redis_store *s, struct toll_notifier *notifier)
{
	s->decider.notifier = notifier;
}

void toll_redis_store_share(struct toll_redis_store *s, struct toll_kept *kept,
                            const struct toll_rules *rules)
{
	s->kept = kept;
	s->wanted = rules;
	s->decider.board = &kept->board;
	s->runtime.said = &kept->said;
}

void toll_redis_store_counts(struct toll_redis_store *s, const char *source)
{
	s->claim.ours = source;
}

void toll_redis_store_go_by(struct toll_redis_store *s, const struct toll_test_clock *clock)
{
	s->publisher.clock = clock;
}

struct toll_redis_store *toll_redis_store_free(struct toll_redis_store *s)
{
	if (!s)
		return NULL;
	toll_follower_free(s->follower);
	toll_redis_close(&s->publisher.redis);
	toll_decider_release(&s->decider);
	toll_runtime_release(&s->runtime);
	toll_tls_client_free(s->tls);
	pthread_cond_destroy(&s->wake);
	pthread_mutex_destroy(&s->lock);
	free(s);
	return NULL;
}

static void wake(void *ctx)
{
	struct toll_redis_store *s = ctx;

	pthread_mutex_lock(&s->lock);
	s->asked = true;
	pthread_cond_broadcast(&s->wake);
	pthread_mutex_unlock(&s->lock);
}

void toll_redis_store_serve(struct toll_redis_store *s, struct toll_requests *requests,
                            struct toll_audit *audit)
{
	s->decider.audit = audit;
	s->between.requests = requests;
	requests->wake = wake;
	requests->ctx = s;
}

static void wish(void *ctx, unsigned wishes)
{
	struct toll_redis_store *s = ctx;

	pthread_mutex_lock(&s->lock);
	s->wishes |= wishes;
	pthread_cond_broadcast(&s->wake);
	pthread_mutex_unlock(&s->lock);
}

/* Without it flags of other daemons are seen once per evaluation window. */
static void start_follower(struct toll_redis_store *s)
{
	struct toll_follower_settings set = { .redis = &s->config->redis,
		                              .board = s->decider.board,
		                              .totals = s->publisher.totals,
		                              .counters = s->publisher.counters,
		                              .instance = s->publisher.instance,
		                              .who = s->owner->who,
		                              .wish = wish,
		                              .ctx = s };

	if (s->decider.board)
		s->follower = toll_follower_new(&set);
}

/* Half of the time there is: an outage of Redis must not eat what other components need. */
static uint64_t last_deadline(uint64_t deadline_mono_ns)
{
	uint64_t now = toll_clock_mono_ns();

	return deadline_mono_ns > now ? now + (deadline_mono_ns - now) / 2 : now;
}

/* ---- turns ---- */

static bool take_turn(struct toll_redis_store *s)
{
	if (!s->kept)
		return true;
	if (!toll_kept_claim_turn(s->kept, s))
		return false;
	/* Budgets set at run time have windows of their own, whose money must not leave before
	 * Redis says that they are there still. */
	toll_runtime_renew(&s->runtime);
	if (!toll_kept_begin_turn(s->kept, s, toll_redis_store_rules(s),
	                          (uint32_t)s->config->max_services, TOLL_STORE_REDIS))
		return false;
	s->publisher.seq = s->kept->seq;
	return true;
}

/* With the lock held. False: told to stop before it came. */
static bool wait_for_turn(struct toll_redis_store *s)
{
	bool mine = take_turn(s);

	while (!mine && !s->stop) {
		toll_cond_wait_until(&s->wake, &s->lock, toll_clock_mono_ns() + TURN_NS);
		mine = take_turn(s);
	}
	if (!mine && s->kept)
		toll_kept_leave_turn(s->kept, s); /* waits no more */
	return mine;
}

/* What waits is published, unless another one goes on with it at once. */
static void end_turn(struct toll_redis_store *s, uint64_t deadline)
{
	if (!s->kept || !toll_kept_is_wanted(s->kept, s))
		toll_redis_store_last(s, deadline);
	toll_redis_close(&s->publisher.redis);
	if (s->decider.audit)
		toll_audit_close(s->decider.audit);
	if (!s->kept)
		return;
	toll_redis_store_save(s);
	toll_kept_leave_turn(s->kept, s);
}

/* With the lock held. */
static void take_wishes(struct toll_redis_store *s)
{
	if (s->wishes & TOLL_WISH_ROUND)
		s->decide_at = toll_clock_mono_ns();
	s->between.wishes |= s->wishes;
	s->wishes = 0;
	s->asked = false;
}

static void *run(void *arg)
{
	struct toll_redis_store *s = arg;
	uint64_t deadline;
	bool mine;

	pthread_mutex_lock(&s->lock);
	mine = wait_for_turn(s);
	while (!s->stop) {
		take_wishes(s);
		pthread_mutex_unlock(&s->lock);
		toll_redis_store_work(s);
		pthread_mutex_lock(&s->lock);
		if (!s->stop && !s->asked && !s->wishes)
			toll_cond_wait_until(&s->wake, &s->lock, toll_redis_store_next(s));
	}
	deadline = last_deadline(s->deadline_mono_ns);
	pthread_mutex_unlock(&s->lock);
	if (s->between.requests)
		toll_requests_fail(s->between.requests, true, TOLL_ESHUTDOWN,
		                   "the enforcer is shutting down");
	if (mine)
		end_turn(s, deadline);
	return NULL;
}

int toll_redis_store_start(struct toll_redis_store *s, struct toll_error *reterr)
{
	const char *who = s->owner->who;
	struct toll_error why = { 0 };
	int err = toll_redis_tls_load(&s->config->redis, &s->tls, &why);

	if (err)
		return toll_fail(reterr, err, "%s: redis::%s", who, why.text);
	s->publisher.redis.set.tls = s->tls;
	s->tls_loaded_at = toll_clock_mono_ns();
	err = toll_thread_start(&s->thread, "toll-enforcer", run, s);
	s->started = !err;
	if (!err)
		start_follower(s);
	return err ? toll_fail(reterr, TOLL_ENOMEM, "%s: cannot start a thread", who) : 0;
}

bool toll_redis_store_stop(struct toll_redis_store *s, uint64_t deadline_mono_ns)
{
	uint64_t now = toll_clock_mono_ns();

	if (!s->started || s->joined)
		return true;
	pthread_mutex_lock(&s->lock);
	if (s->follower)
		toll_follower_stop(s->follower);
	s->stop = true;
	s->deadline_mono_ns = deadline_mono_ns;
	pthread_cond_broadcast(&s->wake);
	pthread_mutex_unlock(&s->lock);
	/* One wait for Redis may have been under way when stop was set. */
	deadline_mono_ns =
		(now > deadline_mono_ns ? now : deadline_mono_ns) + s->config->redis.timeout;
	if (!s->ended)
		s->ended = toll_thread_join_until(s->thread, deadline_mono_ns) == 0;
	s->joined = s->ended && (!s->follower || toll_follower_join(s->follower, deadline_mono_ns));
	return s->joined;
}

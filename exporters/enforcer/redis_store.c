/* SPDX-License-Identifier: Apache-2.0 */
#include "exporters/enforcer/redis_store.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/thread.h"
#include "exporters/enforcer/alert.h"
#include "exporters/enforcer/audit.h"
#include "exporters/enforcer/between.h"
#include "exporters/enforcer/decide.h"
#include "exporters/enforcer/keys.h"
#include "exporters/enforcer/redis_health.h"
#include "exporters/enforcer/redis_settings.h"
#include "pipeline/host.h"

#define PUBLISHES_PER_SECOND   2500 /* about 40 us of Redis each: a tenth of it stays ours */
#define HEARTBEAT_NS           (10 * TOLL_S)
#define HEARTBEAT_FORGOTTEN_MS UINT64_C(60000)
#define AFTER_BOUNDARY_MS      2   /* the new window is certain to have begun */
#define LAST_TRIES             6   /* at the end, when Redis answers but takes nothing: 1.5 s */
#define SPREAD_MAX_MS          500 /* daemons do not all come at once */
#define TURN_NS                (10 * TOLL_MS) /* between two looks whether the one before is done */

struct toll_redis_store {
	struct toll_publisher publisher;
	struct toll_decider decider;
	const struct toll_enforcer_config *config;
	const struct toll_component *owner;
	struct toll_kept *kept; /* NULL: nobody else can have the turn */
	const struct toll_rules *wanted;
	pthread_t thread;
	bool started, ended, joined; /* ended: the thread; joined: the follower as well */
	pthread_mutex_t lock;        /* guards stop, deadline_mono_ns, asked, wishes */
	pthread_cond_t wake;         /* one of them was set */
	bool stop, asked;
	unsigned wishes; /* of the follower */
	uint64_t deadline_mono_ns;
	/* The thread's own. */
	struct toll_redis_health health;
	struct toll_tls_client *tls; /* NULL: plain */
	uint64_t tls_loaded_at;
	uint64_t retry_at; /* mono ns */
	uint64_t flush_at, decide_at, heartbeat_at;
	struct toll_between between;
	struct toll_runtime runtime;
	struct toll_follower *follower; /* NULL: nobody in this process asks for flags */
	struct toll_alert alert;
	uint64_t decided_ms; /* clock when the last round of decisions began */
	uint64_t daemons, interval_ns, spread_ms;
};

uint64_t toll_redis_interval_ns(uint64_t configured_ns, uint64_t keys, uint64_t daemons)
{
	uint64_t needed = keys * (daemons ? daemons : 1) * (TOLL_S / PUBLISHES_PER_SECOND);

	return needed > configured_ns ? needed : configured_ns;
}

bool toll_redis_flush_due(uint64_t now, uint64_t flush_at, uint64_t decide_at, uint64_t interval_ns)
{
	if (now >= decide_at) /* a little early is better than a decision on old sums */
		return now + interval_ns / 16 >= flush_at;
	return now >= flush_at && decide_at - flush_at >= interval_ns;
}

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

/* ---- the connection's ups and downs ---- */

static void went_down(struct toll_redis_store *s)
{
	toll_redis_health_down(&s->health, &s->publisher.redis);
	s->retry_at = toll_clock_mono_ns() + toll_redis_backoff_ns(s->health.failures);
}

/* Files are looked at when a connection is made: then they matter. What cannot be read leaves the
 * old certificates in use. */
static void renew_tls(struct toll_redis_store *s)
{
	const struct toll_client_tls *conf = &s->config->redis.tls;
	uint64_t now = toll_clock_mono_ns();
	struct toll_tls_client *fresh;
	struct toll_error why;

	if (!s->tls || !conf->reload_interval || now - s->tls_loaded_at < conf->reload_interval)
		return;
	s->tls_loaded_at = now;
	if (toll_redis_tls_load(&s->config->redis, &fresh, &why) < 0) {
		TOLL_WARN(s->owner->who, "redis::%s; the certificates read before stay in use",
		          why.text);
		return;
	}
	toll_tls_client_free(s->tls);
	s->tls = fresh;
	s->publisher.redis.set.tls = fresh;
}

static int learn_clock(struct toll_publisher *p)
{
	redisReply *reply;
	int err = toll_redis_call(&p->redis, TOLL_NO_KEY, &reply, "TIME");
	struct toll_slice seconds, micros;

	if (err)
		return err;
	seconds = toll_reply_text(reply, 0);
	micros = toll_reply_text(reply, 1);
	if (seconds.ptr && micros.ptr)
		toll_publisher_set_clock(p, strtoull(seconds.ptr, NULL, 10) * 1000 +
		                                    strtoull(micros.ptr, NULL, 10) / 1000);
	else
		toll_publisher_set_clock(p, toll_clock_wall_ms());
	freeReplyObject(reply);
	return 0;
}

static int connect_now(struct toll_redis_store *s)
{
	int err;

	renew_tls(s);
	err = toll_redis_connect(&s->publisher.redis);
	if (!err)
		err = learn_clock(&s->publisher);
	if (err) {
		went_down(s);
		return err;
	}
	s->flush_at = s->decide_at = s->heartbeat_at = s->between.kill_at = toll_clock_mono_ns();
	toll_redis_health_up(&s->health, &s->publisher.redis);
	s->alert = (struct toll_alert){ 0 };
	return 0;
}

/* ---- what is done when ---- */

/* Says that we are here, and counts who else is. */
static int heartbeat(struct toll_redis_store *s)
{
	struct toll_publisher *p = &s->publisher;
	uint64_t now = toll_publisher_redis_ms(p);
	char score[24], old[24];
	redisReply *reply;
	int err;

	snprintf(score, sizeof(score), "%" PRIu64, now);
	snprintf(old, sizeof(old), "(%" PRIu64, now - HEARTBEAT_FORGOTTEN_MS);
	err = toll_redis_call(&p->redis, TOLL_SLICE(TOLL_KEY_DAEMONS), &reply, "ZADD",
	                      TOLL_KEY_DAEMONS, score, p->instance);
	if (err)
		return err;
	freeReplyObject(reply);
	err = toll_redis_call(&p->redis, TOLL_SLICE(TOLL_KEY_DAEMONS), &reply, "ZREMRANGEBYSCORE",
	                      TOLL_KEY_DAEMONS, "-inf", old);
	if (err)
		return err;
	freeReplyObject(reply);
	err = toll_redis_call(&p->redis, TOLL_SLICE(TOLL_KEY_DAEMONS), &reply, "ZCARD",
	                      TOLL_KEY_DAEMONS);
	if (err)
		return err;
	if (reply->type == REDIS_REPLY_INTEGER && reply->integer > 0)
		s->daemons = (uint64_t)reply->integer;
	freeReplyObject(reply);
	toll_counter_set(p->counters, TOLL_COUNTER_DAEMONS, s->daemons);
	s->heartbeat_at = toll_clock_mono_ns() + HEARTBEAT_NS;
	s->between.wishes |= TOLL_WISH_BUDGETS; /* an event may have been missed */
	return 0;
}

static int flush(struct toll_redis_store *s)
{
	uint64_t errors = toll_counter_get(s->publisher.counters, TOLL_COUNTER_PUBLISH_ERRORS);
	uint64_t began = toll_clock_mono_ns();
	uint32_t published = 0;
	int err = toll_publish_round(&s->publisher, &published);

	errors = toll_counter_get(s->publisher.counters, TOLL_COUNTER_PUBLISH_ERRORS) - errors;
	if (!err && toll_redis_health_flushed(&s->health, &s->publisher.redis, errors > 0))
		s->alert = (struct toll_alert){ 0 };
	toll_counter_set(s->publisher.counters, TOLL_COUNTER_SKEW_MS, s->publisher.skew_ms);
	s->publisher.skew_ms = 0;
	s->interval_ns = toll_redis_interval_ns(s->config->flush_interval, published, s->daemons);
	s->flush_at = began + s->interval_ns;
	toll_counter_set(s->publisher.counters, TOLL_COUNTER_INTERVAL_MS, s->interval_ns / TOLL_MS);
	return err;
}

/* Just behind the next boundary of Redis's clock. */
static uint64_t next_decision(const struct toll_redis_store *s)
{
	uint64_t now = toll_publisher_clock_ms(&s->publisher);
	uint64_t left = toll_rules_next_ms(s->publisher.rules, now) - now;

	if (s->publisher.clock)
		return UINT64_MAX; /* see watch_test_clock() */
	return toll_clock_mono_ns() + (left + AFTER_BOUNDARY_MS + s->spread_ms) * TOLL_MS;
}

static int decide(struct toll_redis_store *s)
{
	bool due = toll_redis_flush_due(toll_clock_mono_ns(), s->flush_at, s->decide_at,
	                                s->interval_ns);
	int err = due ? flush(s) : 0;

	s->decided_ms = toll_publisher_clock_ms(&s->publisher);
	if (!err)
		err = toll_decide_round(&s->decider);
	if (!err)
		toll_counter_set(s->publisher.counters, TOLL_COUNTER_DECIDED_UNTIL, s->decided_ms);
	s->decide_at = next_decision(s);
	return err;
}

/* Budgets that people set at run time, on any daemon. Without memory the next look tries again. */
static int follow_budgets(struct toll_redis_store *s)
{
	const struct toll_rules *next = &s->runtime.rules;
	bool changed;
	int err = toll_runtime_refresh(&s->runtime, &s->publisher.redis, &changed);

	s->between.wishes &= ~(unsigned)TOLL_WISH_BUDGETS;
	if (err || !changed || !s->kept)
		return err;
	if (next->count == 0)
		next = s->wanted;
	if (toll_kept_follow(s->kept, next, (uint32_t)s->config->max_services) < 0)
		s->runtime.seen = 0;
	s->decide_at = toll_clock_mono_ns();
	return 0;
}

/* A clock that a test sets jumps over the boundaries of windows, either way. */
static void watch_test_clock(struct toll_redis_store *s, uint64_t now)
{
	const struct toll_rules *rules = s->publisher.rules;
	uint64_t now_ms;

	if (!s->publisher.clock)
		return;
	now_ms = toll_publisher_clock_ms(&s->publisher);
	if (toll_rules_next_ms(rules, now_ms) != toll_rules_next_ms(rules, s->decided_ms))
		s->flush_at = s->decide_at = now;
}

/* While Redis itself is no reason to complain. */
static void judge(struct toll_redis_store *s)
{
	if (toll_redis_health_is_good(&s->health))
		toll_alert_judge(&s->alert, s->owner, s->decider.capped,
		                 s->decider.audit && s->decider.audit->broken);
}

/* Whatever is due. */
static void work(struct toll_redis_store *s)
{
	uint64_t now = toll_clock_mono_ns();
	int err = 0;

	toll_audit_look(s->decider.audit, now);
	if (!toll_redis_is_connected(&s->publisher.redis)) {
		if (now < s->retry_at || connect_now(s) < 0) {
			if (s->between.requests)
				toll_requests_fail(s->between.requests, false, TOLL_EDOWN,
				                   "redis is away");
			return;
		}
		now = toll_clock_mono_ns();
	}
	watch_test_clock(s, now);
	if (now >= s->heartbeat_at)
		err = heartbeat(s);
	if (!err)
		err = toll_between_run(&s->between, now);
	if (!err && (s->between.wishes & TOLL_WISH_BUDGETS))
		err = follow_budgets(s);
	if (!err && now >= s->decide_at)
		err = decide(s);
	else if (!err && toll_redis_flush_due(now, s->flush_at, s->decide_at, s->interval_ns))
		err = flush(s);
	if (err)
		went_down(s);
	else
		judge(s);
}

static uint64_t next_work(const struct toll_redis_store *s)
{
	uint64_t next = s->decide_at;

	if (s->heartbeat_at < next)
		next = s->heartbeat_at;
	if (s->between.kill_at < next)
		next = s->between.kill_at;
	if (s->flush_at < next &&
	    toll_redis_flush_due(s->flush_at, s->flush_at, s->decide_at, s->interval_ns))
		next = s->flush_at;
	if (!toll_redis_is_connected(&s->publisher.redis))
		return s->retry_at;
	if (s->publisher.clock && next > toll_clock_mono_ns() + TOLL_TEST_CLOCK_POLL_NS)
		return toll_clock_mono_ns() + TOLL_TEST_CLOCK_POLL_NS;
	return next;
}

/* ---- the end ---- */

static void nap(uint64_t ns, uint64_t deadline)
{
	uint64_t now = toll_clock_mono_ns();
	struct timespec t;

	if (now >= deadline)
		return;
	if (ns > deadline - now)
		ns = deadline - now;
	t = (struct timespec){ (time_t)(ns / TOLL_S), (long)(ns % TOLL_S) };
	nanosleep(&t, NULL);
}

/* One attempt. TOLL_EDOWN: no connection. */
static int push(struct toll_redis_store *s, uint64_t left_ns)
{
	struct toll_publisher *p = &s->publisher;
	uint32_t published;

	if (p->redis.timeout_ns > left_ns)
		toll_redis_limit(&p->redis, left_ns);
	if (!toll_redis_is_connected(&p->redis) && connect_now(s) < 0)
		return TOLL_EDOWN;
	return toll_publish_round(p, &published);
}

/* A Redis that is away may come back until the deadline. One that answers but takes nothing (out of
 * memory, read-only, a bucket ahead of its clock) is asked a few times more. */
static void last_flush(struct toll_redis_store *s, uint64_t deadline)
{
	struct toll_totals *totals = s->publisher.totals;
	toll_i128 waiting = toll_publish_waiting_pico(totals);
	char left[TOLL_MONEY_TEXT];
	uint32_t fruitless = 0;

	while (waiting > 0 && fruitless < LAST_TRIES) {
		uint64_t now = toll_clock_mono_ns();
		toll_i128 before = waiting;
		int err;

		if (now >= deadline)
			break;
		err = push(s, deadline - now);
		waiting = toll_publish_waiting_pico(totals);
		if (waiting < before) {
			fruitless = 0;
			continue;
		}
		fruitless += !err;
		if (waiting > 0 && fruitless < LAST_TRIES)
			nap(toll_redis_backoff_ns(err ? 1 : fruitless), deadline);
	}
	if (waiting == 0)
		return;
	toll_money_print_usd(waiting, left);
	TOLL_WARN(s->owner->who, "stopped before Redis had %s of the last 24 hours' spend", left);
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
	if (!toll_kept_take_turn(s->kept, s, s->wanted, (uint32_t)s->config->max_services,
	                         TOLL_STORE_REDIS))
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
		last_flush(s, deadline);
	toll_redis_close(&s->publisher.redis);
	if (s->decider.audit)
		toll_audit_close(s->decider.audit);
	if (!s->kept)
		return;
	s->kept->seq = s->publisher.seq;
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
		work(s);
		pthread_mutex_lock(&s->lock);
		if (!s->stop && !s->asked && !s->wishes)
			toll_cond_wait_until(&s->wake, &s->lock, next_work(s));
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

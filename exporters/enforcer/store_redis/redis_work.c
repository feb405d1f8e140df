/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "exporters/enforcer/decision/audit.h"
#include "exporters/enforcer/store_redis/keys.h"
#include "exporters/enforcer/store_redis/redis_inside.h"
#include "exporters/enforcer/store_redis/redis_settings.h"

#define PUBLISHES_PER_SECOND   2500 /* about 40 us of Redis each: a tenth of it stays ours */
#define HEARTBEAT_NS           (10 * TOLL_S)
#define HEARTBEAT_FORGOTTEN_MS UINT64_C(60000)
#define AFTER_BOUNDARY_MS      2 /* the new window is certain to have begun */

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

int toll_redis_store_connect(struct toll_redis_store *s)
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

/* What no checkpoint has would be published once more after a crash, perhaps as another amount. */
void toll_redis_store_save(struct toll_redis_store *s)
{
	if (!s->kept)
		return;
	s->kept->seq = s->publisher.seq;
	toll_kept_save(s->kept, s->owner->who);
}

int toll_redis_store_publish(struct toll_redis_store *s, uint32_t *ret_published)
{
	struct toll_publisher *p = &s->publisher;
	int err = toll_claim_make(&s->claim, p, s->interval_ns);

	*ret_published = 0;
	if (err || s->claim.state == TOLL_CLAIM_UNKNOWN)
		return err;
	if (s->claim.state == TOLL_CLAIM_OURS)
		return toll_publish_round(p, ret_published);
	toll_totals_pass_over(p->totals, toll_publisher_clock_ms(p));
	return 0;
}

static int flush(struct toll_redis_store *s)
{
	uint64_t errors = toll_counter_get(s->publisher.counters, TOLL_COUNTER_PUBLISH_ERRORS);
	uint64_t began = toll_clock_mono_ns();
	uint32_t published = 0;
	int err;

	toll_redis_store_save(s);
	err = toll_redis_store_publish(s, &published);
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

const struct toll_rules *toll_redis_store_rules(const struct toll_redis_store *s)
{
	return s->runtime.rules.count ? &s->runtime.rules : s->wanted;
}

/* Budgets that people set at run time, on any daemon. Without memory the next look tries again. */
static int follow_budgets(struct toll_redis_store *s)
{
	bool changed;
	int err;

	s->between.wishes &= ~(unsigned)TOLL_WISH_BUDGETS;
	if (!s->kept)
		return 0;
	err = toll_runtime_refresh(&s->runtime, &s->publisher.redis, &changed);
	if (err || !changed)
		return err;
	if (toll_kept_follow(s->kept, toll_redis_store_rules(s),
	                     (uint32_t)s->config->max_services) < 0)
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
		                 s->decider.audit && s->decider.audit->broken,
		                 s->kept && s->kept->save_failed, s->claim.why);
}

/* Whatever is due. */
void toll_redis_store_work(struct toll_redis_store *s)
{
	uint64_t now = toll_clock_mono_ns();
	int err = 0;

	toll_audit_look(s->decider.audit, now);
	if (s->kept && now - s->kept->saved_at >= TOLL_CHECKPOINT_NS)
		toll_redis_store_save(s);
	if (!toll_redis_is_connected(&s->publisher.redis)) {
		if (now < s->retry_at || toll_redis_store_connect(s) < 0) {
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

static uint64_t next_save(const struct toll_redis_store *s)
{
	return s->kept && atomic_load(&s->kept->saves) ? s->kept->saved_at + TOLL_CHECKPOINT_NS
	                                               : UINT64_MAX;
}

uint64_t toll_redis_store_next(const struct toll_redis_store *s)
{
	uint64_t next = s->decide_at;

	if (next_save(s) < next)
		next = next_save(s);
	if (s->heartbeat_at < next)
		next = s->heartbeat_at;
	if (s->between.kill_at < next)
		next = s->between.kill_at;
	if (s->flush_at < next &&
	    toll_redis_flush_due(s->flush_at, s->flush_at, s->decide_at, s->interval_ns))
		next = s->flush_at;
	if (!toll_redis_is_connected(&s->publisher.redis))
		return s->retry_at < next_save(s) ? s->retry_at : next_save(s);
	if (s->publisher.clock && next > toll_clock_mono_ns() + TOLL_TEST_CLOCK_POLL_NS)
		return toll_clock_mono_ns() + TOLL_TEST_CLOCK_POLL_NS;
	return next;
}

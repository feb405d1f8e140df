/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>

#include "base/clock.h"
#include "exporters/enforcer/store_redis/decide_inside.h"
#include "exporters/enforcer/store_redis/keys.h"

/* How many windows an idle service is still evaluated after its spend has left. */
#define AFTERGLOW     100
#define NAMES_KEPT_MS UINT64_C(2678400000) /* 31 days */

/* How long after its last publish a service can still matter to our budgets. */
static uint64_t afterglow_ms(const struct toll_rules *r)
{
	uint64_t longest = 0, evaluation = r->evaluation_ms;

	for (uint32_t i = 0; i < r->count; i++)
		if (r->at[i].evaluation_ms > evaluation)
			evaluation = r->at[i].evaluation_ms;
	for (uint32_t i = 0; i < r->window_count; i++) {
		uint64_t ms = r->windows[i].window_ms + 2 * r->windows[i].bucket_ms;

		if (ms > longest)
			longest = ms;
	}
	return longest + AFTERGLOW * evaluation;
}

static bool has_live_totals(const struct toll_service *s, uint32_t windows)
{
	for (uint32_t i = 0; i < windows; i++)
		if (s->accounts[i].series.count)
			return true;
	return false;
}

/* Services without a budget have no state, unless somebody made one. */
bool toll_candidate_must_be_asked(const struct toll_service *s)
{
	return s->rule_count > 0 || s->must_ask || s->throttled || s->shadow ||
	       s->override != TOLL_OVERRIDE_NONE;
}

/* ---- what we know ourselves ---- */

static void mark_own(struct toll_decider *d, bool flagged_only)
{
	struct toll_totals *t = d->publisher->totals;
	uint32_t windows = d->publisher->rules->window_count;

	toll_totals_lock(t);
	for (uint32_t i = 0; i < t->count; i++) {
		struct toll_service *s = t->services[i];
		bool live = s->throttled || s->nudged || s->unanswered;

		s->candidate = live || (!flagged_only && (s->shadow || s->capped ||
		                                          s->override != TOLL_OVERRIDE_NONE ||
		                                          has_live_totals(s, windows)));
		s->must_ask = s->nudged;
		s->nudged = false;
	}
	toll_totals_unlock(t);
}

/* ---- what others publish ---- */

/* NULL: there is no room for it, or no budget of ours is. */
static struct toll_service *mark(struct toll_totals *t, struct toll_slice key)
{
	struct toll_service *s = key.ptr ? toll_totals_meet(t, key) : NULL;

	if (s)
		s->candidate = true;
	return s;
}

static void mark_names(struct toll_decider *d, const redisReply *names)
{
	struct toll_totals *t = d->publisher->totals;
	uint32_t skipped = 0;

	toll_totals_lock(t);
	for (size_t i = 0; names->type == REDIS_REPLY_ARRAY && i < names->elements; i++)
		skipped += !mark(t, toll_reply_text(names, i));
	toll_totals_unlock(t);
	toll_counter_add(d->publisher->counters, TOLL_COUNTER_SKIPPED_NAMES, skipped);
}

static int find_names(struct toll_decider *d)
{
	struct toll_publisher *p = d->publisher;
	uint64_t now = toll_publisher_clock_ms(p), glow = afterglow_ms(p->rules);
	char since[24], limit[16], old[24];
	redisReply *reply;
	int err;

	snprintf(since, sizeof(since), "%" PRIu64, now > glow ? now - glow : 0);
	snprintf(limit, sizeof(limit), "%" PRIu32,
	         p->totals->limit * p->rules->subjects.kind_count);
	snprintf(old, sizeof(old), "(%" PRIu64,
	         now > 2 * glow + NAMES_KEPT_MS ? now - 2 * glow - NAMES_KEPT_MS : 0);
	err = toll_redis_call(&p->redis, TOLL_SLICE(TOLL_KEY_SERVICES), &reply, "ZREMRANGEBYSCORE",
	                      TOLL_KEY_SERVICES, "-inf", old);
	if (err)
		return err;
	freeReplyObject(reply);
	err = toll_redis_call(&p->redis, TOLL_SLICE(TOLL_KEY_SERVICES), &reply, "ZREVRANGEBYSCORE",
	                      TOLL_KEY_SERVICES, "+inf", since, "LIMIT", "0", limit);
	if (err)
		return err;
	mark_names(d, reply);
	freeReplyObject(reply);
	return 0;
}

/* ---- what others have throttled ---- */

/* A subject that there is no room for here: nothing is known of it but its flag. */
static void put_stranger(struct toll_decider *d, struct toll_slice key, struct toll_slice score)
{
	uint64_t until = toll_state_number(score), now = toll_publisher_clock_ms(d->publisher);

	if (!d->board || !key.ptr || d->killed || until <= now)
		return;
	toll_flag_board_put(
		d->board,
		&(struct toll_flag){
			.subject = key,
			.throttled = true,
			.until_ms = toll_clock_wall_ms() + (until - now),
			.retry_after_s = (uint32_t)(d->publisher->rules->evaluation_ms / 1000),
		});
}

/* True: it is known here; whether or not it has a budget its state is read. */
static bool mark_and_ask(struct toll_totals *t, struct toll_slice key)
{
	struct toll_service *s;

	toll_totals_lock(t);
	s = mark(t, key);
	if (s)
		s->must_ask = true;
	toll_totals_unlock(t);
	return s != NULL;
}

static void on_flagged(struct toll_decider *d, struct toll_slice key, struct toll_slice score)
{
	if (!mark_and_ask(d->publisher->totals, key))
		put_stranger(d, key, score);
}

/* Every member of a list whose time is not over yet. */
static int each_living(struct toll_decider *d, const char *list,
                       void (*each)(struct toll_decider *d, struct toll_slice key,
                                    struct toll_slice score))
{
	struct toll_publisher *p = d->publisher;
	char now[24], limit[16];
	redisReply *reply;
	int err;

	snprintf(now, sizeof(now), "(%" PRIu64, toll_publisher_clock_ms(p));
	snprintf(limit, sizeof(limit), "%d", TOLL_FLAG_BOARD_MAX);
	err = toll_redis_call(&p->redis, toll_slice_str(list), &reply, "ZRANGEBYSCORE", list, now,
	                      "+inf", "WITHSCORES", "LIMIT", "0", limit);
	if (err)
		return err;
	for (size_t i = 0; reply->type == REDIS_REPLY_ARRAY && i + 1 < reply->elements; i += 2)
		each(d, toll_reply_text(reply, i), toll_reply_text(reply, i + 1));
	freeReplyObject(reply);
	return 0;
}

/* ---- what people have said to others ---- */

static void on_overridden(struct toll_decider *d, struct toll_slice key,
                          struct toll_slice score TOLL_UNUSED)
{
	mark_and_ask(d->publisher->totals, key);
}

static int find_overridden(struct toll_decider *d)
{
	struct toll_publisher *p = d->publisher;
	redisReply *reply;
	char now[24];
	int err;

	snprintf(now, sizeof(now), "(%" PRIu64, toll_publisher_clock_ms(p));
	err = toll_redis_call(&p->redis, TOLL_SLICE(TOLL_KEY_OVERRIDDEN), &reply,
	                      "ZREMRANGEBYSCORE", TOLL_KEY_OVERRIDDEN, "-inf", now);
	if (err)
		return err;
	freeReplyObject(reply);
	return each_living(d, TOLL_KEY_OVERRIDDEN, on_overridden);
}

int toll_candidates_find(struct toll_decider *d, bool flagged_only)
{
	int err;

	mark_own(d, flagged_only);
	err = flagged_only ? 0 : find_names(d);
	if (!err)
		err = each_living(d, TOLL_KEY_THROTTLED, on_flagged);
	return err ? err : find_overridden(d);
}

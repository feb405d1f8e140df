/* SPDX-License-Identifier: Apache-2.0 */
#include "exporters/enforcer/store_redis/publish.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "exporters/enforcer/store_redis/keys.h"
#include "exporters/enforcer/store_redis/scripts.h"

#define PAIRS_PER_CALL 900 /* the script takes 1000 */
#define LIST_EVERY_MS  5000
#define PERIODS_TEXT   128
#define TRIES          3
#define NUMBER_MAX     UINT64_C(999999999999999999) /* of an answer */

/* ---- Redis's clock ---- */

uint64_t toll_publisher_redis_ms(const struct toll_publisher *p)
{
	return p->clock_ms + (toll_clock_mono_ns() - p->clock_mono_ns) / TOLL_MS;
}

uint64_t toll_publisher_clock_ms(const struct toll_publisher *p)
{
	return p->clock ? toll_test_clock_ms(p->clock) : toll_publisher_redis_ms(p);
}

struct toll_slice toll_publisher_clock_text(const struct toll_publisher *p,
                                            char buf[TOLL_CLOCK_TEXT])
{
	if (!p->clock)
		return TOLL_SLICE("");
	snprintf(buf, TOLL_CLOCK_TEXT, "%" PRIu64, toll_test_clock_ms(p->clock));
	return toll_slice_str(buf);
}

void toll_publisher_set_clock(struct toll_publisher *p, uint64_t redis_ms)
{
	p->clock_ms = redis_ms;
	p->clock_mono_ns = toll_clock_mono_ns();
}

/* ---- sending ---- */

/* Text that lives until the command is sent. */
static void add_text(struct toll_publisher *p, const char *text, size_t len)
{
	if (len > sizeof(p->text) - p->text_len)
		len = 0; /* cannot happen: PAIRS_PER_CALL fits; Redis refuses the empty number */
	memcpy(p->text + p->text_len, text, len);
	toll_command_add(&p->command, toll_slice(p->text + p->text_len, len));
	p->text_len += len;
}

static void add_number(struct toll_publisher *p, toll_i128 n)
{
	char text[TOLL_NANO_TEXT];
	int len = toll_nano_print(n, text);

	add_text(p, text, (size_t)len);
}

/* Buckets, or of a calendar the last period, this one and the next, by Redis's clock as far as we
 * know it: which of them it is is for Redis to say. */
static void add_window(struct toll_publisher *p, const struct toll_window *w)
{
	char text[PERIODS_TEXT];
	int64_t first;
	int len;

	if (!w->periods) {
		add_number(p, w->bucket_ms);
		add_number(p, w->buckets);
		return;
	}
	first = toll_periods_index(w->periods, toll_publisher_clock_ms(p)) - 1;
	len = snprintf(text, sizeof(text), "%" PRId64, first);
	for (int i = 0; i < 4; i++)
		len += snprintf(text + len, sizeof(text) - (size_t)len, ",%" PRIu64,
		                toll_periods_start_ms(w->periods, first + i));
	add_number(p, 0);
	add_text(p, text, (size_t)len);
}

static int send_job(struct toll_publisher *p, const struct toll_publish_job *job)
{
	const struct toll_window *w = &p->rules->windows[job->window];
	struct toll_spend_keys keys = { .total = "" };
	char clock[TOLL_CLOCK_TEXT];

	p->text_len = 0;
	toll_spend_keys_init(&keys, job->service->key, w, p->instance,
	                     job->service->accounts[job->window].life);
	toll_command_script(&p->command, &p->redis, TOLL_SCRIPT_PUBLISH, "3");
	toll_command_add(&p->command, toll_slice_str(keys.total));
	toll_command_add(&p->command, toll_slice_str(keys.sums));
	toll_command_add(&p->command, toll_slice_str(keys.instance));
	add_window(p, w);
	toll_command_add(&p->command, toll_publisher_clock_text(p, clock));
	add_number(p, job->seq);
	add_number(p, job->prev);
	for (uint32_t i = 0; i < job->pair_count; i++) {
		add_number(p, p->pairs[job->pair_first + i].index);
		add_number(p, p->pairs[job->pair_first + i].nano);
	}
	return toll_redis_send(&p->redis, toll_slice_str(keys.total), &p->command);
}

/* ---- answers ---- */

struct answer {
	struct toll_slice generation;
	uint64_t current, now_ms, chain, born_ms;
	toll_i128 total;
};

static bool read_answer(const redisReply *reply, uint32_t pair_count, struct answer *a)
{
	struct toll_slice born;
	const char *dot;

	if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 5 + (size_t)pair_count)
		return false;
	a->generation = toll_reply_text(reply, 0);
	if (!toll_slice_digits(toll_reply_text(reply, 1), NUMBER_MAX, &a->current) ||
	    !toll_slice_digits(toll_reply_text(reply, 2), NUMBER_MAX, &a->now_ms) ||
	    toll_nano_parse(toll_reply_text(reply, 3), &a->total) < 0 ||
	    !toll_slice_digits(toll_reply_text(reply, 4), NUMBER_MAX, &a->chain))
		return false;
	if (a->generation.len == 0)
		return true;
	dot = memchr(a->generation.ptr, '.', a->generation.len);
	born = a->generation;
	born.len = dot ? (size_t)(dot - born.ptr) : 0;
	return a->generation.len < sizeof(((struct toll_account *)NULL)->generation) &&
	       toll_slice_digits(born, NUMBER_MAX, &a->born_ms);
}

static bool any_sent(const struct toll_account *account)
{
	for (uint32_t i = 0; i < account->series.count; i++)
		if (account->series.at[i].sent)
			return true;
	return false;
}

static void forget_sent(struct toll_publisher *p, struct toll_account *account)
{
	for (uint32_t i = 0; i < account->series.count; i++)
		account->series.at[i].sent = 0;
	account->chain = 0;
	account->dirty = true;
	account->settled_age_ns = toll_age_ns_by(p->clock) + p->rules->settle_ms * TOLL_MS;
	p->lost = true;
	toll_counter_add(p->counters, TOLL_COUNTER_LOSSES, 1);
}

static struct toll_bucket *find_bucket(struct toll_series *s, int64_t index)
{
	for (uint32_t i = s->count; i > 0; i--)
		if (s->at[i - 1].index == index)
			return &s->at[i - 1];
	return NULL;
}

/* The next checkpoint has it: what Redis has taken is no loss when it leaves its window. */
static void note_sent(struct toll_publisher *p, struct toll_service *s, struct toll_series *series,
                      struct toll_bucket *b, toll_i128 nano)
{
	b->sent = nano;
	if (!p->totals->saves)
		return;
	s->unsaved = p->totals->unsaved = true;
	if (b->index < series->unsaved)
		series->unsaved = b->index;
}

/* 'f' is a bucket too far ahead of Redis's clock: it is kept and published later. */
static void acknowledge(struct toll_publisher *p, const struct toll_publish_job *job,
                        struct toll_account *account, const redisReply *reply)
{
	for (uint32_t i = 0; i < job->pair_count; i++) {
		const struct toll_pair_out *pair = &p->pairs[job->pair_first + i];
		struct toll_bucket *b = find_bucket(&account->series, pair->index);

		/* 'x', out of the window: the pruning that follows counts it as lost */
		if (b && pair->nano > b->sent &&
		    !toll_slice_is(toll_reply_text(reply, 5 + i), "f") &&
		    !toll_slice_is(toll_reply_text(reply, 5 + i), "x"))
			note_sent(p, job->service, &account->series, b, pair->nano);
	}
	account->dirty = false;
	for (uint32_t i = 0; i < account->series.count; i++)
		if (account->series.at[i].nano > account->series.at[i].sent)
			account->dirty = true;
}

static void apply_locked(struct toll_publisher *p, const struct toll_publish_job *job,
                         const redisReply *reply, const struct answer *a)
{
	struct toll_account *account = &job->service->accounts[job->window];
	bool same = toll_slice_is(a->generation, account->generation);
	bool broken = a->chain < job->prev;

	/* First: sums that ended because their window ran out are no loss. */
	toll_totals_prune(p->totals, account, &p->rules->windows[job->window], (int64_t)a->current);
	if (any_sent(account) && (broken || !same)) {
		forget_sent(p, account);
		job->service->listed_ms = 0;
	} else {
		/* Sums without us end with the chain: a new one begins. */
		if (broken)
			account->chain = 0;
		else if (job->pair_count)
			account->chain = job->seq;
		acknowledge(p, job, account, reply);
	}
	account->doubted = false;
	account->heard_age_ns = toll_age_ns_by(p->clock);
	if (!same)
		snprintf(account->generation, sizeof(account->generation), "%.*s",
		         TOLL_FMT(a->generation));
	toll_account_read(account,
	                  (struct toll_reading){
				  .nano = a->total,
				  .asof_ms = a->now_ms,
				  .settled = toll_age_ns_by(p->clock) >= account->settled_age_ns &&
	                                     (a->generation.len == 0 ||
	                                      a->now_ms >= a->born_ms + p->rules->settle_ms),
			  });
}

/* How far the clocks of a cluster's nodes are apart: each answer tells its node's. */
static void note_skew(struct toll_publisher *p, uint64_t now_ms)
{
	uint64_t expected = toll_publisher_redis_ms(p);
	uint64_t skew = now_ms > expected ? now_ms - expected : expected - now_ms;

	if (skew > p->skew_ms)
		p->skew_ms = skew;
}

void toll_publish_apply(struct toll_publisher *p, const struct toll_publish_job *job,
                        const redisReply *reply)
{
	struct answer a = { 0 };

	if (toll_redis_is_error(&p->redis, reply) || !read_answer(reply, job->pair_count, &a)) {
		toll_counter_add(p->counters, TOLL_COUNTER_PUBLISH_ERRORS, 1);
		toll_totals_lock(p->totals);
		job->service->accounts[job->window].reading.settled = false;
		toll_totals_unlock(p->totals);
		return;
	}
	if (!p->clock) {
		note_skew(p, a.now_ms);
		toll_publisher_set_clock(p, a.now_ms);
	}
	toll_totals_lock(p->totals);
	apply_locked(p, job, reply, &a);
	toll_totals_unlock(p->totals);
	if (job->pair_count)
		toll_counter_add(p->counters, TOLL_COUNTER_PUBLISHES, 1);
}

int toll_publish_receive(struct toll_publisher *p, const struct toll_publish_job *job)
{
	redisReply *reply;
	int err = toll_redis_receive(&p->redis, &reply);

	if (err)
		return err;
	toll_publish_apply(p, job, reply);
	freeReplyObject(reply);
	return 0;
}

int toll_publish_peek(struct toll_publisher *p, struct toll_service *s, uint32_t window,
                      struct toll_publish_job *ret)
{
	*ret = (struct toll_publish_job){
		.service = s, .window = window, .seq = ++p->seq, .prev = s->accounts[window].chain
	};
	return send_job(p, ret);
}

/* ---- one round ---- */

/* What of this account Redis does not have. False: no room in this pipeline. */
static bool collect_account(struct toll_publisher *p, struct toll_service *s, uint32_t window)
{
	struct toll_account *a = &s->accounts[window];
	struct toll_publish_job *job = &p->jobs[p->job_count];
	bool waits = false; /* for a checkpoint */

	if (p->job_count == TOLL_JOBS_MAX || p->pair_count + PAIRS_PER_CALL > TOLL_PAIRS_MAX)
		return false;
	*job = (struct toll_publish_job){
		.service = s, .window = window, .prev = a->chain, .pair_first = p->pair_count
	};
	for (uint32_t i = 0; i < a->series.count && job->pair_count < PAIRS_PER_CALL; i++) {
		const struct toll_bucket *b = &a->series.at[i];
		toll_i128 ready = p->totals->saves ? b->saved : b->nano;

		waits |= b->nano > ready;
		if (ready > b->sent) {
			p->pairs[p->pair_count++] = (struct toll_pair_out){ b->index, ready };
			job->pair_count++;
		}
	}
	a->dirty = job->pair_count > 0 || a->doubted || waits;
	if (job->pair_count > 0 || a->doubted) {
		job->seq = ++p->seq;
		p->job_count++;
	}
	return true;
}

/* From account *at on (services x windows), as much as one pipeline takes. */
static void collect(struct toll_publisher *p, uint64_t *at)
{
	struct toll_totals *t = p->totals;
	uint32_t windows = p->rules->window_count;

	p->job_count = p->pair_count = 0;
	toll_totals_lock(t);
	for (; *at < (uint64_t)t->count * windows; ++*at) {
		struct toll_service *s = t->services[*at / windows];
		uint32_t window = (uint32_t)(*at % windows);

		if (s->accounts[window].dirty && !collect_account(p, s, window))
			break;
	}
	toll_totals_unlock(t);
}

/* Puts the names of this pipeline on the shared list, where they are not fresh there. */
static int send_names(struct toll_publisher *p, uint64_t now_ms, bool *ret_sent)
{
	char score[24];
	int len = snprintf(score, sizeof(score), "%" PRIu64, now_ms);

	p->command.count = 0;
	toll_command_add(&p->command, TOLL_SLICE("ZADD"));
	toll_command_add(&p->command, TOLL_SLICE(TOLL_KEY_SERVICES));
	for (uint32_t i = 0; i < p->job_count; i++) {
		struct toll_service *s = p->jobs[i].service;

		if (s->listed_ms + LIST_EVERY_MS > now_ms)
			continue;
		s->listed_ms = now_ms;
		toll_command_add(&p->command, toll_slice(score, (size_t)len));
		toll_command_add(&p->command, s->key);
	}
	*ret_sent = p->command.count > 2;
	return *ret_sent ? toll_redis_send(&p->redis, TOLL_SLICE(TOLL_KEY_SERVICES), &p->command)
	                 : 0;
}

/* Whether the list has the names is not known: they go again with the next totals. */
static void unlist_names(struct toll_publisher *p)
{
	for (uint32_t i = 0; i < p->job_count; i++)
		p->jobs[i].service->listed_ms = 0;
}

static int receive_names(struct toll_publisher *p)
{
	redisReply *reply;
	int err = toll_redis_receive(&p->redis, &reply);

	if (err)
		return err;
	if (toll_redis_is_error(&p->redis, reply)) {
		toll_counter_add(p->counters, TOLL_COUNTER_PUBLISH_ERRORS, 1);
		unlist_names(p);
	}
	freeReplyObject(reply);
	return 0;
}

static int run_pipeline(struct toll_publisher *p)
{
	bool names;
	int err = send_names(p, toll_publisher_clock_ms(p), &names);

	for (uint32_t i = 0; i < p->job_count && !err; i++)
		err = send_job(p, &p->jobs[i]);
	if (!err && names)
		err = receive_names(p);
	for (uint32_t i = 0; i < p->job_count && !err; i++)
		err = toll_publish_receive(p, &p->jobs[i]);
	if (err)
		unlist_names(p);
	return err;
}

static int run_once(struct toll_publisher *p, uint32_t *published)
{
	uint64_t at = 0;
	int err;

	do {
		collect(p, &at);
		err = p->job_count ? run_pipeline(p) : 0;
		*published += p->job_count;
	} while (!err && p->job_count);
	return err;
}

/* Another server than before, or the same after a break, may lack what was acknowledged. Whoever
 * spends goes on and finds out by itself; the sums of all others are asked for once. */
static void doubt_all(struct toll_publisher *p)
{
	struct toll_totals *t = p->totals;

	for (uint32_t i = 0; i < t->count; i++) {
		struct toll_service *s = t->services[i];

		s->listed_ms = 0;
		for (uint32_t j = 0; j < p->rules->window_count; j++)
			if (any_sent(&s->accounts[j]))
				s->accounts[j].dirty = s->accounts[j].doubted = true;
	}
}

int toll_publish_round(struct toll_publisher *p, uint32_t *ret_published)
{
	uint32_t published = 0;
	int err = 0;

	toll_totals_lock(p->totals);
	toll_totals_sweep(p->totals);
	if (p->epoch != p->redis.stats.epoch)
		doubt_all(p);
	toll_totals_unlock(p->totals);
	p->epoch = p->redis.stats.epoch;
	for (int i = 0; i < TRIES && !err; i++) {
		p->lost = false;
		err = run_once(p, &published);
		if (!p->lost)
			break;
	}
	*ret_published = published;
	return err;
}

toll_i128 toll_publish_waiting_pico(struct toll_totals *t)
{
	toll_i128 waiting = 0;

	toll_totals_lock(t);
	for (uint32_t i = 0; i < t->count; i++) {
		const struct toll_series *s = &t->services[i]->accounts[0].series;

		for (uint32_t j = 0; j < s->count; j++)
			waiting += s->at[j].nano - s->at[j].sent;
	}
	toll_totals_unlock(t);
	return waiting * 1000;
}

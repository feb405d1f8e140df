/* SPDX-License-Identifier: Apache-2.0 */
#include "exporters/enforcer/store_redis/decide.h"

#include <stdlib.h>

#include "exporters/enforcer/store_redis/decide_inside.h"

#define CHUNK 32 /* services in one pipeline */
#define TRIES 3  /* after another daemon was faster, or somebody has said something */

void toll_decider_release(struct toll_decider *d)
{
	free(d->contenders);
	d->contenders = NULL;
	d->contender_count = d->contender_room = 0;
}

/* ---- one service ---- */

/* Sums are read once a round. */
static int ask(struct toll_decider *d, struct toll_case *c)
{
	struct toll_publisher *p = d->publisher;
	int err = 0;

	c->peek_count = 0;
	c->committed = c->again = c->relist = false;
	for (uint32_t i = 0; i < p->rules->window_count && !c->ranked && !err; i++)
		if (c->service->accounts[i].used)
			err = toll_publish_peek(p, c->service, i, &c->peeks[c->peek_count++]);
	c->asked = toll_candidate_must_be_asked(c->service);
	return err || !c->asked ? err : toll_state_ask(d, c->service);
}

static void judge(struct toll_decider *d, struct toll_case *c, struct toll_state *st)
{
	struct toll_publisher *p = d->publisher;
	struct toll_reading readings[TOLL_WINDOWS_MAX] = { 0 };

	for (uint32_t i = 0; i < p->rules->window_count; i++)
		readings[i] = c->service->accounts[i].reading;
	if (!readings[0].settled) /* what budgets of others say ends in time all the same */
		readings[0].asof_ms = toll_publisher_clock_ms(p);
	toll_rules_decide(p->rules, c->service->rules, c->service->rule_count, readings, &st->slots,
	                  &c->verdict);
	toll_service_show(d, c->service, &c->verdict, st);
}

/* Commits what is settled. Whether one that is over its budget has a place under the cap is known
 * when all have been looked at: it comes again, ranked. */
static int settle(struct toll_decider *d, struct toll_case *c, const struct toll_state *st)
{
	struct toll_circumstances now = toll_circumstances_of(d, st);
	bool contested = toll_is_contested(d, &c->verdict, st);

	if (toll_outcome_needs_place(&c->verdict, &now) && !c->ranked)
		toll_contend(d, c->service, &c->verdict, contested);
	if (contested && !c->ranked)
		return 0;
	if (contested)
		now.held = !c->placed;
	c->outcome = toll_outcome_of(&c->verdict, &now);
	if (!c->verdict.evaluated && c->outcome.throttled == st->applied &&
	    c->outcome.shadow == st->shadow && c->outcome.capped == st->capped &&
	    !toll_must_be_renewed(d, &c->outcome, st))
		return 0;
	return toll_commit_send(d, c, st);
}

static int decide(struct toll_decider *d, struct toll_case *c, struct toll_state *st)
{
	toll_counter_add(d->publisher->counters, TOLL_COUNTER_BAD_STATES, st->unreadable);
	toll_tell_late(d, c->service, st);
	judge(d, c, st);
	return settle(d, c, st);
}

static int receive(struct toll_decider *d, struct toll_case *c, struct toll_state *st)
{
	bool known;
	int err = 0;

	for (uint32_t i = 0; i < c->peek_count && !err; i++)
		err = toll_publish_receive(d->publisher, &c->peeks[i]);
	if (err || !c->asked)
		return err;
	err = toll_state_receive(d, st, &known);
	if (!err && known)
		err = decide(d, c, st);
	else if (!err)
		toll_counter_add(d->publisher->counters, TOLL_COUNTER_DECISION_ERRORS, 1);
	toll_state_release(st);
	return err;
}

static int conclude(struct toll_decider *d, struct toll_case *c)
{
	redisReply *reply;
	int err = c->committed ? toll_redis_receive(&d->publisher->redis, &reply) : 0;

	if (err || !c->committed)
		return err;
	toll_commit_conclude(d, c, reply);
	freeReplyObject(reply);
	return 0;
}

/* ---- several at once ---- */

static int run_pipeline(struct toll_decider *d, struct toll_case *cases, uint32_t n)
{
	struct toll_state *st = malloc(sizeof(*st));
	int err = 0;

	if (!st)
		return 0; /* this window goes by; the next one counts it as skipped */
	for (uint32_t i = 0; i < n && !err; i++)
		err = ask(d, &cases[i]);
	for (uint32_t i = 0; i < n && !err; i++)
		err = receive(d, &cases[i], st);
	for (uint32_t i = 0; i < n && !err; i++)
		err = conclude(d, &cases[i]);
	free(st);
	return err || !d->cluster ? err : toll_commit_list(d, cases, n);
}

/* Those whose state had moved on go again: most find the window decided. */
static int run_chunk(struct toll_decider *d, struct toll_case *cases, uint32_t n)
{
	int err = run_pipeline(d, cases, n);

	for (int i = 1; i < TRIES && n > 0 && !err; i++) {
		uint32_t left = 0;

		for (uint32_t j = 0; j < n; j++)
			if (cases[j].again)
				cases[left++] = cases[j];
		n = left;
		if (!err)
			err = run_pipeline(d, cases, n);
	}
	return err;
}

/* ---- rounds ---- */

/* The next candidates from *at on. */
static uint32_t take(struct toll_decider *d, uint32_t *at, struct toll_case *cases)
{
	struct toll_totals *t = d->publisher->totals;
	uint32_t n = 0;

	toll_totals_lock(t);
	for (; *at < t->count && n < CHUNK; ++*at)
		if (t->services[*at]->candidate)
			cases[n++] = (struct toll_case){ .service = t->services[*at] };
	toll_totals_unlock(t);
	return n;
}

static int run_candidates(struct toll_decider *d)
{
	struct toll_case cases[CHUNK];
	uint32_t at = 0, taken, left;
	int err;

	do {
		taken = left = take(d, &at, cases);
		err = toll_survey(d, cases, &left);
		if (!err && left > 0)
			err = run_chunk(d, cases, left);
	} while (!err && taken > 0);
	return err;
}

/* Ours among the contenders, those with a place or those without. */
static int run_contenders(struct toll_decider *d, bool placed)
{
	struct toll_case cases[CHUNK];
	uint32_t n = 0;
	int err = 0;

	for (uint32_t i = 0; i < d->contender_count && !err; i++) {
		const struct toll_contender *c = &d->contenders[i];

		if (c->mine && c->placed == placed)
			cases[n++] = (struct toll_case){ .service = c->subject,
				                         .ranked = true,
				                         .placed = placed,
				                         .places = c->places };
		if (n < CHUNK && (i + 1 < d->contender_count || n == 0))
			continue;
		err = run_chunk(d, cases, n);
		n = 0;
	}
	return err;
}

static void count_capped(struct toll_decider *d)
{
	struct toll_totals *t = d->publisher->totals;

	d->capped = 0;
	toll_totals_lock(t);
	for (uint32_t i = 0; i < t->count; i++)
		d->capped += t->services[i]->capped;
	toll_totals_unlock(t);
	toll_counter_set(d->publisher->counters, TOLL_COUNTER_CAPPED, d->capped);
}

static int run_round(struct toll_decider *d, bool flagged_only)
{
	int err = toll_candidates_find(d, flagged_only);

	d->contender_count = 0;
	if (!err)
		err = run_candidates(d);
	if (err)
		return err;
	toll_contenders_place(d);
	err = run_contenders(d, false); /* what they give up is free for those that follow */
	if (!err)
		err = run_contenders(d, true);
	count_capped(d);
	return err;
}

int toll_decide_round(struct toll_decider *d)
{
	int err;

	if (d->board)
		toll_flag_board_begin(d->board);
	err = run_round(d, false);
	if (!d->board)
		return err;
	if (!err)
		toll_flag_board_end(d->board);
	toll_flag_board_publish(d->board);
	return err;
}

/* Under the kill switch nobody is throttled, whether or not this round has come by. */
int toll_decide_flagged(struct toll_decider *d)
{
	bool all = d->board && d->killed;
	int err;

	if (all)
		toll_flag_board_begin(d->board);
	err = run_round(d, true);
	if (all && !err)
		toll_flag_board_end(d->board);
	if (d->board)
		toll_flag_board_publish(d->board);
	return err;
}

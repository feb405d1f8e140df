/* SPDX-License-Identifier: Apache-2.0 */
#include "budget/replay.h"

#include <stdlib.h>

#include "base/hash.h"
#include "budget/replay_subject.h"

struct toll_replay {
	struct toll_replay_settings set;
	struct toll_replay_totals totals;
	uint64_t now_ms;     /* the clock; 0: it does not run yet */
	uint64_t decided_ms; /* the end of the last window that was decided */
	struct toll_table by_key;
	struct toll_replay_subject **subjects;
	uint32_t count;
	struct {
		uint32_t count, overflow; /* subjects besides it; its index */
	} kinds[TOLL_KINDS_MAX];
};

/* ---- subjects ---- */

static int add_subject(struct toll_replay *r, struct toll_slice key,
                       struct toll_replay_subject **ret)
{
	struct toll_replay_subject *s = toll_replay_subject_new(key, r->set.rules);
	uint32_t *at;

	if (!s)
		return TOLL_ENOMEM;
	if (toll_table_insert(&r->by_key, s->key, &at, NULL) < 0) {
		toll_replay_subject_free(s, r->set.rules);
		return TOLL_ENOMEM;
	}
	*at = r->count;
	r->subjects[r->count++] = s;
	*ret = s;
	return 0;
}

static int subject_of(struct toll_replay *r, uint32_t kind, const struct toll_slice *values,
                      struct toll_replay_subject **ret)
{
	char text[TOLL_SUBJECT_MAX];
	struct toll_slice key =
		toll_slice(text, toll_subjects_key(&r->set.rules->subjects, kind, values, text));
	const uint32_t *at = toll_table_find(&r->by_key, key);

	if (at) {
		*ret = r->subjects[*at];
		return 0;
	}
	if (r->kinds[kind].count < r->set.max_subjects) {
		r->kinds[kind].count++;
		return add_subject(r, key, ret);
	}
	r->totals.overflowed += kind == 0;
	*ret = r->subjects[r->kinds[kind].overflow];
	return 0;
}

static int add_overflow(struct toll_replay *r, uint32_t kind)
{
	struct toll_replay_subject *s;
	char text[TOLL_SUBJECT_MAX];

	r->kinds[kind].overflow = r->count;
	return add_subject(
		r,
		toll_slice(text, toll_subjects_overflow_key(&r->set.rules->subjects, kind, text)),
		&s);
}

static int set_up(struct toll_replay *r)
{
	uint32_t kinds = r->set.rules->subjects.kind_count;
	uint32_t most = (r->set.max_subjects + 1) * kinds;
	int err = toll_table_init(&r->by_key, most);

	r->subjects = calloc(most, sizeof(struct toll_replay_subject *));
	if (!r->subjects)
		err = TOLL_ENOMEM;
	for (uint32_t i = 0; i < kinds && !err; i++)
		err = add_overflow(r, i);
	return err;
}

int toll_replay_new(const struct toll_replay_settings *set, struct toll_replay **ret)
{
	struct toll_replay *r = calloc(1, sizeof(*r));
	int err;

	if (!r)
		return TOLL_ENOMEM;
	r->set = *set;
	err = set_up(r);
	if (err) {
		toll_replay_free(r);
		return err;
	}
	*ret = r;
	return 0;
}

struct toll_replay *toll_replay_free(struct toll_replay *r)
{
	if (!r)
		return NULL;
	for (uint32_t i = 0; i < r->count; i++)
		toll_replay_subject_free(r->subjects[i], r->set.rules);
	free(r->subjects);
	toll_table_release(&r->by_key);
	free(r);
	return NULL;
}

/* ---- time ---- */

/* False: all sleep. */
static bool decide_all(struct toll_replay *r, uint64_t end_ms)
{
	bool awake = false;

	for (uint32_t i = 0; i < r->count; i++) {
		if (r->subjects[i]->awake)
			toll_replay_subject_decide(r->subjects[i], &r->set, end_ms);
		awake |= r->subjects[i]->awake;
	}
	r->totals.rounds++;
	return awake;
}

/* Decides all that is due up to then; a time without anybody awake is passed at once. */
static void run_clock(struct toll_replay *r, uint64_t to_ms)
{
	const struct toll_rules *rules = r->set.rules;
	bool awake = r->now_ms > 0; /* before the first spend there is nothing to decide */
	uint64_t next;

	if (!r->now_ms)
		r->decided_ms = to_ms;
	while (awake && (next = toll_rules_next_ms(rules, r->decided_ms)) <= to_ms) {
		r->decided_ms = next;
		awake = decide_all(r, next);
	}
	if (!awake && to_ms > r->decided_ms)
		r->decided_ms = to_ms;
	if (to_ms > r->now_ms)
		r->now_ms = to_ms;
}

static void note_time(struct toll_replay *r, uint64_t time_ms)
{
	struct toll_replay_totals *t = &r->totals;

	if (time_ms < r->now_ms) {
		t->late++;
		if (r->now_ms - time_ms > t->late_ms)
			t->late_ms = r->now_ms - time_ms;
	}
	if (!t->from_ms || time_ms < t->from_ms)
		t->from_ms = time_ms;
	if (time_ms > t->to_ms)
		t->to_ms = time_ms;
}

/* To the subject of one kind, if the span has all of its dimensions. *in: is it in a sum? */
static int add_to_kind(struct toll_replay *r, uint32_t kind, const struct toll_replay_spend *spend,
                       bool *any, bool *in)
{
	const struct toll_subject_kind *k = &r->set.rules->subjects.kinds[kind];
	struct toll_slice values[TOLL_SUBJECT_DIMENSIONS];
	struct toll_replay_subject *s;
	int err;

	for (uint32_t i = 0; i < k->count; i++) {
		values[i] = spend->values[k->at[i]];
		if (!values[i].len)
			return 0;
	}
	err = subject_of(r, kind, values, &s);
	if (err)
		return err;
	*in |= toll_replay_subject_add(s, r->set.rules, r->now_ms, spend);
	*any |= s->budget_count > 0;
	return 0;
}

int toll_replay_add(struct toll_replay *r, const struct toll_replay_spend *spend)
{
	uint32_t kinds = r->set.rules->subjects.kind_count;
	bool any = false, in = false;
	int err = 0;

	if (spend->time_ms > r->set.latest_ms || !spend->time_ms || spend->pico < 0) {
		r->totals.refused++;
		return 0;
	}
	run_clock(r, spend->time_ms);
	note_time(r, spend->time_ms);
	for (uint32_t i = 0; i < kinds && !err; i++)
		err = add_to_kind(r, i, spend, &any, &in);
	r->totals.spans++;
	r->totals.pico += spend->pico;
	if (any && !in) {
		r->totals.expired++;
		r->totals.expired_pico += spend->pico;
	}
	return err;
}

/* The window that the last spend is in ends as well. */
void toll_replay_end(struct toll_replay *r)
{
	const struct toll_replay_subject *overflow = r->subjects[r->kinds[0].overflow];

	if (!r->now_ms)
		return;
	run_clock(r, toll_rules_next_ms(r->set.rules, r->now_ms));
	for (uint32_t i = 0; i < r->count; i++)
		toll_replay_subject_end(r->subjects[i], r->decided_ms);
	r->totals.end_ms = r->decided_ms;
	r->totals.services = r->kinds[0].count + (overflow->spans > 0);
}

/* ---- results ---- */

void toll_replay_each(const struct toll_replay *r,
                      void (*row)(void *ctx, const struct toll_replay_row *row), void *ctx)
{
	for (uint32_t i = 0; i < r->count; i++) {
		const struct toll_replay_subject *s = r->subjects[i];

		for (uint32_t j = 0; s->spans && j < s->budget_count; j++) {
			const struct toll_replay_budget *b = &s->budgets[j];
			const struct toll_rule *rule = &r->set.rules->at[b->rule];

			row(ctx, &(struct toll_replay_row){
					 .subject = s->key,
					 .rule = rule,
					 .window = r->set.rules->windows[rule->window].name,
					 .episodes = b->episodes,
					 .sets = b->sets,
					 .on_ms = b->on_ms,
					 .highest_nano = b->highest_nano,
					 .highest_ms = b->highest_ms,
					 .pico = s->pico,
					 .on_pico = b->on_pico,
					 .spans = s->spans,
					 .on_spans = b->on_spans,
				 });
		}
	}
}

const struct toll_replay_totals *toll_replay_totals(const struct toll_replay *r)
{
	return &r->totals;
}

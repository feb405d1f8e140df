/* SPDX-License-Identifier: Apache-2.0 */
#include "budget/replay.h"

#include <stdlib.h>

#include "base/hash.h"
#include "budget/replay_subject.h"
#include "cost/name.h"

struct toll_replay {
	struct toll_replay_settings set;
	struct toll_replay_totals totals;
	uint64_t now_ms;     /* the clock; 0: it does not run yet */
	uint64_t decided_ms; /* the end of the last window that was decided */
	struct toll_table by_key;
	struct toll_replay_subject **subjects; /* [0] is __overflow__ */
	uint32_t count;
};

/* ---- subjects ---- */

static struct toll_replay_subject *add_subject(struct toll_replay *r, struct toll_slice key)
{
	struct toll_replay_subject *s = toll_replay_subject_new(key, r->set.rules);
	uint32_t *at;

	if (!s)
		return NULL;
	if (toll_table_insert(&r->by_key, s->key, &at, NULL) < 0)
		return toll_replay_subject_free(s, r->set.rules);
	*at = r->count;
	r->subjects[r->count++] = s;
	return s;
}

/* NULL: out of memory. */
static struct toll_replay_subject *subject_of(struct toll_replay *r, struct toll_slice name)
{
	char key[TOLL_NAME_MAX];
	size_t len = toll_name_encode(name, key);
	const uint32_t *at = toll_table_find(&r->by_key, toll_slice(key, len));

	if (at)
		return r->subjects[*at];
	if (r->count <= r->set.max_subjects)
		return add_subject(r, toll_slice(key, len));
	r->totals.overflowed++;
	return r->subjects[0];
}

int toll_replay_new(const struct toll_replay_settings *set, struct toll_replay **ret)
{
	struct toll_replay *r = calloc(1, sizeof(*r));

	if (!r)
		return TOLL_ENOMEM;
	r->set = *set;
	r->subjects = calloc((size_t)set->max_subjects + 1, sizeof(struct toll_replay_subject *));
	if (!r->subjects || toll_table_init(&r->by_key, set->max_subjects + 1) < 0 ||
	    !add_subject(r, TOLL_SLICE(TOLL_NAME_OVERFLOW))) {
		toll_replay_free(r);
		return TOLL_ENOMEM;
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
	r->totals.windows++;
	return awake;
}

/* Decides every window that ends up to then; a time without anybody awake is passed at once. */
static void run_clock(struct toll_replay *r, uint64_t to_ms)
{
	uint64_t step = r->set.rules->evaluation_ms, last = to_ms / step * step;

	if (!r->now_ms)
		r->decided_ms = last; /* before the first spend there is nothing to decide */
	while (r->decided_ms < last) {
		r->decided_ms += step;
		if (!decide_all(r, r->decided_ms))
			r->decided_ms = last;
	}
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

int toll_replay_add(struct toll_replay *r, const struct toll_replay_spend *spend)
{
	struct toll_replay_subject *s;

	if (spend->time_ms > r->set.latest_ms || !spend->time_ms || spend->pico < 0) {
		r->totals.refused++;
		return 0;
	}
	s = subject_of(r, spend->service);
	if (!s)
		return TOLL_ENOMEM;
	run_clock(r, spend->time_ms);
	note_time(r, spend->time_ms);
	r->totals.spans++;
	r->totals.pico += spend->pico;
	if (!toll_replay_subject_add(s, r->set.rules, r->now_ms, spend) && s->budget_count) {
		r->totals.expired++;
		r->totals.expired_pico += spend->pico;
	}
	return 0;
}

void toll_replay_end(struct toll_replay *r)
{
	if (!r->now_ms)
		return;
	run_clock(r, r->now_ms + r->set.rules->evaluation_ms);
	for (uint32_t i = 0; i < r->count; i++)
		toll_replay_subject_end(r->subjects[i], r->decided_ms);
	r->totals.end_ms = r->decided_ms;
	r->totals.subjects = r->count - 1 + (r->subjects[0]->spans > 0);
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

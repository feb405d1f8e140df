/* SPDX-License-Identifier: Apache-2.0 */
#include "exporters/enforcer/store_memory/memory_store.h"

#include <stdlib.h>

#include "base/clock.h"
#include "exporters/enforcer/decision/describe.h"
#include "exporters/enforcer/decision/tell.h"
#include "exporters/enforcer/notify/notify.h"

void toll_memory_store_release(struct toll_memory_store *m)
{
	free(m->contenders);
	m->contenders = NULL;
	m->contender_room = m->contender_count = 0;
}

/* ---- sums ---- */

/* Nobody else has a say, so the sum of our own buckets is the truth, and settled at once. */
static void read_accounts(struct toll_memory_store *m, struct toll_service *s, uint64_t now_ms)
{
	for (uint32_t i = 0; i < m->rules->window_count; i++) {
		struct toll_account *a = &s->accounts[i];
		const struct toll_window *w = &m->rules->windows[i];
		int64_t current = toll_window_index(w, now_ms);

		if (!a->used)
			continue;
		for (uint32_t j = 0; j < a->series.count; j++)
			a->series.at[j].sent = a->series.at[j].nano; /* nothing waits for anyone */
		toll_totals_prune(m->totals, a, w, current);
		a->dirty = false;
		toll_account_read(a, (struct toll_reading){
					     .nano = toll_series_sum(&a->series, w, current),
					     .asof_ms = now_ms,
					     .settled = true,
				     });
	}
}

/* ---- what changes ---- */

static void tell(struct toll_memory_store *m, struct toll_service *s, struct toll_budget_event *e,
                 enum toll_event_what what)
{
	char text[TOLL_EVENT_TEXT];

	e->what = what;
	toll_memory_words_record(m->words, toll_slice(text, toll_event_print(e, text)));
	toll_tell_event(m->counters, m->who, s->name, e);
	toll_notifier_put(m->notifier, e);
}

static void tell_flag(struct toll_memory_store *m, struct toll_service *s,
                      const struct toll_outcome *o, struct toll_budget_event *e)
{
	if (o->throttled && !s->throttled)
		tell(m, s, e, TOLL_EVENT_SET);
	else if (s->throttled && !o->throttled)
		tell(m, s, e, o->capped ? TOLL_EVENT_CAPPED : TOLL_EVENT_RELEASE);
	else if (o->capped && !s->capped)
		tell(m, s, e, TOLL_EVENT_CAPPED);
	if (o->shadow != s->shadow)
		tell(m, s, e, o->shadow ? TOLL_EVENT_SHADOW_SET : TOLL_EVENT_SHADOW_RELEASE);
}

/* The record of a change that is about to be made; a flag without one is not set. */
static void write_record(struct toll_memory_store *m, const struct toll_service *s,
                         struct toll_outcome *o, struct toll_budget_event *e)
{
	char text[TOLL_EVENT_TEXT];

	if (o->throttled == s->throttled)
		return;
	e->what = o->throttled ? TOLL_EVENT_SET : TOLL_EVENT_RELEASE;
	if (toll_audit_write(m->audit, toll_slice(text, toll_event_print(e, text))) < 0)
		o->throttled = false;
}

/* Until the flag ends if nobody evaluates any more. */
static uint64_t end_of(const struct toll_memory_store *m, const struct toll_service *s,
                       uint64_t now_ms)
{
	uint64_t until = now_ms + m->rules->ttl_ms;

	if (s->override == TOLL_OVERRIDE_DENY && s->override_until_ms < until)
		return s->override_until_ms;
	return until;
}

static void put_flag(struct toll_memory_store *m, const struct toll_service *s,
                     const struct toll_about *about, uint64_t now_ms)
{
	struct toll_flag f = toll_describe_flag(about, 0);

	if (s->until_ms > now_ms)
		f.until_ms = toll_clock_wall_ms() + (s->until_ms - now_ms);
	if (m->board)
		toll_flag_board_put(m->board, &f);
}

static void apply(struct toll_memory_store *m, struct toll_service *s, const struct toll_verdict *v,
                  struct toll_outcome o, uint64_t now_ms)
{
	struct toll_about about = { m->rules, m->throttle, s, v };
	struct toll_budget_event e;

	toll_describe_event(&about, &o, m->instance, &e);
	e.time_ms = now_ms;
	e.change_id = m->words->change_id =
		now_ms > m->words->change_id ? now_ms : m->words->change_id + 1;
	write_record(m, s, &o, &e);
	tell_flag(m, s, &o, &e);
	s->unsaved = m->totals->unsaved = true;
	s->throttled = o.throttled;
	s->shadow = o.shadow;
	s->capped = o.capped;
	if (!o.throttled || v->evaluated || s->override == TOLL_OVERRIDE_DENY ||
	    s->until_ms <= now_ms)
		s->until_ms = o.throttled ? end_of(m, s, now_ms) : 0;
	put_flag(m, s, &about, now_ms);
}

/* ---- decisions ---- */

static bool verdict_of(struct toll_memory_store *m, struct toll_service *s, bool due,
                       struct toll_verdict *ret)
{
	struct toll_reading readings[TOLL_WINDOWS_MAX] = { 0 };

	if (!s->slots)
		s->slots = calloc(1, sizeof(*s->slots));
	if (!s->slots)
		return false; /* this window goes by; the next one counts it as skipped */
	for (uint32_t i = 0; i < m->rules->window_count; i++) {
		readings[i] = s->accounts[i].reading;
		readings[i].settled = due;
	}
	toll_rules_decide(m->rules, s->rules, s->rule_count, readings, s->slots, ret);
	toll_slots_drop_gone(s->slots);
	s->rule = ret->rule;
	s->rule_nano = ret->rule_nano;
	s->rule_ema = ret->rule_ema;
	toll_describe_streaks(s, s->slots);
	return true;
}

static struct toll_circumstances circumstances_of(struct toll_memory_store *m,
                                                  struct toll_service *s, uint64_t now_ms)
{
	if (s->override != TOLL_OVERRIDE_NONE && s->override_until_ms <= now_ms)
		s->override = TOLL_OVERRIDE_NONE;
	return (struct toll_circumstances){ m->words->killed || m->throttle->kill, s->override,
		                            s->capped };
}

/* False: there is no memory, and nobody new is throttled. */
static bool contend(struct toll_memory_store *m, struct toll_service *s,
                    const struct toll_verdict *v)
{
	double limit = v->rule ? v->rule->rule.limit_usd : 0;
	uint32_t room = m->contender_room ? 2 * m->contender_room : 64;

	if (m->contender_count == m->contender_room) {
		struct toll_contender *more = realloc(m->contenders, room * sizeof(*more));

		if (!more)
			return false;
		m->contenders = more;
		m->contender_room = room;
	}
	m->contenders[m->contender_count++] = (struct toll_contender){
		.subject = s,
		.key = s->key,
		.kind = toll_places_kind(s->key),
		.ratio = v->rule_ema / (limit > 1e-12 ? limit : 1e-12),
		.criticality = s->criticality,
	};
	return true;
}

static void decide(struct toll_memory_store *m, struct toll_service *s, bool due, uint64_t now_ms)
{
	struct toll_circumstances now = circumstances_of(m, s, now_ms);
	struct toll_verdict v;

	if ((s->rule_count == 0 && s->override == TOLL_OVERRIDE_NONE && !s->throttled) ||
	    !verdict_of(m, s, due, &v))
		return;
	toll_counter_add(m->counters, TOLL_COUNTER_DECISIONS, v.evaluated);
	if (toll_outcome_needs_place(&v, &now) && m->throttle->max_throttled_fraction < 1 &&
	    contend(m, s, &v))
		return;
	apply(m, s, &v, toll_outcome_of(&v, &now), now_ms);
}

/* ---- the cap ---- */

static uint32_t count_subjects(const struct toll_memory_store *m, uint64_t kind)
{
	const struct toll_totals *t = m->totals;
	uint32_t n = 0;

	for (uint32_t i = 0; i < t->count; i++) {
		bool spends = false;

		for (uint32_t w = 0; w < m->rules->window_count; w++)
			spends |= t->services[i]->accounts[w].reading.nano > 0;
		n += spends && toll_places_kind(t->services[i]->key) == kind;
	}
	return n;
}

static void place(struct toll_memory_store *m, struct toll_contender *c, bool held, uint64_t now_ms)
{
	struct toll_service *s = c->subject;
	struct toll_circumstances now = circumstances_of(m, s, now_ms);
	struct toll_verdict v;

	now.held = held;
	if (!verdict_of(m, s, false, &v))
		return;
	v.evaluated = true;
	apply(m, s, &v, toll_outcome_of(&v, &now), now_ms);
}

static void place_all(struct toll_memory_store *m, uint64_t now_ms)
{
	uint32_t places = 0, taken = 0;

	toll_places_rank(m->contenders, m->contender_count);
	m->capped = 0;
	for (uint32_t i = 0; i < m->contender_count; i++) {
		struct toll_contender *c = &m->contenders[i];

		if (i == 0 || c->kind != c[-1].kind) {
			places = toll_places(m->throttle->max_throttled_fraction,
			                     count_subjects(m, c->kind));
			taken = 0;
		}
		m->capped += taken >= places;
		place(m, c, taken++ >= places, now_ms);
	}
	m->contender_count = 0;
	toll_counter_set(m->counters, TOLL_COUNTER_CAPPED, m->capped);
	toll_counter_set(m->counters, TOLL_COUNTER_KILLED, m->words->killed || m->throttle->kill);
}

/* ---- the tick ---- */

/* Between decisions the shown amount follows the sums. */
static void show(struct toll_service *s)
{
	if (s->rule)
		s->rule_nano = s->accounts[s->rule->window].reading.nano;
}

static bool run_errands(struct toll_memory_store *m, uint64_t now_ms)
{
	struct toll_request *r;
	bool look = false;

	while (m->requests && (r = toll_requests_take(m->requests)) != NULL) {
		look |= toll_memory_errand(m, r, now_ms);
		toll_requests_answer(m->requests, r);
	}
	return look;
}

static void publish_flags(struct toll_memory_store *m)
{
	if (!m->board)
		return;
	toll_flag_board_publish(m->board);
	toll_flags_heard(&m->board->source, toll_clock_mono_ns());
}

void toll_memory_store_tick(struct toll_memory_store *m)
{
	struct toll_totals *t = m->totals;
	uint64_t now_ms = toll_wall_ms_by(m->clock);
	int64_t window = (int64_t)toll_rules_next_ms(m->rules, now_ms);
	/* A clock that was set back is followed at once: cost/budget.c copes with both. */
	bool due = m->window != window, look;

	toll_totals_lock(t);
	look = run_errands(m, now_ms) || due;
	for (uint32_t i = 0; i < t->count; i++) {
		read_accounts(m, t->services[i], now_ms);
		if (look)
			decide(m, t->services[i], due, now_ms);
		else
			show(t->services[i]);
	}
	if (look)
		place_all(m, now_ms);
	toll_totals_sweep(t);
	toll_totals_unlock(t);
	publish_flags(m);
	m->window = window;
	if (due)
		toll_counter_set(m->counters, TOLL_COUNTER_DECIDED_UNTIL, now_ms);
}

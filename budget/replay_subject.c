/* SPDX-License-Identifier: Apache-2.0 */
#include "budget/replay_subject.h"

#include <stdlib.h>
#include <string.h>

/* ---- life ---- */

static int open_series(struct toll_replay_subject *s, const struct toll_rules *rules)
{
	s->series = calloc(rules->window_count, sizeof(*s->series));
	if (!s->series)
		return TOLL_ENOMEM;
	for (uint32_t i = 0; i < s->budget_count; i++) {
		const struct toll_rule *rule = &rules->at[s->budgets[i].rule];
		struct toll_series *series = &s->series[rule->window];
		struct toll_series *fast =
			rule->fast_factor > 0 ? &s->series[rule->fast_window] : series;

		if ((!series->at && toll_series_init(series) < 0) ||
		    (!fast->at && toll_series_init(fast) < 0))
			return TOLL_ENOMEM;
	}
	return 0;
}

struct toll_replay_subject *toll_replay_subject_new(struct toll_slice key,
                                                    const struct toll_rules *rules)
{
	uint16_t matching[TOLL_RULES_MAX];
	struct toll_subject subject = { .kind = 0 };
	char text[TOLL_SUBJECT_MAX];
	uint32_t n = toll_subjects_read(&rules->subjects, key, &subject, text)
	                     ? toll_rules_match(rules, subject.kind, subject.values, matching)
	                     : 0;
	struct toll_replay_subject *s = calloc(1, sizeof(*s) + n * sizeof(s->budgets[0]));

	if (!s)
		return NULL;
	for (uint32_t i = 0; i < n; i++)
		if (rules->at[matching[i]].mode != TOLL_MODE_OFF)
			s->budgets[s->budget_count++].rule = matching[i];
	s->kind = subject.kind;
	s->key_text = strndup(key.ptr, key.len);
	if (!s->key_text || open_series(s, rules) < 0)
		return toll_replay_subject_free(s, rules);
	s->key = toll_slice(s->key_text, key.len);
	return s;
}

struct toll_replay_subject *toll_replay_subject_free(struct toll_replay_subject *s,
                                                     const struct toll_rules *rules)
{
	if (!s)
		return NULL;
	for (uint32_t i = 0; s->series && i < rules->window_count; i++)
		toll_series_release(&s->series[i]);
	for (uint32_t i = 0; i < s->budget_count; i++)
		free(s->budgets[i].episodes);
	free(s->series);
	free(s->key_text);
	free(s);
	return NULL;
}

/* ---- spend ---- */

bool toll_replay_subject_add(struct toll_replay_subject *s, const struct toll_rules *rules,
                             uint64_t now_ms, const struct toll_replay_spend *spend)
{
	bool taken = false;

	for (uint32_t i = 0; i < rules->window_count; i++) {
		const struct toll_window *w = &rules->windows[i];
		int64_t index = toll_window_index(w, spend->time_ms);
		int64_t current = toll_window_index(w, now_ms);

		if (!s->series[i].at || index <= current - (int64_t)w->buckets)
			continue;
		toll_series_prune(&s->series[i], w, current);
		taken |= toll_series_add(&s->series[i], w, index, spend->pico) == 0;
	}
	for (uint32_t i = 0; i < s->budget_count; i++) {
		s->budgets[i].on_spans += s->budgets[i].on;
		s->budgets[i].on_pico += s->budgets[i].on ? spend->pico : 0;
	}
	s->spans++;
	s->pico += spend->pico;
	s->awake = true;
	return taken;
}

/* ---- decisions ---- */

/* Without memory the episode is counted, not listed. */
static struct toll_replay_episode *episode_of(struct toll_replay_budget *b)
{
	uint32_t n = b->episode_room ? 2 * b->episode_room : 1;
	struct toll_replay_episode *more;

	if (b->sets > TOLL_REPLAY_EPISODES)
		return NULL;
	if (b->sets <= b->episode_room)
		return &b->episodes[b->sets - 1];
	more = realloc(b->episodes, n * sizeof(*more));
	if (!more)
		return NULL;
	b->episodes = more;
	b->episode_room = n;
	return &more[b->sets - 1];
}

static void turn(struct toll_replay_budget *b, bool on, uint64_t now_ms)
{
	struct toll_replay_episode *e;

	b->on = on;
	if (on) {
		b->sets++;
		b->since_ms = now_ms;
	} else {
		b->on_ms += now_ms - b->since_ms;
	}
	e = episode_of(b);
	if (e && on)
		*e = (struct toll_replay_episode){ .set_ms = now_ms };
	else if (e)
		e->release_ms = now_ms;
}

static void note(struct toll_replay_subject *s, struct toll_replay_budget *b,
                 const struct toll_replay_settings *set, const struct toll_reading *reading)
{
	const struct toll_rule *rule = &set->rules->at[b->rule];
	const struct toll_slot *slot = toll_slots_find(&s->slots, rule->id);
	bool on = slot && toll_slot_is_on(slot);

	if (reading->nano > b->highest_nano) {
		b->highest_nano = reading->nano;
		b->highest_ms = reading->asof_ms;
	}
	if (on == b->on)
		return;
	turn(b, on, reading->asof_ms);
	if (set->changed)
		set->changed(set->ctx, &(struct toll_replay_change){
					       .time_ms = reading->asof_ms,
					       .subject = s->key,
					       .rule = rule,
					       .window = set->rules->windows[rule->window].name,
					       .on = on,
					       .nano = reading->nano,
					       .ema_usd = slot ? slot->state.ema : 0,
				       });
}

/* Without spend there is still an average that fades, or a flag to be released. Budgets are due at
 * different times, so what was decided just now does not tell. */
static bool is_fading(struct toll_replay_subject *s, const struct toll_rules *rules)
{
	for (uint32_t i = 0; i < s->budget_count; i++) {
		const struct toll_rule *rule = &rules->at[s->budgets[i].rule];
		const struct toll_slot *slot = toll_slots_find(&s->slots, rule->id);

		if (slot &&
		    (toll_slot_is_on(slot) || slot->state.ema >= rule->rule.limit_usd / 1000))
			return true;
	}
	return false;
}

void toll_replay_subject_decide(struct toll_replay_subject *s,
                                const struct toll_replay_settings *set, uint64_t now_ms)
{
	struct toll_reading readings[TOLL_WINDOWS_MAX] = { 0 };
	const struct toll_rules *rules = set->rules;
	uint16_t matching[TOLL_RULES_MAX];
	struct toll_verdict v;
	bool spent = false;

	for (uint32_t i = 0; i < rules->window_count; i++) {
		const struct toll_window *w = &rules->windows[i];
		int64_t current = toll_window_index(w, now_ms);

		readings[i] = (struct toll_reading){ .asof_ms = now_ms, .settled = true };
		if (s->series[i].at)
			readings[i].nano = toll_series_sum(&s->series[i], w, current);
		spent |= readings[i].nano != 0;
	}
	for (uint32_t i = 0; i < s->budget_count; i++)
		matching[i] = s->budgets[i].rule;
	toll_rules_decide(rules, matching, s->budget_count, readings, &s->slots, &v);
	toll_slots_drop_gone(&s->slots);
	for (uint32_t i = 0; i < s->budget_count; i++)
		note(s, &s->budgets[i], set, &readings[rules->at[s->budgets[i].rule].window]);
	s->awake = spent || is_fading(s, rules);
}

void toll_replay_subject_end(struct toll_replay_subject *s, uint64_t now_ms)
{
	for (uint32_t i = 0; i < s->budget_count; i++) {
		struct toll_replay_budget *b = &s->budgets[i];

		if (b->on && now_ms > b->since_ms) {
			b->on_ms += now_ms - b->since_ms;
			b->since_ms = now_ms;
		}
	}
}

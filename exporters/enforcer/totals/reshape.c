/* SPDX-License-Identifier: Apache-2.0 */
/* reshape.c - the totals follow other rules: other windows, other budgets, room for more names. All
 * memory is got first, so that it happens wholly or not at all. */
#include <stdlib.h>
#include <string.h>

#include "exporters/enforcer/totals/service.h"

void toll_account_forget_sent(struct toll_account *a)
{
	for (uint32_t i = 0; i < a->series.count; i++)
		a->series.at[i].sent = 0;
	a->chain = 0;
	a->generation[0] = '\0';
	a->dirty = a->series.count > 0;
}

/* ---- one service ---- */

/* The account of s under rules `old` that has this window; NULL: there is none. */
static struct toll_account *find_account(struct toll_service *s, const struct toll_rules *old,
                                         const struct toll_window *w)
{
	for (uint32_t i = 0; i < old->window_count; i++)
		if (s->accounts[i].used && toll_window_equal(&old->windows[i], w))
			return &s->accounts[i];
	return NULL;
}

/* The rule that was shown, if it is still there. */
static const struct toll_rule *shown(const struct toll_service *s, const struct toll_rules *rules,
                                     const struct toll_rules *next)
{
	for (uint32_t i = 0; s->rule && i < next->count; i++)
		if (strcmp(next->at[i].id, s->rule->id) == 0)
			return &rules->at[i]; /* where next will be */
	return NULL;
}

/* What is known of it, but for its names, accounts and rules, which `to` has of its own. */
static void move_rest(struct toll_service *to, struct toll_service *from)
{
	to->total_pico = from->total_pico;
	to->spans = from->spans;
	to->unpriced = from->unpriced;
	to->listed_ms = from->listed_ms;
	to->change_seen = from->change_seen;
	to->candidate = from->candidate;
	to->unanswered = from->unanswered;
	to->announced = from->announced;
	to->announcement = from->announcement;
	to->nudged = from->nudged;
	to->must_ask = from->must_ask;
	to->throttled = from->throttled;
	to->shadow = from->shadow;
	to->capped = from->capped;
	to->override = from->override;
	to->override_until_ms = from->override_until_ms;
	to->criticality = from->criticality;
	to->over = from->over;
	to->under = from->under;
	to->until_ms = from->until_ms;
	to->rule_nano = from->rule_nano;
	to->rule_ema = from->rule_ema;
	to->slots = from->slots;
	from->slots = NULL;
}

static void move_service(struct toll_service *to, struct toll_service *from,
                         const struct toll_rules *old, const struct toll_rules *next)
{
	for (uint32_t i = 0; i < next->window_count; i++) {
		struct toll_account *a = find_account(from, old, &next->windows[i]);

		if (!a || !to->accounts[i].used)
			continue;
		toll_series_release(&to->accounts[i].series);
		to->accounts[i] = *a;
		a->series = (struct toll_series){ 0 };
	}
	move_rest(to, from);
}

/* ---- all of them ---- */

#define GONE UINT32_MAX /* no budget is for this subject any more */

/* Where a subject is in the new tables. TOLL_ENOMEM. */
static int place(struct toll_totals *to, const struct toll_service *from, uint32_t *ret)
{
	char text[TOLL_SUBJECT_MAX];
	struct toll_subject subject;

	*ret = GONE;
	if (!toll_subjects_read(&to->rules->subjects, from->key, &subject, text) ||
	    !toll_service_is_wanted(&subject, to->rules))
		return 0;
	if (from->overflow) {
		*ret = to->names[subject.kind].overflow;
		return 0;
	}
	if (!toll_totals_add(to, from->key, &subject))
		return TOLL_ENOMEM;
	*ret = to->count - 1;
	toll_totals_remember(to, *ret, from->raw);
	return 0;
}

/* New tables with new subjects, empty. places: of t's services in them. Nobody is forgotten when
 * the cap falls: the room stays. */
static int shape(const struct toll_totals *t, const struct toll_rules *next, uint32_t max_services,
                 struct toll_totals *to, uint32_t *places)
{
	uint32_t limit = max_services + 1;
	int err;

	*to = (struct toll_totals){ .rules = next, .room = t->room > limit ? t->room : limit };
	to->limit = to->room;
	err = toll_totals_init_tables(to);
	for (uint32_t i = 0; i < t->count && !err; i++)
		err = place(to, t->services[i], &places[i]);
	to->limit = limit;
	return err;
}

/* With the old rules still in force. */
static void move_all(struct toll_totals *t, struct toll_totals *to, const uint32_t *places)
{
	for (uint32_t i = 0; i < t->count; i++) {
		struct toll_service *from = t->services[i];

		if (places[i] == GONE)
			continue;
		to->services[places[i]]->rule = shown(from, t->rules, to->rules);
		move_service(to->services[places[i]], from, t->rules, to->rules);
	}
	toll_totals_release_tables(t);
	t->services = to->services;
	t->by_key = to->by_key;
	t->count = to->count;
	t->limit = to->limit;
	t->room = to->room;
	memcpy(t->names, to->names, sizeof(t->names));
	t->reshaped = true;
}

int toll_totals_follow(struct toll_totals *t, struct toll_rules *rules,
                       const struct toll_rules *next, uint32_t max_services)
{
	uint32_t *places = calloc(t->count, sizeof(*places));
	struct toll_totals to = { 0 };
	int err = places ? shape(t, next, max_services, &to, places) : TOLL_ENOMEM;

	if (err) {
		toll_totals_release_tables(&to);
	} else {
		move_all(t, &to, places);
		*rules = *next;
	}
	free(places);
	return err;
}

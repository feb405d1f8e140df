/* SPDX-License-Identifier: Apache-2.0 */
/* reshape.c - the totals follow other rules: other windows, other budgets, room for more names. All
 * memory is got first, so that it happens wholly or not at all. */
#include <stdlib.h>
#include <string.h>

#include "exporters/enforcer/service.h"

void toll_account_forget_sent(struct toll_account *a)
{
	for (uint32_t i = 0; i < a->series.count; i++)
		a->series.at[i].sent = 0;
	a->chain = 0;
	a->generation[0] = '\0';
	a->dirty = a->series.count > 0;
}

/* ---- room ---- */

static int fill(const struct toll_totals *t, struct toll_table *by_raw, struct toll_table *by_key)
{
	uint32_t *at;

	for (uint32_t i = 0; i < t->count; i++) {
		const struct toll_service *s = t->services[i];

		if (toll_table_insert(by_key, s->key, &at, NULL) < 0)
			return TOLL_ENOMEM;
		*at = i;
		if (!s->raw.ptr)
			continue;
		if (toll_table_insert(by_raw, s->raw, &at, NULL) < 0)
			return TOLL_ENOMEM;
		*at = i;
	}
	return 0;
}

static int grow(struct toll_totals *t, uint32_t room)
{
	struct toll_table by_raw = { 0 }, by_key = { 0 };
	struct toll_service **services = realloc(t->services, room * sizeof(struct toll_service *));

	if (!services)
		return TOLL_ENOMEM;
	t->services = services;
	if (toll_table_init(&by_raw, room) < 0 || toll_table_init(&by_key, room) < 0 ||
	    fill(t, &by_raw, &by_key) < 0) {
		toll_table_release(&by_raw);
		toll_table_release(&by_key);
		return TOLL_ENOMEM;
	}
	toll_table_release(&t->by_raw);
	toll_table_release(&t->by_key);
	t->by_raw = by_raw;
	t->by_key = by_key;
	t->room = room;
	return 0;
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

/* Everything but the accounts, which `to` has of its own, and its rules. */
static void move_rest(struct toll_service *to, struct toll_service *from)
{
	struct toll_service copy = *from;

	free(to->key_text);
	free(to->name_text);
	copy.rules = to->rules;
	copy.rule_count = to->rule_count;
	copy.rule = to->rule;
	memcpy(to, &copy, sizeof(copy)); /* without the accounts: a flexible array */
	from->key_text = from->name_text = from->raw_text = NULL;
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

static void drop(struct toll_service **list, uint32_t count, const struct toll_rules *rules)
{
	for (uint32_t i = 0; i < count; i++)
		toll_service_free(list[i], rules->window_count);
	free(list);
}

/* New ones, empty, in the same order. NULL: out of memory. */
static struct toll_service **shape(const struct toll_totals *t, const struct toll_rules *next)
{
	struct toll_service **list = calloc(t->count + 1, sizeof(struct toll_service *));

	for (uint32_t i = 0; list && i < t->count; i++) {
		list[i] = toll_service_new(t->services[i]->key, next);
		if (!list[i]) {
			drop(list, i, next);
			return NULL;
		}
	}
	return list;
}

int toll_totals_follow(struct toll_totals *t, struct toll_rules *rules,
                       const struct toll_rules *next, uint32_t max_services)
{
	struct toll_service **list;

	if (max_services + 1 > t->room && grow(t, max_services + 1) < 0)
		return TOLL_ENOMEM;
	list = shape(t, next);
	if (!list)
		return TOLL_ENOMEM;
	for (uint32_t i = 0; i < t->count; i++) {
		struct toll_service *from = t->services[i];

		list[i]->rule = shown(from, rules, next);
		move_service(list[i], from, rules, next);
		t->services[i] = list[i];
		toll_service_free(from, rules->window_count);
	}
	free(list);
	t->limit = max_services + 1;
	*rules = *next;
	return 0;
}

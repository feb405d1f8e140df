/* SPDX-License-Identifier: Apache-2.0 */
#include "exporters/enforcer/totals.h"

#include <stdlib.h>
#include <string.h>

#include "cost/name.h"
#include "exporters/enforcer/service.h"

#define RAW_MAX ((size_t)4 * TOLL_NAME_MAX) /* longer ones are encoded each time */

/* ---- one service ---- */

/* *ret_text owns what *ret shows; NULL and nothing when out of memory. */
static void copy_text(struct toll_slice s, char **ret_text, struct toll_slice *ret)
{
	*ret_text = malloc(s.len + 1);
	if (!*ret_text)
		return;
	if (s.len)
		memcpy(*ret_text, s.ptr, s.len);
	(*ret_text)[s.len] = '\0';
	*ret = toll_slice(*ret_text, s.len);
}

struct toll_service *toll_service_free(struct toll_service *s, uint32_t window_count)
{
	if (!s)
		return NULL;
	for (uint32_t i = 0; i < window_count; i++)
		toll_series_release(&s->accounts[i].series);
	free(s->key_text);
	free(s->name_text);
	free(s->raw_text);
	free(s->rules);
	free(s->slots);
	free(s);
	return NULL;
}

static int match_rules(struct toll_service *s, const struct toll_rules *r)
{
	uint16_t matching[TOLL_RULES_MAX], *copy;

	s->rule_count = toll_rules_match(r, s->name, matching);
	if (s->rule_count == 0)
		return 0;
	copy = malloc(s->rule_count * sizeof(*copy));
	if (!copy)
		return TOLL_ENOMEM;
	memcpy(copy, matching, s->rule_count * sizeof(*copy));
	s->rules = copy;
	return 0;
}

/* 24h for everyone, and the windows of the budgets that match. */
static int open_accounts(struct toll_service *s, const struct toll_rules *r)
{
	s->accounts[0].used = true;
	for (uint32_t i = 0; i < s->rule_count; i++)
		if (r->at[s->rules[i]].mode != TOLL_MODE_OFF)
			s->accounts[r->at[s->rules[i]].window].used = true;
	for (uint32_t i = 0; i < r->window_count; i++)
		if (s->accounts[i].used && toll_series_init(&s->accounts[i].series) < 0)
			return TOLL_ENOMEM;
	return 0;
}

struct toll_service *toll_service_new(struct toll_slice key, const struct toll_rules *r)
{
	struct toll_service *s = calloc(1, sizeof(*s) + r->window_count * sizeof(s->accounts[0]));
	char name[TOLL_NAME_MAX];

	if (!s)
		return NULL;
	copy_text(key, &s->key_text, &s->key);
	copy_text(toll_slice(name, toll_name_decode(key, name)), &s->name_text, &s->name);
	if (!s->key_text || !s->name_text || match_rules(s, r) < 0 || open_accounts(s, r) < 0)
		return toll_service_free(s, r->window_count);
	return s;
}

/* ---- the table ---- */

static struct toll_service *add_service(struct toll_totals *t, struct toll_slice key)
{
	struct toll_service *s;
	uint32_t *at;

	if (t->count >= t->limit)
		return NULL;
	s = toll_service_new(key, t->rules);
	if (!s)
		return NULL;
	if (toll_table_insert(&t->by_key, s->key, &at, NULL) < 0)
		return toll_service_free(s, t->rules->window_count);
	*at = t->count;
	t->services[t->count++] = s;
	return s;
}

/* So that the next run of this name is found without encoding it. Best effort. */
static void remember_raw(struct toll_totals *t, struct toll_service *s, uint32_t index,
                         struct toll_slice raw)
{
	uint32_t *at;

	if (s->raw.ptr || raw.len > RAW_MAX)
		return;
	copy_text(raw, &s->raw_text, &s->raw);
	if (s->raw_text && toll_table_insert(&t->by_raw, s->raw, &at, NULL) == 0)
		*at = index;
}

/* NULL: there is none yet. */
static struct toll_service *find_raw(struct toll_totals *t, struct toll_slice raw)
{
	uint32_t *at = toll_table_find(&t->by_raw, raw);
	char key[TOLL_NAME_MAX];

	if (toll_likely(at != NULL))
		return t->services[*at];
	at = toll_table_find(&t->by_key, toll_slice(key, toll_name_encode(raw, key)));
	if (!at)
		return NULL;
	remember_raw(t, t->services[*at], *at, raw);
	return t->services[*at];
}

/* A quarter of the room is kept for names that spend something here. */
static bool has_room_for_guests(const struct toll_totals *t)
{
	return t->count < t->limit - t->limit / 4;
}

/* NULL: no room, or out of memory. */
static struct toll_service *find_or_add_raw(struct toll_totals *t, struct toll_slice raw,
                                            bool spends)
{
	struct toll_service *s = find_raw(t, raw);
	char key[TOLL_NAME_MAX];

	if (toll_likely(s != NULL) || (!spends && !has_room_for_guests(t)))
		return s;
	s = add_service(t, toll_slice(key, toll_name_encode(raw, key)));
	if (s)
		remember_raw(t, s, t->count - 1, raw);
	return s;
}

int toll_totals_init(struct toll_totals *t, const struct toll_rules *rules, uint32_t max_services)
{
	*t = (struct toll_totals){ .rules = rules,
		                   .limit = max_services + 1,
		                   .room = max_services + 1 };
	if (pthread_mutex_init(&t->lock, NULL))
		return TOLL_ENOMEM;
	t->services = calloc(t->limit, sizeof(struct toll_service *));
	if (!t->services || toll_table_init(&t->by_raw, t->limit) < 0 ||
	    toll_table_init(&t->by_key, t->limit) < 0 ||
	    !add_service(t, TOLL_SLICE(TOLL_NAME_OVERFLOW)))
		return TOLL_ENOMEM;
	return 0;
}

void toll_totals_release(struct toll_totals *t)
{
	if (!t->rules)
		return;
	for (uint32_t i = 0; i < t->count; i++)
		toll_service_free(t->services[i], t->rules->window_count);
	free(t->services);
	toll_table_release(&t->by_raw);
	toll_table_release(&t->by_key);
	pthread_mutex_destroy(&t->lock);
	*t = (struct toll_totals){ 0 };
}

void toll_totals_lock(struct toll_totals *t)
{
	pthread_mutex_lock(&t->lock);
}

void toll_totals_unlock(struct toll_totals *t)
{
	pthread_mutex_unlock(&t->lock);
}

struct toll_service *toll_totals_meet(struct toll_totals *t, struct toll_slice key)
{
	uint32_t *at = toll_table_find(&t->by_key, key);

	if (at)
		return t->services[*at];
	if (key.len > TOLL_NAME_MAX || !has_room_for_guests(t))
		return NULL;
	return add_service(t, key);
}

/* ---- money ---- */

static bool pay_in(struct toll_totals *t, struct toll_service *s, uint64_t received_ms,
                   toll_i128 pico)
{
	bool all = true;

	for (uint32_t i = 0; i < t->rules->window_count; i++) {
		struct toll_account *a = &s->accounts[i];
		const struct toll_window *w = &t->rules->windows[i];

		if (!a->used)
			continue;
		if (toll_series_add(&a->series, w, (int64_t)(received_ms / w->bucket_ms), pico) < 0)
			all = false;
		a->dirty = true;
	}
	return all;
}

void toll_totals_fold(struct toll_totals *t, struct toll_slice service, uint64_t received_ms,
                      const struct toll_run *run)
{
	struct toll_service *s = find_or_add_raw(t, service, run->pico > 0);

	t->refused_spans += run->refused;
	if (!s) {
		s = t->services[0];
		t->overflow_spans += run->spans;
	}
	s->spans += run->spans;
	s->unpriced += run->unpriced;
	if (run->pico == 0)
		return;
	s->total_pico += run->pico;
	if (!pay_in(t, s, received_ms, run->pico))
		t->refused_spans += run->priced;
}

void toll_totals_prune(struct toll_totals *t, struct toll_account *a, const struct toll_window *w,
                       int64_t current)
{
	toll_series_prune(&a->series, w, current);
	if (w == &t->rules->windows[0])
		t->lost_nano += a->series.lost;
	a->series.lost = 0;
}

/* ---- forgetting ---- */

static bool is_idle(const struct toll_totals *t, const struct toll_service *s)
{
	for (uint32_t i = 0; i < t->rules->window_count; i++)
		if (s->accounts[i].series.count || s->accounts[i].reading.nano)
			return false;
	return !s->throttled && !s->shadow && !s->capped && !s->candidate && !s->unanswered &&
	       !s->nudged && s->override == TOLL_OVERRIDE_NONE;
}

void toll_totals_sweep(struct toll_totals *t)
{
	uint32_t kept = 0, *at;

	if (t->count < t->limit - t->limit / 10)
		return;
	toll_table_reset(&t->by_raw);
	toll_table_reset(&t->by_key);
	for (uint32_t i = 0; i < t->count; i++) {
		struct toll_service *s = t->services[i];

		if (i > 0 && is_idle(t, s)) {
			toll_service_free(s, t->rules->window_count);
			continue;
		}
		/* Cannot fail: the tables have held these names already. */
		if (toll_table_insert(&t->by_key, s->key, &at, NULL) == 0)
			*at = kept;
		if (s->raw.ptr && toll_table_insert(&t->by_raw, s->raw, &at, NULL) == 0)
			*at = kept;
		t->services[kept++] = s;
	}
	t->count = kept;
}

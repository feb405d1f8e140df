/* SPDX-License-Identifier: Apache-2.0 */
#include "exporters/enforcer/totals/totals.h"

#include <stdlib.h>
#include <string.h>

#include "cost/name.h"
#include "exporters/enforcer/totals/service.h"

#define RAW_MAX ((size_t)4 * TOLL_NAME_MAX) /* longer ones are encoded each time */

/* ---- the tables ---- */

struct toll_service *toll_totals_add(struct toll_totals *t, struct toll_slice key,
                                     const struct toll_subject *subject)
{
	struct toll_names *names = &t->names[subject->kind];
	struct toll_service *s;
	uint32_t *at;

	if (names->count >= t->limit)
		return NULL;
	s = toll_service_new(key, subject, t->rules);
	if (!s)
		return NULL;
	if (toll_table_insert(&t->by_key, s->key, &at, NULL) < 0)
		return toll_service_free(s, t->rules->window_count);
	*at = t->count;
	t->services[t->count++] = s;
	names->count++;
	return s;
}

/* A quarter of the room is kept for names that spend something here. */
static bool has_room_for_guests(const struct toll_totals *t, uint32_t kind)
{
	return t->names[kind].count < t->limit - t->limit / 4;
}

void toll_totals_remember(struct toll_totals *t, uint32_t index, struct toll_slice raw)
{
	struct toll_service *s = t->services[index];
	uint32_t *at;

	if (s->raw.ptr || raw.len == 0 || raw.len > RAW_MAX)
		return;
	toll_service_set_raw(s, raw);
	if (s->raw_text && toll_table_insert(&t->names[s->kind].by_raw, s->raw, &at, NULL) == 0)
		*at = index;
}

/* Several values as one text: each behind its length. Empty: too long for it. */
static struct toll_slice raw_of(const struct toll_slice *values, uint32_t count, char buf[RAW_MAX])
{
	size_t len = 0;

	if (count == 1)
		return values[0].len <= RAW_MAX ? values[0] : toll_slice(NULL, 0);
	for (uint32_t i = 0; i < count; i++) {
		uint16_t size = (uint16_t)values[i].len;

		if (values[i].len > RAW_MAX || len + sizeof(size) + values[i].len > RAW_MAX)
			return toll_slice(NULL, 0);
		memcpy(buf + len, &size, sizeof(size));
		memcpy(buf + len + sizeof(size), values[i].ptr, values[i].len);
		len += sizeof(size) + values[i].len;
	}
	return toll_slice(buf, len);
}

/* By its key, added where that is new and wanted. NULL: *ret_wanted tells whether it is money of
 * the overflow. */
static struct toll_service *find_or_add(struct toll_totals *t, uint32_t kind,
                                        const struct toll_slice *values, struct toll_slice raw,
                                        bool spends, bool *ret_wanted)
{
	char key[TOLL_SUBJECT_MAX], text[TOLL_SUBJECT_MAX];
	struct toll_slice k =
		toll_slice(key, toll_subjects_key(&t->rules->subjects, kind, values, key));
	uint32_t *at = toll_table_find(&t->by_key, k), index = at ? *at : t->count;
	struct toll_subject subject;

	if (!at && (!toll_subjects_read(&t->rules->subjects, k, &subject, text) ||
	            !toll_service_is_wanted(&subject, t->rules))) {
		*ret_wanted = false;
		return NULL;
	}
	if (!at && ((!spends && !has_room_for_guests(t, kind)) || !toll_totals_add(t, k, &subject)))
		return NULL;
	toll_totals_remember(t, index, raw);
	return t->services[index];
}

static int add_overflow(struct toll_totals *t, uint32_t kind)
{
	char key[TOLL_SUBJECT_MAX], text[TOLL_SUBJECT_MAX];
	struct toll_slice k =
		toll_slice(key, toll_subjects_overflow_key(&t->rules->subjects, kind, key));
	struct toll_subject subject;
	struct toll_service *s;

	if (!toll_subjects_read(&t->rules->subjects, k, &subject, text))
		return TOLL_EINTERNAL;
	t->names[kind].overflow = t->count;
	s = toll_totals_add(t, k, &subject);
	if (!s)
		return TOLL_ENOMEM;
	s->overflow = true;
	return 0;
}

int toll_totals_init_tables(struct toll_totals *t)
{
	uint32_t kinds = t->rules->subjects.kind_count;
	int err = toll_table_init(&t->by_key, t->room * kinds);

	for (uint32_t i = 0; i < kinds && !err; i++)
		err = toll_table_init(&t->names[i].by_raw, t->room);
	t->services = calloc((size_t)t->room * (kinds ? kinds : 1), sizeof(struct toll_service *));
	if (!t->services)
		return TOLL_ENOMEM;
	for (uint32_t i = 0; i < kinds && !err; i++)
		err = add_overflow(t, i);
	return err;
}

int toll_totals_init(struct toll_totals *t, const struct toll_rules *rules, uint32_t max_services)
{
	*t = (struct toll_totals){ .rules = rules,
		                   .limit = max_services + 1,
		                   .room = max_services + 1 };
	if (pthread_mutex_init(&t->lock, NULL))
		return TOLL_ENOMEM;
	return toll_totals_init_tables(t);
}

void toll_totals_release_tables(struct toll_totals *t)
{
	for (uint32_t i = 0; i < t->count; i++)
		toll_service_free(t->services[i], t->rules->window_count);
	free(t->services);
	toll_table_release(&t->by_key);
	for (uint32_t i = 0; i < TOLL_KINDS_MAX; i++)
		toll_table_release(&t->names[i].by_raw);
}

void toll_totals_release(struct toll_totals *t)
{
	if (!t->rules)
		return;
	toll_totals_release_tables(t);
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
	char text[TOLL_SUBJECT_MAX];
	struct toll_subject subject;

	if (at)
		return t->services[*at];
	if (!toll_subjects_read(&t->rules->subjects, key, &subject, text) ||
	    !toll_service_is_wanted(&subject, t->rules) || !has_room_for_guests(t, subject.kind))
		return NULL;
	return toll_totals_add(t, key, &subject);
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
		if (toll_series_add(&a->series, w, toll_window_index(w, received_ms), pico) < 0)
			all = false;
		a->dirty = true;
	}
	return all;
}

static void add_run(struct toll_totals *t, struct toll_service *s, uint64_t received_ms,
                    const struct toll_run *run, bool *ret_all)
{
	s->unsaved = t->unsaved = true;
	s->spans += run->spans;
	s->unpriced += run->unpriced;
	if (run->pico == 0)
		return;
	s->total_pico += run->pico;
	*ret_all = pay_in(t, s, received_ms, run->pico);
}

/* Whose it is; that of the overflow where there is no room. NULL: nobody's. */
static struct toll_service *find(struct toll_totals *t, uint32_t kind,
                                 const struct toll_slice *values, const struct toll_run *run)
{
	const struct toll_names *names = &t->names[kind];
	uint32_t count = t->rules->subjects.kinds[kind].count;
	char buf[RAW_MAX];
	struct toll_slice raw = raw_of(values, count, buf);
	uint32_t *at = raw.len ? toll_table_find(&names->by_raw, raw) : NULL;
	bool wanted = true;
	struct toll_service *s;

	if (toll_likely(at != NULL))
		return t->services[*at];
	s = find_or_add(t, kind, values, raw, run->pico > 0, &wanted);
	return s || !wanted ? s : t->services[names->overflow];
}

void toll_totals_fold_subject(struct toll_totals *t, uint32_t kind, const struct toll_slice *values,
                              uint64_t received_ms, const struct toll_run *run)
{
	struct toll_service *s = find(t, kind, values, run);
	bool all;

	if (s)
		add_run(t, s, received_ms, run, &all);
}

void toll_totals_fold(struct toll_totals *t, struct toll_slice service, uint64_t received_ms,
                      const struct toll_run *run)
{
	struct toll_service *s = find(t, 0, &service, run);
	bool all = true;

	t->refused_spans += run->refused;
	if (!s)
		s = t->services[t->names[0].overflow]; /* a name that is no name */
	if (!s->overflow && run->criticality != TOLL_CRITICALITY_UNKNOWN)
		s->criticality = run->criticality;
	if (s->overflow)
		t->overflow_spans += run->spans;
	add_run(t, s, received_ms, run, &all);
	if (!all)
		t->refused_spans += run->priced;
}

void toll_account_read(struct toll_account *a, struct toll_reading reading)
{
	a->reading = reading;
	toll_burn_add(&a->burn, reading.asof_ms, reading.nano);
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

static bool is_nearly_full(const struct toll_totals *t)
{
	for (uint32_t i = 0; i < t->rules->subjects.kind_count; i++)
		if (t->names[i].count >= t->limit - t->limit / 10)
			return true;
	return false;
}

static void reset_tables(struct toll_totals *t)
{
	toll_table_reset(&t->by_key);
	for (uint32_t i = 0; i < t->rules->subjects.kind_count; i++) {
		toll_table_reset(&t->names[i].by_raw);
		t->names[i].count = 0;
	}
}

/* Cannot fail: the tables have held these names already. */
static void put_back(struct toll_totals *t, struct toll_service *s, uint32_t index)
{
	struct toll_names *names = &t->names[s->kind];
	uint32_t *at;

	if (toll_table_insert(&t->by_key, s->key, &at, NULL) == 0)
		*at = index;
	if (s->raw.ptr && toll_table_insert(&names->by_raw, s->raw, &at, NULL) == 0)
		*at = index;
	if (s->overflow)
		names->overflow = index;
	names->count++;
	t->services[index] = s;
}

void toll_totals_sweep(struct toll_totals *t)
{
	uint32_t kept = 0;

	if (!is_nearly_full(t))
		return;
	reset_tables(t);
	for (uint32_t i = 0; i < t->count; i++) {
		struct toll_service *s = t->services[i];

		if (!s->overflow && is_idle(t, s))
			toll_service_free(s, t->rules->window_count);
		else
			put_back(t, s, kept++);
	}
	t->reshaped |= t->count != kept;
	t->count = kept;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "budget/flags.h"

#include <string.h>

#include "base/clock.h"
#include "base/macro.h"
#include "budget/flag_table.h"
#include "cost/name.h"

/* ---- words ---- */

static const char *const reasons[TOLL_FLAG_REASONS] = { "budget", "fast_trip", "override" };
static const char *const criticalities[] = { "", "low", "medium", "high", "critical" };

const char *toll_flag_reason_name(enum toll_flag_reason reason)
{
	return (size_t)reason < TOLL_COUNT(reasons) ? reasons[reason] : reasons[0];
}

const char *toll_criticality_name(enum toll_criticality c)
{
	return (size_t)c < TOLL_COUNT(criticalities) ? criticalities[c] : criticalities[0];
}

enum toll_criticality toll_criticality_parse(struct toll_slice text)
{
	for (size_t i = 1; i < TOLL_COUNT(criticalities); i++)
		if (toll_slice_is(text, criticalities[i]))
			return (enum toll_criticality)i;
	return TOLL_CRITICALITY_UNKNOWN;
}

double toll_criticality_share(enum toll_criticality c, double allowed)
{
	static const double ends[] = { 0.5, 0.25, 0.5, 0.75, 1 }; /* of what has been shed */
	double end = (size_t)c < TOLL_COUNT(ends) ? ends[c] : ends[0];
	double share = (end - (1 - allowed)) / 0.25;

	if (!(share > 0)) /* not a number: nothing passes that should not */
		return 0;
	return share < 1 ? share : 1;
}

/* ---- publishing ---- */

void toll_flag_source_init(struct toll_flag_source *s)
{
	s->kept = NULL;
	s->table = (struct toll_snapshot)TOLL_SNAPSHOT_INIT;
	atomic_init(&s->heard_mono_ns, 0);
}

void toll_flag_source_release(struct toll_flag_source *s)
{
	toll_snapshot_set(&s->table, NULL);
}

int toll_flags_publish(struct toll_flag_source *s, const struct toll_flag *flags, uint32_t count)
{
	struct toll_flag_table *t = toll_flag_table_new(flags, count);

	if (!t)
		return TOLL_ENOMEM;
	toll_snapshot_set(&s->table, &t->shared);
	return 0;
}

void toll_flags_heard(struct toll_flag_source *s, uint64_t mono_ns)
{
	uint64_t before = atomic_load_explicit(&s->heard_mono_ns, memory_order_relaxed);

	while (before < mono_ns &&
	       !atomic_compare_exchange_weak_explicit(&s->heard_mono_ns, &before, mono_ns,
	                                              memory_order_relaxed, memory_order_relaxed))
		;
}

uint64_t toll_flags_age_ns(struct toll_flag_source *s)
{
	const struct toll_flag_source *own = s->kept ? s->kept : s;
	uint64_t heard = atomic_load_explicit(&own->heard_mono_ns, memory_order_relaxed);
	uint64_t now = toll_clock_mono_ns();

	if (heard == 0)
		return UINT64_MAX;
	return now > heard ? now - heard : 0;
}

/* The published table with one more user; NULL: there is none. */
static struct toll_flag_table *table_of(struct toll_flag_source *s)
{
	struct toll_shared *shared = toll_snapshot_get(s->kept ? &s->kept->table : &s->table);

	return shared ? toll_container_of(shared, struct toll_flag_table, shared) : NULL;
}

void toll_flags_each(struct toll_flag_source *s,
                     void (*row)(void *ctx, const struct toll_flag *flag), void *ctx)
{
	struct toll_flag_table *t = table_of(s);

	if (!t)
		return;
	for (uint32_t i = 0; i < t->count; i++)
		row(ctx, &t->flags[i]);
	toll_shared_unref(&t->shared);
}

/* ---- asking ---- */

static bool find_value(const struct toll_flag_question *q, struct toll_slice dimension,
                       struct toll_slice *ret)
{
	for (unsigned i = 0; i < q->count && i < TOLL_QUESTION_MAX; i++)
		if (toll_slice_eq(q->at[i].dimension, dimension)) {
			*ret = q->at[i].value;
			return true;
		}
	return false;
}

/* The flag of this kind's subject; NULL: the question does not say who that is, or it has none. */
static const struct toll_flag *find_flag(const struct toll_flag_table *t,
                                         const struct toll_flag_kind *kind,
                                         const struct toll_flag_question *q)
{
	struct toll_slice values[TOLL_KIND_DIMENSIONS_MAX];
	TOLL_UNINITIALIZED char key[TOLL_SUBJECT_MAX];

	for (unsigned i = 0; i < kind->count; i++)
		if (!find_value(q, kind->dimensions[i], &values[i]))
			return NULL;
	return toll_flag_table_find(t, toll_slice(key, toll_flag_key(kind, values, key)));
}

static bool is_worse(const struct toll_flag *f, const struct toll_flag *than)
{
	if (!than || f->allowed != than->allowed)
		return !than || f->allowed < than->allowed;
	return f->retry_after_s > than->retry_after_s;
}

static const struct toll_flag *find_worst(const struct toll_flag_table *t,
                                          const struct toll_flag_question *q, uint64_t now_ms)
{
	const struct toll_flag *worst = NULL;

	for (unsigned i = 0; i < t->kind_count; i++) {
		const struct toll_flag *f = find_flag(t, &t->kinds[i], q);

		if (f && f->throttled && f->until_ms > now_ms && is_worse(f, worst))
			worst = f;
	}
	return worst;
}

/* That of the request, else that of its service, else that of the flag. */
static enum toll_criticality criticality_of(const struct toll_flag_table *t,
                                            const struct toll_flag_question *q,
                                            const struct toll_flag *flag)
{
	static const struct toll_flag_kind service = { { { "service", 7 } }, 1 };
	const struct toll_flag *f;

	if (q->criticality != TOLL_CRITICALITY_UNKNOWN)
		return q->criticality;
	f = find_flag(t, &service, q);
	return f ? f->criticality : flag->criticality;
}

/* A share of all random bits. */
static bool dice_say_yes(uint64_t dice, double share)
{
	return (double)(dice >> 11) * 0x1p-53 < share;
}

static uint32_t retry_after(const struct toll_flag *f, uint64_t now_ms)
{
	uint64_t left_s = (f->until_ms - now_ms + 999) / 1000;

	if (f->retry_after_s == 0)
		return 1;
	return f->retry_after_s < left_s ? f->retry_after_s : (uint32_t)left_s;
}

static void tell(const struct toll_flag *f, uint64_t now_ms, struct toll_flag_answer *ret)
{
	ret->retry_after_s = retry_after(f, now_ms);
	ret->until_ms = f->until_ms;
	ret->reason = f->reason;
	memcpy(ret->subject, f->subject.ptr, f->subject.len);
	ret->subject[f->subject.len] = '\0';
	ret->spent_nano = f->spent_nano;
	ret->limit_pico = f->limit_pico;
	memcpy(ret->window, f->window, sizeof(ret->window));
}

static void answer(const struct toll_flag_table *t, const struct toll_flag_question *q,
                   struct toll_flag_answer *ret)
{
	uint64_t now_ms = toll_clock_wall_ms();
	const struct toll_flag *worst = find_worst(t, q, now_ms);

	if (!worst)
		return;
	ret->allowed = toll_criticality_share(criticality_of(t, q, worst), worst->allowed);
	ret->allow = dice_say_yes(q->dice, ret->allowed);
	tell(worst, now_ms, ret);
}

void toll_flags_ask(struct toll_flag_source *s, const struct toll_flag_question *q,
                    uint64_t max_age_ns, struct toll_flag_answer *ret)
{
	struct toll_flag_table *t;

	memset(ret, 0, offsetof(struct toll_flag_answer, subject) + 1);
	ret->spent_nano = 0;
	ret->limit_pico = 0;
	ret->window[0] = '\0';
	ret->allow = true;
	ret->allowed = 1;
	ret->stale = max_age_ns && toll_flags_age_ns(s) > max_age_ns;
	if (ret->stale)
		return;
	t = table_of(s);
	if (!t)
		return;
	if (t->count)
		answer(t, q, ret);
	toll_shared_unref(&t->shared);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* rules.c - rules at work: copies, who is matched, when the next decision is due. */
#include "budget/rules.h"

#include <stdlib.h>

#include "budget/rules_inside.h"
#include "cost/name.h"

#define MEMORY_MAX ((size_t)16 * 1024 * 1024)

/* ---- memory ---- */

struct toll_rules_memory *toll_rules_memory_new(void)
{
	struct toll_rules_memory *m = calloc(1, sizeof(*m));

	if (!m)
		return NULL;
	atomic_init(&m->refs, 1);
	toll_arena_init(&m->arena, MEMORY_MAX);
	return m;
}

void toll_rules_copy(struct toll_rules *ret, const struct toll_rules *r)
{
	atomic_fetch_add_explicit(&r->memory->refs, 1, memory_order_relaxed);
	*ret = *r;
}

void toll_rules_release(struct toll_rules *r)
{
	struct toll_rules_memory *m = r->memory;

	r->memory = NULL;
	if (!m || atomic_fetch_sub_explicit(&m->refs, 1, memory_order_acq_rel) > 1)
		return;
	toll_arena_release(&m->arena);
	free(m);
}

/* ---- matching ---- */

uint32_t toll_rules_match(const struct toll_rules *r, uint32_t kind,
                          const struct toll_slice *values, uint16_t *ret)
{
	uint32_t count = r->subjects.kinds[kind].count, n = 0;

	if (kind == 0 && toll_name_is_unverified(values[0]))
		return 0;
	for (uint32_t i = 0; i < r->count; i++) {
		bool all = r->at[i].kind == kind;

		for (uint32_t k = 0; k < count && all; k++)
			all = toll_subject_match(r->at[i].globs[k], values[k]);
		if (all)
			ret[n++] = (uint16_t)i;
	}
	return n;
}

bool toll_rule_concerns(const struct toll_rules *r, const struct toll_rule *rule, uint32_t kind,
                        const struct toll_slice *values)
{
	if (rule->kind != kind)
		return false;
	for (uint32_t k = 0; k < r->subjects.kinds[kind].count; k++)
		if (!toll_subject_concerns(rule->globs[k], values[k]))
			return false;
	return true;
}

/* ---- time ---- */

/* The end of its evaluation window, or of its period. */
static uint64_t next_of(const struct toll_rules *r, const struct toll_rule *rule, uint64_t now_ms)
{
	const struct toll_periods *p = r->windows[rule->window].periods;
	uint64_t end = (now_ms / rule->evaluation_ms + 1) * rule->evaluation_ms, begins;

	if (!p)
		return end;
	begins = toll_periods_start_ms(p, toll_periods_index(p, now_ms) + 1);
	return begins < end ? begins : end;
}

uint64_t toll_rules_next_ms(const struct toll_rules *r, uint64_t now_ms)
{
	uint64_t next = UINT64_MAX;

	for (uint32_t i = 0; i < r->count; i++) {
		uint64_t end = next_of(r, &r->at[i], now_ms);

		if (r->at[i].mode != TOLL_MODE_OFF && end < next)
			next = end;
	}
	return next == UINT64_MAX ? (now_ms / r->evaluation_ms + 1) * r->evaluation_ms : next;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* rules_change.c - rules in the place of others: are they the same, and who takes up whose state?
 */
#include <string.h>

#include "budget/rules.h"

static bool same_subjects(const struct toll_rules *a, const struct toll_rule *x,
                          const struct toll_rules *b, const struct toll_rule *y)
{
	const struct toll_subject_kind *kind = &a->subjects.kinds[x->kind];

	if (!toll_slice_eq(kind->label, b->subjects.kinds[y->kind].label))
		return false;
	for (uint32_t i = 0; i < kind->count; i++)
		if (!toll_slice_eq(x->globs[i], y->globs[i]))
			return false;
	return true;
}

static bool same_keys(const struct toll_budget_dimension *a, const struct toll_budget_dimension *b)
{
	if (a->key_count != b->key_count)
		return false;
	for (uint32_t i = 0; i < a->key_count; i++)
		if (!toll_slice_eq(a->keys[i].name, b->keys[i].name))
			return false;
	return true;
}

/* The same kinds in the same order, with values from the same places. */
static bool subjects_equal(const struct toll_subjects *a, const struct toll_subjects *b)
{
	if (a->kind_count != b->kind_count || a->dimension_count != b->dimension_count)
		return false;
	for (uint32_t i = 0; i < a->kind_count; i++)
		if (!toll_slice_eq(a->kinds[i].label, b->kinds[i].label))
			return false;
	for (uint32_t i = 0; i < a->dimension_count; i++)
		if (!toll_slice_eq(a->dimensions[i].name, b->dimensions[i].name) ||
		    a->dimensions[i].source != b->dimensions[i].source ||
		    !same_keys(&a->dimensions[i], &b->dimensions[i]))
			return false;
	return true;
}

bool toll_rules_equal(const struct toll_rules *a, const struct toll_rules *b)
{
	if (a->count != b->count || a->evaluation_ms != b->evaluation_ms ||
	    a->ttl_ms != b->ttl_ms || a->settle_ms != b->settle_ms ||
	    a->window_count != b->window_count || !subjects_equal(&a->subjects, &b->subjects))
		return false;
	for (uint32_t i = 0; i < a->window_count; i++)
		if (!toll_window_equal(&a->windows[i], &b->windows[i]))
			return false;
	for (uint32_t i = 0; i < a->count; i++)
		if (strcmp(a->at[i].id, b->at[i].id) != 0 || a->at[i].mode != b->at[i].mode ||
		    !toll_slice_eq(a->at[i].name, b->at[i].name))
			return false;
	return true;
}

static bool has_rule(const struct toll_rules *r, const char *id)
{
	for (uint32_t i = 0; i < r->count; i++)
		if (strcmp(r->at[i].id, id) == 0)
			return true;
	return false;
}

/* Of the same subjects and window, and with rules that end here. */
static const struct toll_rule *find_before(const struct toll_rules *before,
                                           const struct toll_rules *r, const struct toll_rule *rule)
{
	const char *window = r->windows[rule->window].name;

	for (uint32_t i = 0; i < before->count; i++) {
		const struct toll_rule *old = &before->at[i];

		if (same_subjects(before, old, r, rule) &&
		    strcmp(before->windows[old->window].name, window) == 0 && !has_rule(r, old->id))
			return old;
	}
	return NULL;
}

void toll_rules_succeed(struct toll_rules *r, const struct toll_rules *before)
{
	r->life = before->life + 1;
	for (uint32_t i = 0; i < r->count; i++) {
		struct toll_rule *rule = &r->at[i];
		const struct toll_rule *old;

		if (has_rule(before, rule->id))
			continue;
		old = find_before(before, r, rule);
		if (old)
			memcpy(rule->before, old->id, sizeof(rule->before));
	}
}

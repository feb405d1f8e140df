/* SPDX-License-Identifier: Apache-2.0 */
#include "exporters/enforcer/totals/service.h"

#include <stdlib.h>
#include <string.h>

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

void toll_service_set_raw(struct toll_service *s, struct toll_slice raw)
{
	copy_text(raw, &s->raw_text, &s->raw);
}

/* All values, one behind the other. */
static void copy_values(struct toll_service *s, const struct toll_subject *subject, uint32_t count)
{
	size_t len = 0;
	char *at;

	for (uint32_t i = 0; i < count; i++)
		len += subject->values[i].len;
	s->name_text = at = malloc(len + 1);
	for (uint32_t i = 0; i < count && at; i++) {
		s->values[i] = toll_slice(at, subject->values[i].len);
		memcpy(at, subject->values[i].ptr, subject->values[i].len);
		at += subject->values[i].len;
	}
	if (at)
		*at = '\0';
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

	s->rule_count = toll_rules_match(r, s->kind, s->values, matching);
	if (s->rule_count == 0)
		return 0;
	copy = malloc(s->rule_count * sizeof(*copy));
	if (!copy)
		return TOLL_ENOMEM;
	memcpy(copy, matching, s->rule_count * sizeof(*copy));
	s->rules = copy;
	return 0;
}

static void use_windows(struct toll_service *s, const struct toll_rule *rule)
{
	if (rule->mode == TOLL_MODE_OFF)
		return;
	s->accounts[rule->window].used = true;
	if (rule->fast_factor > 0)
		s->accounts[rule->fast_window].used = true;
}

/* 24h for every service, and the windows of the budgets that match, or that a sum of many subjects
 * has something of. */
static int open_accounts(struct toll_service *s, const struct toll_rules *r)
{
	s->accounts[0].used = s->kind == 0;
	for (uint32_t i = 0; i < s->rule_count; i++)
		use_windows(s, &r->at[s->rules[i]]);
	for (uint32_t i = 0; i < r->count && s->rule_count == 0 && s->kind > 0; i++)
		if (toll_rule_concerns(r, &r->at[i], s->kind, s->values))
			use_windows(s, &r->at[i]);
	for (uint32_t i = 0; i < r->window_count; i++) {
		s->accounts[i].life = r->life;
		if (s->accounts[i].used && toll_series_init(&s->accounts[i].series) < 0)
			return TOLL_ENOMEM;
	}
	return 0;
}

bool toll_service_is_wanted(const struct toll_subject *subject, const struct toll_rules *r)
{
	bool wanted = subject->kind == 0;

	for (uint32_t i = 0; i < r->count && !wanted; i++)
		wanted = toll_rule_concerns(r, &r->at[i], subject->kind, subject->values);
	return wanted;
}

struct toll_service *toll_service_new(struct toll_slice key, const struct toll_subject *subject,
                                      const struct toll_rules *r)
{
	struct toll_service *s = calloc(1, sizeof(*s) + r->window_count * sizeof(s->accounts[0]));

	if (!s)
		return NULL;
	s->kind = subject->kind;
	copy_text(key, &s->key_text, &s->key);
	copy_values(s, subject, r->subjects.kinds[s->kind].count);
	if (!s->key_text || !s->name_text || match_rules(s, r) < 0 || open_accounts(s, r) < 0)
		return toll_service_free(s, r->window_count);
	s->name = s->kind == 0 ? s->values[0] : s->key;
	return s;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "exporters/enforcer/checkpoint/checkpoint_subject.h"

#include <stdio.h>
#include <stdlib.h>

struct toll_service *toll_service_bare(struct toll_slice key, uint32_t window_count)
{
	struct toll_service *s = calloc(1, sizeof(*s) + window_count * sizeof(s->accounts[0]));
	char *text = malloc(key.len + 1);

	if (!s || !text) {
		free(s);
		free(text);
		return NULL;
	}
	memcpy(text, key.ptr, key.len);
	text[key.len] = '\0';
	s->key_text = text;
	s->key = toll_slice(text, key.len);
	return s;
}

/* ---- buckets ---- */

static int make_room(struct toll_series *s, uint32_t more)
{
	uint32_t needed = s->count + more;
	struct toll_bucket *bigger;

	if (needed <= s->room)
		return 0;
	bigger = realloc(s->at, needed * sizeof(*bigger));
	if (!bigger)
		return TOLL_ENOMEM;
	s->at = bigger;
	s->room = needed;
	return 0;
}

/* Those before the oldest are gone, those from `first` on come anew. */
static void cut(struct toll_series *s, int64_t oldest, int64_t first)
{
	uint32_t dead = 0;

	while (s->count && s->at[s->count - 1].index >= first)
		s->count--;
	while (dead < s->count && s->at[dead].index < oldest)
		dead++;
	s->count -= dead;
	if (s->count)
		memmove(s->at, s->at + dead, s->count * sizeof(*s->at));
}

static bool read_bucket(struct toll_reader *in, struct toll_bucket *b)
{
	if (!toll_in_signed(in, &b->index) || !toll_in_wide(in, &b->nano) ||
	    !toll_in_wide(in, &b->sent) || b->nano > TOLL_SERIES_NANO_MAX || b->sent > b->nano)
		return false;
	b->saved = b->nano;
	return true;
}

static int load_buckets(struct toll_series *s, const struct toll_window *w, struct toll_reader *in)
{
	int64_t oldest;
	uint32_t count;
	int err;

	/* More than any series holds: the first may be a little ahead. */
	if (!toll_in_signed(in, &oldest) || !toll_in_u32(in, w->buckets + 64, &count))
		return TOLL_EINVALID;
	for (uint32_t i = 0; i < count; i++) {
		struct toll_bucket b;

		if (!read_bucket(in, &b))
			return TOLL_EINVALID;
		if (i == 0)
			cut(s, oldest, b.index);
		err = make_room(s, count - i);
		if (err)
			return err;
		if (s->count && s->at[s->count - 1].index >= b.index)
			return TOLL_EINVALID;
		s->at[s->count++] = b;
	}
	if (count == 0)
		cut(s, oldest, INT64_MAX);
	return 0;
}

/* ---- accounts ---- */

static int load_account(struct toll_account *a, const struct toll_window *w, struct toll_reader *in)
{
	struct toll_slice generation;

	if (!a->used && toll_series_init(&a->series) < 0)
		return TOLL_ENOMEM;
	a->used = true;
	if (!toll_in_u32(in, UINT32_MAX, &a->life) ||
	    !toll_in_u32(in, 999, &a->series.carry_pico) || !toll_in_wide(in, &a->series.lost) ||
	    !toll_read_varint(in, &a->chain) || !toll_read_bytes(in, &generation) ||
	    generation.len >= sizeof(a->generation))
		return TOLL_EINVALID;
	snprintf(a->generation, sizeof(a->generation), "%.*s", TOLL_FMT(generation));
	return load_buckets(&a->series, w, in);
}

/* Up to the one that is none. */
static int load_accounts(struct toll_service *s, const struct toll_rules *rules,
                         struct toll_reader *in)
{
	uint32_t window;
	int err = 0;

	while (!err) {
		if (!toll_in_u32(in, rules->window_count, &window))
			return TOLL_EINVALID;
		if (window == rules->window_count)
			return 0;
		err = load_account(&s->accounts[window], &rules->windows[window], in);
	}
	return err;
}

/* ---- decisions ---- */

static int load_slots(struct toll_service *s, struct toll_reader *in)
{
	struct toll_slice id, text;
	uint32_t count;

	if (!toll_in_u32(in, TOLL_SLOTS_MAX, &count))
		return TOLL_EINVALID;
	if (count && !s->slots && !(s->slots = calloc(1, sizeof(*s->slots))))
		return TOLL_ENOMEM;
	if (s->slots)
		s->slots->count = count;
	for (uint32_t i = 0; i < count; i++) {
		struct toll_slot *slot = &s->slots->at[i];

		if (!toll_read_bytes(in, &id) || id.len >= sizeof(slot->id) ||
		    !toll_read_bytes(in, &text))
			return TOLL_EINVALID;
		*slot = (struct toll_slot){ .state = TOLL_BUDGET_STATE_INIT };
		if (toll_slot_parse(text, slot) < 0)
			return TOLL_EINVALID;
		snprintf(slot->id, sizeof(slot->id), "%.*s", TOLL_FMT(id));
	}
	return 0;
}

static int load_decisions(struct toll_service *s, struct toll_reader *in)
{
	uint32_t throttled, shadow, capped, override;

	if (!toll_in_u32(in, 1, &throttled) || !toll_in_u32(in, 1, &shadow) ||
	    !toll_in_u32(in, 1, &capped) || !toll_in_u32(in, TOLL_OVERRIDE_DENY, &override) ||
	    !toll_read_varint(in, &s->override_until_ms) || !toll_read_varint(in, &s->until_ms))
		return TOLL_EINVALID;
	s->throttled = throttled;
	s->shadow = shadow;
	s->capped = capped;
	s->override = (enum toll_override) override;
	return load_slots(s, in);
}

int toll_subject_load(struct toll_service *s, const struct toll_rules *rules,
                      enum toll_enforcer_store store, struct toll_reader *in)
{
	uint32_t overflow, criticality;
	int err;

	if (!toll_in_u32(in, 1, &overflow) ||
	    !toll_in_u32(in, TOLL_CRITICALITY_CRITICAL, &criticality) ||
	    !toll_in_wide(in, &s->total_pico) || !toll_read_varint(in, &s->spans) ||
	    !toll_read_varint(in, &s->unpriced))
		return TOLL_EINVALID;
	s->overflow = overflow;
	s->criticality = (enum toll_criticality)criticality;
	err = load_accounts(s, rules, in);
	return err || store != TOLL_STORE_MEMORY ? err : load_decisions(s, in);
}

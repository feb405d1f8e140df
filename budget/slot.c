/* SPDX-License-Identifier: Apache-2.0 */
#include "budget/slot.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* ---- text ---- */

#define MS_MAX UINT64_C(999999999999999) /* sums of two cannot overflow */

static const char *const mode_names[] = { "enforce", "shadow" };

int toll_slot_print(const struct toll_slot *s, char buf[TOLL_SLOT_TEXT])
{
	char state[TOLL_BUDGET_TEXT], nano[TOLL_NANO_TEXT];
	int len;

	toll_budget_print(&s->state, state);
	toll_nano_print(s->nano, nano);
	len = snprintf(buf, TOLL_SLOT_TEXT, "%s %" PRIu64 " %s %" PRIu64 " %s", state, s->until_ms,
	               mode_names[s->mode == TOLL_MODE_SHADOW], s->at_ms, nano);
	if (s->fast)
		len += snprintf(buf + len, TOLL_SLOT_TEXT - (size_t)len, " fast %" PRIu32,
		                s->fast_under);
	return len;
}

/* Cuts the last word, spaces being single, off text; empty when there is none. */
static struct toll_slice cut_word(struct toll_slice *text)
{
	const char *space = text->len ? memrchr(text->ptr, ' ', text->len) : NULL;
	struct toll_slice word;

	if (!space)
		return toll_slice(NULL, 0);
	word = toll_slice(space + 1, (size_t)(text->ptr + text->len - space) - 1);
	text->len = (size_t)(space - text->ptr);
	return word;
}

/* Digits, at most 30: what 128 bits of picodollars hold. */
static bool read_nano(struct toll_slice text, toll_i128 *ret)
{
	toll_i128 n = 0;

	if (text.len == 0 || text.len > 30)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		if (text.ptr[i] < '0' || text.ptr[i] > '9')
			return false;
		n = n * 10 + (text.ptr[i] - '0');
	}
	*ret = n;
	return true;
}

/* Takes " fast under" off the end, when it is there. */
static bool cut_fast(struct toll_slice *text, struct toll_slot *s)
{
	struct toll_slice rest = *text, under = cut_word(&rest), word = cut_word(&rest);
	uint64_t n;

	if (!toll_slice_is(word, "fast"))
		return true;
	if (!toll_slice_digits(under, UINT32_MAX, &n))
		return false;
	s->fast = true;
	s->fast_under = (uint32_t)n;
	*text = rest;
	return true;
}

int toll_slot_parse(struct toll_slice text, struct toll_slot *ret)
{
	struct toll_slice nano, at, mode, until;
	struct toll_slot s = { 0 };

	if (!cut_fast(&text, &s))
		return TOLL_EINVALID;
	nano = cut_word(&text);
	at = cut_word(&text);
	mode = cut_word(&text);
	until = cut_word(&text);
	if (!toll_slice_digits(at, MS_MAX, &s.at_ms) ||
	    !toll_slice_digits(until, MS_MAX, &s.until_ms) || !read_nano(nano, &s.nano))
		return TOLL_EINVALID;
	if (toll_slice_is(mode, mode_names[1]))
		s.mode = TOLL_MODE_SHADOW;
	else if (!toll_slice_is(mode, mode_names[0]))
		return TOLL_EINVALID;
	if (toll_budget_parse(text, &s.state) < 0)
		return TOLL_EINVALID;
	*ret = s;
	return 0;
}

/* ---- the slots of one service ---- */

struct toll_slot *toll_slots_find(struct toll_slots *slots, const char *id)
{
	for (uint32_t i = 0; i < slots->count && *id; i++)
		if (strcmp(slots->at[i].id, id) == 0 && !slots->at[i].gone)
			return &slots->at[i];
	return NULL;
}

void toll_slots_drop_gone(struct toll_slots *slots)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < slots->count; i++)
		if (!slots->at[i].gone)
			slots->at[kept++] = slots->at[i];
	slots->count = kept;
}

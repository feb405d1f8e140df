/* SPDX-License-Identifier: Apache-2.0 */
#include "exporters/enforcer/store_redis/state.h"

#include <stdio.h>
#include <string.h>

uint64_t toll_state_number(struct toll_slice text)
{
	uint64_t n;

	return toll_slice_digits(text, UINT64_C(999999999999999999), &n) ? n : 0;
}

static void read_slot(struct toll_slice id, struct toll_slice text, struct toll_state *st)
{
	struct toll_slot *slot = &st->slots.at[st->slots.count];

	if (st->slots.count == TOLL_SLOTS_MAX || id.len >= sizeof(slot->id) ||
	    toll_slot_parse(text, slot) < 0) {
		st->unreadable++;
		return;
	}
	memcpy(slot->id, id.ptr, id.len);
	slot->id[id.len] = '\0';
	st->slots.count++;
}

static void read_field(struct toll_slice name, struct toll_slice value, struct toll_state *st)
{
	if (name.len > 2 && memcmp(name.ptr, "b:", 2) == 0)
		read_slot(name, value, st);
	else if (toll_slice_is(name, "v"))
		snprintf(st->version, sizeof(st->version), "%.*s", TOLL_FMT(value));
	else if (toll_slice_is(name, "applied"))
		st->applied = toll_slice_is(value, "1");
	else if (toll_slice_is(name, "shadow"))
		st->shadow = toll_slice_is(value, "1");
	else if (toll_slice_is(name, "capped"))
		st->capped = toll_slice_is(value, "1");
	else if (toll_slice_is(name, "until"))
		st->until_ms = toll_state_number(value);
	else if (toll_slice_is(name, "crit"))
		st->criticality = toll_criticality_parse(value);
	else if (toll_slice_is(name, "cid"))
		st->change_id = toll_state_number(value);
	else if (toll_slice_is(name, "by"))
		st->by = value;
	else if (toll_slice_is(name, "what"))
		st->what = value;
	else if (toll_slice_is(name, "note"))
		st->note = value;
}

static void clear(struct toll_state *st)
{
	st->slots.count = 0;
	st->version[0] = '\0';
	st->applied = st->shadow = st->capped = false;
	st->until_ms = st->change_id = 0;
	st->criticality = TOLL_CRITICALITY_UNKNOWN;
	st->override = TOLL_OVERRIDE_NONE;
	st->by = st->what = st->note = toll_slice(NULL, 0);
	st->unreadable = 0;
	st->answer = NULL;
}

void toll_state_read(const redisReply *reply, struct toll_state *ret)
{
	clear(ret);
	if (reply->type != REDIS_REPLY_ARRAY)
		return;
	for (size_t i = 0; i + 1 < reply->elements; i += 2) {
		struct toll_slice name = toll_reply_text(reply, i);
		struct toll_slice value = toll_reply_text(reply, i + 1);

		if (name.ptr && value.ptr)
			read_field(name, value, ret);
	}
}

void toll_state_release(struct toll_state *st)
{
	if (st->answer)
		freeReplyObject(st->answer);
	st->answer = NULL;
}

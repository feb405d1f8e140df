/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/wire_out.h"

#include <stdlib.h>

void toll_wire_out_release(struct toll_wire_out *o)
{
	free(o->at);
	*o = (struct toll_wire_out){ 0 };
}

void toll_wire_out_reset(struct toll_wire_out *o)
{
	o->len = 0;
	o->failed = false;
}

char *toll_out_reserve(struct toll_wire_out *o, size_t bytes)
{
	size_t room = o->room ? o->room : 4096;
	char *bigger;

	if (o->failed)
		return NULL;
	if (o->room - o->len >= bytes)
		return o->at + o->len;
	while (room - o->len < bytes)
		room *= 2;
	bigger = realloc(o->at, room);
	if (!bigger) {
		o->failed = true;
		return NULL;
	}
	o->at = bigger;
	o->room = room;
	return o->at + o->len;
}

void toll_out_varint(struct toll_wire_out *o, uint64_t v)
{
	char *at = toll_out_reserve(o, TOLL_OUT_VARINT);

	if (at)
		o->len = (size_t)(toll_write_varint(at, v) - o->at);
}

void toll_out_signed(struct toll_wire_out *o, int64_t v)
{
	toll_out_varint(o, toll_zigzag(v));
}

void toll_out_wide(struct toll_wire_out *o, toll_i128 v)
{
	toll_out_varint(o, (uint64_t)(v >> 64));
	toll_out_varint(o, (uint64_t)v);
}

void toll_out_bytes(struct toll_wire_out *o, struct toll_slice s)
{
	char *at;

	toll_out_varint(o, s.len);
	at = toll_out_reserve(o, s.len);
	if (at)
		o->len = (size_t)(toll_write_raw(at, s) - o->at);
}

bool toll_in_signed(struct toll_reader *r, int64_t *ret)
{
	uint64_t v;

	if (!toll_read_varint(r, &v))
		return false;
	*ret = (int64_t)(v >> 1) ^ -(int64_t)(v & 1);
	return true;
}

bool toll_in_wide(struct toll_reader *r, toll_i128 *ret)
{
	uint64_t high, low;

	if (!toll_read_varint(r, &high) || !toll_read_varint(r, &low) || high > INT64_MAX)
		return false;
	*ret = (toll_i128)high << 64 | low;
	return true;
}

bool toll_in_u32(struct toll_reader *r, uint32_t max, uint32_t *ret)
{
	uint64_t v;

	if (!toll_read_varint(r, &v) || v > max)
		return false;
	*ret = (uint32_t)v;
	return true;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* wire_out.h - bytes that grow while they are written, in the varints of proto/wire.h. */
#ifndef TOLL_PROTO_WIRE_OUT_H
#define TOLL_PROTO_WIRE_OUT_H

#include "cost/money.h"
#include "proto/wire.h"

struct toll_wire_out {
	char *at; /* owned */
	size_t len, room;
	bool failed; /* out of memory: what is here is not all */
};

void toll_wire_out_release(struct toll_wire_out *o);
/* Empty again; its memory stays. */
void toll_wire_out_reset(struct toll_wire_out *o);

/* For many numbers at once: room for so many bytes, to be written by the functions of wire.h, and
 * where they ended. NULL: out of memory. */
#define TOLL_OUT_VARINT 10
char *toll_out_reserve(struct toll_wire_out *o, size_t bytes);
static inline void toll_out_end(struct toll_wire_out *o, const char *end)
{
	o->len = (size_t)(end - o->at);
}

void toll_out_varint(struct toll_wire_out *o, uint64_t v);
/* Small ones of either sign are short. */
void toll_out_signed(struct toll_wire_out *o, int64_t v);
/* >= 0 */
void toll_out_wide(struct toll_wire_out *o, toll_i128 v);
/* Behind its length. */
void toll_out_bytes(struct toll_wire_out *o, struct toll_slice s);

static inline uint64_t toll_zigzag(int64_t v)
{
	return ((uint64_t)v << 1) ^ (v < 0 ? UINT64_MAX : 0);
}

/* The same read back; false: that is not there. */
bool toll_in_signed(struct toll_reader *r, int64_t *ret) TOLL_MUST_CHECK;
bool toll_in_wide(struct toll_reader *r, toll_i128 *ret) TOLL_MUST_CHECK;
/* At most max. */
bool toll_in_u32(struct toll_reader *r, uint32_t max, uint32_t *ret) TOLL_MUST_CHECK;

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* wire.h - protobuf's wire format: varints, tags, bounds-checked reader and writer.
 * Source: protobuf.dev, "Encoding". */
#ifndef TOLL_PROTO_WIRE_H
#define TOLL_PROTO_WIRE_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/macro.h"
#include "base/slice.h"

enum toll_wire_type {
	TOLL_WIRE_VARINT = 0,
	TOLL_WIRE_FIXED64 = 1,
	TOLL_WIRE_BYTES = 2,
	TOLL_WIRE_FIXED32 = 5,
};

#define TOLL_TAG(field, wire_type) (((uint32_t)(field) << 3) | (uint32_t)(wire_type))

struct toll_reader {
	const char *at, *end;
};

static inline struct toll_reader toll_reader_of(struct toll_slice s)
{
	return (struct toll_reader){ s.ptr, s.ptr + s.len };
}

bool toll_read_varint_slow(struct toll_reader *r, uint64_t *ret);

static inline bool toll_read_varint(struct toll_reader *r, uint64_t *ret)
{
	if (toll_likely(r->at < r->end && !(*r->at & 0x80))) {
		*ret = (uint8_t)*r->at++;
		return true;
	}
	return toll_read_varint_slow(r, ret);
}

static inline bool toll_read_fixed64(struct toll_reader *r, uint64_t *ret)
{
	if (r->end - r->at < 8)
		return false;
	memcpy(ret, r->at, 8); /* little-endian hosts only: asserted in wire.c */
	r->at += 8;
	return true;
}

static inline bool toll_read_fixed32(struct toll_reader *r, uint32_t *ret)
{
	if (r->end - r->at < 4)
		return false;
	memcpy(ret, r->at, 4);
	r->at += 4;
	return true;
}

/* A length, then that many bytes. */
static inline bool toll_read_bytes(struct toll_reader *r, struct toll_slice *ret)
{
	uint64_t len;

	if (!toll_read_varint(r, &len) || len > (uint64_t)(r->end - r->at))
		return false;
	*ret = toll_slice(r->at, (size_t)len);
	r->at += len;
	return true;
}

/* Field number 0 and numbers over 2^29-1 are malformed. */
static inline bool toll_read_tag(struct toll_reader *r, uint32_t *ret)
{
	uint64_t tag;

	if (!toll_read_varint(r, &tag) || tag < 8 || tag > UINT32_MAX)
		return false;
	*ret = (uint32_t)tag;
	return true;
}

/* Over the value of a field whose tag was just read. Groups are skipped too, without recursion. */
bool toll_read_skip(struct toll_reader *r, uint32_t tag);

static inline uint32_t toll_varint_size(uint64_t v)
{
	return (uint32_t)(9 * (64 - __builtin_clzll(v | 1)) + 64) / 64;
}

static inline char *toll_write_varint(char *out, uint64_t v)
{
	while (v >= 0x80) {
		*out++ = (char)(v | 0x80);
		v >>= 7;
	}
	*out++ = (char)v;
	return out;
}

static inline char *toll_write_raw(char *out, struct toll_slice s)
{
	if (s.len)
		memcpy(out, s.ptr, s.len);
	return out + s.len;
}

/* tag, length, bytes */
static inline char *toll_write_bytes(char *out, uint32_t tag, struct toll_slice s)
{
	return toll_write_raw(toll_write_varint(toll_write_varint(out, tag), s.len), s);
}

/* A KeyValue field of a message whose attribute tag is given; sizes for allocation. */
size_t toll_kv_str_size(struct toll_slice key, struct toll_slice value);
char *toll_write_kv_str(char *out, uint32_t attr_tag, struct toll_slice key,
                        struct toll_slice value);
size_t toll_kv_double_size(struct toll_slice key);
/* *ret_value (may be NULL): where the eight bytes of the double are. */
char *toll_write_kv_double(char *out, uint32_t attr_tag, struct toll_slice key, double value,
                           char **ret_value);
size_t toll_kv_int_size(struct toll_slice key, int64_t value);
char *toll_write_kv_int(char *out, uint32_t attr_tag, struct toll_slice key, int64_t value);
size_t toll_kv_bool_size(struct toll_slice key);
char *toll_write_kv_bool(char *out, uint32_t attr_tag, struct toll_slice key, bool value);
/* any: an encoded AnyValue. */
size_t toll_kv_any_size(struct toll_slice key, struct toll_slice any);
char *toll_write_kv_any(char *out, uint32_t attr_tag, struct toll_slice key, struct toll_slice any);

#endif

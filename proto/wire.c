/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/wire.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "fixed32 and fixed64 are read by memcpy");

bool toll_read_varint_slow(struct toll_reader *r, uint64_t *ret)
{
	uint64_t v = 0;

	for (unsigned shift = 0; shift < 70; shift += 7) {
		uint8_t byte;

		if (r->at == r->end)
			return false;
		byte = (uint8_t)*r->at++;
		if (shift < 64)
			v |= (uint64_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80)) {
			*ret = v;
			return true;
		}
	}
	return false;
}

enum { GROUP_START = 3, GROUP_END = 4, MAX_GROUPS = 64 };

/* Everything but groups; false when malformed. */
static bool skip_scalar(struct toll_reader *r, uint32_t tag)
{
	struct toll_slice bytes;
	uint64_t v;
	uint32_t v32;

	switch (tag & 7) {
	case TOLL_WIRE_VARINT:
		return toll_read_varint(r, &v);
	case TOLL_WIRE_FIXED64:
		return toll_read_fixed64(r, &v);
	case TOLL_WIRE_BYTES:
		return toll_read_bytes(r, &bytes);
	case TOLL_WIRE_FIXED32:
		return toll_read_fixed32(r, &v32);
	default:
		return false;
	}
}

bool toll_read_skip(struct toll_reader *r, uint32_t tag)
{
	uint32_t open[MAX_GROUPS];
	unsigned depth = 0;

	for (;;) {
		if ((tag & 7) == GROUP_START) {
			if (depth == MAX_GROUPS)
				return false;
			open[depth++] = tag >> 3;
		} else if ((tag & 7) == GROUP_END) {
			/* Written by open[depth++] above. */
			/* cppcheck-suppress uninitvar */
			if (depth == 0 || open[--depth] != tag >> 3)
				return false;
		} else if (!skip_scalar(r, tag)) {
			return false;
		}
		if (depth == 0)
			return true;
		if (!toll_read_tag(r, &tag))
			return false;
	}
}

/* ---- KeyValue fields ---- */

/* KeyValue {key = 1, value = 2}, AnyValue {string 1, bool 2, int 3, double 4}: opentelemetry-proto
 * common.proto. */
#define KEY_TAG    TOLL_TAG(1, TOLL_WIRE_BYTES)
#define VALUE_TAG  TOLL_TAG(2, TOLL_WIRE_BYTES)
#define STRING_TAG TOLL_TAG(1, TOLL_WIRE_BYTES)
#define BOOL_TAG   TOLL_TAG(2, TOLL_WIRE_VARINT)
#define INT_TAG    TOLL_TAG(3, TOLL_WIRE_VARINT)
#define DOUBLE_TAG TOLL_TAG(4, TOLL_WIRE_FIXED64)

static size_t field_size(size_t len)
{
	return 1 + toll_varint_size(len) + len;
}

static size_t kv_size(struct toll_slice key, size_t any_len)
{
	return field_size(field_size(key.len) + field_size(any_len));
}

/* Everything up to the AnyValue's own bytes. */
static char *write_kv_head(char *out, uint32_t attr_tag, struct toll_slice key, size_t any_len)
{
	out = toll_write_varint(out, attr_tag);
	out = toll_write_varint(out, field_size(key.len) + field_size(any_len));
	out = toll_write_bytes(out, KEY_TAG, key);
	return toll_write_varint(toll_write_varint(out, VALUE_TAG), any_len);
}

size_t toll_kv_str_size(struct toll_slice key, struct toll_slice value)
{
	return kv_size(key, field_size(value.len));
}

char *toll_write_kv_str(char *out, uint32_t attr_tag, struct toll_slice key,
                        struct toll_slice value)
{
	out = write_kv_head(out, attr_tag, key, field_size(value.len));
	return toll_write_bytes(out, STRING_TAG, value);
}

size_t toll_kv_double_size(struct toll_slice key)
{
	return kv_size(key, 9);
}

char *toll_write_kv_double(char *out, uint32_t attr_tag, struct toll_slice key, double value,
                           char **ret_value)
{
	out = write_kv_head(out, attr_tag, key, 9);
	out = toll_write_varint(out, DOUBLE_TAG);
	if (ret_value)
		*ret_value = out;
	memcpy(out, &value, sizeof(value));
	return out + sizeof(value);
}

size_t toll_kv_int_size(struct toll_slice key, int64_t value)
{
	return kv_size(key, 1 + toll_varint_size((uint64_t)value));
}

char *toll_write_kv_int(char *out, uint32_t attr_tag, struct toll_slice key, int64_t value)
{
	out = write_kv_head(out, attr_tag, key, 1 + toll_varint_size((uint64_t)value));
	return toll_write_varint(toll_write_varint(out, INT_TAG), (uint64_t)value);
}

size_t toll_kv_bool_size(struct toll_slice key)
{
	return kv_size(key, 2);
}

char *toll_write_kv_bool(char *out, uint32_t attr_tag, struct toll_slice key, bool value)
{
	out = write_kv_head(out, attr_tag, key, 2);
	return toll_write_varint(toll_write_varint(out, BOOL_TAG), value);
}

size_t toll_kv_any_size(struct toll_slice key, struct toll_slice any)
{
	return kv_size(key, any.len);
}

char *toll_write_kv_any(char *out, uint32_t attr_tag, struct toll_slice key, struct toll_slice any)
{
	return toll_write_raw(write_kv_head(out, attr_tag, key, any.len), any);
}

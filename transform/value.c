/* SPDX-License-Identifier: Apache-2.0 */
/* The rules are those of the Collector's attributes processor (internal/coreinternal/attraction)
 * and pdata's AsString. */
#include "transform/value.h"

#include <ctype.h>
#include <math.h>
#include <nettle/sha2.h>
#include <stdio.h>
#include <stdlib.h>

#include "config/scalar.h"
#include "proto/json_write.h"
#include "proto/wire.h"

/* ---- AnyValue ---- */

char *toll_any_encode_str(char *out, struct toll_slice text)
{
	return toll_write_bytes(out, TOLL_TAG(1, TOLL_WIRE_BYTES), text);
}

char *toll_any_encode(char *out, const struct toll_any *any)
{
	switch (any->type) {
	case TOLL_ANY_BOOL:
		out = toll_write_varint(out, TOLL_TAG(2, TOLL_WIRE_VARINT));
		return toll_write_varint(out, any->boolean);
	case TOLL_ANY_INT:
		out = toll_write_varint(out, TOLL_TAG(3, TOLL_WIRE_VARINT));
		return toll_write_varint(out, (uint64_t)any->integer);
	case TOLL_ANY_DOUBLE:
		out = toll_write_varint(out, TOLL_TAG(4, TOLL_WIRE_FIXED64));
		memcpy(out, &any->number, sizeof(any->number));
		return out + sizeof(any->number);
	case TOLL_ANY_STRING:
		return toll_any_encode_str(out, any->text);
	default:
		return out;
	}
}

bool toll_any_equals(const struct toll_any *any, const struct toll_value *v)
{
	switch (v->type) {
	case TOLL_VALUE_STRING:
		return any->type == TOLL_ANY_STRING && toll_slice_eq(any->text, v->bytes);
	case TOLL_VALUE_BOOL:
		return any->type == TOLL_ANY_BOOL && any->boolean == (v->integer != 0);
	case TOLL_VALUE_INT:
		return any->type == TOLL_ANY_INT && any->integer == v->integer;
	case TOLL_VALUE_DOUBLE:
		return any->type == TOLL_ANY_DOUBLE && any->number == v->number;
	default:
		return false;
	}
}

/* ---- text ---- */

/* "1e-07" as Go's encoding/json writes it: "1e-7". */
static size_t trim_exponent(char *buf)
{
	char *e = strchr(buf, 'e');
	long exponent = strtol(e + 1, NULL, 10);
	size_t room = TOLL_VALUE_TEXT - (size_t)(e - buf);

	return (size_t)(e - buf) + (size_t)snprintf(e, room, "e%+ld", exponent);
}

/* Shortest digits that read back; an exponent only below 1e-6 and from 1e21 on. */
static struct toll_slice double_text(double v, char *buf)
{
	int digits = 15, n;
	double size = fabs(v);

	if (isnan(v))
		return TOLL_SLICE("NaN");
	if (isinf(v))
		return v > 0 ? TOLL_SLICE("+Inf") : TOLL_SLICE("-Inf");
	while (snprintf(buf, TOLL_VALUE_TEXT, "%.*e", digits - 1, v), strtod(buf, NULL) != v)
		digits++;
	while (digits > 1 &&
	       (snprintf(buf, TOLL_VALUE_TEXT, "%.*e", digits - 2, v), strtod(buf, NULL) == v))
		digits--;
	snprintf(buf, TOLL_VALUE_TEXT, "%.*e", digits - 1, v);
	if (size != 0 && (size < 1e-6 || size >= 1e21))
		return toll_slice(buf, trim_exponent(buf));
	digits -= 1 + (int)strtol(strchr(buf, 'e') + 1, NULL, 10);
	n = snprintf(buf, TOLL_VALUE_TEXT, "%.*f", digits > 0 ? digits : 0, v);
	return toll_slice(buf, (size_t)n);
}

struct toll_slice toll_value_text(const struct toll_value *v, char *buf)
{
	switch (v->type) {
	case TOLL_VALUE_STRING:
		return v->bytes.ptr ? v->bytes : toll_slice("", 0);
	case TOLL_VALUE_BOOL:
		return v->integer ? TOLL_SLICE("true") : TOLL_SLICE("false");
	case TOLL_VALUE_INT:
		return toll_slice(buf, (size_t)(toll_json_int(buf, v->integer) - buf));
	case TOLL_VALUE_DOUBLE:
		return double_text(v->number, buf);
	default:
		return (struct toll_slice){ 0 };
	}
}

/* ---- hash ---- */

static void sha256_hex(struct toll_slice bytes, char out[TOLL_HASH_TEXT])
{
	static const char digits[] = "0123456789abcdef";
	uint8_t digest[SHA256_DIGEST_SIZE];
	struct sha256_ctx ctx;

	sha256_init(&ctx);
	sha256_update(&ctx, bytes.len, (const uint8_t *)bytes.ptr);
	sha256_digest(&ctx, sizeof(digest), digest);
	for (size_t i = 0; i < sizeof(digest); i++) {
		out[2 * i] = digits[digest[i] >> 4];
		out[2 * i + 1] = digits[digest[i] & 15];
	}
}

bool toll_value_hash(const struct toll_value *v, char out[TOLL_HASH_TEXT])
{
	uint8_t truth = v->integer != 0;

	switch (v->type) {
	case TOLL_VALUE_STRING:
		if (!v->bytes.len)
			return false;
		sha256_hex(v->bytes, out);
		return true;
	case TOLL_VALUE_BOOL:
		sha256_hex(toll_slice(&truth, 1), out);
		return true;
	case TOLL_VALUE_INT:
		sha256_hex(toll_slice(&v->integer, 8), out);
		return true;
	case TOLL_VALUE_DOUBLE:
		sha256_hex(toll_slice(&v->number, 8), out);
		return true;
	default:
		return false;
	}
}

/* ---- conversion ---- */

/* The bytes as a C string; false: longer than any number. */
static bool number_text(struct toll_slice s, char *buf, size_t size)
{
	if (!s.len || s.len >= size || isspace((unsigned char)*s.ptr) || memchr(s.ptr, '\0', s.len))
		return false;
	memcpy(buf, s.ptr, s.len);
	buf[s.len] = '\0';
	return true;
}

static bool parse_double(struct toll_slice s, double *ret)
{
	char buf[64], *end;
	double v;

	/* Hexadecimal and "nan(...)" are C's, not Go's. */
	if (!number_text(s, buf, sizeof(buf)) || strpbrk(buf, "xX("))
		return false;
	v = strtod(buf, &end);
	if (*end || (isinf(v) && !strpbrk(buf, "iI")))
		return false;
	*ret = v;
	return true;
}

static bool double_to_int(double v, int64_t *ret)
{
	const double limit = 9223372036854775808.0; /* 2^63 */

	/* False for NaN, too. */
	if (!(v >= -limit && v < limit))
		return false;
	*ret = (int64_t)v;
	return true;
}

bool toll_value_to_int(const struct toll_value *v, int64_t *ret)
{
	switch (v->type) {
	case TOLL_VALUE_BOOL:
	case TOLL_VALUE_INT:
		*ret = v->integer;
		return true;
	case TOLL_VALUE_DOUBLE:
		return double_to_int(v->number, ret);
	case TOLL_VALUE_STRING:
		return !toll_scalar_int(v->bytes, ret);
	default:
		return false;
	}
}

bool toll_value_to_double(const struct toll_value *v, double *ret)
{
	switch (v->type) {
	case TOLL_VALUE_BOOL:
	case TOLL_VALUE_INT:
		*ret = (double)v->integer;
		return true;
	case TOLL_VALUE_DOUBLE:
		*ret = v->number;
		return true;
	case TOLL_VALUE_STRING:
		return parse_double(v->bytes, ret);
	default:
		return false;
	}
}

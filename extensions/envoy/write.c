/* SPDX-License-Identifier: Apache-2.0 */
/* write.c - RateLimitResponse and CheckResponse. */
#include "extensions/envoy/message.h"
#include "proto/wire.h"

#define BYTES(field)  TOLL_TAG(field, TOLL_WIRE_BYTES)
#define VARINT(field) TOLL_TAG(field, TOLL_WIRE_VARINT)

enum { CODE_OK = 1, CODE_OVER_LIMIT = 2 };
enum { OVERWRITE_IF_EXISTS_OR_ADD = 2 };
enum { RPC_RESOURCE_EXHAUSTED = 8 };

static char *write_number(char *out, uint32_t tag, uint64_t value)
{
	return toll_write_varint(toll_write_varint(out, tag), value);
}

static size_t number_size(uint64_t value)
{
	return 1 + toll_varint_size(value);
}

static size_t bytes_size(size_t len)
{
	return 1 + toll_varint_size(len) + len;
}

/* Tag and length of a message of len bytes, which follow. */
static char *open_message(char *out, uint32_t tag, size_t len)
{
	return toll_write_varint(toll_write_varint(out, tag), len);
}

size_t toll_envoy_refusal_size(const struct toll_envoy_refusal *r)
{
	size_t size = r->body.len;

	for (uint32_t i = 0; i < r->header_count; i++)
		size += r->headers[i].key.len + r->headers[i].value.len;
	return size;
}

/* ---- HeaderValue ---- */

static size_t header_size(const struct toll_envoy_entry *h)
{
	return bytes_size(h->key.len) + bytes_size(h->value.len);
}

static char *write_header(char *out, uint32_t tag, const struct toll_envoy_entry *h)
{
	out = open_message(out, tag, header_size(h));
	out = toll_write_bytes(out, BYTES(1), h->key);
	return toll_write_bytes(out, BYTES(2), h->value);
}

/* ---- RateLimitResponse ---- */

static char *write_status(char *out, const struct toll_envoy_status *s)
{
	size_t reset = s->over ? number_size(s->reset_s) : 0;
	uint64_t code = s->over ? CODE_OVER_LIMIT : CODE_OK;

	out = open_message(out, BYTES(2), number_size(code) + (reset ? bytes_size(reset) : 0));
	out = write_number(out, VARINT(1), code);
	if (!reset)
		return out;
	out = open_message(out, BYTES(4), reset); /* duration_until_reset */
	return write_number(out, VARINT(1), s->reset_s);
}

char *toll_envoy_write_limit(char *out, const struct toll_envoy_status *statuses, uint32_t count,
                             const struct toll_envoy_refusal *r)
{
	out = write_number(out, VARINT(1), r ? CODE_OVER_LIMIT : CODE_OK);
	for (uint32_t i = 0; i < count; i++)
		out = write_status(out, &statuses[i]);
	if (!r)
		return out;
	for (uint32_t i = 0; i < r->header_count; i++)
		out = write_header(out, BYTES(3), &r->headers[i]);
	return toll_write_bytes(out, BYTES(5), r->body);
}

/* ---- CheckResponse ---- */

static size_t option_size(const struct toll_envoy_entry *h)
{
	return bytes_size(header_size(h)) + number_size(OVERWRITE_IF_EXISTS_OR_ADD);
}

/* A HeaderValueOption: content-type has to replace what Envoy would say of the body. */
static char *write_option(char *out, const struct toll_envoy_entry *h)
{
	out = open_message(out, BYTES(2), option_size(h));
	out = write_header(out, BYTES(1), h);
	return write_number(out, VARINT(3), OVERWRITE_IF_EXISTS_OR_ADD);
}

static size_t denied_size(const struct toll_envoy_refusal *r)
{
	size_t size = bytes_size(number_size(r->status)) + bytes_size(r->body.len);

	for (uint32_t i = 0; i < r->header_count; i++)
		size += bytes_size(option_size(&r->headers[i]));
	return size;
}

static char *write_denied(char *out, const struct toll_envoy_refusal *r)
{
	out = open_message(out, BYTES(2), denied_size(r));
	out = open_message(out, BYTES(1), number_size(r->status)); /* HttpStatus */
	out = write_number(out, VARINT(1), r->status);
	for (uint32_t i = 0; i < r->header_count; i++)
		out = write_option(out, &r->headers[i]);
	return toll_write_bytes(out, BYTES(3), r->body);
}

char *toll_envoy_write_check(char *out, const struct toll_envoy_refusal *r)
{
	if (!r)
		return open_message(out, BYTES(1), 0); /* status {}: OK */
	out = open_message(out, BYTES(1), number_size(RPC_RESOURCE_EXHAUSTED));
	out = write_number(out, VARINT(1), RPC_RESOURCE_EXHAUSTED);
	return write_denied(out, r);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* read.c - RateLimitRequest and CheckRequest -> views of what budgets need. */
#include "extensions/envoy/message.h"
#include "proto/wire.h"

#define BYTES(field) TOLL_TAG(field, TOLL_WIRE_BYTES)

/* Calls on_field for each field that holds bytes, until one of them fails; skips the others. Each
 * message has an on_field of its own, which walks at most the messages below it: no input makes the
 * stack deeper than this file is. */
static int walk(struct toll_slice message, int (*on_field)(void *, uint32_t, struct toll_slice),
                void *ctx)
{
	struct toll_reader r = toll_reader_of(message);
	struct toll_slice field;
	uint32_t tag;
	int err = 0;

	while (!err && r.at < r.end) {
		if (!toll_read_tag(&r, &tag))
			return TOLL_EINVALID;
		if ((tag & 7) != TOLL_WIRE_BYTES)
			err = toll_read_skip(&r, tag) ? 0 : TOLL_EINVALID;
		else if (toll_read_bytes(&r, &field))
			err = on_field(ctx, tag, field);
		else
			err = TOLL_EINVALID;
	}
	return err;
}

/* ---- key and value: an Entry of a descriptor, an entry of a map, a HeaderValue ---- */

static int on_entry(void *entry, uint32_t tag, struct toll_slice field)
{
	struct toll_envoy_entry *e = entry;

	if (tag == BYTES(1))
		e->key = field;
	else if (tag == BYTES(2) || (tag == BYTES(3) && field.len)) /* value, raw_value */
		e->value = field;
	return 0;
}

static int read_entry(struct toll_slice message, struct toll_envoy_entry *ret)
{
	*ret = (struct toll_envoy_entry){ TOLL_SLICE(""), TOLL_SLICE("") };
	return walk(message, on_entry, ret);
}

/* ---- RateLimitRequest ---- */

static int on_descriptor(void *request, uint32_t tag, struct toll_slice field)
{
	struct toll_envoy_limit_request *q = request;

	if (tag != BYTES(1)) /* entries */
		return 0;
	if (q->entry_count == TOLL_ENVOY_ENTRIES_MAX)
		return TOLL_ETOOBIG;
	q->descriptors[q->descriptor_count - 1].count++;
	return read_entry(field, &q->entries[q->entry_count++]);
}

static int on_limit(void *request, uint32_t tag, struct toll_slice field)
{
	struct toll_envoy_limit_request *q = request;

	if (tag == BYTES(1))
		q->domain = field;
	if (tag != BYTES(2)) /* descriptors */
		return 0;
	if (q->descriptor_count == TOLL_ENVOY_DESCRIPTORS_MAX)
		return TOLL_ETOOBIG;
	q->descriptors[q->descriptor_count++] = (struct toll_envoy_descriptor){ q->entry_count, 0 };
	return walk(field, on_descriptor, q);
}

int toll_envoy_read_limit(struct toll_slice message, struct toll_envoy_limit_request *ret)
{
	ret->domain = TOLL_SLICE("");
	ret->descriptor_count = ret->entry_count = 0;
	return walk(message, on_limit, ret);
}

/* ---- CheckRequest ---- */

struct check {
	const struct toll_envoy_wanted *wanted;
	struct toll_envoy_check_request *ret;
};

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

static bool same_name(struct toll_slice a, struct toll_slice b)
{
	size_t i = 0;

	while (a.len == b.len && i < a.len && lower(a.ptr[i]) == lower(b.ptr[i]))
		i++;
	return a.len == b.len && i == a.len;
}

/* Of several with one name the last one counts, as in protobuf's maps. */
static int read_header(struct toll_slice message, struct check *c)
{
	struct toll_envoy_entry header;
	int err;

	if (c->ret->header_count++ == TOLL_ENVOY_HEADERS_MAX)
		return TOLL_ETOOBIG;
	err = read_entry(message, &header);
	for (uint32_t i = 0; !err && i < c->wanted->count; i++)
		if (same_name(header.key, c->wanted->names[i]))
			c->ret->headers[i] = header.value;
	return err;
}

static int on_header_map(void *check, uint32_t tag, struct toll_slice field)
{
	return tag == BYTES(1) ? read_header(field, check) : 0;
}

static int on_http(void *check, uint32_t tag, struct toll_slice field)
{
	if (tag == BYTES(3)) /* headers */
		return read_header(field, check);
	return tag == BYTES(13) ? walk(field, on_header_map, check) : 0; /* header_map */
}

static int on_request(void *check, uint32_t tag, struct toll_slice field)
{
	return tag == BYTES(2) ? walk(field, on_http, check) : 0; /* http */
}

static int on_destination(void *request, uint32_t tag, struct toll_slice field)
{
	struct toll_envoy_check_request *q = request;

	if (tag == BYTES(2))
		q->service = field;
	else if (tag == BYTES(4))
		q->principal = field;
	return 0;
}

static int read_extension(struct toll_slice field, struct toll_envoy_check_request *q)
{
	if (q->extension_count == TOLL_ENVOY_EXTENSIONS_MAX)
		return TOLL_ETOOBIG;
	return read_entry(field, &q->extensions[q->extension_count++]);
}

static int on_attributes(void *check, uint32_t tag, struct toll_slice field)
{
	struct check *c = check;

	if (tag == BYTES(2)) /* destination */
		return walk(field, on_destination, c->ret);
	if (tag == BYTES(4)) /* request */
		return walk(field, on_request, c);
	return tag == BYTES(10) ? read_extension(field, c->ret) : 0; /* context_extensions */
}

static int on_check(void *check, uint32_t tag, struct toll_slice field)
{
	return tag == BYTES(1) ? walk(field, on_attributes, check) : 0; /* attributes */
}

int toll_envoy_read_check(struct toll_slice message, const struct toll_envoy_wanted *wanted,
                          struct toll_envoy_check_request *ret)
{
	struct check c = { wanted, ret };

	ret->extension_count = ret->header_count = 0;
	ret->service = ret->principal = TOLL_SLICE("");
	for (uint32_t i = 0; i < wanted->count; i++)
		ret->headers[i] = toll_slice(NULL, 0);
	return walk(message, on_check, &c);
}

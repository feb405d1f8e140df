/* SPDX-License-Identifier: Apache-2.0 */
/* flat_write.c - a flat cost record as OTLP. Fields: opentelemetry-proto v1.9, trace/v1. */
#include "cost/money.h"
#include "proto/attr.h"
#include "proto/sampling.h"
#include "proto/wire.h"
#include "receivers/kafka/flat.h"

#define LEN(field)     TOLL_TAG(field, TOLL_WIRE_BYTES)
#define FIXED64(field) TOLL_TAG(field, TOLL_WIRE_FIXED64)

enum {
	RESOURCE = LEN(1), /* of ResourceSpans */
	RESOURCE_ATTRS = LEN(1),
	SPAN = LEN(2), /* of ScopeSpans */
	TRACE_ID = LEN(1),
	SPAN_ID = LEN(2),
	TRACE_STATE = LEN(3),
	PARENT_SPAN_ID = LEN(4),
	NAME = LEN(5),
	START = FIXED64(7),
	END = FIXED64(8),
	SPAN_ATTRS = LEN(9),
	FIXED_PART = 160, /* ids, times, tags and lengths of a span's own fields */
};

struct attribute {
	enum toll_key key;
	struct toll_slice value;
};

static size_t size_of(const struct attribute *list, size_t count)
{
	size_t size = 0;

	for (size_t i = 0; i < count; i++)
		if (list[i].value.len)
			size += toll_kv_str_size(toll_key_text(list[i].key), list[i].value);
	return size;
}

static char *write_all(char *out, uint32_t tag, const struct attribute *list, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (list[i].value.len)
			out = toll_write_kv_str(out, tag, toll_key_text(list[i].key),
			                        list[i].value);
	return out;
}

void toll_flat_write_resource(const struct toll_flat *f, struct toll_buffer *out)
{
	const struct attribute attributes[] = {
		{ TOLL_KEY_SERVICE_NAME, f->service },
		{ TOLL_KEY_VCS_REVISION, f->commit },
		{ TOLL_KEY_DEPLOYMENT_ENVIRONMENT_NAME, f->environment },
	};
	size_t size = size_of(attributes, TOLL_COUNT(attributes));
	char *at = toll_buffer_room(out, size + 16), *end;

	if (!at)
		return;
	end = toll_write_varint(toll_write_varint(at, RESOURCE), size);
	end = write_all(end, RESOURCE_ATTRS, attributes, TOLL_COUNT(attributes));
	out->len += (size_t)(end - at);
}

static char *write_fixed64(char *out, uint32_t tag, uint64_t v)
{
	out = toll_write_varint(out, tag);
	memcpy(out, &v, sizeof(v)); /* little-endian hosts only: asserted in proto/wire.c */
	return out + sizeof(v);
}

static char *write_trace_state(char *out, const struct toll_flat *f)
{
	char text[sizeof("ot=th:") + TOLL_THRESHOLD_TEXT] = "ot=th:";
	int len;

	if (!f->threshold)
		return out;
	len = toll_threshold_print(f->threshold, text + 6);
	return toll_write_bytes(out, TRACE_STATE, toll_slice(text, 6 + (size_t)len));
}

static char *write_fields(char *out, const struct toll_flat *f)
{
	uint64_t ns = f->timestamp_ms * 1000000;

	out = toll_write_bytes(out, TRACE_ID, toll_slice(f->trace_id, sizeof(f->trace_id)));
	out = toll_write_bytes(out, SPAN_ID, toll_slice(f->span_id, sizeof(f->span_id)));
	out = write_trace_state(out, f);
	if (f->has_parent)
		out = toll_write_bytes(out, PARENT_SPAN_ID,
		                       toll_slice(f->parent_span_id, sizeof(f->parent_span_id)));
	out = toll_write_bytes(out, NAME, f->operation);
	return write_fixed64(write_fixed64(out, START, ns), END, ns);
}

void toll_flat_write_span(const struct toll_flat *f, struct toll_buffer *out)
{
	const struct attribute attributes[] = {
		{ TOLL_KEY_COST_ERROR, f->cost_error },
		{ TOLL_KEY_COST_CURRENCY,
		  f->cost_error.len ? toll_slice(NULL, 0) : TOLL_SLICE("USD") },
		{ TOLL_KEY_COST_PRICING_REGION, f->region },
		{ TOLL_KEY_GEN_AI_RESPONSE_MODEL, f->model },
		{ TOLL_KEY_FEATURE, f->feature },
		{ TOLL_KEY_TENANT_ID, f->tenant },
		{ TOLL_KEY_SESSION_ID, f->session },
	};
	struct toll_slice amount = toll_key_text(TOLL_KEY_COST_AMOUNT);
	size_t bound = FIXED_PART + f->operation.len + toll_kv_double_size(amount) +
	               size_of(attributes, TOLL_COUNT(attributes));
	char *at = toll_buffer_room(out, bound + 16), *body, *end;
	size_t size;

	if (!at)
		return;
	body = at + 8; /* tag and length come before it, once it is known */
	end = write_fields(body, f);
	if (!f->cost_error.len)
		end = toll_write_kv_double(end, SPAN_ATTRS, amount, toll_money_to_double(f->pico),
		                           NULL);
	end = write_all(end, SPAN_ATTRS, attributes, TOLL_COUNT(attributes));
	size = (size_t)(end - body);
	at = toll_write_varint(toll_write_varint(at, SPAN), size);
	memmove(at, body, size);
	out->len = (size_t)(at + size - out->ptr);
}

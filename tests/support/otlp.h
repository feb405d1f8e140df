/* SPDX-License-Identifier: Apache-2.0 */
/* otlp.h - builds OTLP requests for tests and benchmarks, inner messages first. */
#ifndef TOLL_TESTS_SUPPORT_OTLP_H
#define TOLL_TESTS_SUPPORT_OTLP_H

#include <assert.h>
#include <stdlib.h>

#include "proto/batch.h"
#include "proto/otlp_decode.h"
#include "proto/wire.h"

/* A message under construction. */
struct msg {
	char bytes[1 << 20];
	size_t len;
};

static inline struct msg *msg_new(void)
{
	struct msg *m = malloc(sizeof(*m));

	assert(m);
	m->len = 0;
	return m;
}

static inline void msg_bytes(struct msg *m, uint32_t field, const void *bytes, size_t len)
{
	char *end = toll_write_bytes(m->bytes + m->len, TOLL_TAG(field, TOLL_WIRE_BYTES),
	                             toll_slice(bytes, len));

	m->len = (size_t)(end - m->bytes);
	assert(m->len < sizeof(m->bytes));
}

static inline void msg_text(struct msg *m, uint32_t field, const char *text)
{
	msg_bytes(m, field, text, strlen(text));
}

/* Adds take_inner as a field and frees it. */
static inline void msg_add(struct msg *m, uint32_t field, struct msg *take_inner)
{
	msg_bytes(m, field, take_inner->bytes, take_inner->len);
	free(take_inner);
}

static inline void msg_fixed64(struct msg *m, uint32_t field, uint64_t v)
{
	char *p = toll_write_varint(m->bytes + m->len, TOLL_TAG(field, TOLL_WIRE_FIXED64));

	memcpy(p, &v, 8);
	m->len = (size_t)(p + 8 - m->bytes);
}

static inline void msg_varint(struct msg *m, uint32_t field, uint64_t v)
{
	char *p = toll_write_varint(m->bytes + m->len, TOLL_TAG(field, TOLL_WIRE_VARINT));

	m->len = (size_t)(toll_write_varint(p, v) - m->bytes);
}

static inline void msg_attr_str(struct msg *m, uint32_t attr_field, const char *key,
                                const char *value)
{
	char *end = toll_write_kv_str(m->bytes + m->len, TOLL_TAG(attr_field, TOLL_WIRE_BYTES),
	                              toll_slice_str(key), toll_slice_str(value));

	m->len = (size_t)(end - m->bytes);
}

static inline void msg_attr_int(struct msg *m, uint32_t attr_field, const char *key, int64_t value)
{
	char *end = toll_write_kv_int(m->bytes + m->len, TOLL_TAG(attr_field, TOLL_WIRE_BYTES),
	                              toll_slice_str(key), value);

	m->len = (size_t)(end - m->bytes);
}

/* A span with ids made from n, lasting duration_ns; add attributes (field 9) to it. */
static inline struct msg *span_new(const char *name, uint64_t n, uint64_t duration_ns)
{
	const uint64_t start = UINT64_C(1795000000) * 1000000000;
	uint64_t trace[2] = { n + 1, 7 }, span = n + 1;
	struct msg *m = msg_new();

	msg_bytes(m, 1, trace, 16);
	msg_bytes(m, 2, &span, 8);
	msg_text(m, 5, name);
	msg_varint(m, 6, 2);
	msg_fixed64(m, 7, start);
	msg_fixed64(m, 8, start + duration_ns);
	return m;
}

static inline struct msg *resource_new(const char *service)
{
	struct msg *m = msg_new();

	msg_attr_str(m, 1, "service.name", service);
	return m;
}

/* ScopeSpans {scope {name, version}}; add spans as field 2. */
static inline struct msg *scope_spans_new(const char *name)
{
	struct msg *m = msg_new(), *scope = msg_new();

	msg_text(scope, 1, name);
	msg_text(scope, 2, "1.0");
	msg_add(m, 1, scope);
	return m;
}

/* One resource, one scope, these spans; takes the spans. */
static inline struct msg *request_of(const char *service, struct msg **take_spans, size_t n)
{
	struct msg *req = msg_new(), *rs = msg_new(), *ss = scope_spans_new("test");

	for (size_t i = 0; i < n; i++)
		msg_add(ss, 2, take_spans[i]);
	msg_add(rs, 1, resource_new(service));
	msg_add(rs, 2, ss);
	msg_add(req, 1, rs);
	return req;
}

/* A batch of these bytes, decoded; *ret_err tells how that went. */
static inline struct toll_batch *batch_of(struct toll_slice wire, int *ret_err,
                                          const char **ret_why)
{
	struct toll_batch *b;
	char *at;
	int err = toll_batch_new(wire.len, NULL, &at, &b);

	assert(err == 0);
	toll_write_raw(at, wire);
	*ret_err = toll_otlp_decode(b, ret_why);
	return b;
}

/* Of a request that must decode; frees it. */
static inline struct toll_batch *batch_of_request(struct msg *take_request)
{
	int err;
	struct toll_batch *b =
		batch_of(toll_slice(take_request->bytes, take_request->len), &err, NULL);

	assert(err == 0);
	free(take_request);
	return b;
}

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* random_batch.h - requests and what processors do to them, by chance: spans that cannot be
 * decoded, resources without a message, unknown fields, edits of every kind, drops, claimed
 * services, sampling, poison. The same seed gives the same batch. */
#ifndef TOLL_TESTS_RANDOM_BATCH_H
#define TOLL_TESTS_RANDOM_BATCH_H

#include "proto/edit.h"
#include "proto/operation.h"
#include "proto/sampling.h"
#include "tests/support/otlp.h"

struct chance {
	uint64_t state;
};

/* splitmix64, by Sebastiano Vigna, public domain. */
static inline uint64_t chance_bits(struct chance *c)
{
	uint64_t z = c->state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

static inline uint32_t chance_below(struct chance *c, uint32_t n)
{
	return (uint32_t)(chance_bits(c) % n);
}

static inline bool chance_one_in(struct chance *c, uint32_t n)
{
	return chance_below(c, n) == 0;
}

#define CHANCE_PICK(c, list) ((list)[chance_below((c), TOLL_COUNT(list))])

static const char *const random_keys[] = {
	"service.name",
	"service.version",
	"http.route",
	"url.path",
	"rpc.service",
	"rpc.method",
	"tenant.id",
	"app.feature",
	"session.id",
	"gen_ai.request.model",
	"cloud.region",
	"cost.amount",
	"cost.units.x",
	"vcs.ref.head.revision",
	"deployment.environment.name",
	"x",
	"",
};
static const char *const random_texts[] = { "",
	                                    "a",
	                                    "checkout",
	                                    "/api/users/123/orders",
	                                    "\xc3\xa9t\xc3\xa9",
	                                    "quote\"and\\slash\n",
	                                    "us-east-1",
	                                    "0123456789012345678901234567890123456789" };

static inline void random_attrs(struct chance *c, struct msg *m, uint32_t field)
{
	for (uint32_t n = chance_below(c, 7); n; n--) {
		const char *key = CHANCE_PICK(c, random_keys);

		if (chance_one_in(c, 3))
			msg_attr_int(m, field, key, (int64_t)chance_bits(c));
		else
			msg_attr_str(m, field, key, CHANCE_PICK(c, random_texts));
	}
}

static inline void random_unknown(struct chance *c, struct msg *m)
{
	if (chance_one_in(c, 6))
		msg_text(m, 77, CHANCE_PICK(c, random_texts));
}

static inline struct msg *random_span(struct chance *c)
{
	static const char *const states[] = {
		"ot=th:8", "ot=th:c", "ot=th:e66;rv:aaaaaaaaaaaaaa", "a=b,ot=th:0", "broken", ""
	};
	struct msg *m = msg_new();
	uint64_t ids[3] = { chance_bits(c), chance_bits(c), chance_bits(c) };

	msg_bytes(m, 1, ids, chance_one_in(c, 12) ? 15 : 16); /* else it cannot be forwarded */
	msg_bytes(m, 2, ids + 2, 8);
	if (chance_one_in(c, 2))
		msg_text(m, 3, CHANCE_PICK(c, states));
	if (chance_one_in(c, 2))
		msg_bytes(m, 4, ids + 1, 8);
	random_attrs(c, m, 9);
	msg_text(m, 5, CHANCE_PICK(c, random_texts));
	msg_varint(m, 6, chance_below(c, 7));
	msg_fixed64(m, 7, UINT64_C(1795000000000000000) + chance_below(c, 1u << 30));
	msg_fixed64(m, 8, UINT64_C(1795000000000000000) + chance_below(c, 1u << 30));
	random_unknown(c, m);
	random_attrs(c, m, 9);
	if (chance_one_in(c, 3)) {
		struct msg *status = msg_new();

		msg_varint(status, 3, chance_below(c, 4));
		msg_add(m, 15, status);
	}
	return m;
}

static inline struct msg *random_scope(struct chance *c)
{
	struct msg *m = chance_one_in(c, 3) ? msg_new() : scope_spans_new("scope");

	for (uint32_t n = chance_below(c, 6); n; n--) {
		msg_add(m, 2, random_span(c));
		random_unknown(c, m);
	}
	return m;
}

static inline struct msg *random_request(struct chance *c)
{
	struct msg *m = msg_new();

	for (uint32_t n = chance_below(c, 5); n; n--) {
		struct msg *r = msg_new(), *resource = msg_new();

		random_attrs(c, resource, 1);
		for (uint32_t scopes = chance_below(c, 4); scopes; scopes--)
			msg_add(r, 2, random_scope(c));
		if (chance_one_in(c, 4))
			free(resource);
		else
			msg_add(r, 1, resource);
		random_unknown(c, r);
		msg_add(m, 1, r);
		random_unknown(c, m);
	}
	return m;
}

/* ---- what processors do ---- */

static inline void random_edit(struct chance *c, struct toll_batch *b, struct toll_node *n)
{
	struct toll_slice key = toll_slice_str(CHANCE_PICK(c, random_keys));
	uint32_t at = n->attr_count ? chance_below(c, n->attr_count) : 0;
	int err = 0;

	switch (chance_below(c, 6)) {
	case 0:
		err = toll_node_set_str(b, n, key, toll_slice_str(CHANCE_PICK(c, random_texts)));
		break;
	case 1:
		err = toll_node_set_int(b, n, key, (int64_t)chance_bits(c));
		break;
	case 2:
		err = toll_node_set_double(b, n, key, 1.5);
		break;
	case 3:
		err = toll_node_set_bool(b, n, key, true);
		break;
	case 4:
		if (n->attr_count && n->attrs[at].state != TOLL_ATTR_DELETED)
			err = toll_attr_delete(b, n, &n->attrs[at]);
		break;
	default:
		break;
	}
	assert(err == 0);
}

static inline void random_amount(struct chance *c, struct toll_span *s)
{
	s->cost_state = (uint8_t)chance_below(c, 3);
	s->region = toll_slice_str(CHANCE_PICK(c, random_texts));
	if (!toll_span_adjust(s, chance_one_in(c, 4) ? 3 : 10000))
		s->cost_state = TOLL_COST_UNPRICED; /* poison */
	if (!s->threshold && chance_one_in(c, 8))
		s->adjusted_count = chance_below(c, 20); /* told by others */
	if (s->cost_state == TOLL_COST_PRICED)
		s->cost_pico = (int64_t)(chance_bits(c) >> (1 + chance_below(c, 62)));
	if (s->cost_state != TOLL_COST_UNPRICED)
		return;
	s->unpriced = (uint8_t)chance_below(c, TOLL_UNPRICED_COUNT);
	if (chance_one_in(c, 2))
		s->cost_error = toll_slice_str(CHANCE_PICK(c, random_texts));
}

static inline void random_span_work(struct chance *c, struct toll_batch *b, struct toll_span *s)
{
	if (s->dropped)
		return;
	for (uint32_t n = chance_below(c, 4); n; n--)
		random_edit(c, b, &s->node);
	if (chance_one_in(c, 6))
		assert(toll_span_set_trace_state(b, s, TOLL_SLICE("ot=th:8")) == 0);
	if (chance_one_in(c, 3))
		toll_span_derive_operation(b, s, NULL);
	random_amount(c, s);
	if (chance_one_in(c, 5))
		toll_span_drop(b, s, TOLL_DROP_FILTERED);
}

static inline void random_resource_work(struct chance *c, struct toll_batch *b,
                                        struct toll_resource *r)
{
	for (uint32_t n = chance_below(c, 3); n; n--)
		random_edit(c, b, &r->node);
	toll_resource_changed(r);
	if (!chance_one_in(c, 3))
		return;
	r->claimed = r->service;
	r->service = TOLL_SLICE("unverified:somebody");
}

static inline void random_work(struct chance *c, struct toll_batch *b)
{
	for (uint32_t i = 0; i < b->resource_count; i++)
		random_resource_work(c, b, &b->resources[i]);
	for (uint32_t i = 0; i < b->scope_count; i++)
		random_edit(c, b, &b->scopes[i].node);
	for (uint32_t i = 0; i < b->span_count; i++)
		random_span_work(c, b, &b->spans[i]);
	if (chance_one_in(c, 2))
		toll_batch_derive_operations(b, NULL);
	if (chance_one_in(c, 2))
		b->price_version = CHANCE_PICK(c, random_texts);
	b->received_wall_ms = chance_bits(c) >> 22;
	b->digest[0] = chance_bits(c);
	b->digest[1] = chance_bits(c);
}

/* Not sealed. Every third is a clone. */
static inline struct toll_batch *random_batch(struct chance *c)
{
	struct toll_batch *b = batch_of_request(random_request(c)), *clone;

	random_work(c, b);
	if (!chance_one_in(c, 3))
		return b;
	assert(toll_batch_clone(b, &clone) == 0);
	random_work(c, clone);
	toll_batch_unref(b);
	return clone;
}

#endif

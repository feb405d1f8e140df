/* SPDX-License-Identifier: Apache-2.0 */
#include "exporters/kafka/encode.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>

#include "base/hash.h"
#include "exporters/kafka/dead_letter.h"
#include "pipeline/component.h"
#include "proto/cost_record.h"
#include "proto/otlp_decode.h"
#include "proto/otlp_encode.h"

/* Kafka's framing of a batch of one record: 61 bytes of batch header and at most 27 of varints. */
#define FRAMING_BYTES ((size_t)96)

/* Of a service name that is too long for a key, before '~' and 16 digits of its hash. */
#define KEY_CUT_AT 111

/* Scratch memory above this is given back: one giant span must not pin it. */
#define SCRATCH_KEPT ((size_t)2 << 20)

/* Spans [first, end) of one part of a flight; kept: how many of its batch come before them that are
 * not dropped. */
struct range {
	struct toll_kafka_flight *flight;
	uint32_t part, first, end, kept;
};

/* Of batches that are in no journal. Shared by all exporters: (node, epoch, seq) names one message
 * of this process. */
static _Atomic uint64_t last_seq;

_Static_assert(TOLL_MAX_SPANS < 1u << TOLL_KAFKA_SEQ_BITS, "every span of a record has a number");

void toll_kafka_encoder_release(struct toll_kafka_encoder *e)
{
	toll_buffer_release(&e->scratch);
}

size_t toll_kafka_payload_limit(const struct toll_kafka_encoder *e, size_t key_size)
{
	size_t around = FRAMING_BYTES + e->header_bytes + key_size;

	return e->max_message_bytes > around ? e->max_message_bytes - around : 0;
}

static const struct toll_batch *batch_of(const struct range *g)
{
	return g->flight->delivery->parts[g->part].batch;
}

static bool is_journaled(const struct toll_batch *b)
{
	return b->origin.epoch[0] != '\0';
}

/* The first span of the range is the same one after a crash, whatever is dropped before it: what a
 * journal gives back is without. */
static uint64_t seq_of(const struct range *g)
{
	const struct toll_batch *b = batch_of(g);

	if (is_journaled(b))
		return b->origin.seq << TOLL_KAFKA_SEQ_BITS | g->kept;
	return 1 + atomic_fetch_add_explicit(&last_seq, 1, memory_order_relaxed);
}

static size_t key_size(struct toll_slice service)
{
	return service.len < TOLL_NAME_MAX ? service.len : TOLL_NAME_MAX;
}

static const struct toll_batch *record_batch(const struct toll_kafka_record *r)
{
	return r->flight->delivery->parts[r->part].batch;
}

static struct toll_slice service_of(const struct toll_kafka_record *r)
{
	const struct toll_batch *b = record_batch(r);

	return b->resources[b->spans[r->first].resource].service;
}

const char *toll_kafka_record_epoch(const struct toll_kafka_record *r)
{
	const struct toll_batch *b = record_batch(r);

	return is_journaled(b) ? b->origin.epoch : NULL;
}

struct toll_slice toll_kafka_record_key(const struct toll_kafka_record *r,
                                        char room[TOLL_KAFKA_KEY_ROOM])
{
	struct toll_slice service = service_of(r);

	if (toll_likely(service.len <= TOLL_NAME_MAX))
		return service;
	memcpy(room, service.ptr, KEY_CUT_AT);
	snprintf(room + KEY_CUT_AT, TOLL_KAFKA_KEY_ROOM - KEY_CUT_AT, "~%016" PRIx64,
	         toll_hash(service));
	return toll_slice(room, TOLL_NAME_MAX);
}

static uint32_t kept_spans(const struct toll_batch *b, uint32_t first, uint32_t end)
{
	uint32_t kept = 0;

	for (uint32_t i = first; i < end; i++)
		kept += !b->spans[i].dropped;
	return kept;
}

uint32_t toll_kafka_record_kept(const struct toll_kafka_record *r)
{
	return kept_spans(record_batch(r), r->first, r->first + r->count);
}

static struct range range_of(const struct toll_kafka_record *r)
{
	return (struct range){ r->flight, r->part, r->first, r->first + r->count,
		               (uint32_t)r->seq & ((1u << TOLL_KAFKA_SEQ_BITS) - 1) };
}

static void scratch_reset(struct toll_kafka_encoder *e)
{
	if (e->scratch.room > SCRATCH_KEPT || e->scratch.err)
		toll_buffer_release(&e->scratch);
	e->scratch.len = 0;
	e->scratch.err = 0;
}

/* r stands for the next count spans; the range moves on. */
static void commit(struct toll_kafka_encoder *e, struct toll_kafka_record *r, struct range *g,
                   uint32_t count, size_t size)
{
	r->seq = seq_of(g);
	r->part = g->part;
	r->first = g->first;
	r->count = count;
	r->size = (uint32_t)size;
	toll_kafka_store_commit(e->store, r, g->flight);
	g->kept += kept_spans(batch_of(g), g->first, g->first + count);
	g->first += count;
}

/* ---- dead letters ---- */

/* One letter for all spans of the range. */
static int write_dead_letter(struct toll_kafka_encoder *e, struct range *g,
                             struct toll_slice message, size_t size, struct toll_slice reason,
                             struct toll_kafka_record **ret)
{
	struct toll_kafka_dead_letter letter = {
		.batch = batch_of(g),
		.span = &batch_of(g)->spans[g->first],
		.span_count = kept_spans(batch_of(g), g->first, g->end),
		.topic = e->topic,
		.encoding = toll_kafka_encoding_name(e->encoding),
		.reason = reason,
		.message = message,
		.size = size,
	};
	struct toll_kafka_record *r =
		toll_kafka_store_reserve(e->store, toll_kafka_dead_letter_bound(&letter));

	if (!r)
		return TOLL_ENOMEM;
	commit(e, r, g, g->end - g->first,
	       (size_t)(toll_kafka_dead_letter_write(&letter, r->payload) - r->payload));
	r->dead_letter = true;
	*ret = r;
	return 0;
}

/* The first span of the range, which nothing can make smaller. */
static int too_large(struct toll_kafka_encoder *e, struct range *g, struct toll_slice message,
                     struct toll_kafka_record **ret)
{
	struct range one = { g->flight, g->part, g->first, g->first + 1, g->kept };
	char reason[96];
	int len = snprintf(reason, sizeof(reason),
	                   "message of %zu bytes is over the limit of %zu bytes", message.len,
	                   e->max_message_bytes);
	int err = write_dead_letter(e, &one, message, message.len, toll_slice(reason, (size_t)len),
	                            ret);

	g->first = one.first;
	g->kept = one.kept;
	return err;
}

/* ---- one message ---- */

/* Names of many bytes, or a very low limit: the record must be seen to know its size. */
static int encode_large_flat(struct toll_kafka_encoder *e, struct range *g, size_t bound,
                             size_t limit, struct toll_kafka_record **ret)
{
	const struct toll_batch *b = batch_of(g);
	struct toll_kafka_record *r;
	size_t size;
	char *out;

	scratch_reset(e);
	out = toll_buffer_room(&e->scratch, bound);
	if (!out)
		return TOLL_ENOMEM;
	size = (size_t)(toll_cost_record(b, &b->spans[g->first], out) - out);
	if (size > limit)
		return too_large(e, g, toll_slice(out, size), ret);
	r = toll_kafka_store_reserve(e->store, size);
	if (!r)
		return TOLL_ENOMEM;
	memcpy(r->payload, out, size);
	commit(e, r, g, 1, size);
	*ret = r;
	return 0;
}

static int encode_flat(struct toll_kafka_encoder *e, struct range *g, size_t limit,
                       struct toll_kafka_record **ret)
{
	const struct toll_batch *b = batch_of(g);
	const struct toll_span *s = &b->spans[g->first];
	size_t bound = toll_cost_record_bound(b, s);
	struct toll_kafka_record *r;

	if (toll_unlikely(bound > limit || bound > TOLL_KAFKA_CHUNK / 4))
		return encode_large_flat(e, g, bound, limit, ret);
	r = toll_kafka_store_reserve(e->store, bound);
	if (!r)
		return TOLL_ENOMEM;
	commit(e, r, g, 1, (size_t)(toll_cost_record(b, s, r->payload) - r->payload));
	*ret = r;
	return 0;
}

/* The run of one resource that starts at g->first. */
static uint32_t run_end(const struct range *g)
{
	const struct toll_batch *b = batch_of(g);
	const struct toll_resource *res = &b->resources[b->spans[g->first].resource];
	uint32_t end = res->span_first + res->span_count;

	return end < g->end ? end : g->end;
}

static int oversized_otlp(struct toll_kafka_encoder *e, struct range *g,
                          struct toll_kafka_record **ret)
{
	struct toll_selection sel = { batch_of(g), g->first, 1 };
	size_t size = toll_otlp_size(&sel);
	char *out;

	scratch_reset(e);
	out = toll_buffer_room(&e->scratch, size);
	if (!out)
		return TOLL_ENOMEM;
	toll_otlp_encode(&sel, out);
	return too_large(e, g, toll_slice(out, size), ret);
}

static int encode_proto(struct toll_kafka_encoder *e, struct range *g, size_t limit,
                        struct toll_kafka_record **ret)
{
	struct toll_selection sel = { batch_of(g), g->first, 0 };
	struct toll_kafka_record *r;
	size_t size = 0;

	sel.count = toll_otlp_fit(sel.batch, g->first, run_end(g), limit, &size);
	while (size > limit && sel.count > 1) {
		sel.count /= 2;
		size = toll_otlp_size(&sel);
	}
	if (sel.count == 0 || size > limit)
		return oversized_otlp(e, g, ret);
	r = toll_kafka_store_reserve(e->store, size);
	if (!r)
		return TOLL_ENOMEM;
	commit(e, r, g, sel.count, (size_t)(toll_otlp_encode(&sel, r->payload) - r->payload));
	*ret = r;
	return 0;
}

/* JSON has no cheap size: OTLP/JSON is seldom over twice the protobuf, so the first try is what
 * would fit half the limit there; then fewer, in proportion to what came out. */
static int encode_json(struct toll_kafka_encoder *e, struct range *g, size_t limit,
                       struct toll_kafka_record **ret)
{
	struct toll_selection sel = { batch_of(g), g->first, 0 };
	struct toll_kafka_record *r;
	size_t size = 0;

	sel.count = toll_otlp_fit(sel.batch, g->first, run_end(g), limit / 2, &size);
	sel.count += sel.count == 0;
	for (;;) {
		uint32_t fewer;

		scratch_reset(e);
		toll_otlp_json(&sel, &e->scratch);
		if (e->scratch.err)
			return TOLL_ENOMEM;
		size = e->scratch.len;
		if (size <= limit || sel.count == 1)
			break;
		fewer = (uint32_t)((double)sel.count * 0.9 * (double)limit / (double)size);
		sel.count = fewer < 1 ? 1 : fewer;
	}
	if (size > limit)
		return too_large(e, g, toll_slice(e->scratch.ptr, size), ret);
	r = toll_kafka_store_reserve(e->store, size);
	if (!r)
		return TOLL_ENOMEM;
	memcpy(r->payload, e->scratch.ptr, size);
	commit(e, r, g, sel.count, size);
	*ret = r;
	return 0;
}

/* One message from the beginning of the range, which moves on; *ret NULL when no span is left. */
static int encode_one(struct toll_kafka_encoder *e, struct range *g, struct toll_kafka_record **ret)
{
	const struct toll_batch *b = batch_of(g);
	size_t limit;

	while (g->first < g->end && b->spans[g->first].dropped)
		g->first++;
	*ret = NULL;
	if (g->first >= g->end)
		return 0;
	limit = toll_kafka_payload_limit(
		e, key_size(b->resources[b->spans[g->first].resource].service));
	switch (e->encoding) {
	case TOLL_KAFKA_OTLP_JSON:
		return encode_json(e, g, limit, ret);
	case TOLL_KAFKA_OTLP_PROTO:
		return encode_proto(e, g, limit, ret);
	case TOLL_KAFKA_JSON:
		break;
	}
	return encode_flat(e, g, limit, ret);
}

/* ---- flights ---- */

int toll_kafka_encode_next(struct toll_kafka_encoder *e, struct toll_kafka_flight *f,
                           struct toll_kafka_record **ret)
{
	const struct toll_delivery *d = f->delivery;

	*ret = NULL;
	for (; f->part < d->part_count; f->part++, f->span = 0) {
		const struct toll_part *p = &d->parts[f->part];
		struct range g = { f, f->part, p->first + f->span, p->first + p->count, f->kept };
		int err;

		if (f->span == 0)
			g.kept = kept_spans(p->batch, 0, p->first);
		err = encode_one(e, &g, ret);
		if (err)
			return err;
		f->span = g.first - p->first;
		f->kept = g.kept;
		if (*ret)
			return 0;
	}
	f->encoded = true;
	return 0;
}

int toll_kafka_encode_smaller(struct toll_kafka_encoder *e, struct toll_kafka_record *r,
                              struct toll_kafka_list *out)
{
	struct range g = range_of(r);

	if (r->size <= toll_kafka_payload_limit(e, key_size(service_of(r)))) {
		toll_kafka_list_push(out, r);
		return 0;
	}
	while (g.first < g.end) {
		struct toll_kafka_record *next;
		int err = encode_one(e, &g, &next);

		if (err) {
			/* What is out already stays out; r stands for the rest. */
			r->count -= g.first - r->first;
			r->first = g.first;
			if (toll_kafka_record_epoch(r))
				r->seq = seq_of(&g);
			return err;
		}
		if (next)
			toll_kafka_list_push(out, next);
	}
	toll_kafka_store_finish(e->store, r);
	return 0;
}

int toll_kafka_encode_dead_letter(struct toll_kafka_encoder *e, struct toll_kafka_record *r,
                                  struct toll_slice reason, struct toll_kafka_list *out)
{
	struct range g = range_of(r);
	struct toll_kafka_record *letter;
	int err =
		write_dead_letter(e, &g, toll_slice(r->payload, r->size), r->size, reason, &letter);

	if (err)
		return err;
	toll_kafka_list_push(out, letter);
	toll_kafka_store_finish(e->store, r);
	return 0;
}

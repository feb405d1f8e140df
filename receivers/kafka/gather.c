/* SPDX-License-Identifier: Apache-2.0 */
/* gather.c - messages into the bytes of one request. */
#include "receivers/kafka/gather.h"

#include <stdio.h>

#include "base/hash.h"
#include "cost/money.h"
#include "proto/otlp_json_decode.h"
#include "proto/sampling.h"
#include "proto/wire.h"
#include "receivers/kafka/flat.h"

#define LEN(field) TOLL_TAG(field, TOLL_WIRE_BYTES)

enum {
	RESOURCE_SPANS = LEN(1), /* of ExportTraceServiceRequest */
	SCOPE_SPANS = LEN(2),    /* of ResourceSpans */
};

/* Buffers above this are given back: one giant message must not pin its memory. */
#define KEPT_BYTES (2 * TOLL_GATHER_BYTES)

void toll_gather_init(struct toll_gather *g, enum toll_kafka_encoding encoding, bool priced)
{
	*g = (struct toll_gather){ .encoding = encoding, .priced = priced };
}

static void reset(struct toll_buffer *b)
{
	if (b->room > KEPT_BYTES || b->err)
		toll_buffer_release(b);
	b->len = 0;
	b->err = 0;
}

void toll_gather_reset(struct toll_gather *g)
{
	reset(&g->wire);
	reset(&g->marks);
	reset(&g->notes);
	reset(&g->resource);
	reset(&g->run);
	reset(&g->next);
	reset(&g->scratch);
	g->messages = g->spans = 0;
	g->price_version[0] = '\0';
	g->several_versions = false;
}

void toll_gather_release(struct toll_gather *g)
{
	toll_buffer_release(&g->wire);
	toll_buffer_release(&g->marks);
	toll_buffer_release(&g->notes);
	toll_buffer_release(&g->resource);
	toll_buffer_release(&g->run);
	toll_buffer_release(&g->next);
	toll_buffer_release(&g->scratch);
}

static int append(struct toll_buffer *b, const void *bytes, size_t len)
{
	char *at = toll_buffer_room(b, len);

	if (!at) {
		b->err = 0; /* what was there before stays good */
		return TOLL_ENOMEM;
	}
	memcpy(at, bytes, len);
	b->len += len;
	return 0;
}

static int mark(struct toll_gather *g, uint64_t received_ms, int64_t offset)
{
	const struct toll_gather_mark m = { g->wire.len, received_ms, offset };

	return append(&g->marks, &m, sizeof(m));
}

/* ---- json ---- */

/* The records of one resource, wrapped, become part of the request. */
static int close_run(struct toll_gather *g)
{
	struct toll_slice spans = toll_slice(g->run.ptr, g->run.len);
	size_t scope = 1 + toll_varint_size(spans.len) + spans.len;
	size_t size = g->resource.len + scope;
	char *at, *end;

	if (!spans.len)
		return 0;
	at = toll_buffer_room(&g->wire, size + 16);
	if (!at) {
		g->wire.err = 0;
		return TOLL_ENOMEM;
	}
	end = toll_write_varint(toll_write_varint(at, RESOURCE_SPANS), size);
	end = toll_write_raw(end, toll_slice(g->resource.ptr, g->resource.len));
	end = toll_write_bytes(end, SCOPE_SPANS, spans);
	g->wire.len += (size_t)(end - at);
	if (mark(g, g->run_received_ms, 0) < 0) {
		g->wire.len -= (size_t)(end - at);
		return TOLL_ENOMEM;
	}
	g->run.len = 0;
	return 0;
}

/* f's spans come next: the same resource goes on, or another begins. next: f's, encoded. */
static int follow_resource(struct toll_gather *g, const struct toll_flat *f, struct toll_slice next)
{
	int err;

	if (g->run.len && g->run_received_ms == f->received_ms &&
	    toll_slice_eq(next, toll_slice(g->resource.ptr, g->resource.len)))
		return 0;
	err = close_run(g);
	if (err)
		return err;
	g->resource.len = 0;
	g->run_received_ms = f->received_ms;
	return append(&g->resource, next.ptr, next.len);
}

static void note_version(struct toll_gather *g, struct toll_slice version)
{
	if (g->spans == 0 && version.len < sizeof(g->price_version))
		snprintf(g->price_version, sizeof(g->price_version), "%.*s", TOLL_FMT(version));
	else if (!toll_slice_is(version, g->price_version))
		g->several_versions = true;
}

/* The same ones whenever the message is read. */
static void make_ids(struct toll_flat *f, const struct toll_kafka_message *m)
{
	const int64_t place[] = { m->partition, m->offset };
	uint64_t id = toll_hash(toll_slice(place, sizeof(place))) | 1;

	if (!f->has_trace_id) {
		memcpy(f->trace_id, place, 8);
		memcpy(f->trace_id + 8, &id, sizeof(id));
	}
	if (!f->has_span_id)
		memcpy(f->span_id, &id, sizeof(id));
}

/* What the record leaves open. */
static void complete(struct toll_flat *f, const struct toll_kafka_message *m)
{
	make_ids(f, m);
	if (!f->received_ms)
		f->received_ms = m->timestamp_ms ? m->timestamp_ms : f->timestamp_ms;
	if (!f->operation.len)
		f->operation = TOLL_SLICE("unknown");
	if (!f->threshold)
		f->threshold = toll_threshold_of_adjusted(f->adjusted);
}

static uint32_t whole(toll_u128 adjusted)
{
	toll_u128 one = toll_power_of_ten(TOLL_ADJUSTED_PLACES);

	return adjusted < one ? 1 : (uint32_t)toll_divide_half_even(adjusted, one, false);
}

static int add_span(struct toll_gather *g, const struct toll_flat *f)
{
	const struct toll_gather_note note = { .pico = f->pico,
		                               .count = f->threshold ? 0 : whole(f->adjusted),
		                               .unpriced = f->cost_error.len > 0 };
	size_t before = g->run.len;
	int err;

	toll_flat_write_span(f, &g->run);
	err = g->run.err;
	g->run.err = 0;
	if (!err)
		err = append(&g->notes, &note, sizeof(note));
	if (err) {
		g->run.len = before;
		return err;
	}
	note_version(g, f->price_version);
	g->spans++;
	return 0;
}

static int add_flat(struct toll_gather *g, const struct toll_kafka_message *m,
                    struct toll_error *reterr)
{
	const char *why = "out of memory";
	struct toll_flat f = { 0 };
	char *room;
	int err = TOLL_ENOMEM;

	g->scratch.len = 0;
	g->scratch.err = 0;
	room = toll_buffer_room(&g->scratch, m->len + 1);
	if (room)
		err = toll_flat_read(toll_slice(m->value, m->len), room, &f, &why);
	if (!err) {
		complete(&f, m);
		g->next.len = 0;
		g->next.err = 0;
		toll_flat_write_resource(&f, &g->next);
		err = g->next.err;
	}
	if (!err)
		err = follow_resource(g, &f, toll_slice(g->next.ptr, g->next.len));
	if (!err)
		err = add_span(g, &f);
	return err ? toll_fail(reterr, err, "%s", why) : 0;
}

/* ---- OTLP ---- */

/* Requests joined end to end are one request, if each of them ends where its fields do. */
static bool is_framed(struct toll_slice request)
{
	struct toll_reader r = toll_reader_of(request);
	uint32_t tag;

	while (r.at < r.end)
		if (!toll_read_tag(&r, &tag) || !toll_read_skip(&r, tag))
			return false;
	return true;
}

static int add_proto(struct toll_gather *g, const struct toll_kafka_message *m,
                     struct toll_error *reterr)
{
	if (!is_framed(toll_slice(m->value, m->len)))
		return toll_fail(reterr, TOLL_EINVALID, "no ExportTraceServiceRequest");
	return append(&g->wire, m->value, m->len);
}

static int add_json(struct toll_gather *g, const struct toll_kafka_message *m,
                    struct toll_error *reterr)
{
	size_t room = TOLL_OTLP_JSON_ROOM(m->len), len = 0;
	char *at = toll_buffer_room(&g->wire, room);
	int err;

	if (!at) {
		g->wire.err = 0;
		return TOLL_ENOMEM;
	}
	err = toll_otlp_json_decode(m->value, m->len, at, room, &len, reterr);
	if (!err)
		g->wire.len += len;
	return err;
}

static int add_otlp(struct toll_gather *g, const struct toll_kafka_message *m,
                    struct toll_error *reterr)
{
	size_t before = g->wire.len;
	int err = g->encoding == TOLL_KAFKA_OTLP_JSON ? add_json(g, m, reterr)
	                                              : add_proto(g, m, reterr);

	if (!err)
		err = mark(g, m->timestamp_ms, m->offset);
	if (err)
		g->wire.len = before;
	return err;
}

/* ---- both ---- */

int toll_gather_add(struct toll_gather *g, const struct toll_kafka_message *m,
                    struct toll_error *reterr)
{
	int err;

	if (!m->len)
		return toll_fail(reterr, TOLL_EINVALID, "empty");
	err = g->encoding == TOLL_KAFKA_JSON ? add_flat(g, m, reterr) : add_otlp(g, m, reterr);
	g->messages += !err;
	return err;
}

int toll_gather_close(struct toll_gather *g)
{
	return close_run(g);
}

static const struct toll_gather_mark *mark_at(const struct toll_gather *g, uint32_t i)
{
	return (const struct toll_gather_mark *)(const void *)g->marks.ptr + i;
}

int toll_gather_single(const struct toll_gather *g, uint32_t message, struct toll_gather *ret,
                       int64_t *ret_offset)
{
	const struct toll_gather_mark *m = mark_at(g, message);
	size_t start = message ? m[-1].end : 0;
	int err = append(&ret->wire, g->wire.ptr + start, m->end - start);

	if (!err)
		err = mark(ret, m->received_ms, m->offset);
	if (err)
		return err;
	ret->messages = 1;
	*ret_offset = m->offset;
	return 0;
}

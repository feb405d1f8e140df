/* SPDX-License-Identifier: Apache-2.0 */
/* record.c - writes the record of a batch; record_read.c reads it. */
#include "pipeline/record.h"

#include <stdlib.h>

#include "base/hash.h"
#include "pipeline/record_format.h"
#include "proto/otlp_encode.h"
#include "proto/sampling.h"
#include "proto/wire.h"

enum {
	SEEN = 64,       /* texts that are looked for before one counts as new */
	NUMBER_MAX = 10, /* bytes of a varint */
	/* Flags; which text, and its length, three times; why; amount, threshold, count. */
	SPAN_MAX = 1 + 3 * 2 * NUMBER_MAX + NUMBER_MAX + 3 * NUMBER_MAX,
};

/* The texts that were written last; a hash finds its place. */
struct texts {
	uint32_t count;
	struct {
		struct toll_slice text;
		uint32_t number; /* 0: free */
	} seen[SEEN];
};

struct writer {
	char *out;
	struct texts texts;
	struct toll_slice operation, region; /* of the span before */
	struct toll_journal_mark worth;
};

static void put_number(struct writer *w, uint64_t v)
{
	w->out = toll_write_varint(w->out, v);
}

static void put_text(struct writer *w, struct toll_slice text)
{
	size_t at = text.len ? toll_hash(text) % SEEN : 0;

	if (!text.len) {
		*w->out++ = TOLL_RECORD_TEXT_EMPTY;
		return;
	}
	if (w->texts.seen[at].number && toll_slice_eq(w->texts.seen[at].text, text)) {
		put_number(w, w->texts.seen[at].number);
		return;
	}
	w->texts.seen[at].text = text;
	w->texts.seen[at].number = TOLL_RECORD_TEXT_FIRST + w->texts.count++;
	*w->out++ = TOLL_RECORD_TEXT_NEW;
	put_number(w, text.len);
	w->out = toll_write_raw(w->out, text);
}

static bool is_same(struct toll_slice a, struct toll_slice b)
{
	return a.len == b.len && (a.ptr == b.ptr || toll_slice_eq(a, b));
}

static uint8_t flags_of(const struct writer *w, const struct toll_span *s)
{
	uint8_t flags = s->cost_state;

	if (!is_same(s->operation, w->operation))
		flags |= TOLL_RECORD_OPERATION;
	if (!is_same(s->region, w->region))
		flags |= TOLL_RECORD_REGION;
	if (s->cost_error.len)
		flags |= TOLL_RECORD_ERROR;
	if (s->cost_pico)
		flags |= TOLL_RECORD_AMOUNT;
	if (s->threshold || s->adjusted_count != 1)
		flags |= TOLL_RECORD_SAMPLED;
	return flags;
}

static void put_span(struct writer *w, const struct toll_span *s)
{
	uint8_t flags = flags_of(w, s);

	*w->out++ = (char)flags;
	if (flags & TOLL_RECORD_OPERATION)
		put_text(w, w->operation = s->operation);
	if (flags & TOLL_RECORD_REGION)
		put_text(w, w->region = s->region);
	if (flags & TOLL_RECORD_ERROR)
		put_text(w, s->cost_error);
	if (s->cost_state == TOLL_COST_UNPRICED)
		put_number(w, s->unpriced);
	if (flags & TOLL_RECORD_AMOUNT)
		put_number(w, (uint64_t)s->cost_pico);
	if (flags & TOLL_RECORD_SAMPLED) {
		put_number(w, s->threshold);
		put_number(w, s->adjusted_count);
	}
}

static void count_span(struct toll_journal_mark *worth, const struct toll_span *s)
{
	toll_i128 pico = s->cost_state == TOLL_COST_PRICED ? toll_span_total_pico(s) : 0;

	worth->items++;
	worth->pico += pico > 0 ? pico : 0;
}

struct toll_journal_mark toll_record_worth(const struct toll_batch *b)
{
	struct toll_journal_mark worth = { .seq = 1 };

	for (uint32_t i = 0; i < b->span_count; i++)
		if (!b->spans[i].dropped)
			count_span(&worth, &b->spans[i]);
	return worth;
}

/* Is it in the request that is written? As toll_otlp_encode() decides it for a whole batch. */
static bool is_kept(const struct toll_batch *b, const struct toll_resource *r)
{
	uint32_t i = 0;

	while (i < r->span_count && b->spans[r->span_first + i].dropped)
		i++;
	return i < r->span_count || r->span_count == 0;
}

static void put_resource(struct writer *w, const struct toll_batch *b,
                         const struct toll_resource *r)
{
	const struct toll_span *s = b->spans + r->span_first;

	if (!is_kept(b, r))
		return;
	put_text(w, r->service);
	put_text(w, r->claimed);
	for (const struct toll_span *end = s + r->span_count; s < end; s++) {
		if (s->dropped)
			continue;
		put_span(w, s);
		count_span(&w->worth, s);
	}
}

static void put_times(struct writer *w, const struct toll_batch *b)
{
	uint64_t some = 0;

	for (uint32_t i = 0; i < b->resource_count; i++)
		some |= b->resources[i].received_ms;
	for (uint32_t i = 0; i < b->resource_count && some; i++)
		if (is_kept(b, &b->resources[i]))
			put_number(w, b->resources[i].received_ms);
}

static void put_table(struct writer *w, const struct toll_batch *b)
{
	put_text(w, toll_slice_str(b->price_version ? b->price_version : ""));
	for (uint32_t i = 0; i < b->resource_count; i++)
		put_resource(w, b, &b->resources[i]);
	put_times(w, b);
}

static size_t text_bound(struct toll_slice text)
{
	return (size_t)2 * NUMBER_MAX + text.len;
}

/* Bytes that the table may take. */
static size_t table_bound(const struct toll_batch *b)
{
	size_t size = text_bound(toll_slice_str(b->price_version ? b->price_version : ""));

	for (uint32_t i = 0; i < b->resource_count; i++)
		size += text_bound(b->resources[i].service) + text_bound(b->resources[i].claimed) +
		        NUMBER_MAX;
	for (uint32_t i = 0; i < b->span_count; i++) {
		const struct toll_span *s = &b->spans[i];

		if (!s->dropped)
			size += SPAN_MAX + s->operation.len + s->region.len + s->cost_error.len;
	}
	return size;
}

static void write_head(const struct toll_batch *b, const struct writer *w, char *to)
{
	const struct toll_record_head head = {
		.table_bytes = (uint32_t)(w->out - to - TOLL_RECORD_HEAD),
		.spans = (uint32_t)w->worth.items,
		.texts = w->texts.count,
		.received_wall_ms = b->received_wall_ms,
		.digest = { b->digest[0], b->digest[1] },
	};

	toll_record_head_write(&head, to);
}

/* The request first, whose size is known: the table lies behind it, and goes out before it. */
int toll_record_new(const struct toll_batch *b, struct toll_journal_entry *e, void **ret_memory)
{
	const struct toll_selection sel = { b, 0, TOLL_WHOLE_BATCH };
	size_t request = toll_otlp_size(&sel), bound = TOLL_RECORD_HEAD + table_bound(b);
	struct writer w TOLL_UNINITIALIZED;
	char *memory, *table;

	if (request + bound > UINT32_MAX)
		return TOLL_ETOOBIG;
	memory = malloc(request + bound);
	if (!memory)
		return TOLL_ENOMEM;
	toll_otlp_encode(&sel, memory);
	table = memory + request;
	memset(&w, 0, sizeof(w));
	w.out = table + TOLL_RECORD_HEAD;
	put_table(&w, b);
	write_head(b, &w, table);
	e->parts[0] = toll_slice(table, (size_t)(w.out - table));
	e->parts[1] = toll_slice(memory, request);
	e->part_count = 2;
	e->items = (uint32_t)w.worth.items;
	e->pico = w.worth.pico;
	e->type = TOLL_RECORD_BATCH;
	*ret_memory = memory;
	return 0;
}

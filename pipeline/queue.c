/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/queue.h"

#include <assert.h>
#include <stdlib.h>

#include "pipeline/lane.h"
#include "proto/batch.h"

void toll_queue_init(struct toll_queue *q, enum toll_sizer sizer, uint64_t capacity)
{
	*q = (struct toll_queue){ .sizer = sizer, .capacity = capacity };
	q->last = &q->first;
}

void toll_queue_release(struct toll_queue *q)
{
	struct toll_entry *next;

	for (struct toll_entry *e = q->spare; e; e = next) {
		next = e->next;
		free(e);
	}
	q->spare = NULL;
}

uint64_t toll_queue_size_of(const struct toll_queue *q, uint64_t spans, uint64_t bytes)
{
	switch (q->sizer) {
	case TOLL_SIZER_ITEMS:
		return spans ? spans : 1;
	case TOLL_SIZER_BYTES:
		return bytes ? bytes : 1;
	default:
		return 1;
	}
}

static uint64_t size_of(const struct toll_queue *q, const struct toll_batch *b)
{
	return toll_queue_size_of(q, b->kept_count, b->wire.len);
}

int toll_queue_reserve(struct toll_queue *q, const struct toll_batch *batch)
{
	uint64_t size = size_of(q, batch);
	struct toll_entry *e;

	if (q->closed)
		return TOLL_ESHUTDOWN;
	if (q->used && (q->used >= q->capacity || size > q->capacity - q->used)) {
		q->refused = true;
		return TOLL_EFULL;
	}
	e = malloc(sizeof(*e));
	if (!e)
		return TOLL_ENOMEM;
	e->next = q->spare;
	q->spare = e;
	q->used += size;
	q->bytes += batch->wire.len;
	return 0;
}

static struct toll_entry *take_spare(struct toll_queue *q)
{
	struct toll_entry *e = q->spare;

	assert(e); /* commit and cancel come after a reserve */
	q->spare = e->next;
	return e;
}

void toll_queue_cancel(struct toll_queue *q, const struct toll_batch *batch)
{
	free(take_spare(q));
	q->used -= size_of(q, batch);
	q->bytes -= batch->wire.len;
}

static void append(struct toll_queue *q, struct toll_entry *e, uint64_t now_ns)
{
	e->admitted_ns = now_ns;
	e->size = size_of(q, e->batch);
	e->kept_left = e->batch->kept_count;
	e->number = q->admitted++;
	*q->last = e;
	q->last = &e->next;
	q->waiting_spans += e->kept_left;
}

void toll_queue_commit(struct toll_queue *q, struct toll_batch *take_batch,
                       struct toll_waiter *waiter, uint64_t now_ns)
{
	struct toll_entry *e = take_spare(q);

	*e = (struct toll_entry){ .batch = take_batch, .waiter = waiter };
	append(q, e, now_ns);
}

void toll_queue_put(struct toll_queue *q, struct toll_entry *take_entry, uint64_t now_ns)
{
	append(q, take_entry, now_ns);
	q->used += take_entry->size;
	q->bytes += take_entry->batch->wire.len;
}

void toll_queue_inherit(struct toll_queue *q, struct toll_entry *take_entry)
{
	struct toll_entry *e = take_entry, **at = &q->first;

	while (*at && (*at)->inherited && (*at)->number < e->number)
		at = &(*at)->next;
	e->inherited = true;
	e->size = size_of(q, e->batch);
	e->kept_left = e->batch->kept_count;
	e->next = *at;
	*at = e;
	if (!e->next)
		q->last = &e->next;
	q->used += e->size;
	q->bytes += e->batch->wire.len;
	q->waiting_spans += e->kept_left;
}

/* Where the spans from e->next_span on end when max kept ones have been seen. */
static uint32_t end_after(const struct toll_entry *e, uint32_t max)
{
	const struct toll_batch *b = e->batch;
	uint32_t at = e->next_span;

	if (max >= e->kept_left)
		return b->span_count;
	if (b->kept_count == b->span_count)
		return at + max;
	for (uint32_t kept = 0; kept < max; at++)
		kept += !b->spans[at].dropped;
	return at;
}

uint32_t toll_queue_take(struct toll_queue *q, uint32_t max, struct toll_part *ret,
                         struct toll_entry **ret_entry)
{
	struct toll_entry *e = q->first;
	uint32_t end = end_after(e, max), kept = max < e->kept_left ? max : e->kept_left;

	*ret = (struct toll_part){ e->batch, e->next_span, end - e->next_span };
	*ret_entry = e;
	e->next_span = end;
	e->kept_left -= kept;
	e->open_parts++;
	q->waiting_spans -= kept;
	if (e->kept_left == 0) {
		q->first = e->next;
		if (!q->first)
			q->last = &q->first;
		e->next = NULL;
	}
	return kept;
}

void toll_queue_answered(struct toll_queue *q, struct toll_entry *e)
{
	q->used -= e->size;
	q->bytes -= e->batch->wire.len;
	if (e->place.lane)
		toll_lane_answered(e->place.lane, e);
}

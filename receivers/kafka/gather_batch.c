/* SPDX-License-Identifier: Apache-2.0 */
/* gather_batch.c - what was gathered as a batch, with times and amounts on it. */
#include "proto/attr.h"
#include "proto/client_amount.h"
#include "proto/otlp_decode.h"
#include "proto/sampling.h"
#include "receivers/kafka/gather.h"

/* ---- amounts ---- */

static void set_unpriced(struct toll_span *s, enum toll_unpriced why, struct toll_slice sentence)
{
	s->cost_state = TOLL_COST_UNPRICED;
	s->unpriced = (uint8_t)why;
	s->cost_error = sentence;
	s->cost_pico = 0;
}

static void set_amount(struct toll_span *s, int64_t pico)
{
	s->cost_pico = pico;
	s->cost_state = pico ? TOLL_COST_PRICED : TOLL_COST_FREE;
}

static struct toll_slice text_of(const struct toll_span *s, enum toll_key key)
{
	return toll_attr_text(toll_node_find(&s->node, key));
}

/* How many spans it stands for was looked at before it was priced. */
static void adjust(struct toll_span *s)
{
	if (!toll_span_adjust(s, UINT32_MAX))
		set_unpriced(s, TOLL_UNPRICED_INVALID_QUANTITY,
		             TOLL_SLICE("invalid adjusted_count"));
}

static void take_note(struct toll_span *s, const struct toll_gather_note *note)
{
	s->operation = s->name;
	s->region = text_of(s, TOLL_KEY_COST_PRICING_REGION);
	if (note->count)
		s->adjusted_count = note->count;
	else
		adjust(s);
	if (note->unpriced)
		set_unpriced(s, TOLL_UNPRICED_BEFORE, text_of(s, TOLL_KEY_COST_ERROR));
	else if (s->cost_state != TOLL_COST_UNPRICED || !s->cost_error.len)
		set_amount(s, note->pico);
}

static void take_attributes(struct toll_span *s)
{
	struct toll_slice error = text_of(s, TOLL_KEY_COST_ERROR);
	int64_t pico = 0;

	s->region = text_of(s, TOLL_KEY_COST_PRICING_REGION);
	adjust(s);
	if (error.len) {
		set_unpriced(s, TOLL_UNPRICED_BEFORE, error);
		return;
	}
	if (s->cost_error.len)
		return;
	switch (toll_client_amount(s, &pico)) {
	case TOLL_CLIENT_VALID:
		set_amount(s, pico);
		break;
	case TOLL_CLIENT_NONE:
		set_unpriced(s, TOLL_UNPRICED_NO_COST_PROCESSOR, TOLL_SLICE("no cost.amount"));
		break;
	default:
		set_unpriced(s, TOLL_UNPRICED_INVALID_QUANTITY, TOLL_SLICE("invalid cost.amount"));
	}
}

static void price(const struct toll_gather *g, struct toll_batch *b)
{
	const struct toll_gather_note *notes = (const void *)g->notes.ptr;

	for (uint32_t i = 0; i < b->span_count; i++) {
		struct toll_span *s = &b->spans[i];

		if (s->dropped)
			continue;
		if (g->encoding == TOLL_KAFKA_JSON)
			take_note(s, &notes[i]);
		else
			take_attributes(s);
	}
}

/* ---- times ---- */

static void stamp(const struct toll_gather *g, struct toll_batch *b)
{
	const struct toll_gather_mark *m = (const void *)g->marks.ptr;
	const struct toll_gather_mark *last = m + g->marks.len / sizeof(*m) - 1;

	for (uint32_t i = 0; i < b->resource_count; i++) {
		size_t at = (size_t)(b->resources[i].element.ptr - b->wire.ptr);

		while (m < last && at >= m->end)
			m++;
		b->resources[i].received_ms = m->received_ms;
	}
	if (last->received_ms)
		b->received_wall_ms = last->received_ms;
}

/* ---- the batch ---- */

static int fill(const struct toll_gather *g, struct toll_batch *b, struct toll_error *reterr)
{
	const char *why = NULL;
	int err = toll_otlp_decode(b, &why);

	if (err)
		return toll_fail(reterr, err, "%s", why ? why : toll_err_text(err));
	if (g->encoding == TOLL_KAFKA_JSON && b->span_count != g->spans)
		return toll_fail(reterr, TOLL_EINTERNAL, "%u records became %u spans", g->spans,
		                 b->span_count);
	stamp(g, b);
	if (g->priced)
		price(g, b);
	if (g->price_version[0] && !g->several_versions)
		b->price_version = toll_arena_strdup(&b->arena, toll_slice_str(g->price_version));
	return 0;
}

int toll_gather_batch(const struct toll_gather *g, struct toll_memory *memory,
                      struct toll_batch **ret, struct toll_error *reterr)
{
	struct toll_batch *b = NULL;
	char *wire;
	int err = toll_batch_new(g->wire.len, memory, &wire, &b);

	if (err)
		return toll_fail(reterr, err, "%s", toll_err_text(err));
	memcpy(wire, g->wire.ptr, g->wire.len);
	err = fill(g, b, reterr);
	if (err)
		return toll_batch_unref(b), err;
	*ret = b;
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "exporters/enforcer/totals/fold.h"

#include "base/macro.h"
#include "cost/name.h"
#include "proto/attr.h"
#include "proto/sampling.h"

/* 2^63 picodollars x 2^32 x 100,000 spans of a request stay far inside 128 bits. */
#define ADJUSTED_MAX UINT32_MAX

static void add_span(struct toll_run *run, const struct toll_span *s)
{
	if (s->dropped)
		return;
	run->spans++;
	if (s->cost_state == TOLL_COST_UNPRICED) {
		run->unpriced++;
		return;
	}
	if (toll_unlikely(s->cost_pico < 0 || s->adjusted_count > ADJUSTED_MAX)) {
		run->refused++;
		return;
	}
	run->priced++;
	run->pico += toll_span_total_pico(s);
}

/* A span or a run of spans, or of neither: what a kind of subject is made of. */
struct fold {
	struct toll_totals *totals;
	const struct toll_batch *batch;
	const struct toll_resource *resource;
	uint64_t received_ms;
	struct toll_slice values[TOLL_DIMENSIONS_MAX];
	char text[TOLL_DIMENSIONS_MAX][TOLL_DIMENSION_TEXT];
};

/* Those that all spans of the resource share (s NULL), or those that s may have of its own. */
static void find_values(struct fold *f, const struct toll_span *s)
{
	const struct toll_subjects *subjects = &f->totals->rules->subjects;

	for (uint32_t i = 0; i < subjects->dimension_count; i++)
		if (subjects->dimensions[i].by_span == (s != NULL))
			f->values[i] = toll_dimension_value(&subjects->dimensions[i], f->batch,
			                                    f->resource, s, f->text[i]);
}

/* To the subject of every kind but services that has all of its dimensions. */
static void fold_kinds(struct fold *f, bool by_span, const struct toll_run *run)
{
	const struct toll_subjects *subjects = &f->totals->rules->subjects;
	struct toll_slice values[TOLL_SUBJECT_DIMENSIONS];

	for (uint32_t i = 1; i < subjects->kind_count; i++) {
		const struct toll_subject_kind *kind = &subjects->kinds[i];
		bool whole = kind->by_span == by_span;

		for (uint32_t k = 0; k < kind->count && whole; k++) {
			values[k] = f->values[kind->at[k]];
			whole = values[k].len > 0;
		}
		if (whole)
			toll_totals_fold_subject(f->totals, i, values, f->received_ms, run);
	}
}

static void fold_span(struct fold *f, const struct toll_span *s)
{
	struct toll_run run = { 0 };

	add_span(&run, s);
	if (run.spans == 0)
		return;
	find_values(f, s);
	fold_kinds(f, true, &run);
}

/* Spans of one resource. Unverified spend has no budget, so nobody asks for its subjects. */
static void fold_run(struct fold *f, const struct toll_span *first, const struct toll_span *end)
{
	const struct toll_subjects *subjects = &f->totals->rules->subjects;
	struct toll_run run = { 0 };

	for (const struct toll_span *s = first; s < end; s++)
		add_span(&run, s);
	if (run.spans == 0)
		return;
	run.criticality = toll_criticality_parse(
		toll_attr_text(toll_node_find(&f->resource->node, TOLL_KEY_SERVICE_CRITICALITY)));
	f->values[0] = toll_dimension_value(&subjects->dimensions[0], f->batch, f->resource, NULL,
	                                    f->text[0]);
	toll_totals_fold(f->totals, f->values[0], f->received_ms, &run);
	if (subjects->kind_count == 1 || toll_name_is_unverified(f->resource->service))
		return;
	find_values(f, NULL);
	fold_kinds(f, false, &run);
	for (const struct toll_span *s = first; s < end && subjects->by_span; s++)
		fold_span(f, s);
}

void toll_fold_part(struct toll_totals *t, const struct toll_part *part, uint64_t received_ms)
{
	TOLL_UNINITIALIZED struct fold f; /* large, and nearly all of it is never looked at */
	const struct toll_batch *b = part->batch;
	const struct toll_span *at, *end = b->spans + part->first + part->count;

	f.totals = t;
	f.batch = b;
	toll_totals_lock(t);
	at = b->spans + toll_folded_begin(&t->folded, part);
	t->repeated_spans += (uint64_t)(at - (b->spans + part->first));
	while (at < end) {
		const struct toll_span *first = at;

		while (at < end && at->resource == first->resource)
			at++;
		f.resource = &b->resources[first->resource];
		f.received_ms =
			received_ms ? received_ms : toll_resource_received_ms(b, first->resource);
		fold_run(&f, first, at);
	}
	toll_folded_note(&t->folded, part);
	t->unsaved = true;
	toll_totals_unlock(t);
}

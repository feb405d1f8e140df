/* SPDX-License-Identifier: Apache-2.0 */
#include "exporters/enforcer/totals/folded.h"

#include <stdio.h>
#include <string.h>

static const struct toll_folded_at *find(const struct toll_folded *f, const char *epoch)
{
	for (uint32_t i = 0; i < f->count; i++)
		if (strcmp(f->at[i].epoch, epoch) == 0)
			return &f->at[i];
	return NULL;
}

/* Behind the first so many spans that are kept. */
static uint32_t behind(const struct toll_batch *b, uint32_t kept)
{
	uint32_t i = 0;

	while (i < b->span_count && (kept > 0 || b->spans[i].dropped))
		kept -= !b->spans[i++].dropped;
	return i;
}

uint32_t toll_folded_begin(const struct toll_folded *f, const struct toll_part *part)
{
	const struct toll_origin *origin = &part->batch->origin;
	const struct toll_folded_at *at = origin->epoch[0] ? find(f, origin->epoch) : NULL;
	uint32_t end = part->first + part->count, begin;

	if (!at || origin->seq > at->seq || (origin->seq == at->seq && at->span == 0))
		return part->first;
	if (origin->seq < at->seq)
		return end;
	begin = behind(part->batch, at->span);
	return begin < part->first ? part->first : begin < end ? begin : end;
}

static struct toll_folded_at *oldest(struct toll_folded *f)
{
	struct toll_folded_at *oldest = &f->at[0];

	for (uint32_t i = 1; i < f->count; i++)
		if (f->at[i].used < oldest->used)
			oldest = &f->at[i];
	return oldest;
}

void toll_folded_set(struct toll_folded *f, const char *epoch, uint64_t seq, uint32_t span)
{
	const struct toll_folded_at *known = find(f, epoch);
	struct toll_folded_at *at = known                        ? &f->at[known - f->at]
	                            : f->count < TOLL_FOLDED_MAX ? &f->at[f->count++]
	                                                         : oldest(f);

	snprintf(at->epoch, sizeof(at->epoch), "%s", epoch);
	at->seq = seq;
	at->span = span;
	at->used = ++f->uses;
}

void toll_folded_note(struct toll_folded *f, const struct toll_part *part)
{
	const struct toll_batch *b = part->batch;
	uint32_t end = part->first + part->count, kept = 0;
	bool more = false;

	if (!b->origin.epoch[0] || toll_folded_begin(f, part) >= end)
		return;
	for (uint32_t i = end; i < b->span_count && !more; i++)
		more = !b->spans[i].dropped;
	for (uint32_t i = 0; i < end && more; i++)
		kept += !b->spans[i].dropped;
	toll_folded_set(f, b->origin.epoch, b->origin.seq + !more, kept);
}

uint64_t toll_folded_seq(const struct toll_folded *f, const char *epoch)
{
	const struct toll_folded_at *at = find(f, epoch);

	return at ? at->seq : 0;
}

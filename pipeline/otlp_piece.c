/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/otlp_piece.h"

#include "pipeline/part.h"
#include "proto/otlp_encode.h"

static struct toll_selection selection(const struct toll_part *p)
{
	return (struct toll_selection){ p->batch, p->first, p->count };
}

static size_t encoded_size(const struct toll_part *p)
{
	const struct toll_selection sel = selection(p);

	return toll_otlp_size(&sel);
}

/* The first kept span of p, with the dropped ones before it. */
static uint32_t up_to_one(const struct toll_part *p)
{
	uint32_t n = 0;

	while (n < p->count && p->batch->spans[p->first + n].dropped)
		n++;
	return n < p->count ? n + 1 : n;
}

/* As much of p as fits, something at least when `needed`. */
static struct toll_part cut(const struct toll_part *p, size_t room, bool needed)
{
	struct toll_part head = *p;
	size_t size;

	head.count = toll_otlp_fit(p->batch, p->first, p->first + p->count, room, &size);
	if (needed && !toll_part_kept(&head))
		head.count = up_to_one(p);
	return head;
}

/* False: nothing fits any more. */
static bool append(struct toll_otlp_piece *piece, uint32_t i, struct toll_part p, size_t max_bytes)
{
	size_t size = encoded_size(&p), room = max_bytes - piece->size;
	uint32_t all = p.count;

	if (piece->size >= max_bytes && piece->kept)
		return false;
	if (size > room) {
		p = cut(&p, room, !piece->kept);
		size = encoded_size(&p);
	}
	if (!p.count)
		return false;
	if (!piece->kept) {
		piece->part = i;
		piece->first = p.first;
	}
	piece->last_part = i;
	piece->end = p.first + p.count;
	piece->kept += toll_part_kept(&p);
	piece->size += size;
	return p.count == all;
}

bool toll_otlp_piece_next(const struct toll_delivery *d, uint32_t done, size_t max_bytes,
                          struct toll_otlp_piece *ret)
{
	struct toll_otlp_piece piece = { .delivery = d };

	for (uint32_t i = 0; i < d->part_count; i++) {
		const struct toll_part rest = toll_part_after(&d->parts[i], &done);

		if (!rest.count || !toll_part_kept(&rest))
			continue;
		if (!append(&piece, i, rest, max_bytes))
			break;
	}
	*ret = piece;
	return piece.kept > 0;
}

static struct toll_part part_at(const struct toll_otlp_piece *piece, uint32_t i)
{
	struct toll_part p = piece->delivery->parts[i];
	uint32_t end = i == piece->last_part ? piece->end : p.first + p.count;

	if (i == piece->part)
		p.first = piece->first;
	p.count = end - p.first;
	return p;
}

void toll_otlp_piece_encode(const struct toll_otlp_piece *p, char *out)
{
	for (uint32_t i = p->part; i <= p->last_part; i++) {
		const struct toll_part part = part_at(p, i);
		const struct toll_selection sel = selection(&part);

		out = toll_otlp_encode(&sel, out);
	}
}

struct toll_lost toll_otlp_piece_lost(const struct toll_otlp_piece *p)
{
	struct toll_lost lost = { 0 };

	for (uint32_t i = p->part; i <= p->last_part; i++) {
		const struct toll_part part = part_at(p, i);

		toll_lost_add(&lost, &part);
	}
	return lost;
}

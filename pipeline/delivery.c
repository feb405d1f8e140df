/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/delivery.h"

#include <stdlib.h>

#include "pipeline/part.h"

uint32_t toll_flight_count_parts(const struct toll_queue *q, uint64_t enough, uint64_t max)
{
	uint64_t spans = 0;
	uint32_t parts = 0;

	for (const struct toll_entry *e = q->first; e && spans < max; e = e->next) {
		if (parts && spans >= enough)
			break;
		spans += e->kept_left;
		parts++;
	}
	return parts;
}

struct toll_flight *toll_flight_new(struct toll_queue *q, uint32_t parts, uint64_t max,
                                    uint64_t now_ns)
{
	size_t each = sizeof(struct toll_part) + sizeof(struct toll_entry *);
	struct toll_flight *f = malloc(sizeof(*f) + parts * each);
	uint64_t left = max;

	if (!f)
		return NULL;
	*f = (struct toll_flight){ .given = { .parts = f->parts, .part_count = parts } };
	f->backoff.first_ns = now_ns;
	f->entries = (struct toll_entry **)(void *)(f->parts + parts);
	for (uint32_t i = 0; i < parts; i++) {
		uint32_t most = left < UINT32_MAX ? (uint32_t)left : UINT32_MAX;
		uint32_t kept = toll_queue_take(q, most, &f->parts[i], &f->entries[i]);

		f->given.span_count += kept;
		left -= kept;
	}
	return f;
}

void toll_flight_settle(struct toll_flight *f, struct toll_queue *q, int err,
                        struct toll_entry **done)
{
	for (uint32_t i = 0; i < f->given.part_count; i++) {
		struct toll_entry *e = f->entries[i];

		if (!e->err)
			e->err = err;
		if (--e->open_parts || e->kept_left)
			continue;
		toll_queue_answered(q, e);
		e->next = *done;
		*done = e;
	}
}

struct toll_lost toll_flight_lost(const struct toll_flight *f)
{
	struct toll_lost lost = { 0 };
	uint32_t skip = f->done_count;

	for (uint32_t i = 0; i < f->given.part_count; i++) {
		const struct toll_part rest = toll_part_after(&f->parts[i], &skip);

		toll_lost_add(&lost, &rest);
	}
	return lost;
}

struct toll_lost toll_flight_left(const struct toll_flight *f, uint32_t *ret_settled)
{
	struct toll_lost left = { 0 };
	uint32_t skip = f->done_count, kept = 0;

	for (uint32_t i = 0; i < f->given.part_count; i++) {
		const struct toll_part rest = toll_part_after(&f->parts[i], &skip);

		if (toll_entry_is_safe(f->entries[i]))
			continue;
		kept += toll_part_kept(&f->parts[i]);
		toll_lost_add(&left, &rest);
	}
	*ret_settled = kept - (uint32_t)left.spans;
	return left;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/part.h"

#include "proto/batch.h"

uint32_t toll_part_kept(const struct toll_part *p)
{
	const struct toll_span *s = p->batch->spans + p->first;
	uint32_t kept = 0;

	if (p->batch->kept_count == p->batch->span_count)
		return p->count;
	for (uint32_t i = 0; i < p->count; i++)
		kept += !s[i].dropped;
	return kept;
}

struct toll_part toll_part_after(const struct toll_part *p, uint32_t *skip)
{
	struct toll_part rest = *p;

	for (; rest.count && *skip; rest.count--)
		if (!p->batch->spans[rest.first++].dropped)
			--*skip;
	return rest;
}

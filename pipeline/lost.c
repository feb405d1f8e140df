/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/lost.h"

#include <stdio.h>
#include <string.h>

#include "proto/sampling.h"

#define PICO_PER_USD UINT64_C(1000000000000)

static uint64_t worth(const struct toll_span *s)
{
	toll_i128 pico = s->cost_state == TOLL_COST_PRICED ? toll_span_total_pico(s) : 0;

	if (pico <= 0)
		return 0;
	return pico > (toll_i128)UINT64_MAX ? UINT64_MAX : (uint64_t)pico;
}

static void add_pico(struct toll_lost *l, uint64_t pico)
{
	if (__builtin_add_overflow(l->pico, pico, &l->pico))
		l->pico = UINT64_MAX;
}

void toll_lost_join(struct toll_lost *l, struct toll_lost more)
{
	l->spans += more.spans;
	add_pico(l, more.pico);
}

void toll_lost_add(struct toll_lost *l, const struct toll_part *part)
{
	const struct toll_span *s = part->batch->spans + part->first;

	for (const struct toll_span *end = s + part->count; s < end; s++) {
		if (s->dropped)
			continue;
		l->spans++;
		add_pico(l, worth(s));
	}
}

const char *toll_lost_dollars(const struct toll_lost *l, char buf[TOLL_LOST_TEXT])
{
	int n = snprintf(buf, TOLL_LOST_TEXT, "$%llu.%012llu",
	                 (unsigned long long)(l->pico / PICO_PER_USD),
	                 (unsigned long long)(l->pico % PICO_PER_USD));
	char *end = buf + n, *cents = strchr(buf, '.') + 3;

	while (end > cents && end[-1] == '0')
		*--end = '\0';
	return buf;
}

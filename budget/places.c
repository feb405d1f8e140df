/* SPDX-License-Identifier: Apache-2.0 */
#include "budget/places.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "budget/subject.h"

uint32_t toll_places(double fraction, uint32_t subjects)
{
	/* 0.2 x 50 is 10, whatever doubles make of it. */
	double places = ceil(fraction * subjects - 1e-9);

	if (!(places >= 1))
		return 1;
	return places < UINT32_MAX ? (uint32_t)places : UINT32_MAX;
}

uint64_t toll_places_kind(struct toll_slice key)
{
	uint64_t kind = 0;

	if (!memchr(key.ptr, ':', key.len))
		return 0;
	while (key.len > 0) {
		kind = toll_hash_seeded(toll_subject_part(&key), kind);
		if (key.len > 0)
			toll_subject_part(&key);
	}
	return kind ? kind : 1;
}

static int importance(enum toll_criticality c)
{
	return c == TOLL_CRITICALITY_UNKNOWN ? TOLL_CRITICALITY_MEDIUM : (int)c;
}

static int compare_keys(struct toll_slice a, struct toll_slice b)
{
	int order = memcmp(a.ptr, b.ptr, a.len < b.len ? a.len : b.len);

	return order ? order : (a.len > b.len) - (a.len < b.len);
}

static int compare(const void *left, const void *right)
{
	const struct toll_contender *a = left, *b = right;

	if (a->kind != b->kind)
		return a->kind < b->kind ? -1 : 1;
	if (importance(a->criticality) != importance(b->criticality))
		return importance(a->criticality) - importance(b->criticality);
	if (a->ratio != b->ratio)
		return a->ratio > b->ratio ? -1 : 1;
	return compare_keys(a->key, b->key);
}

void toll_places_rank(struct toll_contender *at, uint32_t count)
{
	if (count > 1)
		qsort(at, count, sizeof(*at), compare);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* equal.c - do two sets of settings say the same? What a reload leaves alone depends on it. */
#include "config/schema.h"

static bool lists_equal(const struct toll_slice_list *a, const struct toll_slice_list *b)
{
	if (a->count != b->count)
		return false;
	for (size_t i = 0; i < a->count; i++)
		if (!toll_slice_eq(a->at[i], b->at[i]))
			return false;
	return true;
}

/* In the order of the file: for some maps (headers) it is what the user sees. */
static bool maps_equal(const struct toll_pair_list *a, const struct toll_pair_list *b)
{
	if (a->count != b->count)
		return false;
	for (size_t i = 0; i < a->count; i++)
		if (!toll_slice_eq(a->at[i].key, b->at[i].key) ||
		    !toll_slice_eq(a->at[i].value, b->at[i].value))
			return false;
	return true;
}

/* An absent list is not an empty one: for some of them that means something else. */
static bool groups_equal(const struct toll_field *f, const struct toll_group_list *a,
                         const struct toll_group_list *b)
{
	const char *one = a->at, *other = b->at;

	if (a->count != b->count || !a->at != !b->at)
		return false;
	for (size_t i = 0; one && other && i < a->count; i++)
		if (!toll_fields_equal(f->group, one + i * f->group_size,
		                       other + i * f->group_size))
			return false;
	return true;
}

static bool anys_equal(const struct toll_any *a, const struct toll_any *b)
{
	return a->type == b->type && toll_slice_eq(a->text, b->text);
}

static bool values_equal(const struct toll_field *f, const void *a, const void *b)
{
	switch (f->type) {
	case TOLL_FIELD_BOOL:
		return *(const bool *)a == *(const bool *)b;
	case TOLL_FIELD_INT:
	case TOLL_FIELD_MONEY:
	case TOLL_FIELD_SIZE:
	case TOLL_FIELD_DURATION:
	case TOLL_FIELD_RATIO:
		return memcmp(a, b, sizeof(uint64_t)) == 0;
	case TOLL_FIELD_ENUM:
		return *(const int *)a == *(const int *)b;
	case TOLL_FIELD_STRING:
	case TOLL_FIELD_SECRET:
		return toll_slice_eq(*(const struct toll_slice *)a, *(const struct toll_slice *)b);
	case TOLL_FIELD_LIST:
		return lists_equal(a, b);
	case TOLL_FIELD_MAP:
		return maps_equal(a, b);
	case TOLL_FIELD_GROUP:
		return toll_fields_equal(f->group, a, b);
	case TOLL_FIELD_GROUPS:
		return groups_equal(f, a, b);
	case TOLL_FIELD_ANY:
		return anys_equal(a, b);
	}
	return false;
}

static bool field_equal(const struct toll_field *f, const char *a, const char *b)
{
	/* Of the struct around the group, where parse.c sets it. */
	if (f->present && *(const bool *)(a + f->present) != *(const bool *)(b + f->present))
		return false;
	return values_equal(f, a + f->offset, b + f->offset);
}

bool toll_fields_equal(const struct toll_field *fields, const void *a, const void *b)
{
	for (const struct toll_field *f = fields; f->name; f++)
		if (!f->alias_of && !f->later && !field_equal(f, a, b))
			return false;
	return true;
}

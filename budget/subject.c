/* SPDX-License-Identifier: Apache-2.0 */
#include "budget/subject.h"

#include <stdio.h>
#include <string.h>

#include "base/macro.h"
#include "cost/name.h"

#define SERVICE   TOLL_SLICE("service")
#define VALUE_MIN 24u /* a few bytes and a hash */

/* ---- keys ---- */

static bool is_service_alone(const struct toll_slice *dimensions, uint32_t count)
{
	return count == 1 && toll_slice_eq(dimensions[0], SERVICE);
}

/* What each value may take, so that all of them fit; 0: they cannot. */
static size_t value_room(const struct toll_slice *dimensions, uint32_t count)
{
	size_t names = 2 * (size_t)count - 1, room; /* and the colons */

	for (uint32_t i = 0; i < count; i++)
		names += dimensions[i].len;
	room = names < TOLL_SUBJECT_MAX ? (TOLL_SUBJECT_MAX - names) / count : 0;
	if (room < VALUE_MIN)
		return 0;
	return room < TOLL_NAME_MAX ? room : TOLL_NAME_MAX;
}

size_t toll_subject_key(const struct toll_slice *dimensions, const struct toll_slice *values,
                        uint32_t count, char out[TOLL_SUBJECT_MAX])
{
	size_t room = value_room(dimensions, count), len = 0;

	if (is_service_alone(dimensions, count))
		return toll_name_encode(values[0], out);
	if (room == 0)
		return 0;
	for (uint32_t i = 0; i < count; i++) {
		if (i)
			out[len++] = ':';
		memcpy(out + len, dimensions[i].ptr, dimensions[i].len);
		len += dimensions[i].len;
		out[len++] = ':';
		len += toll_name_encode_short(values[i], room, out + len);
	}
	return len;
}

/* The names of a kind's dimensions. */
static uint32_t names_of(const struct toll_subjects *s, uint32_t kind,
                         struct toll_slice names[TOLL_SUBJECT_DIMENSIONS])
{
	const struct toll_subject_kind *k = &s->kinds[kind];

	for (uint32_t i = 0; i < k->count; i++)
		names[i] = s->dimensions[k->at[i]].name;
	return k->count;
}

size_t toll_subjects_key(const struct toll_subjects *s, uint32_t kind,
                         const struct toll_slice *values, char out[TOLL_SUBJECT_MAX])
{
	struct toll_slice names[TOLL_SUBJECT_DIMENSIONS];
	uint32_t count = names_of(s, kind, names);

	return toll_subject_key(names, values, count, out);
}

size_t toll_subjects_overflow_key(const struct toll_subjects *s, uint32_t kind,
                                  char out[TOLL_SUBJECT_MAX])
{
	struct toll_slice values[TOLL_SUBJECT_DIMENSIONS];

	for (uint32_t i = 0; i < TOLL_SUBJECT_DIMENSIONS; i++)
		values[i] = TOLL_SLICE(TOLL_NAME_OVERFLOW);
	return toll_subjects_key(s, kind, values, out);
}

struct toll_slice toll_subject_part(struct toll_slice *rest)
{
	const char *colon = rest->len ? memchr(rest->ptr, ':', rest->len) : NULL;
	struct toll_slice part = *rest;

	if (colon)
		part.len = (size_t)(colon - rest->ptr);
	rest->ptr += part.len + (colon != NULL);
	rest->len -= part.len + (colon != NULL);
	return part;
}

/* False: the part is empty, or there is nothing behind its ':'. */
static bool cut_part(struct toll_slice *rest, struct toll_slice *ret)
{
	const size_t before = rest->len;

	*ret = toll_subject_part(rest);
	return ret->len > 0 && ret->len + 1 != before;
}

static bool find_kind(const struct toll_subjects *s, const struct toll_slice *names, uint32_t count,
                      uint32_t *ret)
{
	for (uint32_t i = 0; i < s->kind_count; i++) {
		struct toll_slice its[TOLL_SUBJECT_DIMENSIONS];
		bool same = names_of(s, i, its) == count;

		for (uint32_t k = 0; k < count && same; k++)
			same = toll_slice_eq(its[k], names[k]);
		if (same) {
			*ret = i;
			return true;
		}
	}
	return false;
}

static struct toll_slice decode(struct toll_slice part, char **text)
{
	struct toll_slice value = toll_slice(*text, toll_name_decode(part, *text));

	*text += value.len;
	return value;
}

bool toll_subjects_read(const struct toll_subjects *s, struct toll_slice key,
                        struct toll_subject *ret, char text[TOLL_SUBJECT_MAX])
{
	struct toll_slice names[TOLL_SUBJECT_DIMENSIONS] = { SERVICE }, part;
	uint32_t count = 0;
	bool plain;

	if (key.len == 0 || key.len > TOLL_SUBJECT_MAX)
		return false;
	plain = !memchr(key.ptr, ':', key.len);
	if (plain && key.len > TOLL_NAME_MAX)
		return false;
	if (plain)
		ret->values[count++] = decode(key, &text);
	while (key.len && memchr(key.ptr, ':', key.len)) {
		if (count == TOLL_SUBJECT_DIMENSIONS || !cut_part(&key, &names[count]) ||
		    !cut_part(&key, &part) || part.len > TOLL_NAME_MAX)
			return false;
		ret->values[count++] = decode(part, &text);
		if (key.len && !memchr(key.ptr, ':', key.len))
			return false;
	}
	return find_kind(s, names, count, &ret->kind) && plain == (ret->kind == 0);
}

/* ---- the kinds of a configuration ---- */

static int copy_dimension(struct toll_budget_dimension *d, struct toll_arena *arena)
{
	bool whole = true;

	d->name = toll_arena_dup(arena, d->name);
	for (uint32_t i = 0; i < d->key_count; i++) {
		d->keys[i].name = toll_arena_dup(arena, d->keys[i].name);
		whole = whole && d->keys[i].name.ptr;
	}
	return whole && d->name.ptr ? 0 : TOLL_ENOMEM;
}

static int add_dimension(struct toll_subjects *s, const struct toll_budget_settings *set,
                         struct toll_slice name, struct toll_arena *arena, uint8_t *ret,
                         struct toll_error *reterr)
{
	struct toll_budget_dimension *d = &s->dimensions[s->dimension_count];
	int err;

	for (uint32_t i = 0; i < s->dimension_count; i++)
		if (toll_slice_eq(s->dimensions[i].name, name)) {
			*ret = (uint8_t)i;
			return 0;
		}
	if (s->dimension_count == TOLL_DIMENSIONS_MAX)
		return toll_fail(reterr, TOLL_ECONFIG, "more than %d dimensions",
		                 TOLL_DIMENSIONS_MAX);
	err = toll_dimension_find(set, name, d, reterr);
	if (err)
		return err;
	if (copy_dimension(d, arena) < 0)
		return toll_fail(reterr, TOLL_ENOMEM, "out of memory");
	*ret = (uint8_t)s->dimension_count++;
	return 0;
}

/* "tenant,service" */
static struct toll_slice label_of(const struct toll_subjects *s, const struct toll_subject_kind *k,
                                  struct toll_arena *arena)
{
	char text[TOLL_SUBJECT_DIMENSIONS * (TOLL_DIMENSION_NAME_MAX + 1)];
	size_t len = 0;

	for (uint32_t i = 0; i < k->count; i++) {
		struct toll_slice name = s->dimensions[k->at[i]].name;

		if (i)
			text[len++] = ',';
		memcpy(text + len, name.ptr, name.len);
		len += name.len;
	}
	return toll_arena_dup(arena, toll_slice(text, len));
}

/* k is in the order of keys. */
static int add_kind(struct toll_subjects *s, struct toll_subject_kind k, struct toll_arena *arena,
                    uint32_t *ret, struct toll_error *reterr)
{
	for (uint32_t i = 0; i < s->kind_count; i++)
		if (s->kinds[i].count == k.count && memcmp(s->kinds[i].at, k.at, k.count) == 0) {
			*ret = i;
			return 0;
		}
	if (s->kind_count == TOLL_KINDS_MAX)
		return toll_fail(reterr, TOLL_ECONFIG, "more than %d combinations of dimensions",
		                 TOLL_KINDS_MAX);
	for (uint32_t i = 0; i < k.count; i++)
		k.by_span = k.by_span || s->dimensions[k.at[i]].by_span;
	k.label = label_of(s, &k, arena);
	if (!k.label.ptr)
		return toll_fail(reterr, TOLL_ENOMEM, "out of memory");
	s->by_span = s->by_span || k.by_span;
	*ret = s->kind_count;
	s->kinds[s->kind_count++] = k;
	return 0;
}

int toll_subjects_init(struct toll_subjects *s, const struct toll_budget_settings *set,
                       struct toll_arena *arena, char at[64], struct toll_error *reterr)
{
	struct toll_subject_kind service = { .count = 1 };
	uint32_t kind;
	int err = toll_dimensions_check(set, at, reterr);

	*s = (struct toll_subjects){ 0 };
	if (!err)
		err = add_dimension(s, set, SERVICE, arena, &service.at[0], reterr);
	return err ? err : add_kind(s, service, arena, &kind, reterr);
}

/* Into the order of keys: at most four, so by insertion. */
static void insert(const struct toll_subjects *s, struct toll_subject_kind *k,
                   struct toll_slice *globs, uint8_t dimension, struct toll_slice glob)
{
	uint32_t i = k->count++;

	for (; i > 0 && toll_dimension_order(s->dimensions[k->at[i - 1]].name,
	                                     s->dimensions[dimension].name) > 0;
	     i--) {
		k->at[i] = k->at[i - 1];
		globs[i] = globs[i - 1];
	}
	k->at[i] = dimension;
	globs[i] = glob;
}

int toll_subjects_add(struct toll_subjects *s, const struct toll_budget_settings *set,
                      const struct toll_pair_list *match, struct toll_arena *arena,
                      uint32_t *ret_kind, struct toll_slice globs[TOLL_SUBJECT_DIMENSIONS],
                      struct toll_slice *at, struct toll_error *reterr)
{
	static const struct toll_pair any = { { "service", 7 }, { "*", 1 } };
	const struct toll_pair *pairs = match->count ? match->at : &any;
	size_t count = match->count ? match->count : 1;
	struct toll_subject_kind k = { 0 };

	*at = toll_slice("", 0);
	if (count > TOLL_SUBJECT_DIMENSIONS)
		return toll_fail(reterr, TOLL_ECONFIG, "names more than %d dimensions",
		                 TOLL_SUBJECT_DIMENSIONS);
	for (size_t i = 0; i < count; i++) {
		struct toll_slice glob = toll_arena_dup(arena, pairs[i].value);
		uint8_t dimension = 0;
		int err = add_dimension(s, set, pairs[i].key, arena, &dimension, reterr);

		*at = pairs[i].key;
		if (err)
			return err;
		if (pairs[i].value.len == 0 || !glob.ptr)
			return toll_fail(reterr, TOLL_ECONFIG,
			                 "needs a value; \"*\" matches every one");
		insert(s, &k, globs, dimension, glob);
	}
	*at = toll_slice("", 0);
	return add_kind(s, k, arena, ret_kind, reterr);
}

/* ---- matching ---- */

static bool is_sum(struct toll_slice value)
{
	return toll_slice_is(value, TOLL_VALUE_UNATTRIBUTED) ||
	       toll_slice_is(value, TOLL_NAME_OVERFLOW);
}

bool toll_subject_match(struct toll_slice glob, struct toll_slice value)
{
	return is_sum(value) ? toll_slice_eq(glob, value) : toll_name_match(glob, value);
}

bool toll_subject_concerns(struct toll_slice glob, struct toll_slice value)
{
	return is_sum(value) || toll_name_match(glob, value);
}

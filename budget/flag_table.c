/* SPDX-License-Identifier: Apache-2.0 */
#include "budget/flag_table.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/macro.h"
#include "budget/subject.h"
#include "cost/name.h"

#define SERVICE TOLL_SLICE("service")

/* ---- keys ---- */

size_t toll_flag_key(const struct toll_flag_kind *kind, const struct toll_slice *values, char *out)
{
	return toll_subject_key(kind->dimensions, values, kind->count, out);
}

/* False: it is no key that a question could be made into. */
static bool read_kind(struct toll_slice key, struct toll_flag_kind *ret)
{
	*ret = (struct toll_flag_kind){ { { NULL, 0 } }, 0 };
	if (key.len == 0 || key.len > TOLL_SUBJECT_MAX)
		return false;
	if (!memchr(key.ptr, ':', key.len)) {
		ret->dimensions[ret->count++] = SERVICE;
		return true;
	}
	while (key.len > 0) {
		struct toll_slice name = toll_subject_part(&key);

		if (ret->count == TOLL_KIND_DIMENSIONS_MAX || name.len == 0 ||
		    name.len > TOLL_NAME_MAX || key.len == 0)
			return false;
		ret->dimensions[ret->count++] = name;
		toll_subject_part(&key);
	}
	return true;
}

static bool kinds_equal(const struct toll_flag_kind *a, const struct toll_flag_kind *b)
{
	for (unsigned i = 0; i < a->count; i++)
		if (i == b->count || !toll_slice_eq(a->dimensions[i], b->dimensions[i]))
			return false;
	return a->count == b->count;
}

static void add_kind(struct toll_flag_table *t, struct toll_slice key)
{
	struct toll_flag_kind kind;

	if (t->kind_count == TOLL_FLAG_KINDS_MAX || !read_kind(key, &kind))
		return;
	for (unsigned i = 0; i < t->kind_count; i++)
		if (kinds_equal(&t->kinds[i], &kind))
			return;
	t->kinds[t->kind_count++] = kind;
}

/* ---- life ---- */

static void destroy(struct toll_shared *shared)
{
	struct toll_flag_table *t = toll_container_of(shared, struct toll_flag_table, shared);

	toll_table_release(&t->by_subject);
	free(t->flags);
	free(t->text);
	free(t);
}

static size_t text_bytes(const struct toll_flag *flags, uint32_t count)
{
	size_t bytes = 1;

	for (uint32_t i = 0; i < count; i++)
		bytes += flags[i].subject.len;
	return bytes;
}

static int add(struct toll_flag_table *t, const struct toll_flag *flag, char *text)
{
	struct toll_flag *own;
	uint32_t *at;
	bool added;

	if (flag->subject.len == 0)
		return 0;
	memcpy(text, flag->subject.ptr, flag->subject.len);
	if (toll_table_insert(&t->by_subject, toll_slice(text, flag->subject.len), &at, &added) < 0)
		return TOLL_ENOMEM;
	if (added)
		*at = t->count++;
	own = &t->flags[*at];
	*own = *flag;
	own->subject = toll_slice(text, flag->subject.len);
	if (added)
		add_kind(t, own->subject);
	return 0;
}

struct toll_flag_table *toll_flag_table_new(const struct toll_flag *flags, uint32_t count)
{
	struct toll_flag_table *t = calloc(1, sizeof(*t));
	size_t used = 0;

	if (!t)
		return NULL;
	toll_shared_init(&t->shared, destroy);
	t->flags = calloc(count + 1, sizeof(*t->flags));
	t->text = malloc(text_bytes(flags, count));
	if (!t->flags || !t->text || toll_table_init(&t->by_subject, count + 1) < 0)
		goto fail;
	for (uint32_t i = 0; i < count; i++) {
		if (add(t, &flags[i], t->text + used) < 0)
			goto fail;
		used += flags[i].subject.len;
	}
	return t;
fail:
	toll_shared_unref(&t->shared);
	return NULL;
}

const struct toll_flag *toll_flag_table_find(const struct toll_flag_table *t,
                                             struct toll_slice subject)
{
	const uint32_t *at = toll_table_find(&t->by_subject, subject);

	return at ? &t->flags[*at] : NULL;
}

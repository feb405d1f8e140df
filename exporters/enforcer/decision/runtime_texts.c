/* SPDX-License-Identifier: Apache-2.0 */
#include "exporters/enforcer/decision/runtime_texts.h"

#include <stdlib.h>
#include <string.h>

void toll_runtime_texts_release(struct toll_runtime_texts *t)
{
	free(t->memory);
	*t = (struct toll_runtime_texts){ 0 };
}

int toll_runtime_texts_init(struct toll_runtime_texts *t, size_t bytes)
{
	*t = (struct toll_runtime_texts){ .memory = malloc(bytes + 1) };
	return t->memory ? 0 : TOLL_ENOMEM;
}

static struct toll_slice copy_to(char *at, struct toll_slice s)
{
	if (s.len)
		memcpy(at, s.ptr, s.len);
	return toll_slice(at, s.len);
}

void toll_runtime_texts_add(struct toll_runtime_texts *t, struct toll_slice name,
                            struct toll_slice text)
{
	const struct toll_budget_text *last = t->count ? &t->at[t->count - 1] : NULL;
	char *at = last ? t->memory + (last->text.ptr - t->memory) + last->text.len : t->memory;
	struct toll_budget_text *next = &t->at[t->count++];

	next->name = copy_to(at, name);
	next->text = copy_to(at + name.len, text);
}

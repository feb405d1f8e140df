/* SPDX-License-Identifier: Apache-2.0 */
#include "prices/edition.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/hash.h"
#include "cost/pricebook.h"

_Static_assert(offsetof(struct toll_edition, shared) == 0, "a toll_shared is cast to it");

static void destroy(struct toll_shared *shared)
{
	struct toll_edition *e = toll_container_of(shared, struct toll_edition, shared);

	for (uint32_t i = 0; i < e->count; i++) {
		free(e->documents[i].own_name);
		free(e->documents[i].own_text);
	}
	if (e->book)
		toll_shared_unref(toll_pricebook_shared(e->book));
	free(e);
}

struct toll_edition *toll_edition_new(void)
{
	struct toll_edition *e = calloc(1, sizeof(*e));

	if (!e)
		return NULL;
	toll_shared_init(&e->shared, destroy);
	snprintf(e->version, sizeof(e->version), "%016d", 0);
	return e;
}

struct toll_edition *toll_edition_ref(struct toll_edition *e)
{
	if (e)
		toll_shared_ref(&e->shared);
	return e;
}

struct toll_edition *toll_edition_unref(struct toll_edition *e)
{
	if (e)
		toll_shared_unref(&e->shared);
	return NULL;
}

/* The version so far goes into the next one: an order of documents is part of what they say. */
static void add_version(struct toll_edition *e, struct toll_slice text)
{
	uint64_t before = strtoull(e->version, NULL, 16);

	snprintf(e->version, sizeof(e->version), "%016" PRIx64, toll_hash_seeded(text, before));
}

/* Names come from configuration files and from peers, and go into the log and the cache. */
static char *copy_name(struct toll_slice name)
{
	struct toll_slice cut = toll_slice_cut(name, TOLL_EDITION_NAME_MAX);
	char *copy = malloc(cut.len + 1);

	if (!copy)
		return NULL;
	for (size_t i = 0; i < cut.len; i++) {
		unsigned char c = (unsigned char)cut.ptr[i];

		copy[i] = (char)(c < ' ' || c == 0x7f ? '_' : c);
	}
	copy[cut.len] = '\0';
	return copy;
}

/* own_text NULL: it is borrowed. */
static int add(struct toll_edition *e, struct toll_slice name, struct toll_slice text,
               char *own_text)
{
	size_t bytes = own_text ? text.len : 0;
	char *copy;

	if (e->count >= TOLL_EDITION_DOCUMENTS)
		return TOLL_EFULL;
	if (bytes > TOLL_EDITION_MAX_BYTES - e->bytes)
		return TOLL_ETOOBIG;
	copy = copy_name(name);
	if (!copy)
		return TOLL_ENOMEM;
	e->documents[e->count++] =
		(struct toll_edition_document){ toll_slice(copy, strlen(copy)), text, !own_text,
		                                copy, own_text };
	e->bytes += bytes;
	add_version(e, text);
	return 0;
}

int toll_edition_add(struct toll_edition *e, struct toll_slice name, char *take_text, size_t len)
{
	int err = add(e, name, toll_slice(take_text, len), take_text);

	if (err)
		free(take_text);
	return err;
}

int toll_edition_add_borrowed(struct toll_edition *e, struct toll_slice name,
                              struct toll_slice text)
{
	return add(e, name, text, NULL);
}

int toll_edition_add_copy(struct toll_edition *e, struct toll_slice name, struct toll_slice text)
{
	char *copy = malloc(text.len + 1);

	if (!copy)
		return TOLL_ENOMEM;
	if (text.len)
		memcpy(copy, text.ptr, text.len);
	copy[text.len] = '\0';
	return toll_edition_add(e, name, copy, text.len);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* host_keep.c - state that belongs to an id and outlives its component: a reload puts another one
 * in its place. Main thread. */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/host_private.h"

struct toll_host_kept {
	struct toll_host_kept *next;
	unsigned users;
	void (*release)(void *state);
	char *key; /* "what/id" */
	_Alignas(max_align_t) char state[];
};

static struct toll_host_kept *find(const struct toll_host *h, const char *key)
{
	struct toll_host_kept *k = h->kept;

	while (k && strcmp(k->key, key) != 0)
		k = k->next;
	return k;
}

static struct toll_host_kept *add(struct toll_host *h, const char *key, size_t size,
                                  void (*release)(void *state))
{
	struct toll_host_kept *k = calloc(1, sizeof(*k) + size);

	if (k)
		k->key = strdup(key);
	if (!k || !k->key) {
		free(k);
		return NULL;
	}
	k->release = release;
	k->next = h->kept;
	h->kept = k;
	return k;
}

void *toll_host_keep(struct toll_host *h, const char *what, const char *id, size_t size,
                     void (*release)(void *state))
{
	struct toll_host_kept *k;
	char *key;

	if (asprintf(&key, "%s/%s", what, id) < 0)
		return NULL;
	k = find(h, key);
	if (!k)
		k = add(h, key, size, release);
	free(key);
	if (!k)
		return NULL;
	k->users++;
	return k->state;
}

void toll_host_let_go(struct toll_host *h, void *state)
{
	struct toll_host_kept **at = &h->kept, *k;

	while ((k = *at) && (void *)k->state != state)
		at = &k->next;
	if (!k || --k->users)
		return;
	*at = k->next;
	if (k->release)
		k->release(k->state);
	free(k->key);
	free(k);
}

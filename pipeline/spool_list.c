/* SPDX-License-Identifier: Apache-2.0 */
/* spool_list.c - all journals of the process, and where the one of a pipeline is. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/host.h"
#include "pipeline/spool_private.h"

struct toll_spools {
	bool ready;
	pthread_mutex_t lock; /* guards the list; main thread changes it */
	struct toll_spool *first;
};

/* ---- names ---- */

static bool is_plain(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '-' || c == '_';
}

/* No byte of a name has a meaning in a path then, not even a dot. */
char *toll_spool_path(const char *directory, const char *pipeline)
{
	static const char hex[] = "0123456789ABCDEF";
	char *path = malloc(strlen(directory) + 3 * strlen(pipeline) + 2), *at;

	if (!path)
		return NULL;
	at = stpcpy(stpcpy(path, directory), "/");
	for (const char *c = pipeline; *c; c++) {
		if (is_plain(*c)) {
			*at++ = *c;
			continue;
		}
		*at++ = '%';
		*at++ = hex[(unsigned char)*c >> 4];
		*at++ = hex[(unsigned char)*c & 15];
	}
	*at = '\0';
	return path;
}

/* ---- all of them ---- */

static void release_all(void *state)
{
	struct toll_spools *all = state;

	if (all->ready)
		pthread_mutex_destroy(&all->lock);
}

struct toll_spools *toll_spools_get(struct toll_host *h)
{
	struct toll_spools *all = toll_host_keep(h, "spools", "", sizeof(*all), release_all);

	if (all && !all->ready) {
		pthread_mutex_init(&all->lock, NULL);
		all->ready = true;
	}
	return all;
}

void toll_spools_let_go(struct toll_host *h, struct toll_spools *all)
{
	if (all)
		toll_host_let_go(h, all);
}

static bool lies_in(const char *path, const char *directory)
{
	size_t len = strlen(directory);

	return strncmp(path, directory, len) == 0 && path[len] == '/' &&
	       !strchr(path + len + 1, '/');
}

void toll_spools_each(struct toll_spools *all, const char *directory,
                      void (*fn)(void *ctx, const struct toll_spool *s), void *ctx)
{
	pthread_mutex_lock(&all->lock);
	for (const struct toll_spool *s = all->first; s; s = s->next)
		if (lies_in(s->directory, directory))
			fn(ctx, s);
	pthread_mutex_unlock(&all->lock);
}

void toll_spools_set_size(struct toll_spools *all, struct toll_spool *s, uint64_t max_bytes)
{
	pthread_mutex_lock(&all->lock);
	s->max_bytes = max_bytes;
	pthread_mutex_unlock(&all->lock);
}

void toll_spools_add(struct toll_spools *all, struct toll_spool *s)
{
	pthread_mutex_lock(&all->lock);
	s->next = all->first;
	all->first = s;
	pthread_mutex_unlock(&all->lock);
}

void toll_spools_remove(struct toll_spools *all, const struct toll_spool *s)
{
	struct toll_spool **at = &all->first;

	pthread_mutex_lock(&all->lock);
	while (*at && *at != s)
		at = &(*at)->next;
	if (*at)
		*at = s->next;
	pthread_mutex_unlock(&all->lock);
}

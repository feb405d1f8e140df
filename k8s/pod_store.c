/* SPDX-License-Identifier: Apache-2.0 */
#include "k8s/pod_store.h"

#include <stdlib.h>
#include <string.h>

#include "base/macro.h"

static struct toll_pod *pod_ref(struct toll_pod *p)
{
	toll_shared_ref(&p->shared);
	return p;
}

static void pod_unref(struct toll_pod *p)
{
	toll_shared_unref(&p->shared);
}

int toll_pod_store_init(struct toll_pod_store *s, uint32_t limit)
{
	*s = (struct toll_pod_store){ .limit = limit };
	return toll_table_init(&s->by_uid, limit);
}

void toll_pod_store_clear(struct toll_pod_store *s)
{
	toll_table_reset(&s->by_uid);
	for (uint32_t i = 0; i < s->count; i++)
		pod_unref(s->pods[i]);
	s->count = 0;
}

void toll_pod_store_release(struct toll_pod_store *s)
{
	toll_pod_store_clear(s);
	toll_table_release(&s->by_uid);
	free(s->pods);
	s->pods = NULL;
}

static int make_room(struct toll_pod_store *s)
{
	uint32_t room = s->room ? 2 * s->room : 64;
	struct toll_pod **pods;

	if (s->count < s->room)
		return 0;
	pods = reallocarray(s->pods, room, sizeof(struct toll_pod *));
	if (!pods)
		return TOLL_ENOMEM;
	s->pods = pods;
	s->room = room;
	return 0;
}

/* The table has no delete: it is made again, which costs as much as the table that follows. */
static int index_again(struct toll_pod_store *s)
{
	uint32_t *at;
	int err = 0;

	toll_table_reset(&s->by_uid);
	for (uint32_t i = 0; i < s->count && !err; i++) {
		err = toll_table_insert(&s->by_uid, s->pods[i]->uid, &at, NULL);
		if (!err)
			*at = i;
	}
	return err;
}

int toll_pod_store_put(struct toll_pod_store *s, struct toll_pod *take)
{
	uint32_t *at = toll_table_find(&s->by_uid, take->uid);
	int err;

	if (at) { /* the key is borrowed from the pod that goes */
		struct toll_pod *old = s->pods[*at];

		s->pods[*at] = take;
		err = index_again(s);
		pod_unref(old);
		return err;
	}
	err = make_room(s);
	if (!err)
		err = toll_table_insert(&s->by_uid, take->uid, &at, NULL);
	if (err) {
		s->refused += err == TOLL_EFULL;
		pod_unref(take);
		return err;
	}
	*at = s->count;
	s->pods[s->count++] = take;
	return 0;
}

bool toll_pod_store_remove(struct toll_pod_store *s, struct toll_slice uid)
{
	uint32_t *at = toll_table_find(&s->by_uid, uid);
	struct toll_pod *old;

	if (!at)
		return false;
	old = s->pods[*at];
	s->pods[*at] = s->pods[--s->count];
	(void)index_again(s); /* fewer than before: there is room */
	pod_unref(old);
	return true;
}

/* ---- table ---- */

static void pods_destroy(struct toll_shared *s)
{
	struct toll_pods *p = toll_container_of(s, struct toll_pods, shared);

	for (uint32_t i = 0; p->pods && i < p->count; i++)
		pod_unref(p->pods[i]);
	toll_table_release(&p->by_ip);
	toll_table_release(&p->by_uid);
	free(p->pods);
	free(p);
}

static bool is_later(struct toll_slice a, struct toll_slice b)
{
	size_t n = a.len < b.len ? a.len : b.len;
	int order = memcmp(a.ptr, b.ptr, n);

	return order ? order > 0 : a.len > b.len;
}

/* An IP is given to the next pod when one has ended: the API server may tell of both. */
static int index_ip(struct toll_pods *p, uint32_t i)
{
	uint32_t *at;
	bool added;
	int err;

	if (p->pods[i]->ip.len == 0)
		return 0;
	err = toll_table_insert(&p->by_ip, p->pods[i]->ip, &at, &added);
	if (!err && (added || is_later(p->pods[i]->started, p->pods[*at]->started)))
		*at = i;
	return err;
}

static int index_pods(struct toll_pods *p)
{
	uint32_t *at;
	int err = 0;

	for (uint32_t i = 0; i < p->count && !err; i++) {
		err = toll_table_insert(&p->by_uid, p->pods[i]->uid, &at, NULL);
		if (!err) {
			*at = i;
			err = index_ip(p, i);
		}
	}
	return err;
}

struct toll_pods *toll_pods_of(const struct toll_pod_store *s)
{
	struct toll_pods *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	toll_shared_init(&p->shared, pods_destroy);
	p->pods = calloc(s->count + 1, sizeof(struct toll_pod *));
	if (!p->pods || toll_table_init(&p->by_ip, s->limit) ||
	    toll_table_init(&p->by_uid, s->limit)) {
		pods_destroy(&p->shared);
		return NULL;
	}
	for (; p->count < s->count; p->count++)
		p->pods[p->count] = pod_ref(s->pods[p->count]);
	if (index_pods(p)) {
		pods_destroy(&p->shared);
		return NULL;
	}
	return p;
}

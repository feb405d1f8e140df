/* SPDX-License-Identifier: Apache-2.0 */
#include "k8s/pod_store.h"

#include <stdlib.h>

#include "base/macro.h"

/* ---- the store ---- */

int toll_pod_store_init(struct toll_pod_store *s, uint32_t limit)
{
	*s = (struct toll_pod_store){ .limit = limit };
	if (toll_pod_index_init(&s->by_ip, limit) == 0 &&
	    toll_pod_index_init(&s->by_uid, limit) == 0)
		return 0;
	toll_pod_store_release(s);
	return TOLL_ENOMEM;
}

void toll_pod_store_clear(struct toll_pod_store *s)
{
	toll_pod_index_clear(&s->by_ip);
	toll_pod_index_clear(&s->by_uid);
	s->count = 0;
}

void toll_pod_store_release(struct toll_pod_store *s)
{
	toll_pod_index_release(&s->by_ip);
	toll_pod_index_release(&s->by_uid);
}

static int add(struct toll_pod_store *s, struct toll_pod *p)
{
	int err = toll_pod_index_add(&s->by_uid, p->uid, p);

	for (uint32_t i = 0; i < p->ip_count && !err; i++)
		err = toll_pod_index_add(&s->by_ip, p->ips[i], p);
	s->count += !err;
	return err;
}

/* The uid at last: its reference keeps the pod. */
static int take_out(struct toll_pod_store *s, const struct toll_pod *p)
{
	int err = 0;

	for (uint32_t i = 0; i < p->ip_count && !err; i++)
		err = toll_pod_index_remove(&s->by_ip, p->ips[i], p);
	if (!err)
		err = toll_pod_index_remove(&s->by_uid, p->uid, p);
	s->count -= !err;
	return err;
}

int toll_pod_store_put(struct toll_pod_store *s, struct toll_pod *take)
{
	int err = toll_pod_store_remove(s, take->uid);

	if (!err)
		err = s->count < s->limit ? add(s, take) : TOLL_EFULL;
	s->refused += err == TOLL_EFULL;
	toll_shared_unref(&take->shared);
	return err;
}

int toll_pod_store_remove(struct toll_pod_store *s, struct toll_slice uid)
{
	const struct toll_pod *old = toll_pod_index_find(&s->by_uid, uid);

	return old ? take_out(s, old) : 0;
}

/* ---- tables ---- */

static void pods_destroy(struct toll_shared *s)
{
	struct toll_pods *p = toll_container_of(s, struct toll_pods, shared);

	toll_pod_index_release(&p->by_ip);
	toll_pod_index_release(&p->by_uid);
	free(p);
}

struct toll_pods *toll_pods_of(const struct toll_pod_store *s)
{
	struct toll_pods *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	toll_shared_init(&p->shared, pods_destroy);
	p->count = s->count;
	if (toll_pod_index_copy(&s->by_ip, &p->by_ip) == 0 &&
	    toll_pod_index_copy(&s->by_uid, &p->by_uid) == 0)
		return p;
	pods_destroy(&p->shared);
	return NULL;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "base/snapshot.h"

#include <sched.h>
#include <stddef.h>

void toll_shared_init(struct toll_shared *s, void (*destroy)(struct toll_shared *self))
{
	atomic_init(&s->refs, 1);
	s->destroy = destroy;
}

struct toll_shared *toll_shared_ref(struct toll_shared *s)
{
	if (s)
		atomic_fetch_add_explicit(&s->refs, 1, memory_order_relaxed);
	return s;
}

struct toll_shared *toll_shared_unref(struct toll_shared *s)
{
	if (s && atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel) == 1)
		s->destroy(s);
	return NULL;
}

static void lock(struct toll_snapshot *p)
{
	while (atomic_flag_test_and_set_explicit(&p->lock, memory_order_acquire))
		sched_yield();
}

static void unlock(struct toll_snapshot *p)
{
	atomic_flag_clear_explicit(&p->lock, memory_order_release);
}

struct toll_shared *toll_snapshot_get(struct toll_snapshot *p)
{
	struct toll_shared *s;

	lock(p);
	s = toll_shared_ref(p->current);
	unlock(p);
	return s;
}

void toll_snapshot_set(struct toll_snapshot *p, struct toll_shared *take_next)
{
	struct toll_shared *before;

	lock(p);
	before = p->current;
	p->current = take_next;
	unlock(p);
	toll_shared_unref(before);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* snapshot.h - an atomic, reference-counted pointer: readers hold what they read, writers swap.
 *
 * Price books, flags and configuration are published through it. Any thread. Readers take a short
 * spin lock; they come once per batch, never once per span. */
#ifndef TOLL_BASE_SNAPSHOT_H
#define TOLL_BASE_SNAPSHOT_H

#include <stdatomic.h>

/* First member of what is published. */
struct toll_shared {
	atomic_uint refs;
	void (*destroy)(struct toll_shared *self); /* after the last reference */
};

struct toll_snapshot {
	atomic_flag lock; /* guards current */
	struct toll_shared *current;
};

#define TOLL_SNAPSHOT_INIT             \
	{                              \
		ATOMIC_FLAG_INIT, NULL \
	}

void toll_shared_init(struct toll_shared *s, void (*destroy)(struct toll_shared *self));
struct toll_shared *toll_shared_ref(struct toll_shared *s);   /* NULL stays NULL */
struct toll_shared *toll_shared_unref(struct toll_shared *s); /* always returns NULL */

/* A new reference to what is published now, or NULL. */
struct toll_shared *toll_snapshot_get(struct toll_snapshot *p);
/* Publishes take_next (may be NULL) and lets go of what was there. */
void toll_snapshot_set(struct toll_snapshot *p, struct toll_shared *take_next);

#endif

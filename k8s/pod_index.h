/* SPDX-License-Identifier: Apache-2.0 */
/* pod_index.h - from a key to a pod, cheap to change and cheap to copy: buckets never change once
 * they are made, so that a change makes one bucket anew and a copy shares all of them.
 *
 * An index has one writer; copies of it may be read by any thread. */
#ifndef TOLL_K8S_POD_INDEX_H
#define TOLL_K8S_POD_INDEX_H

#include <stdint.h>

#include "base/error.h"
#include "base/slice.h"

struct toll_pod;
struct toll_pod_bucket;

struct toll_pod_index {
	struct toll_pod_bucket **buckets; /* mask + 1; NULL: empty */
	uint32_t mask;
};

/* For about so many keys; more are found more slowly. */
int toll_pod_index_init(struct toll_pod_index *x, uint32_t expected) TOLL_MUST_CHECK;
void toll_pod_index_release(struct toll_pod_index *x); /* legal twice, and on zeros */
void toll_pod_index_clear(struct toll_pod_index *x);
/* *ret shares everything with x, until either changes. */
int toll_pod_index_copy(const struct toll_pod_index *x, struct toll_pod_index *ret) TOLL_MUST_CHECK;

/* Takes a reference to the pod, in which the key lies. Several pods may have one key. */
int toll_pod_index_add(struct toll_pod_index *x, struct toll_slice key,
                       struct toll_pod *pod) TOLL_MUST_CHECK;
/* 0 as well where this pod is not under this key. */
int toll_pod_index_remove(struct toll_pod_index *x, struct toll_slice key,
                          const struct toll_pod *pod) TOLL_MUST_CHECK;

/* The pod that started last of those with this key; NULL. */
struct toll_pod *toll_pod_index_find(const struct toll_pod_index *x, struct toll_slice key);

#endif

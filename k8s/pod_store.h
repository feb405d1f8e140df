/* SPDX-License-Identifier: Apache-2.0 */
/* pod_store.h - the pods that the API server has told of, for its one writer, who publishes tables
 * of them. After TOLL_ENOMEM a part of a change may be done: clear it and begin anew. */
#ifndef TOLL_K8S_POD_STORE_H
#define TOLL_K8S_POD_STORE_H

#include "base/error.h"
#include "k8s/pods.h"

struct toll_pod_store {
	struct toll_pod_index by_ip, by_uid;
	uint32_t count, limit;
	uint64_t refused; /* pods beyond the limit */
};

int toll_pod_store_init(struct toll_pod_store *s, uint32_t limit) TOLL_MUST_CHECK;
void toll_pod_store_release(struct toll_pod_store *s);
void toll_pod_store_clear(struct toll_pod_store *s);
/* Takes the pod over, in place of an older one with its uid. TOLL_EFULL: over the limit, counted;
 * TOLL_ENOMEM; the pod is gone then. */
int toll_pod_store_put(struct toll_pod_store *s, struct toll_pod *take) TOLL_MUST_CHECK;
/* 0 as well where there was none. TOLL_ENOMEM. */
int toll_pod_store_remove(struct toll_pod_store *s, struct toll_slice uid) TOLL_MUST_CHECK;

/* A table of what the store holds now, the caller's only reference; NULL: out of memory. Takes as
 * long for a large cluster as for a small one but for a pointer per 64 pods. */
struct toll_pods *toll_pods_of(const struct toll_pod_store *s) TOLL_MUST_CHECK;

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* pod_store.h - the pods that the API server has told of, for its one writer, who publishes tables
 * of them. */
#ifndef TOLL_K8S_POD_STORE_H
#define TOLL_K8S_POD_STORE_H

#include "base/error.h"
#include "k8s/pods.h"

struct toll_pod_store {
	struct toll_pod **pods; /* count of them, references */
	struct toll_table by_uid;
	uint32_t count, room, limit;
	uint64_t refused; /* pods beyond the limit */
};

int toll_pod_store_init(struct toll_pod_store *s, uint32_t limit) TOLL_MUST_CHECK;
void toll_pod_store_release(struct toll_pod_store *s);
void toll_pod_store_clear(struct toll_pod_store *s);
/* Takes the pod over, in place of an older one with its uid. TOLL_EFULL: over the limit, counted;
 * TOLL_ENOMEM; the pod is gone then. */
int toll_pod_store_put(struct toll_pod_store *s, struct toll_pod *take) TOLL_MUST_CHECK;
bool toll_pod_store_remove(struct toll_pod_store *s, struct toll_slice uid); /* was it there? */

/* A table of what the store holds now, the caller's only reference; NULL: out of memory. */
struct toll_pods *toll_pods_of(const struct toll_pod_store *s) TOLL_MUST_CHECK;

#endif

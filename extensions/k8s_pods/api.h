/* SPDX-License-Identifier: Apache-2.0 */
/* api.h - pods from the Kubernetes API server: one list, then a watch. Blocks; keeps no connection.
 *
 * Source: Kubernetes documentation, "API concepts" (lists in pages, watches, bookmarks) and
 * "Accessing the API from a Pod" (address, token and certificate of a service account). */
#ifndef TOLL_EXTENSIONS_K8S_PODS_API_H
#define TOLL_EXTENSIONS_K8S_PODS_API_H

#include <stdatomic.h>

#include "k8s/pod_json.h"

struct toll_k8s_api {
	const struct toll_k8s_settings *settings;
	const atomic_bool *abort; /* ends a request within about a second */
	char version[128];        /* resourceVersion of what is known */
};

/* The store is cleared and filled. TOLL_EDOWN, TOLL_ETIMEOUT, TOLL_EDENIED (the token, or what its
 * account may do), TOLL_EREFUSED, TOLL_EINVALID, TOLL_ESHUTDOWN, TOLL_ENOMEM; the sentence names
 * the server and what it says. After an error the store holds a part. */
int toll_k8s_list(struct toll_k8s_api *api, struct toll_pod_store *into,
                  struct toll_error *reterr) TOLL_MUST_CHECK;

/* Changes the store and calls changed() for every event but bookmarks. Returns when the server ends
 * the watch, as it does every few minutes: 0, go on with another; an error: list again. */
int toll_k8s_watch(struct toll_k8s_api *api, struct toll_pod_store *into,
                   void (*changed)(void *ctx, enum toll_k8s_event what), void *ctx,
                   struct toll_error *reterr) TOLL_MUST_CHECK;

#endif

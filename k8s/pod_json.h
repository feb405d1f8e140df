/* SPDX-License-Identifier: Apache-2.0 */
/* pod_json.h - what the API server says of pods, as JSON -> pods in a store.
 * Source: Kubernetes API, core/v1 PodList and Pod, meta/v1 WatchEvent. */
#ifndef TOLL_K8S_POD_JSON_H
#define TOLL_K8S_POD_JSON_H

#include <stdbool.h>

#include "base/error.h"
#include "k8s/pod_store.h"
#include "k8s/settings.h"

/* Objects in one another: a Pod has about ten levels. */
#define TOLL_K8S_JSON_DEPTH 64

struct toll_k8s_page {
	char version[128]; /* resourceVersion: where a watch goes on */
	char next[2048];   /* token for the next page of a list; "" at the last */
};

/* One page of a list. Pods beyond the store's limit are counted there, and no error. TOLL_EINVALID:
 * no such JSON; TOLL_ENOMEM. */
int toll_k8s_read_list(const char *text, size_t len, const struct toll_k8s_settings *wish,
                       struct toll_pod_store *into, struct toll_k8s_page *ret,
                       struct toll_error *reterr) TOLL_MUST_CHECK;

enum toll_k8s_event { TOLL_K8S_BOOKMARK = 0, TOLL_K8S_ADDED, TOLL_K8S_MODIFIED, TOLL_K8S_DELETED };

/* One line of a watch. version (128 bytes) is set to where the next watch goes on. TOLL_EREFUSED:
 * the server ends the watch (410: what we know is too old), list again; TOLL_EINVALID; TOLL_ENOMEM.
 */
int toll_k8s_read_event(const char *text, size_t len, const struct toll_k8s_settings *wish,
                        struct toll_pod_store *into, char version[128], enum toll_k8s_event *ret,
                        struct toll_error *reterr) TOLL_MUST_CHECK;

/* The message of a refusal (meta/v1 Status), cut to size; false: there is none. */
bool toll_k8s_read_status(const char *text, char *ret, size_t size);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* pods.h - what is known of the pods: from an IP address or a uid to the attributes to add.
 *
 * A table never changes; any thread may read it for as long as it holds it. A pod's attributes are
 * encoded once, when it is heard of. */
#ifndef TOLL_K8S_PODS_H
#define TOLL_K8S_PODS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"
#include "base/snapshot.h"
#include "k8s/pod_index.h"

/* One attribute: its encoded KeyValue field of a Resource, tag first, and the key in it. */
struct toll_pod_attr {
	struct toll_slice element, key;
};

#define TOLL_POD_ATTRS_MAX 64u
#define TOLL_POD_IPS_MAX   4u /* Kubernetes gives one per family */

struct toll_pod {
	struct toll_shared shared;
	struct toll_slice uid;
	struct toll_slice ips[TOLL_POD_IPS_MAX]; /* ip_count; none of its own, or it has ended: 0 */
	uint32_t ip_count;
	struct toll_slice started; /* RFC 3339; the later one keeps an IP that two claim */
	uint32_t count;
	struct toll_pod_attr attrs[]; /* the bytes of everything follow */
};

/* What a pod is made of. */
struct toll_pod_draft {
	struct toll_slice uid, started;
	struct toll_slice ips[TOLL_POD_IPS_MAX];
	uint32_t ip_count, count;
	struct {
		struct toll_slice key, value;
	} attrs[TOLL_POD_ATTRS_MAX];
};

/* Ignores empty values, and what is beyond the limit of attributes. */
void toll_pod_draft_add(struct toll_pod_draft *d, struct toll_slice key, struct toll_slice value);
/* Ignores an empty address, and what is beyond the limit. */
void toll_pod_draft_add_ip(struct toll_pod_draft *d, struct toll_slice ip);
/* Copies everything; the caller has the only reference. NULL: out of memory. */
struct toll_pod *toll_pod_new(const struct toll_pod_draft *d) TOLL_MUST_CHECK;

struct toll_pods {
	struct toll_shared shared;
	struct toll_pod_index by_ip, by_uid;
	uint32_t count;
};

/* NULL when unknown. ip as in "10.1.2.3" or "fd00::7". */
const struct toll_pod *toll_pods_by_ip(const struct toll_pods *p, struct toll_slice ip);
const struct toll_pod *toll_pods_by_uid(const struct toll_pods *p, struct toll_slice uid);

/* The named service "k8s_pods" of the host. */
struct toll_pod_source {
	struct toll_snapshot current; /* struct toll_pods; NULL before the first list */
	_Atomic uint64_t misses;      /* look-ups that found nothing: the readers count */
};

/* The IP of "10.1.2.3:4711", "[fd00::7]:4711" or "[::ffff:10.1.2.3]:4711"; empty for others. */
struct toll_slice toll_peer_ip(const char *peer);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* settings.h - which pods to know and what of them, as users say it in the processor k8sattributes.
 * They become those of an extension k8s_pods of its own, which talks to the API server. */
#ifndef TOLL_K8S_SETTINGS_H
#define TOLL_K8S_SETTINGS_H

#include "config/schema.h"

enum toll_pod_metadata {
#define TOLL_POD_METADATA(id, name, preset) TOLL_POD_##id,
#include "k8s/metadata.def"
	TOLL_POD_METADATA_COUNT
};

const char *toll_pod_metadata_name(enum toll_pod_metadata m);

enum toll_k8s_auth { TOLL_K8S_SERVICE_ACCOUNT = 0, TOLL_K8S_NO_AUTH };

/* A label or annotation of the pod as an attribute. */
struct toll_k8s_tag {
	struct toll_slice tag_name; /* "" : k8s.pod.labels.<key>, k8s.pod.annotations.<key> */
	struct toll_slice key;
};

struct toll_k8s_settings {
	int auth_type;                                   /* enum toll_k8s_auth */
	struct toll_slice endpoint, token_file, ca_file; /* "": those of the pod we run in */
	struct toll_slice node, node_from_env_var, namespace;
	struct toll_slice_list metadata;            /* names; empty: the presets */
	struct toll_group_list labels, annotations; /* struct toll_k8s_tag */
	int64_t max_pods;
};

/* Bit (1 << enum toll_pod_metadata) of what is to be told. */
uint64_t toll_k8s_metadata(const struct toll_k8s_settings *s);

/* What a field table cannot say. */
void toll_k8s_validate(const struct toll_k8s_settings *s, struct toll_reporter *r);

extern const struct toll_field toll_k8s_filter_fields[], toll_k8s_extract_fields[];
extern const char *const toll_k8s_auth_names[];

/* Into a field table; the member of conf is a struct toll_k8s_settings. */
/* clang-format off */
#define TOLL_K8S_FIELDS(conf, member)                                                                 \
	TOLL_FIELD_AS("auth_type", conf, member.auth_type, ENUM, "serviceAccount",                    \
	              "How to show who we are to the API server.", .choices = toll_k8s_auth_names),   \
	{ .name = "filter", .type = TOLL_FIELD_GROUP, .offset = offsetof(conf, member),               \
	  .group = toll_k8s_filter_fields, .help = "Which pods to know." },                           \
	{ .name = "extract", .type = TOLL_FIELD_GROUP, .offset = offsetof(conf, member),              \
	  .group = toll_k8s_extract_fields, .help = "What to tell of them." },                        \
	TOLL_FIELD_AS("endpoint", conf, member.endpoint, STRING, NULL,                                \
	              "URL of the API server; default: that of the cluster we run in."),              \
	TOLL_FIELD_AS("token_file", conf, member.token_file, STRING, NULL,                            \
	              "Token of the service account; default: where Kubernetes mounts it."),          \
	TOLL_FIELD_AS("ca_file", conf, member.ca_file, STRING, NULL,                                  \
	              "Certificate of the API server's authority; default: where Kubernetes mounts it."), \
	TOLL_FIELD_AS("max_pods", conf, member.max_pods, INT, "20000",                                \
	              "Most pods that are remembered, about 1 KiB each.", .min = 1, .max = 1000000)
/* clang-format on */

#endif

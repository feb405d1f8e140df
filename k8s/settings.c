/* SPDX-License-Identifier: Apache-2.0 */
#include "k8s/settings.h"

#include <string.h>

#include "base/macro.h"

static const struct {
	const char *name;
	bool preset;
} known[TOLL_POD_METADATA_COUNT] = {
#define TOLL_POD_METADATA(id, name, preset) { name, preset },
#include "k8s/metadata.def"
};

const char *const toll_k8s_auth_names[] = { "serviceAccount", "none", NULL };

const char *toll_pod_metadata_name(enum toll_pod_metadata m)
{
	return known[m].name;
}

static uint64_t bit_of(struct toll_slice name)
{
	for (unsigned m = 0; m < TOLL_POD_METADATA_COUNT; m++)
		if (toll_slice_eq(name, toll_slice_str(known[m].name)))
			return UINT64_C(1) << m;
	return 0;
}

static uint64_t presets(void)
{
	uint64_t bits = 0;

	for (unsigned m = 0; m < TOLL_POD_METADATA_COUNT; m++)
		bits |= (uint64_t)known[m].preset << m;
	return bits;
}

uint64_t toll_k8s_metadata(const struct toll_k8s_settings *s)
{
	uint64_t bits = 0;

	if (s->metadata.count == 0)
		return presets();
	for (size_t i = 0; i < s->metadata.count; i++)
		bits |= bit_of(s->metadata.at[i]);
	return bits;
}

static void check_metadata(const struct toll_k8s_settings *s, struct toll_reporter *r)
{
	for (size_t i = 0; i < s->metadata.count; i++)
		if (!bit_of(s->metadata.at[i]))
			toll_report_warning(r, "extract::metadata",
			                    "\"%s\" is not known of pods here: it is left out",
			                    s->metadata.at[i].ptr);
}

static void check_tags(const struct toll_group_list *tags, const char *path,
                       struct toll_reporter *r)
{
	const struct toll_k8s_tag *tag = tags->at;

	for (size_t i = 0; i < tags->count; i++)
		if (tag[i].key.len == 0)
			toll_report_error(r, path, "needs a key");
}

void toll_k8s_validate(const struct toll_k8s_settings *s, struct toll_reporter *r)
{
	check_metadata(s, r);
	check_tags(&s->labels, "extract::labels", r);
	check_tags(&s->annotations, "extract::annotations", r);
	if (s->node.len && s->node_from_env_var.len)
		toll_report_error(r, "filter", "choose one: node or node_from_env_var");
}

/* clang-format off */
#define K8S struct toll_k8s_settings
#define IN_GROUP(member) offsetof(K8S, member)

static const struct toll_field tag_fields[] = {
	TOLL_FIELD(struct toll_k8s_tag, tag_name, STRING, NULL,
	           "Name of the attribute; k8s.pod.labels.<key> or k8s.pod.annotations.<key> when empty."),
	TOLL_FIELD(struct toll_k8s_tag, key, STRING, NULL, "Key of the label or annotation."),
	TOLL_FIELD_LATER("key_regex", "keys are compared as they are: name each one under key"),
	TOLL_FIELD_LATER("regex", "values are taken whole"),
	TOLL_FIELD_LATER("from", "labels and annotations are those of the pod"),
	TOLL_FIELD_END,
};

const struct toll_field toll_k8s_filter_fields[] = {
	{ .name = "node", .type = TOLL_FIELD_STRING, .offset = IN_GROUP(node),
	  .help = "Only pods of this node: what a DaemonSet wants." },
	{ .name = "node_from_env_var", .type = TOLL_FIELD_STRING, .offset = IN_GROUP(node_from_env_var),
	  .help = "The same, from an environment variable such as KUBE_NODE_NAME." },
	{ .name = "namespace", .type = TOLL_FIELD_STRING, .offset = IN_GROUP(namespace),
	  .help = "Only pods of this namespace." },
	TOLL_FIELD_LATER("fields", "pods are chosen by node and namespace only"),
	TOLL_FIELD_LATER("labels", "pods are chosen by node and namespace only"),
	TOLL_FIELD_END,
};

const struct toll_field toll_k8s_extract_fields[] = {
	{ .name = "metadata", .type = TOLL_FIELD_LIST, .offset = IN_GROUP(metadata),
	  .help = "Attributes to add; see the README of the processor for the names. Default: namespace, pod, uid, start time, node and deployment." },
	{ .name = "labels", .type = TOLL_FIELD_GROUPS, .offset = IN_GROUP(labels),
	  .group = tag_fields, .group_size = sizeof(struct toll_k8s_tag),
	  .help = "Labels of the pod to add as attributes." },
	{ .name = "annotations", .type = TOLL_FIELD_GROUPS, .offset = IN_GROUP(annotations),
	  .group = tag_fields, .group_size = sizeof(struct toll_k8s_tag),
	  .help = "Annotations of the pod to add as attributes." },
	TOLL_FIELD_LATER("otel_annotations", "name the annotations under extract::annotations"),
	TOLL_FIELD_LATER("deployment_name_from_replicaset", "always so: the deployment's name is its ReplicaSet's without the hash"),
	TOLL_FIELD_END,
};
/* clang-format on */

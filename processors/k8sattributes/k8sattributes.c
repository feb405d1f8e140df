/* SPDX-License-Identifier: Apache-2.0 */
/* k8sattributes - tells of each resource which pod it is: namespace, deployment, node ... */
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>

#include "k8s/pods.h"
#include "k8s/settings.h"
#include "pipeline/factory.h"
#include "pipeline/host.h"
#include "proto/attr.h"
#include "proto/edit.h"

enum association { BY_CONNECTION = 0, BY_IP, BY_UID };

struct source {
	int from; /* index into source_names */
	struct toll_slice name;
};

struct rule {
	struct toll_group_list sources; /* struct source */
};

struct k8s_config {
	struct toll_k8s_settings k8s;
	bool passthrough;
	struct toll_group_list pod_association; /* struct rule */
};

enum { RULES_MAX = 8 };

/* Of the arena, for one attribute besides its own bytes: the edit, and its view in arrays that
 * grow. */
enum { ATTR_BYTES = sizeof(struct toll_edit) + 6 * sizeof(struct toll_attr) + 64 };

struct k8sattributes {
	struct toll_processor super;
	const struct k8s_config *config;
	struct toll_pod_source *source; /* NULL: passthrough */
	enum association rules[RULES_MAX];
	uint32_t rule_count;
};

static const struct toll_slice pod_ip = { "k8s.pod.ip", 10 };
static const struct toll_slice pod_uid = { "k8s.pod.uid", 11 };

/* ---- which pod ---- */

static const struct toll_pod *look_up(const struct toll_pods *pods, const struct toll_resource *r,
                                      enum association by, struct toll_slice peer)
{
	switch (by) {
	case BY_IP:
		return toll_pods_by_ip(pods, toll_attr_text(toll_node_find_name(&r->node, pod_ip)));
	case BY_UID:
		return toll_pods_by_uid(pods,
		                        toll_attr_text(toll_node_find_name(&r->node, pod_uid)));
	default:
		return toll_pods_by_ip(pods, peer);
	}
}

static const struct toll_pod *find_pod(const struct k8sattributes *k, const struct toll_pods *pods,
                                       const struct toll_resource *r, struct toll_slice peer)
{
	const struct toll_pod *found = NULL;

	for (uint32_t i = 0; i < k->rule_count && !found; i++)
		found = look_up(pods, r, k->rules[i], peer);
	return found;
}

/* ---- what is told ---- */

/* How much it is, the user's settings say: it takes nothing from what processors behind may add. */
static void allow(struct toll_batch *b, const struct toll_pod *pod)
{
	size_t bytes = pod->count * (size_t)ATTR_BYTES;

	for (uint32_t i = 0; i < pod->count; i++)
		bytes += pod->attrs[i].element.len;
	toll_batch_allow(b, bytes);
}

/* What the application says of itself stays. Without memory the span goes on as it is. */
static void describe(struct toll_batch *b, struct toll_resource *r, const struct toll_pod *pod)
{
	allow(b, pod);
	for (uint32_t i = 0; i < pod->count; i++)
		if (!toll_node_find_name(&r->node, pod->attrs[i].key) &&
		    toll_node_append(b, &r->node, pod->attrs[i].element, NULL) < 0)
			return;
}

static void describe_all(struct k8sattributes *k, struct toll_batch *b, struct toll_slice peer)
{
	struct toll_shared *shared = toll_snapshot_get(&k->source->current);
	uint64_t missed = 0;

	for (uint32_t i = 0; i < b->resource_count; i++) {
		const struct toll_pod *pod =
			shared ? find_pod(k, toll_container_of(shared, struct toll_pods, shared),
		                          &b->resources[i], peer)
			       : NULL;

		if (pod)
			describe(b, &b->resources[i], pod);
		/* service.name may be among the labels. */
		toll_resource_changed(&b->resources[i]);
		missed += !pod;
	}
	toll_shared_unref(shared);
	if (missed)
		atomic_fetch_add_explicit(&k->source->misses, missed, memory_order_relaxed);
}

/* For a k8sattributes further on, behind which the connection is ours. */
static void pass_address(struct toll_batch *b, struct toll_slice peer)
{
	toll_batch_allow(b, b->resource_count * (size_t)(ATTR_BYTES + INET6_ADDRSTRLEN));
	for (uint32_t i = 0; i < b->resource_count && peer.len; i++)
		if (!toll_node_find_name(&b->resources[i].node, pod_ip) &&
		    toll_node_set_str(b, &b->resources[i].node, pod_ip, peer) < 0)
			return;
}

static int process(struct toll_processor *self, struct toll_batch *b)
{
	struct k8sattributes *k = toll_container_of(self, struct k8sattributes, super);
	struct toll_slice peer = toll_peer_ip(b->peer);

	if (k->source)
		describe_all(k, b, peer);
	else
		pass_address(b, peer);
	return 0;
}

/* ---- life ---- */

static int start(struct toll_component *c, struct toll_error *reterr)
{
	struct k8sattributes *k = toll_container_of(c, struct k8sattributes, super.super);
	char own[256];

	if (k->config->passthrough)
		return 0;
	snprintf(own, sizeof(own), "k8s_pods/%s", c->id.text);
	k->source = toll_host_find(c->host, "k8s_pods", own);
	return k->source ? 0 : toll_fail(reterr, TOLL_EINTERNAL, "%s: nobody watches pods", c->who);
}

static void destroy(struct toll_component *c)
{
	free(toll_container_of(c, struct k8sattributes, super.super));
}

static const struct toll_component_ops ops = { .start = start, .free = destroy };

static enum association association_of(const struct source *s)
{
	if (s->from == 0)
		return BY_CONNECTION;
	return toll_slice_eq(s->name, pod_uid) ? BY_UID : BY_IP;
}

/* The Collector's default: the address of the connection. */
static void take_rules(struct k8sattributes *k)
{
	const struct rule *rules = k->config->pod_association.at;

	k->rule_count = 1;
	k->rules[0] = BY_CONNECTION;
	for (size_t i = 0; i < k->config->pod_association.count && i < RULES_MAX; i++) {
		k->rules[i] = association_of(rules[i].sources.at);
		k->rule_count = (uint32_t)i + 1;
	}
}

static int create(const struct toll_settings *set, const void *config, struct toll_component **ret,
                  struct toll_error *reterr)
{
	struct k8sattributes *k = calloc(1, sizeof(*k));

	if (!k)
		return toll_fail(reterr, TOLL_ENOMEM, "%s: out of memory", set->who);
	toll_component_init(&k->super.super, &ops, set);
	k->super.process = process;
	k->config = config;
	take_rules(k);
	*ret = &k->super.super;
	return 0;
}

static const void *implied(const void *config)
{
	const struct k8s_config *c = config;

	return c->passthrough ? NULL : &c->k8s;
}

/* ---- settings ---- */

static void check_source(const struct source *s, struct toll_reporter *r)
{
	if (s->from == 0)
		return;
	if (!toll_slice_eq(s->name, pod_ip) && !toll_slice_eq(s->name, pod_uid))
		toll_report_error(r, "pod_association",
		                  "a resource_attribute can be k8s.pod.ip or k8s.pod.uid, not "
		                  "\"%.*s\"",
		                  TOLL_FMT(s->name));
}

static void validate(const void *config, struct toll_reporter *r)
{
	const struct k8s_config *c = config;
	const struct rule *rules = c->pod_association.at;

	toll_k8s_validate(&c->k8s, r);
	if (c->pod_association.count > RULES_MAX)
		toll_report_error(r, "pod_association", "has more than %d rules", RULES_MAX);
	for (size_t i = 0; i < c->pod_association.count; i++) {
		if (rules[i].sources.count != 1)
			toll_report_error(r, "pod_association",
			                  "each rule needs one source: a pod is found by one "
			                  "address or uid");
		else
			check_source(rules[i].sources.at, r);
	}
}

static const char *const source_names[] = { "connection", "resource_attribute", NULL };

/* clang-format off */
static const struct toll_field source_fields[] = {
	TOLL_FIELD(struct source, from, ENUM, "connection",
	           "connection: the address it came from; resource_attribute: what name says.",
	           .choices = source_names),
	TOLL_FIELD(struct source, name, STRING, NULL, "k8s.pod.ip or k8s.pod.uid."),
	TOLL_FIELD_END,
};

static const struct toll_field rule_fields[] = {
	TOLL_FIELD(struct rule, sources, GROUPS, NULL, "One source.",
	           .group = source_fields, .group_size = sizeof(struct source)),
	TOLL_FIELD_END,
};

static const struct toll_field fields[] = {
	TOLL_K8S_FIELDS(struct k8s_config, k8s),
	TOLL_FIELD(struct k8s_config, passthrough, BOOL, "false",
	           "Only note the address as k8s.pod.ip, for a Collector or spantoll further on; ask no API server."),
	TOLL_FIELD(struct k8s_config, pod_association, GROUPS, NULL,
	           "How a resource finds its pod: the first rule that knows one.",
	           .group = rule_fields, .group_size = sizeof(struct rule)),
	TOLL_FIELD_LATER("exclude", "all pods are known; those that send nothing cost nothing"),
	TOLL_FIELD_LATER("wait_for_metadata", "spans are not held up: until the pods are known they go on without"),
	TOLL_FIELD_LATER("wait_for_metadata_timeout", "spans are not held up"),
	TOLL_FIELD_LATER("context", "the cluster is the one we run in"),
	TOLL_FIELD_END,
};
/* clang-format on */

const struct toll_factory toll_processor_k8sattributes = {
	.kind = TOLL_PROCESSOR,
	.stability = TOLL_BETA,
	.type = "k8sattributes",
	.alias = "k8s_attributes",
	.help = "Adds namespace, deployment, node and more of the pod that sends.",
	.config_size = sizeof(struct k8s_config),
	.fields = fields,
	.validate = validate,
	.implied_type = "k8s_pods",
	.implied = implied,
	.create = create,
};

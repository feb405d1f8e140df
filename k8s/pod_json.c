/* SPDX-License-Identifier: Apache-2.0 */
#include "k8s/pod_json.h"

#include <json-c/json.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

/* ---- reading ---- */

static int parse(const char *text, size_t len, struct json_object **ret, struct toll_error *reterr)
{
	struct json_tokener *t = json_tokener_new_ex(TOLL_K8S_JSON_DEPTH);
	enum json_tokener_error why;

	*ret = NULL;
	if (!t)
		return toll_fail(reterr, TOLL_ENOMEM, "out of memory");
	*ret = json_tokener_parse_ex(t, text, len < INT_MAX ? (int)len : INT_MAX);
	why = json_tokener_get_error(t);
	json_tokener_free(t);
	if (why == json_tokener_success && json_object_is_type(*ret, json_type_object))
		return 0;
	json_object_put(*ret);
	*ret = NULL;
	return toll_fail(reterr, TOLL_EINVALID, "the API server's answer is no JSON object: %s",
	                 json_tokener_error_desc(why));
}

static struct json_object *member(struct json_object *o, const char *name)
{
	struct json_object *found = NULL;

	if (json_object_is_type(o, json_type_object))
		json_object_object_get_ex(o, name, &found);
	return found;
}

static struct toll_slice text_of(struct json_object *o, const char *name)
{
	struct json_object *s = member(o, name);

	if (!json_object_is_type(s, json_type_string))
		return (struct toll_slice){ 0 };
	return toll_slice(json_object_get_string(s), (size_t)json_object_get_string_len(s));
}

static bool is_true(struct json_object *o, const char *name)
{
	return json_object_get_boolean(member(o, name));
}

/* ---- one pod ---- */

struct telling {
	struct toll_pod_draft *draft;
	uint64_t wanted; /* bits of enum toll_pod_metadata */
};

static void tell(const struct telling *t, enum toll_pod_metadata what, struct toll_slice value)
{
	if (t->wanted >> what & 1)
		toll_pod_draft_add(t->draft, toll_slice_str(toll_pod_metadata_name(what)), value);
}

/* "shop-7d4b9c" -> "shop": without the last dash and what is behind it, if that is all of `of`. */
static struct toll_slice without_suffix(struct toll_slice name, const char *of)
{
	size_t n = name.len;

	while (n > 0 && memchr(of, name.ptr[n - 1], strlen(of)))
		n--;
	if (n < 2 || n == name.len || name.ptr[n - 1] != '-')
		return (struct toll_slice){ 0 };
	return toll_slice(name.ptr, n - 1);
}

static void tell_owner(const struct telling *t, struct json_object *owner)
{
	static const char alnum[] = "abcdefghijklmnopqrstuvwxyz0123456789";
	struct toll_slice kind = text_of(owner, "kind"), name = text_of(owner, "name");
	struct toll_slice uid = text_of(owner, "uid");

	if (toll_slice_is(kind, "ReplicaSet")) {
		tell(t, TOLL_POD_REPLICASET, name);
		tell(t, TOLL_POD_REPLICASET_UID, uid);
		tell(t, TOLL_POD_DEPLOYMENT, without_suffix(name, alnum));
	} else if (toll_slice_is(kind, "StatefulSet")) {
		tell(t, TOLL_POD_STATEFULSET, name);
		tell(t, TOLL_POD_STATEFULSET_UID, uid);
	} else if (toll_slice_is(kind, "DaemonSet")) {
		tell(t, TOLL_POD_DAEMONSET, name);
		tell(t, TOLL_POD_DAEMONSET_UID, uid);
	} else if (toll_slice_is(kind, "Job")) {
		tell(t, TOLL_POD_JOB, name);
		tell(t, TOLL_POD_JOB_UID, uid);
		tell(t, TOLL_POD_CRONJOB, without_suffix(name, "0123456789"));
	}
}

static void tell_owners(const struct telling *t, struct json_object *meta)
{
	struct json_object *owners = member(meta, "ownerReferences");

	if (!json_object_is_type(owners, json_type_array))
		return;
	for (size_t i = 0; i < json_object_array_length(owners); i++)
		tell_owner(t, json_object_array_get_idx(owners, i));
}

/* Names of attributes that are made of a key live until the draft has become a pod. */
struct names {
	char text[TOLL_POD_ATTRS_MAX][320]; /* a key has at most 253 + 1 + 63 bytes */
	uint32_t count;
};

static void tell_tags(struct toll_pod_draft *d, const struct toll_group_list *tags,
                      struct json_object *from, const char *prefix, struct names *names)
{
	const struct toll_k8s_tag *tag = tags->at;

	for (size_t i = 0; i < tags->count && names->count < TOLL_POD_ATTRS_MAX; i++) {
		struct toll_slice name = tag[i].tag_name;
		char *made = names->text[names->count];

		if (name.len == 0) {
			snprintf(made, sizeof(names->text[0]), "%s%s", prefix, tag[i].key.ptr);
			name = toll_slice_str(made);
			names->count++;
		}
		toll_pod_draft_add(d, name, text_of(from, tag[i].key.ptr));
	}
}

/* The address of the node is nobody's own, and that of a pod that has ended is another's soon. */
static bool has_own_address(struct json_object *pod)
{
	struct toll_slice phase = text_of(member(pod, "status"), "phase");

	return !is_true(member(pod, "spec"), "hostNetwork") && !toll_slice_is(phase, "Succeeded") &&
	       !toll_slice_is(phase, "Failed");
}

/* One of each family where the cluster has both; podIP is the first of them, alone in old ones. */
static void tell_addresses(struct toll_pod_draft *d, struct json_object *status)
{
	struct json_object *ips = member(status, "podIPs");
	size_t count =
		json_object_is_type(ips, json_type_array) ? json_object_array_length(ips) : 0;

	for (size_t i = 0; i < count; i++)
		toll_pod_draft_add_ip(d, text_of(json_object_array_get_idx(ips, i), "ip"));
	if (d->ip_count == 0)
		toll_pod_draft_add_ip(d, text_of(status, "podIP"));
}

static void describe(struct json_object *pod, const struct toll_k8s_settings *wish,
                     struct toll_pod_draft *d, struct names *names)
{
	const struct telling t = { d, toll_k8s_metadata(wish) };
	struct json_object *meta = member(pod, "metadata"), *spec = member(pod, "spec");
	struct json_object *status = member(pod, "status");
	struct toll_slice hostname = text_of(spec, "hostname");

	d->uid = text_of(meta, "uid");
	d->started = text_of(status, "startTime");
	if (has_own_address(pod))
		tell_addresses(d, status);
	tell(&t, TOLL_POD_NAMESPACE, text_of(meta, "namespace"));
	tell(&t, TOLL_POD_POD_NAME, text_of(meta, "name"));
	tell(&t, TOLL_POD_POD_UID, d->uid);
	tell(&t, TOLL_POD_POD_IP, text_of(status, "podIP"));
	tell(&t, TOLL_POD_POD_HOSTNAME, hostname.len ? hostname : text_of(meta, "name"));
	tell(&t, TOLL_POD_START_TIME, d->started);
	tell(&t, TOLL_POD_NODE, text_of(spec, "nodeName"));
	tell_owners(&t, meta);
	tell_tags(d, &wish->labels, member(meta, "labels"), "k8s.pod.labels.", names);
	tell_tags(d, &wish->annotations, member(meta, "annotations"), "k8s.pod.annotations.",
	          names);
}

/* A full store is no reason to stop. */
static int put(struct json_object *pod, const struct toll_k8s_settings *wish,
               struct toll_pod_store *into)
{
	struct toll_pod_draft d = { 0 };
	struct names names = { .count = 0 };
	struct toll_pod *made;
	int err;

	describe(pod, wish, &d, &names);
	if (d.uid.len == 0)
		return 0;
	made = toll_pod_new(&d);
	if (!made)
		return TOLL_ENOMEM;
	err = toll_pod_store_put(into, made);
	return err == TOLL_EFULL ? 0 : err;
}

/* ---- lists ---- */

static void keep_text(char *to, size_t size, struct json_object *meta, const char *name)
{
	struct toll_slice s = text_of(meta, name);

	snprintf(to, size, "%.*s", TOLL_FMT(s));
}

int toll_k8s_read_list(const char *text, size_t len, const struct toll_k8s_settings *wish,
                       struct toll_pod_store *into, struct toll_k8s_page *ret,
                       struct toll_error *reterr)
{
	struct json_object *list, *items;
	int err = parse(text, len, &list, reterr);

	if (err)
		return err;
	items = member(list, "items");
	if (!json_object_is_type(items, json_type_array) && items)
		err = toll_fail(reterr, TOLL_EINVALID, "the API server's answer is no list");
	for (size_t i = 0; !err && items && i < json_object_array_length(items); i++)
		err = put(json_object_array_get_idx(items, i), wish, into);
	keep_text(ret->version, sizeof(ret->version), member(list, "metadata"), "resourceVersion");
	keep_text(ret->next, sizeof(ret->next), member(list, "metadata"), "continue");
	json_object_put(list);
	return err == TOLL_ENOMEM ? toll_fail(reterr, err, "out of memory") : err;
}

/* ---- watches ---- */

static int refuse(struct json_object *status, struct toll_error *reterr)
{
	struct toll_slice message = text_of(status, "message");

	return toll_fail(reterr, TOLL_EREFUSED, "the API server ends the watch: %.*s",
	                 TOLL_FMT(message));
}

static int apply(struct json_object *event, const struct toll_k8s_settings *wish,
                 struct toll_pod_store *into, enum toll_k8s_event *ret, struct toll_error *reterr)
{
	struct json_object *pod = member(event, "object");
	struct toll_slice type = text_of(event, "type");

	if (toll_slice_is(type, "ERROR"))
		return refuse(pod, reterr);
	*ret = TOLL_K8S_BOOKMARK;
	if (toll_slice_is(type, "DELETED")) {
		*ret = TOLL_K8S_DELETED;
		return toll_pod_store_remove(into, text_of(member(pod, "metadata"), "uid"));
	}
	if (toll_slice_is(type, "ADDED"))
		*ret = TOLL_K8S_ADDED;
	else if (toll_slice_is(type, "MODIFIED"))
		*ret = TOLL_K8S_MODIFIED;
	else
		return 0;
	return put(pod, wish, into);
}

int toll_k8s_read_event(const char *text, size_t len, const struct toll_k8s_settings *wish,
                        struct toll_pod_store *into, char version[128], enum toll_k8s_event *ret,
                        struct toll_error *reterr)
{
	struct json_object *event, *meta;
	int err = parse(text, len, &event, reterr);

	if (err)
		return err;
	err = apply(event, wish, into, ret, reterr);
	meta = member(member(event, "object"), "metadata");
	if (!err && text_of(meta, "resourceVersion").len)
		keep_text(version, 128, meta, "resourceVersion");
	json_object_put(event);
	return err == TOLL_ENOMEM ? toll_fail(reterr, err, "out of memory") : err;
}

/* ---- refusals ---- */

bool toll_k8s_read_status(const char *text, char *ret, size_t size)
{
	struct json_object *status;
	struct toll_slice message;

	if (parse(text, strlen(text), &status, NULL) < 0)
		return false;
	message = text_of(status, "message");
	snprintf(ret, size, "%.*s", TOLL_FMT(message));
	json_object_put(status);
	return message.len > 0;
}

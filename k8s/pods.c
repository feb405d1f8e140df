/* SPDX-License-Identifier: Apache-2.0 */
#include "k8s/pods.h"

#include <stdlib.h>
#include <string.h>

#include "base/macro.h"
#include "proto/wire.h"

#define RESOURCE_ATTRIBUTE TOLL_TAG(1, TOLL_WIRE_BYTES)

/* ---- one pod ---- */

void toll_pod_draft_add(struct toll_pod_draft *d, struct toll_slice key, struct toll_slice value)
{
	if (value.len == 0 || d->count == TOLL_POD_ATTRS_MAX)
		return;
	d->attrs[d->count].key = key;
	d->attrs[d->count++].value = value;
}

void toll_pod_draft_add_ip(struct toll_pod_draft *d, struct toll_slice ip)
{
	if (ip.len && d->ip_count < TOLL_POD_IPS_MAX)
		d->ips[d->ip_count++] = ip;
}

static void pod_destroy(struct toll_shared *s)
{
	free(toll_container_of(s, struct toll_pod, shared));
}

static size_t size_of(const struct toll_pod_draft *d)
{
	size_t size = sizeof(struct toll_pod) + d->count * sizeof(struct toll_pod_attr) +
	              d->uid.len + d->started.len;

	for (uint32_t i = 0; i < d->ip_count; i++)
		size += d->ips[i].len;
	for (uint32_t i = 0; i < d->count; i++)
		size += toll_kv_str_size(d->attrs[i].key, d->attrs[i].value);
	return size;
}

static char *keep(char *at, struct toll_slice from, struct toll_slice *ret)
{
	*ret = toll_slice(at, from.len);
	return toll_write_raw(at, from);
}

static char *keep_attr(char *at, struct toll_slice key, struct toll_slice value,
                       struct toll_pod_attr *ret)
{
	char *end = toll_write_kv_str(at, RESOURCE_ATTRIBUTE, key, value);
	struct toll_reader r = { at, end };
	uint64_t head;

	ret->element = toll_slice(at, (size_t)(end - at));
	for (int i = 0; i < 3; i++) /* tag and length of the KeyValue, tag of the key */
		(void)toll_read_varint(&r, &head);
	(void)toll_read_bytes(&r, &ret->key);
	return end;
}

struct toll_pod *toll_pod_new(const struct toll_pod_draft *d)
{
	struct toll_pod *p = malloc(size_of(d));
	char *at;

	if (!p)
		return NULL;
	toll_shared_init(&p->shared, pod_destroy);
	at = (char *)&p->attrs[d->count];
	at = keep(at, d->uid, &p->uid);
	at = keep(at, d->started, &p->started);
	p->ip_count = d->ip_count;
	for (uint32_t i = 0; i < d->ip_count; i++)
		at = keep(at, d->ips[i], &p->ips[i]);
	p->count = d->count;
	for (uint32_t i = 0; i < d->count; i++)
		at = keep_attr(at, d->attrs[i].key, d->attrs[i].value, &p->attrs[i]);
	return p;
}

/* ---- look-up ---- */

const struct toll_pod *toll_pods_by_ip(const struct toll_pods *p, struct toll_slice ip)
{
	return ip.len ? toll_pod_index_find(&p->by_ip, ip) : NULL;
}

const struct toll_pod *toll_pods_by_uid(const struct toll_pods *p, struct toll_slice uid)
{
	return uid.len ? toll_pod_index_find(&p->by_uid, uid) : NULL;
}

/* ---- peers ---- */

struct toll_slice toll_peer_ip(const char *peer)
{
	static const char mapped[] = "::ffff:";
	const char *end = peer ? strrchr(peer, ':') : NULL;

	if (!end)
		return (struct toll_slice){ 0 };
	if (*peer != '[') /* a second colon: no address and port, but a path such as unix:/run/x */
		return strchr(peer, ':') == end &&
		                       strspn(peer, "0123456789.") == (size_t)(end - peer)
		               ? toll_slice(peer, (size_t)(end - peer))
		               : (struct toll_slice){ 0 };
	if (end[-1] != ']')
		return (struct toll_slice){ 0 };
	peer++;
	if (strncmp(peer, mapped, strlen(mapped)) == 0 && memchr(peer, '.', (size_t)(end - peer)))
		peer += strlen(mapped);
	return toll_slice(peer, (size_t)(end - 1 - peer));
}

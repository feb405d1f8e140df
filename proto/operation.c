/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/operation.h"

#include "proto/attr.h"
#include "proto/path.h"

static struct toll_slice text_of(const struct toll_span *s, enum toll_key key)
{
	return toll_attr_text(toll_node_find(&s->node, key));
}

static struct toll_slice template_of(const struct toll_span *s)
{
	struct toll_slice text = text_of(s, TOLL_KEY_HTTP_ROUTE);

	return text.len ? text : text_of(s, TOLL_KEY_URL_TEMPLATE);
}

static struct toll_slice folded_path(struct toll_batch *b, const struct toll_span *s,
                                     const struct toll_path_rules *rules)
{
	static const enum toll_key keys[] = { TOLL_KEY_URL_PATH, TOLL_KEY_HTTP_TARGET,
		                              TOLL_KEY_URL_FULL, TOLL_KEY_HTTP_URL };
	/* Bounds the work and the arena; what lies behind is cut off in nearly any case. */
	const size_t most = (size_t)2 * TOLL_OPERATION_MAX;

	for (size_t i = 0; i < TOLL_COUNT(keys); i++) {
		struct toll_slice path = text_of(s, keys[i]), folded;

		if (!path.len)
			continue;
		path = toll_slice_cut(toll_path_of_url(path), most);
		if (toll_path_fold(&b->arena, path, rules, &folded) < 0)
			break;
		if (folded.len)
			return folded;
	}
	return (struct toll_slice){ 0 };
}

static struct toll_slice rpc_method(struct toll_batch *b, const struct toll_span *s)
{
	struct toll_slice method = text_of(s, TOLL_KEY_RPC_METHOD), service;
	char *out;

	if (!method.len || memchr(method.ptr, '/', method.len))
		return method;
	service = toll_slice_cut(text_of(s, TOLL_KEY_RPC_SERVICE), TOLL_OPERATION_MAX);
	method = toll_slice_cut(method, TOLL_OPERATION_MAX);
	if (!service.len)
		return method;
	out = toll_arena_alloc(&b->arena, service.len + 1 + method.len, 1);
	if (!out)
		return (struct toll_slice){ 0 };
	memcpy(out, service.ptr, service.len);
	out[service.len] = '/';
	memcpy(out + service.len + 1, method.ptr, method.len);
	return toll_slice(out, service.len + 1 + method.len);
}

void toll_span_derive_operation(struct toll_batch *b, struct toll_span *s,
                                const struct toll_path_rules *rules)
{
	struct toll_slice text = template_of(s);

	if (!text.len)
		text = folded_path(b, s, rules);
	if (!text.len)
		text = rpc_method(b, s);
	if (!text.len)
		text = s->name;
	s->operation = toll_slice_cut(text, TOLL_OPERATION_MAX);
}

void toll_batch_derive_operations(struct toll_batch *b, const struct toll_path_rules *rules)
{
	for (uint32_t i = 0; i < b->span_count; i++)
		if (!b->spans[i].dropped && !b->spans[i].operation.ptr)
			toll_span_derive_operation(b, &b->spans[i], rules);
}

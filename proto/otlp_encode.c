/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever did not change is copied in runs as long as possible: a run is broken only by a child
 * that must be left out or gets another length. */
#include "proto/otlp_encode.h"

#include "proto/wire.h"

#define RESOURCE_SPANS_TAG TOLL_TAG(1, TOLL_WIRE_BYTES)
#define SCOPE_SPANS_TAG    TOLL_TAG(2, TOLL_WIRE_BYTES)

static size_t field_size(size_t len)
{
	return 1 + toll_varint_size(len) + len;
}

static size_t node_size(const struct toll_node *n)
{
	return n->edits ? field_size((size_t)((ptrdiff_t)n->raw.len + n->delta)) : n->element.len;
}

static bool is_whole(const struct toll_selection *sel)
{
	return sel->count == TOLL_WHOLE_BATCH;
}

struct range {
	uint32_t from, end;
};

/* The part of a selection that lies in [first, first + count). */
static struct range overlap(const struct toll_selection *sel, uint32_t first, uint32_t count)
{
	struct range r = { first, first + count };

	if (is_whole(sel))
		return r;
	if (r.from < sel->first)
		r.from = sel->first;
	if (r.end > sel->first + sel->count)
		r.end = sel->first + sel->count;
	if (r.end < r.from)
		r.end = r.from;
	return r;
}

static bool span_selected(const struct toll_selection *sel, uint32_t i)
{
	return i - sel->first < sel->count && !sel->batch->spans[i].dropped;
}

/* Is there anything to write of a resource or scope with these spans? */
static bool is_wanted(const struct toll_selection *sel, uint32_t first, uint32_t count)
{
	struct range r = overlap(sel, first, count);

	if (count == 0)
		return is_whole(sel);
	while (r.from < r.end && sel->batch->spans[r.from].dropped)
		r.from++;
	return r.from < r.end;
}

/* ---- sizes ---- */

static size_t scope_body_size(const struct toll_selection *sel, const struct toll_scope *sc)
{
	struct range r = overlap(sel, sc->span_first, sc->span_count);
	size_t size = sc->other_len - sc->node.element.len + node_size(&sc->node);

	for (; r.from < r.end; r.from++)
		if (!sel->batch->spans[r.from].dropped)
			size += node_size(&sel->batch->spans[r.from].node);
	return size;
}

static size_t resource_body_size(const struct toll_selection *sel, const struct toll_resource *res)
{
	size_t size = res->other_len - res->node.element.len + node_size(&res->node);

	for (uint32_t i = res->scope_first; i < res->scope_first + res->scope_count; i++) {
		const struct toll_scope *sc = &sel->batch->scopes[i];

		if (is_wanted(sel, sc->span_first, sc->span_count))
			size += field_size(scope_body_size(sel, sc));
	}
	return size;
}

size_t toll_otlp_size(const struct toll_selection *sel)
{
	const struct toll_batch *b = sel->batch;
	size_t size = 0, resources = 0;

	for (uint32_t i = 0; i < b->resource_count; i++) {
		const struct toll_resource *res = &b->resources[i];

		resources += res->element.len;
		if (is_wanted(sel, res->span_first, res->span_count))
			size += field_size(resource_body_size(sel, res));
	}
	return is_whole(sel) ? b->wire.len - resources + size : size;
}

/* ---- writing ---- */

static char *copy_range(char *out, const char *from, const char *to)
{
	size_t len = (size_t)(to - from);

	memcpy(out, from, len);
	return out + len;
}

static char *write_node(char *out, const struct toll_node *n)
{
	const char *from = n->raw.ptr;

	out = toll_write_varint(out, n->field_tag);
	out = toll_write_varint(out, (uint64_t)((ptrdiff_t)n->raw.len + n->delta));
	for (const struct toll_edit *e = n->edits; e; e = e->next) {
		out = copy_range(out, from, e->at);
		if (e->len)
			out = copy_range(out, e->bytes, e->bytes + e->len);
		from = e->at + e->removed;
	}
	return copy_range(out, from, n->raw.ptr + n->raw.len);
}

/* [from, to) of the message around n, with n as it is now. An absent n lies at the very start. */
static char *copy_around(char *out, const char *from, const char *to, const struct toll_node *n)
{
	if (!n->edits || n->element.ptr < from || n->element.ptr + n->element.len > to)
		return copy_range(out, from, to);
	out = copy_range(out, from, n->element.ptr);
	out = write_node(out, n);
	return copy_range(out, n->element.ptr + n->element.len, to);
}

/* A message whose children are copied, replaced or left out: from moves along its body. */
struct writer {
	char *out;
	const char *from;
	const struct toll_node *node;
};

static void copy_until(struct writer *w, const char *to)
{
	w->out = copy_around(w->out, w->from, to, w->node);
	w->from = to;
}

static char *write_scope(char *out, const struct toll_selection *sel, const struct toll_scope *sc)
{
	struct writer w = { out, sc->body.ptr, &sc->node };

	w.out = toll_write_varint(w.out, SCOPE_SPANS_TAG);
	w.out = toll_write_varint(w.out, scope_body_size(sel, sc));
	for (uint32_t i = sc->span_first; i < sc->span_first + sc->span_count; i++) {
		const struct toll_node *n = &sel->batch->spans[i].node;
		bool selected = span_selected(sel, i);

		if (selected && !n->edits)
			continue;
		copy_until(&w, n->element.ptr);
		if (selected)
			w.out = write_node(w.out, n);
		w.from = n->element.ptr + n->element.len;
	}
	copy_until(&w, sc->body.ptr + sc->body.len);
	return w.out;
}

static char *write_resource(char *out, const struct toll_selection *sel,
                            const struct toll_resource *res)
{
	struct writer w = { out, res->body.ptr, &res->node };

	w.out = toll_write_varint(w.out, RESOURCE_SPANS_TAG);
	w.out = toll_write_varint(w.out, resource_body_size(sel, res));
	for (uint32_t i = res->scope_first; i < res->scope_first + res->scope_count; i++) {
		const struct toll_scope *sc = &sel->batch->scopes[i];

		copy_until(&w, sc->element.ptr);
		if (is_wanted(sel, sc->span_first, sc->span_count))
			w.out = write_scope(w.out, sel, sc);
		w.from = sc->element.ptr + sc->element.len;
	}
	copy_until(&w, res->body.ptr + res->body.len);
	return w.out;
}

char *toll_otlp_encode(const struct toll_selection *sel, char *out)
{
	const struct toll_batch *b = sel->batch;
	const char *from = b->wire.ptr;

	for (uint32_t i = 0; i < b->resource_count; i++) {
		const struct toll_resource *res = &b->resources[i];

		if (is_whole(sel))
			out = copy_range(out, from, res->element.ptr);
		if (is_wanted(sel, res->span_first, res->span_count))
			out = write_resource(out, sel, res);
		from = res->element.ptr + res->element.len;
	}
	return is_whole(sel) ? copy_range(out, from, b->wire.ptr + b->wire.len) : out;
}

/* ---- cutting ---- */

enum { LENGTH_MAX = 5 }; /* bytes of a length varint below 4 GiB */

static size_t head_bound(uint32_t other_len, const struct toll_node *n)
{
	return 1 + LENGTH_MAX + other_len - n->element.len + node_size(n);
}

/* At most this much for wrapping spans of scope sc, with its resource or inside one that is there.
 */
static size_t wrapper_bound(const struct toll_batch *b, const struct toll_scope *sc,
                            bool new_resource)
{
	const struct toll_resource *res = &b->resources[sc->resource];
	size_t size = head_bound(sc->other_len, &sc->node);

	return new_resource ? size + head_bound(res->other_len, &res->node) : size;
}

uint32_t toll_otlp_fit(const struct toll_batch *b, uint32_t first, uint32_t end, size_t max_bytes,
                       size_t *ret_size)
{
	uint32_t scope = UINT32_MAX, resource = UINT32_MAX, i;
	struct toll_selection sel = { b, first, 0 };
	size_t bound = 0;

	for (i = first; i < end; i++) {
		const struct toll_span *s = &b->spans[i];

		if (s->dropped)
			continue;
		if (s->scope != scope)
			bound += wrapper_bound(b, &b->scopes[s->scope], s->resource != resource);
		bound += node_size(&s->node);
		if (bound > max_bytes)
			break;
		scope = s->scope;
		resource = s->resource;
	}
	sel.count = i - first;
	*ret_size = toll_otlp_size(&sel);
	return sel.count;
}

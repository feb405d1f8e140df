/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/edit.h"

#include <assert.h>

#include "proto/attr.h"
#include "proto/key.h"
#include "proto/otlp_decode.h"
#include "proto/wire.h"

/* ---- edits ---- */

/* In order of place. Edits mostly come in that order: the search begins at the one before. */
static void link_edit(struct toll_node *n, struct toll_edit *edit)
{
	struct toll_edit *near = n->last_edit;
	struct toll_edit **link = near && near->at <= edit->at ? &near->next : &n->edits;

	while (*link && (*link)->at <= edit->at)
		link = &(*link)->next;
	edit->next = *link;
	*link = edit;
	n->last_edit = edit;
}

/* Replaces `removed` bytes of the message at `at`. */
static struct toll_edit *add_edit(struct toll_batch *b, struct toll_node *n, const char *at,
                                  uint32_t removed, char *bytes, uint32_t len)
{
	struct toll_edit *e = toll_arena_new(&b->arena, struct toll_edit, 1);

	assert(!b->sealed);
	if (!e)
		return NULL;
	*e = (struct toll_edit){ .at = at, .bytes = bytes, .removed = removed, .len = len };
	link_edit(n, e);
	n->delta += (int32_t)len - (int32_t)removed;
	return e;
}

/* The edit whose new bytes hold this element. */
static struct toll_edit *edit_of(const struct toll_node *n, const char *element)
{
	struct toll_edit *e = n->edits;

	while (e && !(e->len && element >= e->bytes && element < e->bytes + e->len))
		e = e->next;
	assert(e);
	return e;
}

/* Views that point into an edit's old bytes follow them to the new ones. */
static void move_views(struct toll_node *n, const char *old, uint32_t old_len, ptrdiff_t cut_at,
                       char *bytes, ptrdiff_t shift)
{
	for (uint32_t i = 0; i < n->attr_count; i++) {
		struct toll_attr *a = &n->attrs[i];
		ptrdiff_t at = a->element - old;

		if (a->state == TOLL_ATTR_RECEIVED || at < 0 || at >= (ptrdiff_t)old_len)
			continue;
		a->element = bytes + at + (at > cut_at ? shift : 0);
	}
}

/* Replaces the bytes of one element inside an earlier edit's bytes, in a copy of these. */
static int rewrite_edit(struct toll_batch *b, struct toll_node *n, struct toll_attr *a,
                        struct toll_slice element)
{
	struct toll_edit *e = edit_of(n, a->element);
	const char *old = e->bytes;
	uint32_t old_len = e->len, head = (uint32_t)(a->element - old);
	uint32_t tail = old_len - head - a->element_len;
	uint32_t len = head + (uint32_t)element.len + tail;
	char *bytes = toll_arena_alloc(&b->arena, len, 1);

	if (!bytes)
		return b->arena.err;
	memcpy(bytes, old, head);
	toll_write_raw(bytes + head, element);
	memcpy(bytes + head + element.len, old + head + a->element_len, tail);
	move_views(n, old, old_len, head, bytes,
	           (ptrdiff_t)element.len - (ptrdiff_t)a->element_len);
	n->delta += (int32_t)len - (int32_t)old_len;
	e->bytes = bytes;
	e->len = len;
	return 0;
}

/* ---- views ---- */

static int make_room(struct toll_batch *b, struct toll_node *n, uint32_t more)
{
	uint32_t room = n->attr_count + more + n->attr_count / 2;
	struct toll_attr *attrs;

	if (n->attr_room - n->attr_count >= more)
		return 0;
	attrs = toll_arena_new(&b->arena, struct toll_attr, room);
	if (!attrs)
		return b->arena.err;
	if (n->attr_count)
		memcpy(attrs, n->attrs, n->attr_count * sizeof(*attrs));
	n->attrs = attrs;
	n->attr_room = room;
	return 0;
}

static uint32_t count_fields(struct toll_slice encoded)
{
	struct toll_reader r = toll_reader_of(encoded);
	struct toll_slice body;
	uint32_t tag, n = 0;

	while (r.at < r.end && toll_read_tag(&r, &tag) && toll_read_bytes(&r, &body))
		n++;
	return n;
}

/* Our own encoding: key first, then value, nothing else. */
static void view_element(struct toll_attr *a, struct toll_reader *r)
{
	const char *start = r->at;
	struct toll_slice body, key, value;
	uint32_t tag;
	bool ok = toll_read_tag(r, &tag) && toll_read_bytes(r, &body);
	struct toll_reader in = ok ? toll_reader_of(body) : *r;

	ok = ok && toll_read_tag(&in, &tag) && toll_read_bytes(&in, &key) &&
	     toll_read_tag(&in, &tag) && toll_read_bytes(&in, &value);
	assert(ok);
	a->element = start;
	a->element_len = (uint32_t)(r->at - start);
	a->key_at = (uint32_t)(key.ptr - start);
	a->key_len = (uint32_t)key.len;
	a->value_at = (uint32_t)(value.ptr - start);
	a->value_len = (uint32_t)value.len;
	a->key_id = toll_key_classify(toll_key_table(), key);
}

int toll_node_append(struct toll_batch *b, struct toll_node *n, struct toll_slice encoded,
                     char **ret_copy)
{
	char *copy = toll_arena_alloc(&b->arena, encoded.len, 1);
	struct toll_reader r;
	int err;

	if (!copy)
		return b->arena.err;
	err = make_room(b, n, count_fields(encoded));
	if (err)
		return err;
	memcpy(copy, encoded.ptr, encoded.len);
	if (!add_edit(b, n, n->raw.ptr + n->raw.len, 0, copy, (uint32_t)encoded.len))
		return b->arena.err;
	r = toll_reader_of(toll_slice(copy, encoded.len));
	while (r.at < r.end) {
		struct toll_attr *a = &n->attrs[n->attr_count++];

		view_element(a, &r);
		a->state = TOLL_ATTR_ADDED;
		n->known |= toll_key_bit(a->key_id);
	}
	if (ret_copy)
		*ret_copy = copy;
	return 0;
}

/* ---- set and delete ---- */

/* element: encoded in the arena. */
static int replace_attr(struct toll_batch *b, struct toll_node *n, struct toll_attr *a,
                        char *element, uint32_t len)
{
	struct toll_reader r = { element, element + len };
	int err = 0;

	if (a->state == TOLL_ATTR_RECEIVED) {
		if (!add_edit(b, n, a->element, a->element_len, element, len))
			return b->arena.err;
		view_element(a, &r);
		a->state = TOLL_ATTR_CHANGED;
		return 0;
	}
	err = rewrite_edit(b, n, a, toll_slice(element, len));
	if (err)
		return err;
	r = (struct toll_reader){ a->element, a->element + len };
	view_element(a, &r);
	return 0;
}

int toll_attr_delete(struct toll_batch *b, struct toll_node *n, struct toll_attr *a)
{
	int err;

	if (a->state == TOLL_ATTR_RECEIVED) {
		if (!add_edit(b, n, a->element, a->element_len, NULL, 0))
			return b->arena.err;
	} else {
		err = rewrite_edit(b, n, a, toll_slice(NULL, 0));
		if (err)
			return err;
	}
	a->state = TOLL_ATTR_DELETED;
	return 0;
}

/* Replaces the first attribute of that key, or appends. */
static int set_encoded(struct toll_batch *b, struct toll_node *n, struct toll_slice key,
                       char *element, size_t len)
{
	for (uint32_t i = 0; i < n->attr_count; i++)
		if (n->attrs[i].state != TOLL_ATTR_DELETED &&
		    toll_slice_eq(toll_attr_key(&n->attrs[i]), key))
			return replace_attr(b, n, &n->attrs[i], element, (uint32_t)len);
	return toll_node_append(b, n, toll_slice(element, len), NULL);
}

int toll_node_set_str(struct toll_batch *b, struct toll_node *n, struct toll_slice key,
                      struct toll_slice value)
{
	size_t len = toll_kv_str_size(key, value);
	char *element = toll_arena_alloc(&b->arena, len, 1);

	if (!element)
		return b->arena.err;
	toll_write_kv_str(element, n->attr_tag, key, value);
	return set_encoded(b, n, key, element, len);
}

int toll_node_set_int(struct toll_batch *b, struct toll_node *n, struct toll_slice key,
                      int64_t value)
{
	size_t len = toll_kv_int_size(key, value);
	char *element = toll_arena_alloc(&b->arena, len, 1);

	if (!element)
		return b->arena.err;
	toll_write_kv_int(element, n->attr_tag, key, value);
	return set_encoded(b, n, key, element, len);
}

int toll_node_set_double(struct toll_batch *b, struct toll_node *n, struct toll_slice key,
                         double value)
{
	size_t len = toll_kv_double_size(key);
	char *element = toll_arena_alloc(&b->arena, len, 1);

	if (!element)
		return b->arena.err;
	toll_write_kv_double(element, n->attr_tag, key, value, NULL);
	return set_encoded(b, n, key, element, len);
}

int toll_node_set_bool(struct toll_batch *b, struct toll_node *n, struct toll_slice key, bool value)
{
	size_t len = toll_kv_bool_size(key);
	char *element = toll_arena_alloc(&b->arena, len, 1);

	if (!element)
		return b->arena.err;
	toll_write_kv_bool(element, n->attr_tag, key, value);
	return set_encoded(b, n, key, element, len);
}

int toll_node_set_any(struct toll_batch *b, struct toll_node *n, struct toll_slice key,
                      struct toll_slice any)
{
	size_t len = toll_kv_any_size(key, any);
	char *element = toll_arena_alloc(&b->arena, len, 1);

	if (!element)
		return b->arena.err;
	toll_write_kv_any(element, n->attr_tag, key, any);
	return set_encoded(b, n, key, element, len);
}

int toll_attr_set_str(struct toll_batch *b, struct toll_node *n, struct toll_attr *a,
                      struct toll_slice value)
{
	struct toll_slice key = toll_attr_key(a);
	size_t len = toll_kv_str_size(key, value);
	char *element = toll_arena_alloc(&b->arena, len, 1);

	if (!element)
		return b->arena.err;
	toll_write_kv_str(element, n->attr_tag, key, value);
	return replace_attr(b, n, a, element, (uint32_t)len);
}

/* ---- tracestate ---- */

#define TRACE_STATE_TAG TOLL_TAG(3, TOLL_WIRE_BYTES)

/* The last such field, whole; {NULL, 0}: none. */
static struct toll_slice trace_state_field(const struct toll_span *s)
{
	struct toll_reader r = toll_reader_of(s->node.raw);
	struct toll_slice found = { 0 };
	uint32_t tag;

	while (r.at < r.end) {
		const char *start = r.at;

		if (!toll_read_tag(&r, &tag) || !toll_read_skip(&r, tag))
			break;
		if (tag == TRACE_STATE_TAG)
			found = toll_slice(start, (size_t)(r.at - start));
	}
	return found;
}

static bool is_received(const struct toll_span *s)
{
	const struct toll_slice *raw = &s->node.raw;

	return !s->trace_state.ptr ||
	       (s->trace_state.ptr >= raw->ptr && s->trace_state.ptr <= raw->ptr + raw->len);
}

int toll_span_set_trace_state(struct toll_batch *b, struct toll_span *s, struct toll_slice text)
{
	size_t len = 1 + toll_varint_size(text.len) + text.len;
	char *bytes = toll_arena_alloc(&b->arena, len, 1);
	struct toll_node *n = &s->node;
	struct toll_slice old;

	if (!bytes)
		return b->arena.err;
	toll_write_bytes(bytes, TRACE_STATE_TAG, text);
	if (!is_received(s)) {
		struct toll_edit *e = edit_of(n, s->trace_state.ptr - 1);

		n->delta += (int32_t)len - (int32_t)e->len;
		e->bytes = bytes;
		e->len = (uint32_t)len;
	} else {
		old = trace_state_field(s);
		if (!add_edit(b, n, old.ptr ? old.ptr : n->raw.ptr + n->raw.len, (uint32_t)old.len,
		              bytes, (uint32_t)len))
			return b->arena.err;
	}
	s->trace_state = toll_slice(bytes + len - text.len, text.len);
	return 0;
}

/* ---- what follows from edits ---- */

void toll_batch_allow(struct toll_batch *b, size_t bytes)
{
	b->arena.limit += bytes;
}

void toll_resource_changed(struct toll_resource *r)
{
	struct toll_slice name = toll_attr_text(toll_node_find(&r->node, TOLL_KEY_SERVICE_NAME));

	r->service = name.len ? name : TOLL_SLICE("unknown_service");
}

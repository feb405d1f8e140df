/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/batch.h"

#include <assert.h>
#include <stddef.h>
#include <stdlib.h>

#include "base/clock.h"
#include "proto/cost_record.h"
#include "proto/otlp_decode.h"

const char *toll_unpriced_label(enum toll_unpriced why)
{
	static const char *const labels[] = {
#define TOLL_UNPRICED(id, label) [TOLL_UNPRICED_##id] = (label),
#include "proto/unpriced.def"
	};

	return labels[why];
}

/* A typical request's views and edits take about 2.5 times its size: one malloc for all of it. */
static size_t first_chunk(size_t wire_size)
{
	return wire_size * 3 + wire_size / 2 + 2048;
}

static struct toll_batch *batch_alloc(size_t arena_limit, struct toll_memory *memory)
{
	struct toll_batch *b = calloc(1, sizeof(*b));

	if (!b)
		return NULL;
	toll_arena_init(&b->arena, arena_limit);
	atomic_init(&b->refs, 1);
	b->memory = memory;
	return b;
}

int toll_batch_new(size_t wire_size, struct toll_memory *memory, char **ret_wire,
                   struct toll_batch **ret)
{
	size_t limit =
		first_chunk(wire_size) + wire_size * TOLL_VIEWS_PER_WIRE_BYTE + TOLL_VIEWS_BYTES;
	struct toll_batch *b = batch_alloc(limit, memory);
	char *wire;
	int err;

	if (!b)
		return TOLL_ENOMEM;
	err = toll_arena_reserve(&b->arena, first_chunk(wire_size));
	wire = err ? NULL : toll_arena_alloc(&b->arena, wire_size, 16);
	if (!err && !wire)
		err = b->arena.err;
	if (!err)
		err = toll_batch_account(b);
	if (err)
		return toll_batch_unref(b), err;
	b->wire = toll_slice(wire, wire_size);
	b->received_mono_ns = toll_clock_mono_ns();
	b->received_wall_ms = toll_clock_wall_ms();
	*ret_wire = wire;
	*ret = b;
	return 0;
}

int toll_batch_account(struct toll_batch *b)
{
	size_t more = b->arena.held - b->charged;

	if (!toll_memory_charge(b->memory, more))
		return TOLL_EFULL;
	b->charged += more;
	return 0;
}

struct toll_batch *toll_batch_ref(struct toll_batch *b)
{
	assert(b->sealed);
	atomic_fetch_add_explicit(&b->refs, 1, memory_order_relaxed);
	return b;
}

struct toll_batch *toll_batch_unref(struct toll_batch *b)
{
	/* A loop, not a recursion: clones of clones. */
	while (b && atomic_fetch_sub_explicit(&b->refs, 1, memory_order_acq_rel) == 1) {
		struct toll_batch *parent = b->parent;

		for (struct toll_pin *p = b->pins; p; p = p->next)
			p->release(p->object);
		toll_memory_release(b->memory, b->charged);
		toll_arena_release(&b->arena);
		free(b);
		b = parent;
	}
	return NULL;
}

void toll_batch_seal(struct toll_batch *b)
{
	/* The bytes are there already: what the budget would refuse now is still counted. */
	size_t more = b->arena.held - b->charged;

	if (b->memory)
		atomic_fetch_add_explicit(&b->memory->used, more, memory_order_relaxed);
	b->charged += more;
	toll_batch_resolve_dimensions(b);
	b->sealed = true;
}

int toll_batch_pin(struct toll_batch *b, void (*release)(void *object), void *object)
{
	struct toll_pin *p = toll_arena_new(&b->arena, struct toll_pin, 1);

	if (!p)
		return TOLL_ENOMEM;
	*p = (struct toll_pin){ b->pins, release, object };
	b->pins = p;
	return 0;
}

void toll_span_drop(struct toll_batch *b, struct toll_span *s, enum toll_drop why)
{
	if (s->dropped)
		return;
	s->dropped = (uint8_t)why;
	b->kept_count--;
}

/* ---- clone ---- */

static int clone_edits(struct toll_arena *a, struct toll_node *n)
{
	struct toll_edit **link = &n->edits;

	n->last_edit = NULL;
	for (struct toll_edit *e = n->edits; e; e = e->next) {
		struct toll_edit *copy = toll_arena_new(a, struct toll_edit, 1);

		if (!copy)
			return a->err;
		*copy = *e;
		*link = copy;
		link = &copy->next;
	}
	return 0;
}

/* Edited bytes are shared: an edit is replaced, never written into, once the batch has a clone. */
static int clone_node(struct toll_arena *a, struct toll_node *n)
{
	struct toll_attr *attrs = toll_arena_new(a, struct toll_attr, n->attr_room);

	if (!attrs)
		return a->err;
	if (n->attr_count)
		memcpy(attrs, n->attrs, n->attr_count * sizeof(*attrs));
	n->attrs = attrs;
	return n->edits ? clone_edits(a, n) : 0;
}

static void *copy_array(struct toll_arena *a, const void *from, size_t size, uint32_t count)
{
	void *to = toll_arena_array(a, size, _Alignof(max_align_t), count);

	if (to && count)
		memcpy(to, from, size * count);
	return to;
}

static int clone_views(struct toll_batch *to, const struct toll_batch *from)
{
	int err = 0;

	to->resources = copy_array(&to->arena, from->resources, sizeof(*to->resources),
	                           from->resource_count);
	to->scopes = copy_array(&to->arena, from->scopes, sizeof(*to->scopes), from->scope_count);
	to->spans = copy_array(&to->arena, from->spans, sizeof(*to->spans), from->span_count);
	if (!to->resources || !to->scopes || !to->spans)
		return to->arena.err;
	for (uint32_t i = 0; i < from->resource_count && !err; i++)
		err = clone_node(&to->arena, &to->resources[i].node);
	for (uint32_t i = 0; i < from->scope_count && !err; i++)
		err = clone_node(&to->arena, &to->scopes[i].node);
	for (uint32_t i = 0; i < from->span_count && !err; i++)
		err = clone_node(&to->arena, &to->spans[i].node);
	return err;
}

int toll_batch_clone(struct toll_batch *b, struct toll_batch **ret)
{
	struct toll_batch *c = batch_alloc(b->arena.limit, b->memory);
	int err;

	if (!c)
		return TOLL_ENOMEM;
	/* A clone has no bytes of its own. */
	err = toll_arena_reserve(&c->arena, b->arena.held - (b->parent ? 0 : b->wire.len));
	if (!err)
		err = clone_views(c, b);
	if (!err)
		err = toll_batch_account(c);
	if (err)
		return toll_batch_unref(c), err;
	c->wire = b->wire;
	c->resource_count = b->resource_count;
	c->scope_count = b->scope_count;
	c->span_count = b->span_count;
	c->kept_count = b->kept_count;
	c->dropped_count = b->dropped_count;
	c->received_mono_ns = b->received_mono_ns;
	c->received_wall_ms = b->received_wall_ms;
	c->digest[0] = b->digest[0];
	c->digest[1] = b->digest[1];
	c->peer = b->peer;
	c->price_version = b->price_version;
	atomic_fetch_add_explicit(&b->refs, 1, memory_order_relaxed);
	c->parent = b;
	*ret = c;
	return 0;
}

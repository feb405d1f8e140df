/* SPDX-License-Identifier: Apache-2.0 */
#include "config/tree_build.h"

#include <stdarg.h>
#include <stdlib.h>

#include "base/hash.h"
#include "config/config.h"

#define MERGED_KEYS_MAX 1000
/* A mapping with fewer keys is looked through for duplicates pair by pair. */
#define FEW_KEYS 12

/* ---- faults ---- */

static void report(struct toll_tree_builder *b, struct toll_tree_mark at, const char *fmt,
                   va_list ap) TOLL_PRINTF(3, 0);

static void report(struct toll_tree_builder *b, struct toll_tree_mark at, const char *fmt,
                   va_list ap)
{
	struct toll_place place = { b->in->file, at.line, at.column };

	if (b->in->findings)
		toll_findings_vadd(b->in->findings, TOLL_FINDING_ERROR, place, "", fmt, ap);
}

void toll_tree_fail(struct toll_tree_builder *b, struct toll_tree_mark at, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	report(b, at, fmt, ap);
	va_end(ap);
	b->err = TOLL_ECONFIG;
}

/* Tells of it and goes on, unless nobody listens. */
static void complain(struct toll_tree_builder *b, struct toll_tree_mark at, const char *fmt, ...)
	TOLL_PRINTF(3, 4);

static void complain(struct toll_tree_builder *b, struct toll_tree_mark at, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	report(b, at, fmt, ap);
	va_end(ap);
	if (!b->in->findings)
		b->err = TOLL_ECONFIG;
}

static struct toll_tree_mark mark_of(const struct toll_yaml_entry *entry)
{
	return (struct toll_tree_mark){ entry->line, entry->column };
}

static void fail_depth(struct toll_tree_builder *b, struct toll_tree_mark at)
{
	toll_tree_fail(b, at, "nested too deep: more than %u levels", TOLL_YAML_MAX_DEPTH);
}

/* ---- nodes ---- */

static bool push_pending(struct toll_tree_builder *b, struct toll_yaml_entry entry)
{
	if (b->pending_count == b->pending_room) {
		size_t room = b->pending_room * 2;
		struct toll_yaml_entry *more = reallocarray(b->pending, room, sizeof(*more));

		if (!more) {
			b->err = TOLL_ENOMEM;
			return false;
		}
		b->pending = more;
		b->pending_room = room;
	}
	b->pending[b->pending_count++] = entry;
	return true;
}

/* Counts what a node adds to the tree, as if aliases were copies. */
static bool count_nodes(struct toll_tree_builder *b, struct toll_tree_mark at, uint32_t weight)
{
	b->nodes += weight;
	if (b->nodes <= b->max_nodes)
		return true;
	toll_tree_fail(b, at, "too large: more than %u values, aliases counted where they are used",
	               b->max_nodes);
	return false;
}

static struct toll_yaml_node *no_memory(struct toll_tree_builder *b)
{
	b->err = b->in->arena->err;
	if (b->err == TOLL_ETOOBIG)
		toll_tree_fail(b, (struct toll_tree_mark){ 0, 0 },
		               "too large: takes more memory than a document may");
	return NULL;
}

static struct toll_yaml_node *new_node(struct toll_tree_builder *b, enum toll_yaml_kind kind,
                                       struct toll_tree_mark at)
{
	struct toll_yaml_node *node;

	if (b->err || !count_nodes(b, at, 1))
		return NULL;
	node = toll_arena_new(b->in->arena, struct toll_yaml_node, 1);
	if (!node)
		return no_memory(b);
	*node = (struct toll_yaml_node){
		.kind = kind, .file = b->in->file, .line = at.line, .column = at.column
	};
	return node;
}

/* node stands here: as the root, as a list's item, or as the value of the key before it. */
static void place(struct toll_tree_builder *b, struct toll_yaml_node *node,
                  struct toll_tree_mark at)
{
	struct toll_tree_frame *top = b->depth ? &b->frames[b->depth - 1] : NULL;
	struct toll_yaml_entry entry = {
		.file = b->in->file, .line = node->line, .column = node->column, .value = node
	};

	if (!top) {
		b->root = node;
		return;
	}
	if (top->node->kind == TOLL_YAML_LIST) {
		push_pending(b, entry);
		return;
	}
	if (!top->has_key) {
		if (node->kind == TOLL_YAML_LIST || node->kind == TOLL_YAML_MAP) {
			toll_tree_fail(b, at, "a key must be plain text");
			return;
		}
		top->key = node->text;
		top->line = node->line;
		top->column = node->column;
		top->has_key = true;
		return;
	}
	entry.key = top->key;
	entry.line = top->line;
	entry.column = top->column;
	top->has_key = false;
	push_pending(b, entry);
}

struct toll_yaml_node *toll_tree_scalar(struct toll_tree_builder *b, enum toll_yaml_kind kind,
                                        struct toll_slice text, bool plain,
                                        struct toll_tree_mark at)
{
	struct toll_yaml_node *node = new_node(b, kind, at);
	char *copy;

	if (!node)
		return NULL;
	copy = toll_arena_strdup(b->in->arena, text);
	if (!copy)
		return no_memory(b);
	node->text = toll_slice(copy, text.len);
	node->plain = plain;
	node->weight = node->height = 1;
	place(b, node, at);
	return b->err ? NULL : node;
}

void toll_tree_again(struct toll_tree_builder *b, struct toll_yaml_node *node,
                     struct toll_tree_mark at)
{
	if (b->depth + node->height > TOLL_YAML_MAX_DEPTH)
		fail_depth(b, at);
	else if (count_nodes(b, at, node->weight))
		place(b, node, at);
}

struct toll_yaml_node *toll_tree_open(struct toll_tree_builder *b, enum toll_yaml_kind kind,
                                      struct toll_tree_mark at)
{
	struct toll_yaml_node *node;

	/* One level is left for what this one will hold. */
	if (b->depth + 1 >= TOLL_YAML_MAX_DEPTH) {
		fail_depth(b, at);
		return NULL;
	}
	if (b->depth && b->frames[b->depth - 1].node->kind == TOLL_YAML_MAP &&
	    !b->frames[b->depth - 1].has_key) {
		toll_tree_fail(b, at, "a key must be plain text");
		return NULL;
	}
	node = new_node(b, kind, at);
	if (node)
		b->frames[b->depth++] =
			(struct toll_tree_frame){ .node = node, .first = b->pending_count };
	return node;
}

/* ---- "<<" ---- */

static bool is_merge(const struct toll_tree_builder *b, const struct toll_yaml_entry *entry)
{
	return b->merges && toll_slice_is(entry->key, "<<");
}

static bool has_key(const struct toll_yaml_entry *entries, size_t count, struct toll_slice key)
{
	for (size_t i = 0; i < count; i++)
		if (toll_slice_eq(entries[i].key, key))
			return true;
	return false;
}

/* Adds what a "<<" offers and the mapping (from pending[first]) does not say itself. */
static void merge_map(struct toll_tree_builder *b, size_t first, const struct toll_yaml_node *from,
                      const struct toll_yaml_entry *merge)
{
	if (from->kind != TOLL_YAML_MAP) {
		toll_tree_fail(b, mark_of(merge), "<< needs a mapping, or a list of mappings");
		return;
	}
	b->nodes += from->weight;
	if (b->nodes > b->max_nodes || b->pending_count - first + from->count > MERGED_KEYS_MAX) {
		toll_tree_fail(b, mark_of(merge), "<< makes the file too large");
		return;
	}
	for (size_t i = 0; i < from->count && !b->err; i++)
		if (!has_key(b->pending + first, b->pending_count - first, from->entries[i].key))
			push_pending(b, from->entries[i]);
}

static void merge_one(struct toll_tree_builder *b, size_t first,
                      const struct toll_yaml_entry *merge)
{
	const struct toll_yaml_node *from = merge->value;

	if (from->kind != TOLL_YAML_LIST) {
		merge_map(b, first, from, merge);
		return;
	}
	for (size_t i = 0; i < from->count && !b->err; i++)
		merge_map(b, first, from->entries[i].value, merge);
}

/* Takes the "<<" keys out of the open mapping and puts in what they stand for. */
static void merge_keys(struct toll_tree_builder *b, size_t first)
{
	for (size_t i = first; i < b->pending_count && !b->err;) {
		struct toll_yaml_entry merge = b->pending[i];

		if (!is_merge(b, &merge)) {
			i++;
			continue;
		}
		memmove(b->pending + i, b->pending + i + 1,
		        (b->pending_count - i - 1) * sizeof(*b->pending));
		b->pending_count--;
		merge_one(b, first, &merge);
	}
}

/* ---- duplicate keys: the first is kept ---- */

static void report_duplicate(struct toll_tree_builder *b, const struct toll_yaml_entry *entry,
                             const struct toll_yaml_entry *first)
{
	complain(b, mark_of(entry),
	         "the key \"%.*s\" is here for the second time (first in line %u)",
	         TOLL_FMT(toll_slice_cut(entry->key, 60)), first->line);
}

static void drop_of_many(struct toll_tree_builder *b, size_t first)
{
	size_t count = b->pending_count - first, kept = 0;
	struct toll_yaml_entry *at = b->pending + first;
	struct toll_table seen;

	if (toll_table_init(&seen, (uint32_t)count + 1) < 0) {
		b->err = TOLL_ENOMEM;
		return;
	}
	for (size_t i = 0; i < count && !b->err; i++) {
		uint32_t *where;
		bool added;

		if (toll_table_insert(&seen, at[i].key, &where, &added) < 0) {
			b->err = TOLL_ENOMEM;
		} else if (added || is_merge(b, &at[i])) {
			*where = (uint32_t)kept;
			at[kept++] = at[i];
		} else {
			report_duplicate(b, &at[i], &at[*where]);
		}
	}
	b->pending_count = first + kept;
	toll_table_release(&seen);
}

static void drop_of_few(struct toll_tree_builder *b, size_t first)
{
	size_t count = b->pending_count - first, kept = 0;
	struct toll_yaml_entry *at = b->pending + first;

	for (size_t i = 0; i < count && !b->err; i++) {
		size_t same = 0;

		while (same < kept && !toll_slice_eq(at[same].key, at[i].key))
			same++;
		if (same == kept || is_merge(b, &at[i]))
			at[kept++] = at[i];
		else
			report_duplicate(b, &at[i], &at[same]);
	}
	b->pending_count = first + kept;
}

static void end_map(struct toll_tree_builder *b, size_t first)
{
	if (b->pending_count - first <= FEW_KEYS)
		drop_of_few(b, first);
	else
		drop_of_many(b, first);
	if (b->merges)
		merge_keys(b, first);
}

/* ---- ends ---- */

static bool measure(struct toll_yaml_node *node, uint32_t max_nodes)
{
	uint32_t weight = 1, height = 0;

	for (size_t i = 0; i < node->count; i++) {
		const struct toll_yaml_node *child = node->entries[i].value;

		weight += child->weight;
		if (weight > max_nodes)
			return false;
		if (child->height > height)
			height = child->height;
	}
	node->weight = weight;
	node->height = height + 1;
	return node->height <= TOLL_YAML_MAX_DEPTH;
}

bool toll_yaml_measure(struct toll_yaml_node *node)
{
	return measure(node, TOLL_YAML_MAX_NODES);
}

void toll_tree_close(struct toll_tree_builder *b, struct toll_tree_mark at)
{
	struct toll_tree_frame *top = &b->frames[b->depth - 1];
	struct toll_yaml_node *node = top->node;
	size_t count;

	if (node->kind == TOLL_YAML_MAP)
		end_map(b, top->first);
	if (b->err)
		return;
	count = b->pending_count - top->first;
	node->entries = toll_arena_new(b->in->arena, struct toll_yaml_entry, count);
	if (!node->entries) {
		no_memory(b);
		return;
	}
	if (count)
		memcpy(node->entries, b->pending + top->first, count * sizeof(*b->pending));
	node->count = count;
	b->pending_count = top->first;
	b->depth--;
	if (!measure(node, b->max_nodes))
		toll_tree_fail(b, at, "too large, or nested deeper than %u levels",
		               TOLL_YAML_MAX_DEPTH);
	else
		place(b, node, at);
}

int toll_tree_init(struct toll_tree_builder *b, const struct toll_yaml_input *in)
{
	*b = (struct toll_tree_builder){
		.in = in,
		.max_bytes = in->max_bytes ? in->max_bytes : TOLL_YAML_MAX_BYTES,
		.max_nodes = in->max_nodes ? in->max_nodes : TOLL_YAML_MAX_NODES,
		.pending_room = 64,
	};
	if (in->text.len > b->max_bytes) {
		toll_tree_fail(b, (struct toll_tree_mark){ 0, 0 },
		               "the file is too large: at most %zu MiB", b->max_bytes >> 20);
		return b->err;
	}
	b->pending = calloc(b->pending_room, sizeof(*b->pending));
	return b->pending ? 0 : TOLL_ENOMEM;
}

void toll_tree_release(struct toll_tree_builder *b)
{
	free(b->pending);
	b->pending = NULL;
}

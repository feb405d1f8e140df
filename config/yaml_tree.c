/* SPDX-License-Identifier: Apache-2.0 */
#include "config/yaml_tree.h"

#include <stdlib.h>
#include <yaml.h>

#include "base/hash.h"
#include "config/config.h"
#include "config/scalar.h"

#define ANCHORS_MAX     1000
#define MERGED_KEYS_MAX 1000

/* A list or mapping whose end has not come yet. */
struct frame {
	struct toll_yaml_node *node;
	size_t first;          /* of its entries among builder.pending */
	struct toll_slice key; /* MAP: the key that waits for its value */
	unsigned line, column; /* of that key */
	bool has_key;
};

struct builder {
	const struct toll_yaml_input *in;
	yaml_parser_t parser;
	struct toll_table anchors; /* name -> index into anchored */
	struct toll_yaml_node *anchored[ANCHORS_MAX];
	struct toll_yaml_entry *pending; /* children of the open frames */
	size_t pending_count, pending_room;
	struct frame frames[TOLL_YAML_MAX_DEPTH];
	unsigned depth;
	uint32_t nodes;
	struct toll_yaml_node *root;
	int err;
};

bool toll_yaml_is_null(const struct toll_yaml_node *node)
{
	return !node || node->kind == TOLL_YAML_NULL;
}

const char *toll_yaml_kind_text(const struct toll_yaml_node *node)
{
	static const char *const names[] = { "null", "text", "a list", "a mapping" };

	return node ? names[node->kind] : names[0];
}

struct toll_yaml_entry *toll_yaml_find(const struct toll_yaml_node *node, const char *key)
{
	if (!node || node->kind != TOLL_YAML_MAP)
		return NULL;
	for (size_t i = 0; i < node->count; i++)
		if (toll_slice_is(node->entries[i].key, key))
			return &node->entries[i];
	return NULL;
}

bool toll_yaml_measure(struct toll_yaml_node *node)
{
	uint32_t weight = 1, height = 0;

	for (size_t i = 0; i < node->count; i++) {
		const struct toll_yaml_node *child = node->entries[i].value;

		weight += child->weight;
		if (weight > TOLL_YAML_MAX_NODES)
			return false;
		if (child->height > height)
			height = child->height;
	}
	node->weight = weight;
	node->height = height + 1;
	return node->height <= TOLL_YAML_MAX_DEPTH;
}

/* ---- faults ---- */

static void report(struct builder *b, unsigned line, unsigned column, const char *text)
{
	struct toll_place at = { b->in->file, line, column };

	if (b->in->findings)
		toll_findings_add(b->in->findings, TOLL_FINDING_ERROR, at, "", "%s", text);
}

static void fail(struct builder *b, unsigned line, unsigned column, const char *text)
{
	report(b, line, column, text);
	b->err = TOLL_ECONFIG;
}

static unsigned line_of(const struct builder *b, yaml_mark_t mark)
{
	return b->in->fixed ? b->in->line : (unsigned)mark.line + 1;
}

static unsigned column_of(const struct builder *b, yaml_mark_t mark)
{
	return b->in->fixed ? b->in->column : (unsigned)mark.column + 1;
}

static void fail_at(struct builder *b, yaml_mark_t mark, const char *text)
{
	fail(b, line_of(b, mark), column_of(b, mark), text);
}

static void fail_syntax(struct builder *b)
{
	const yaml_parser_t *p = &b->parser;
	char text[256];

	if (p->error == YAML_MEMORY_ERROR) {
		b->err = TOLL_ENOMEM;
		return;
	}
	snprintf(text, sizeof(text), "not valid YAML: %s%s%s",
	         p->problem ? p->problem : "unreadable", p->context ? ", " : "",
	         p->context ? p->context : "");
	if (p->problem && strstr(p->problem, "cannot start any token"))
		snprintf(text, sizeof(text),
		         "not valid YAML: a tab or a reserved character begins a value here; "
		         "indent with spaces, put the value in quotes");
	fail_at(b, p->problem_mark, text);
}

/* ---- building ---- */

static bool push_pending(struct builder *b, struct toll_yaml_entry entry)
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
static bool count_nodes(struct builder *b, yaml_mark_t mark, uint32_t weight)
{
	b->nodes += weight;
	if (b->nodes <= TOLL_YAML_MAX_NODES)
		return true;
	fail_at(b, mark, "too large: more than 100000 values, aliases counted where they are used");
	return false;
}

static struct toll_yaml_node *new_node(struct builder *b, enum toll_yaml_kind kind,
                                       yaml_mark_t mark)
{
	struct toll_yaml_node *node;

	if (!count_nodes(b, mark, 1))
		return NULL;
	node = toll_arena_new(b->in->arena, struct toll_yaml_node, 1);
	if (!node) {
		b->err = TOLL_ENOMEM;
		return NULL;
	}
	*node = (struct toll_yaml_node){ .kind = kind,
		                         .file = b->in->file,
		                         .line = line_of(b, mark),
		                         .column = column_of(b, mark) };
	return node;
}

static void remember_anchor(struct builder *b, const yaml_char_t *name, struct toll_yaml_node *node,
                            yaml_mark_t mark)
{
	struct toll_slice key = toll_slice_str((const char *)name);
	uint32_t *at;
	bool added;

	if (!toll_table_find(&b->anchors, key)) {
		key = toll_arena_dup(b->in->arena, key);
		if (!key.ptr) {
			b->err = TOLL_ENOMEM;
			return;
		}
	}
	if (toll_table_insert(&b->anchors, key, &at, &added) < 0) {
		fail_at(b, mark, "too many anchors: at most 1000");
		return;
	}
	if (added)
		*at = b->anchors.count - 1;
	b->anchored[*at] = node;
}

/* node stands here: as the root, as a list's item, or as the value of the key before it. */
static void place(struct builder *b, struct toll_yaml_node *node, yaml_mark_t mark)
{
	struct frame *top = b->depth ? &b->frames[b->depth - 1] : NULL;
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
			fail_at(b, mark, "a key must be plain text");
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

static void on_scalar(struct builder *b, const yaml_event_t *e)
{
	struct toll_slice text = toll_slice(e->data.scalar.value, e->data.scalar.length);
	bool plain = e->data.scalar.style == YAML_PLAIN_SCALAR_STYLE && !e->data.scalar.tag;
	bool null = plain && toll_scalar_is_null(text);
	struct toll_yaml_node *node =
		new_node(b, null ? TOLL_YAML_NULL : TOLL_YAML_SCALAR, e->start_mark);
	char *copy;

	if (!node)
		return;
	copy = toll_arena_strdup(b->in->arena, text);
	if (!copy) {
		b->err = TOLL_ENOMEM;
		return;
	}
	node->text = toll_slice(copy, text.len);
	node->plain = plain;
	node->weight = node->height = 1;
	if (e->data.scalar.anchor)
		remember_anchor(b, e->data.scalar.anchor, node, e->start_mark);
	place(b, node, e->start_mark);
}

static void on_alias(struct builder *b, const yaml_event_t *e)
{
	const char *name = (const char *)e->data.alias.anchor;
	uint32_t *at = toll_table_find(&b->anchors, toll_slice_str(name));
	struct toll_yaml_node *node = at ? b->anchored[*at] : NULL;

	if (!node)
		fail_at(b, e->start_mark, "an alias of an anchor that is not defined before it");
	else if (!node->weight)
		fail_at(b, e->start_mark, "an alias inside of what it stands for");
	else if (b->depth + node->height > TOLL_YAML_MAX_DEPTH)
		fail_at(b, e->start_mark, "nested too deep: more than 64 levels");
	else if (count_nodes(b, e->start_mark, node->weight))
		place(b, node, e->start_mark);
}

static void on_start(struct builder *b, enum toll_yaml_kind kind, const yaml_char_t *anchor,
                     yaml_mark_t mark)
{
	struct toll_yaml_node *node;

	/* One level is left for what this one will hold. */
	if (b->depth + 1 >= TOLL_YAML_MAX_DEPTH) {
		fail_at(b, mark, "nested too deep: more than 64 levels");
		return;
	}
	if (b->depth && b->frames[b->depth - 1].node->kind == TOLL_YAML_MAP &&
	    !b->frames[b->depth - 1].has_key) {
		fail_at(b, mark, "a key must be plain text");
		return;
	}
	node = new_node(b, kind, mark);
	if (!node)
		return;
	if (anchor)
		remember_anchor(b, anchor, node, mark);
	b->frames[b->depth++] = (struct frame){ .node = node, .first = b->pending_count };
}

static bool is_merge(const struct toll_yaml_entry *entry)
{
	return toll_slice_is(entry->key, "<<");
}

static bool has_key(const struct toll_yaml_entry *entries, size_t count, struct toll_slice key)
{
	for (size_t i = 0; i < count; i++)
		if (toll_slice_eq(entries[i].key, key))
			return true;
	return false;
}

/* Adds what a "<<" offers and the mapping (from pending[first]) does not say itself. */
static void merge_map(struct builder *b, size_t first, const struct toll_yaml_node *from,
                      const struct toll_yaml_entry *merge)
{
	if (from->kind != TOLL_YAML_MAP) {
		fail(b, merge->line, merge->column, "<< needs a mapping, or a list of mappings");
		return;
	}
	b->nodes += from->weight;
	if (b->nodes > TOLL_YAML_MAX_NODES ||
	    b->pending_count - first + from->count > MERGED_KEYS_MAX) {
		fail(b, merge->line, merge->column, "<< makes the file too large");
		return;
	}
	for (size_t i = 0; i < from->count && !b->err; i++)
		if (!has_key(b->pending + first, b->pending_count - first, from->entries[i].key))
			push_pending(b, from->entries[i]);
}

static void merge_one(struct builder *b, size_t first, const struct toll_yaml_entry *merge)
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
static void merge_keys(struct builder *b, size_t first)
{
	for (size_t i = first; i < b->pending_count && !b->err;) {
		struct toll_yaml_entry merge = b->pending[i];

		if (!is_merge(&merge)) {
			i++;
			continue;
		}
		memmove(b->pending + i, b->pending + i + 1,
		        (b->pending_count - i - 1) * sizeof(*b->pending));
		b->pending_count--;
		merge_one(b, first, &merge);
	}
}

static void report_duplicate(struct builder *b, const struct toll_yaml_entry *entry,
                             const struct toll_yaml_entry *first)
{
	char text[160];

	snprintf(text, sizeof(text),
	         "the key \"%.*s\" is here for the second time (first in line %u)",
	         (int)(entry->key.len > 60 ? 60 : entry->key.len), entry->key.ptr, first->line);
	report(b, entry->line, entry->column, text);
	if (!b->in->findings)
		b->err = TOLL_ECONFIG;
}

/* Keeps the first of equal keys. */
static void drop_duplicates(struct builder *b, size_t first)
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
		} else if (added || is_merge(&at[i])) {
			*where = (uint32_t)kept;
			at[kept++] = at[i];
		} else {
			report_duplicate(b, &at[i], &at[*where]);
		}
	}
	b->pending_count = first + kept;
	toll_table_release(&seen);
}

static void on_end(struct builder *b, yaml_mark_t mark)
{
	struct frame *top = &b->frames[b->depth - 1];
	struct toll_yaml_node *node = top->node;
	size_t count;

	if (node->kind == TOLL_YAML_MAP) {
		drop_duplicates(b, top->first);
		merge_keys(b, top->first);
	}
	if (b->err)
		return;
	count = b->pending_count - top->first;
	node->entries = toll_arena_new(b->in->arena, struct toll_yaml_entry, count);
	if (!node->entries) {
		b->err = TOLL_ENOMEM;
		return;
	}
	if (count)
		memcpy(node->entries, b->pending + top->first, count * sizeof(*b->pending));
	node->count = count;
	b->pending_count = top->first;
	b->depth--;
	if (!toll_yaml_measure(node))
		fail_at(b, mark, "too large, or nested deeper than 64 levels");
	else
		place(b, node, mark);
}

static void on_document(struct builder *b, const yaml_event_t *e)
{
	if (b->root)
		fail_at(b, e->start_mark, "a second document (after \"---\"): only one is allowed");
}

/* True when the stream has ended. */
static bool on_event(struct builder *b, const yaml_event_t *e)
{
	switch (e->type) {
	case YAML_DOCUMENT_START_EVENT:
		on_document(b, e);
		break;
	case YAML_SCALAR_EVENT:
		on_scalar(b, e);
		break;
	case YAML_ALIAS_EVENT:
		on_alias(b, e);
		break;
	case YAML_SEQUENCE_START_EVENT:
		on_start(b, TOLL_YAML_LIST, e->data.sequence_start.anchor, e->start_mark);
		break;
	case YAML_MAPPING_START_EVENT:
		on_start(b, TOLL_YAML_MAP, e->data.mapping_start.anchor, e->start_mark);
		break;
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		on_end(b, e->start_mark);
		break;
	case YAML_STREAM_END_EVENT:
	case YAML_NO_EVENT:
		return true;
	default:
		break;
	}
	return false;
}

static void read_events(struct builder *b)
{
	bool ended = false;

	while (!ended && !b->err) {
		yaml_event_t event;

		if (!yaml_parser_parse(&b->parser, &event)) {
			fail_syntax(b);
			return;
		}
		ended = on_event(b, &event);
		yaml_event_delete(&event);
	}
}

static int build(struct builder *b, struct toll_yaml_node **ret)
{
	b->pending_room = 64;
	b->pending = calloc(b->pending_room, sizeof(*b->pending));
	if (!b->pending || !yaml_parser_initialize(&b->parser))
		return TOLL_ENOMEM;
	yaml_parser_set_input_string(&b->parser, (const unsigned char *)b->in->text.ptr,
	                             b->in->text.len);
	read_events(b);
	if (!b->err && !b->root) {
		yaml_mark_t start = { 0 };

		b->root = new_node(b, TOLL_YAML_NULL, start);
		if (b->root)
			b->root->weight = b->root->height = 1;
	}
	yaml_parser_delete(&b->parser);
	if (!b->err)
		*ret = b->root;
	return b->err;
}

int toll_yaml_parse(const struct toll_yaml_input *in, struct toll_yaml_node **ret)
{
	struct builder *b = calloc(1, sizeof(*b));
	int err = TOLL_ENOMEM;

	if (!b)
		return err;
	b->in = in;
	if (in->text.len > TOLL_YAML_MAX_BYTES) {
		fail(b, 0, 0, "the file is too large: at most 8 MiB");
		err = b->err;
	} else if (toll_table_init(&b->anchors, ANCHORS_MAX) == 0) {
		err = build(b, ret);
		toll_table_release(&b->anchors);
	}
	free(b->pending);
	free(b);
	return err;
}

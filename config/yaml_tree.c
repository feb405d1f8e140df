/* SPDX-License-Identifier: Apache-2.0 */
#include "config/yaml_tree.h"

#include <stdlib.h>
#include <yaml.h>

#include "base/hash.h"
#include "config/scalar.h"
#include "config/tree_build.h"

#define ANCHORS_MAX 1000

struct reader {
	struct toll_tree_builder tree;
	yaml_parser_t parser;
	struct toll_table anchors; /* name -> index into anchored */
	struct toll_yaml_node *anchored[ANCHORS_MAX];
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

const struct toll_yaml_node *toll_yaml_value(const struct toll_yaml_node *node, const char *key)
{
	const struct toll_yaml_entry *entry = toll_yaml_find(node, key);

	return entry ? entry->value : NULL;
}

static struct toll_tree_mark at(const struct reader *r, yaml_mark_t mark)
{
	const struct toll_yaml_input *in = r->tree.in;

	if (in->fixed)
		return (struct toll_tree_mark){ in->line, in->column };
	return (struct toll_tree_mark){ (unsigned)mark.line + 1, (unsigned)mark.column + 1 };
}

static void fail_syntax(struct reader *r)
{
	const yaml_parser_t *p = &r->parser;

	if (p->error == YAML_MEMORY_ERROR)
		r->tree.err = TOLL_ENOMEM;
	else if (p->problem && strstr(p->problem, "cannot start any token"))
		toll_tree_fail(&r->tree, at(r, p->problem_mark),
		               "not valid YAML: a tab or a reserved character begins a value here; "
		               "indent with spaces, put the value in quotes");
	else
		toll_tree_fail(&r->tree, at(r, p->problem_mark), "not valid YAML: %s%s%s",
		               p->problem ? p->problem : "unreadable", p->context ? ", " : "",
		               p->context ? p->context : "");
}

/* ---- anchors ---- */

static void remember_anchor(struct reader *r, const yaml_char_t *name, struct toll_yaml_node *node,
                            yaml_mark_t mark)
{
	struct toll_slice key = toll_slice_str((const char *)name);
	uint32_t *index;
	bool added;

	if (!toll_table_find(&r->anchors, key)) {
		key = toll_arena_dup(r->tree.in->arena, key);
		if (!key.ptr) {
			r->tree.err = TOLL_ENOMEM;
			return;
		}
	}
	if (toll_table_insert(&r->anchors, key, &index, &added) < 0) {
		toll_tree_fail(&r->tree, at(r, mark), "too many anchors: at most %d", ANCHORS_MAX);
		return;
	}
	if (added)
		*index = r->anchors.count - 1;
	r->anchored[*index] = node;
}

static void on_alias(struct reader *r, const yaml_event_t *e)
{
	const char *name = (const char *)e->data.alias.anchor;
	uint32_t *index = toll_table_find(&r->anchors, toll_slice_str(name));
	struct toll_yaml_node *node = index ? r->anchored[*index] : NULL;

	if (!node)
		toll_tree_fail(&r->tree, at(r, e->start_mark),
		               "an alias of an anchor that is not defined before it");
	else if (!node->weight)
		toll_tree_fail(&r->tree, at(r, e->start_mark),
		               "an alias inside of what it stands for");
	else
		toll_tree_again(&r->tree, node, at(r, e->start_mark));
}

/* ---- events ---- */

static void on_scalar(struct reader *r, const yaml_event_t *e)
{
	struct toll_slice text = toll_slice(e->data.scalar.value, e->data.scalar.length);
	bool plain = e->data.scalar.style == YAML_PLAIN_SCALAR_STYLE && !e->data.scalar.tag;
	bool null = plain && toll_scalar_is_null(text);
	struct toll_yaml_node *node =
		toll_tree_scalar(&r->tree, null ? TOLL_YAML_NULL : TOLL_YAML_SCALAR, text, plain,
	                         at(r, e->start_mark));

	if (node && e->data.scalar.anchor)
		remember_anchor(r, e->data.scalar.anchor, node, e->start_mark);
}

static void on_start(struct reader *r, enum toll_yaml_kind kind, const yaml_char_t *anchor,
                     yaml_mark_t mark)
{
	struct toll_yaml_node *node = toll_tree_open(&r->tree, kind, at(r, mark));

	if (node && anchor)
		remember_anchor(r, anchor, node, mark);
}

static void on_document(struct reader *r, const yaml_event_t *e)
{
	if (r->tree.root)
		toll_tree_fail(&r->tree, at(r, e->start_mark),
		               "a second document (after \"---\"): only one is allowed");
}

/* True when the stream has ended. */
static bool on_event(struct reader *r, const yaml_event_t *e)
{
	switch (e->type) {
	case YAML_DOCUMENT_START_EVENT:
		on_document(r, e);
		break;
	case YAML_SCALAR_EVENT:
		on_scalar(r, e);
		break;
	case YAML_ALIAS_EVENT:
		on_alias(r, e);
		break;
	case YAML_SEQUENCE_START_EVENT:
		on_start(r, TOLL_YAML_LIST, e->data.sequence_start.anchor, e->start_mark);
		break;
	case YAML_MAPPING_START_EVENT:
		on_start(r, TOLL_YAML_MAP, e->data.mapping_start.anchor, e->start_mark);
		break;
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		toll_tree_close(&r->tree, at(r, e->start_mark));
		break;
	case YAML_STREAM_END_EVENT:
	case YAML_NO_EVENT:
		return true;
	default:
		break;
	}
	return false;
}

static void read_events(struct reader *r)
{
	bool ended = false;

	while (!ended && !r->tree.err) {
		yaml_event_t event;

		if (!yaml_parser_parse(&r->parser, &event)) {
			fail_syntax(r);
			return;
		}
		ended = on_event(r, &event);
		yaml_event_delete(&event);
	}
}

static int read_text(struct reader *r, struct toll_yaml_node **ret)
{
	const struct toll_slice text = r->tree.in->text;

	if (!yaml_parser_initialize(&r->parser))
		return TOLL_ENOMEM;
	r->tree.merges = true;
	yaml_parser_set_input_string(&r->parser, (const unsigned char *)text.ptr, text.len);
	read_events(r);
	if (!r->tree.err && !r->tree.root)
		toll_tree_scalar(&r->tree, TOLL_YAML_NULL, TOLL_SLICE(""), true,
		                 at(r, (yaml_mark_t){ 0 }));
	yaml_parser_delete(&r->parser);
	if (!r->tree.err)
		*ret = r->tree.root;
	return r->tree.err;
}

int toll_yaml_parse(const struct toll_yaml_input *in, struct toll_yaml_node **ret)
{
	struct reader *r = calloc(1, sizeof(*r));
	int err;

	if (!r)
		return TOLL_ENOMEM;
	err = toll_tree_init(&r->tree, in);
	if (!err)
		err = toll_table_init(&r->anchors, ANCHORS_MAX);
	if (!err) {
		err = read_text(r, ret);
		toll_table_release(&r->anchors);
	}
	toll_tree_release(&r->tree);
	free(r);
	return err;
}

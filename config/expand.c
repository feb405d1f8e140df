/* SPDX-License-Identifier: Apache-2.0 */
#include "config/expand.h"

#include "config/expand_text.h"

static void set_text(struct toll_yaml_node *node, struct toll_slice text)
{
	node->kind = TOLL_YAML_SCALAR;
	node->plain = false;
	node->text = text;
	node->source = (struct toll_slice){ 0 };
}

static void set_null(struct toll_yaml_node *node, struct toll_slice source)
{
	node->kind = TOLL_YAML_NULL;
	node->text = toll_slice("", 0);
	node->source = source;
}

/* The node becomes what value says as YAML; text that is no YAML stays text. What a file says has
 * its places there, so that a fault in it is found. */
static void set_value(struct toll_expander *x, struct toll_yaml_node *node, struct toll_slice value,
                      const char *file)
{
	struct toll_yaml_input in = { .text = value,
		                      .file = file ? file : node->file,
		                      .arena = x->arena,
		                      .fixed = !file,
		                      .line = node->line,
		                      .column = node->column };
	const struct toll_yaml_node old = *node;
	struct toll_yaml_node *parsed = NULL;
	struct toll_slice source = toll_expand_keep(x, toll_slice_trim(value, TOLL_SPACES));
	int err = x->err ? x->err : toll_yaml_parse(&in, &parsed);

	if (err == TOLL_ENOMEM) {
		x->err = err;
		return;
	}
	if (err < 0 || !parsed) {
		set_text(node, toll_expand_keep(x, value));
		return;
	}
	*node = *parsed;
	node->file = old.file;
	node->line = old.line;
	node->column = old.column;
	if (node->kind != TOLL_YAML_SCALAR || node->plain)
		node->source = source;
}

static void expand_node(struct toll_expander *x, struct toll_yaml_node *node,
                        const struct toll_expand_link *up);

/* What was put in holds ${...} or $$ of its own. */
static void expand_again(struct toll_expander *x, struct toll_yaml_node *node,
                         const struct toll_expand_link *here)
{
	struct toll_slice source = node->source;
	struct toll_place place = x->place;
	bool quiet = x->quiet;

	node->expanded = false;
	expand_node(x, node, here);
	x->place = place;
	if (x->err || x->findings->errors || !source.ptr || node->source.ptr != source.ptr)
		return;
	x->quiet = true;
	node->source = toll_expand_text(x, source, here);
	x->quiet = quiet;
}

static void replace(struct toll_expander *x, struct toll_yaml_node *node,
                    const struct toll_expand_link *up)
{
	struct toll_expand_link here = { .up = up };
	struct toll_slice whole = node->text;
	struct toll_uri_value value = toll_expand_look_up(x, whole, up, &here.uri);
	struct toll_uri uri = toll_uri_split(here.uri);
	bool is_file = uri.scheme == TOLL_URI_FILE;

	if (x->err)
		return;
	if (!value.set) {
		set_null(node, TOLL_SLICE(""));
	} else if (!value.text.len && value.literal && uri.scheme != TOLL_URI_YAML) {
		set_text(node, value.text); /* ${env:X:-} asks for "" */
	} else {
		set_value(x, node, value.text, is_file ? toll_expand_keep(x, uri.rest).ptr : NULL);
		if (!x->err && !value.literal && memchr(value.text.ptr, '$', value.text.len))
			expand_again(x, node, &here);
	}
}

static void expand_scalar(struct toll_expander *x, struct toll_yaml_node *node,
                          const struct toll_expand_link *up)
{
	struct toll_slice s = node->text;

	if (!memchr(s.ptr, '$', s.len))
		return;
	x->place = (struct toll_place){ node->file, node->line, node->column };
	x->in_value = 0;
	if (s.len > 1 && s.ptr[1] == '{' && *s.ptr == '$' && toll_expand_span(s) == s.len) {
		replace(x, node, up);
		return;
	}
	s = toll_expand_text(x, s, up);
	if (!x->err)
		set_text(node, s);
}

static void expand_node(struct toll_expander *x, struct toll_yaml_node *node,
                        const struct toll_expand_link *up)
{
	if (node->expanded || x->err)
		return;
	node->expanded = true;
	if (node->kind == TOLL_YAML_SCALAR) {
		expand_scalar(x, node, up);
		node->expanded = true;
		return;
	}
	for (size_t i = 0; i < node->count && !x->err; i++)
		expand_node(x, node->entries[i].value, up);
	if (!x->err && !toll_yaml_measure(node)) {
		x->place = (struct toll_place){ node->file, node->line, node->column };
		toll_expand_give_up(x, "expands to too much");
	}
}

int toll_expand(struct toll_yaml_node *root, struct toll_arena *arena,
                struct toll_findings *findings, struct toll_uri_files *files)
{
	struct toll_expander x = { .arena = arena, .findings = findings, .files = files };

	expand_node(&x, root, NULL);
	return x.err;
}

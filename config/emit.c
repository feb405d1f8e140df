/* SPDX-License-Identifier: Apache-2.0 */
#include "config/emit.h"

#include <ctype.h>

#include "config/scalar.h"

static void indent(FILE *out, unsigned level)
{
	for (unsigned i = 0; i < level; i++)
		fputs("  ", out);
}

/* YAML's double quotes know all that JSON's do. */
static void put_quoted(FILE *out, struct toll_slice s, bool value)
{
	fputc('"', out);
	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.ptr[i];

		if (c == '"' || c == '\\')
			fprintf(out, "\\%c", c);
		else if (c == '$' && value)
			fputs("$$", out);
		else if (c < 0x20 || c == 0x7f)
			fprintf(out, "\\u%04x", c);
		else
			fputc(c, out);
	}
	fputc('"', out);
}

/* Safe without quotes, in lists too, and text to other readers of YAML as well: no number, no bool.
 */
static bool is_simple(struct toll_slice s)
{
	bool value, odd;

	if (!s.len || !(isalpha((unsigned char)*s.ptr) || *s.ptr == '/') ||
	    s.ptr[s.len - 1] == ':' || toll_scalar_is_null(s) || !toll_scalar_bool(s, &value, &odd))
		return false;
	for (size_t i = 0; i < s.len; i++)
		if (!isalnum((unsigned char)s.ptr[i]) && !strchr("_-./:", s.ptr[i]))
			return false;
	return true;
}

/* ---- YAML ---- */

static void put_yaml_text(FILE *out, struct toll_slice s, bool value)
{
	if (is_simple(s))
		fprintf(out, "%.*s", TOLL_FMT(s));
	else
		put_quoted(out, s, value);
}

static void put_yaml_scalar(FILE *out, const struct toll_yaml_node *node)
{
	if (node->kind == TOLL_YAML_NULL)
		fputs("null", out);
	else if (node->plain)
		fprintf(out, "%.*s", TOLL_FMT(node->text));
	else
		put_yaml_text(out, node->text, true);
}

static bool is_container(const struct toll_yaml_node *node)
{
	return node->kind == TOLL_YAML_LIST || node->kind == TOLL_YAML_MAP;
}

/* On one line, where nothing in it has parts of its own. */
static bool is_flat(const struct toll_yaml_node *list)
{
	for (size_t i = 0; i < list->count; i++)
		if (is_container(list->entries[i].value))
			return false;
	return true;
}

static void put_yaml_map(FILE *out, const struct toll_yaml_node *map, unsigned level, bool in_item);

static void put_yaml_list(FILE *out, const struct toll_yaml_node *list, unsigned level)
{
	if (is_flat(list)) {
		fputs(" [", out);
		for (size_t i = 0; i < list->count; i++) {
			fputs(i ? ", " : "", out);
			put_yaml_scalar(out, list->entries[i].value);
		}
		fputs("]\n", out);
		return;
	}
	fputc('\n', out);
	for (size_t i = 0; i < list->count; i++) {
		indent(out, level);
		fputs("- ", out);
		put_yaml_map(out, list->entries[i].value, level + 1, true);
	}
}

static void put_yaml_value(FILE *out, const struct toll_yaml_node *node, unsigned level)
{
	if (node->kind == TOLL_YAML_LIST) {
		put_yaml_list(out, node, level);
	} else if (node->kind == TOLL_YAML_MAP && node->count) {
		fputc('\n', out);
		put_yaml_map(out, node, level, false);
	} else if (node->kind == TOLL_YAML_MAP) {
		fputs(" {}\n", out);
	} else {
		fputc(' ', out);
		put_yaml_scalar(out, node);
		fputc('\n', out);
	}
}

/* in_item: the first line follows a "- " that stands already. Items of lists are maps or flat. */
static void put_yaml_map(FILE *out, const struct toll_yaml_node *map, unsigned level, bool in_item)
{
	if (in_item && (map->kind != TOLL_YAML_MAP || !map->count)) {
		put_yaml_scalar(out, map);
		fputs(map->kind == TOLL_YAML_MAP ? "{}\n" : "\n", out);
		return;
	}
	for (size_t i = 0; i < map->count; i++) {
		if (i || !in_item)
			indent(out, level);
		put_yaml_text(out, map->entries[i].key, false);
		fputc(':', out);
		put_yaml_value(out, map->entries[i].value, level + 1);
	}
}

void toll_emit_yaml(FILE *out, const struct toll_yaml_node *root)
{
	put_yaml_map(out, root, 0, false);
}

/* ---- JSON ---- */

/* As JSON wants it: no plus sign in front, a digit before the point. */
static bool is_number(struct toll_slice s)
{
	double value;

	return s.len && isdigit((unsigned char)s.ptr[s.len > 1 && *s.ptr == '-']) &&
	       isdigit((unsigned char)s.ptr[s.len - 1]) && !toll_scalar_ratio(s, &value);
}

static void put_json_scalar(FILE *out, const struct toll_yaml_node *node)
{
	bool bare = node->plain && (toll_slice_is(node->text, "true") ||
	                            toll_slice_is(node->text, "false") || is_number(node->text));

	if (node->kind == TOLL_YAML_NULL)
		fputs("null", out);
	else if (bare)
		fprintf(out, "%.*s", TOLL_FMT(node->text));
	else
		put_quoted(out, node->text, true);
}

static void put_json(FILE *out, const struct toll_yaml_node *node, unsigned level)
{
	bool map = node->kind == TOLL_YAML_MAP;

	if (!is_container(node)) {
		put_json_scalar(out, node);
		return;
	}
	fputc(map ? '{' : '[', out);
	for (size_t i = 0; i < node->count; i++) {
		fputs(i ? ",\n" : "\n", out);
		indent(out, level + 1);
		if (map) {
			put_quoted(out, node->entries[i].key, false);
			fputs(": ", out);
		}
		put_json(out, node->entries[i].value, level + 1);
	}
	if (node->count) {
		fputc('\n', out);
		indent(out, level);
	}
	fputc(map ? '}' : ']', out);
}

void toll_emit_json(FILE *out, const struct toll_yaml_node *root)
{
	put_json(out, root, 0);
	fputc('\n', out);
}

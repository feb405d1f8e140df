/* SPDX-License-Identifier: Apache-2.0 */
/* yajl tells of values, not of their places: they are found by walking over the text beside it,
 * token by token. */
#include "prices/json_tree.h"

#include <stdlib.h>

#include "config/tree_build.h"
#include "proto/json_read.h"

struct reader {
	struct toll_tree_builder tree;
	const char *at, *end;         /* behind the last token, in the text that yajl reads */
	struct toll_tree_mark behind; /* the place of at */
};

/* ---- places ---- */

/* As in YAML, columns count characters. */
static void walk_to(struct reader *r, const char *to)
{
	for (; r->at < to; r->at++) {
		if (*r->at == '\n') {
			r->behind.line++;
			r->behind.column = 1;
		} else if (((unsigned char)*r->at & 0xc0) != 0x80) {
			r->behind.column++;
		}
	}
}

static bool is_between(char c)
{
	return c == ',' || c == ':' || c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* To where the next value begins, whose place this is. */
static struct toll_tree_mark next_token(struct reader *r)
{
	const char *to = r->at;

	while (to < r->end && is_between(*to))
		to++;
	walk_to(r, to);
	return r->behind;
}

static void pass(struct reader *r, size_t len)
{
	size_t left = (size_t)(r->end - r->at);

	walk_to(r, r->at + (len < left ? len : left));
}

static void pass_string(struct reader *r)
{
	const char *to = r->at + 1;

	while (to < r->end && *to != '"')
		to += *to == '\\' ? 2 : 1;
	pass(r, (size_t)(to - r->at) + 1);
}

/* ---- what yajl tells of ---- */

static int on_scalar(struct reader *r, enum toll_yaml_kind kind, struct toll_slice text)
{
	struct toll_tree_mark at = next_token(r);

	pass(r, text.len);
	toll_tree_scalar(&r->tree, kind, text, true, at);
	return !r->tree.err;
}

static int on_null(void *ctx)
{
	return on_scalar(ctx, TOLL_YAML_NULL, TOLL_SLICE("null"));
}

static int on_boolean(void *ctx, int value)
{
	return on_scalar(ctx, TOLL_YAML_SCALAR, value ? TOLL_SLICE("true") : TOLL_SLICE("false"));
}

static int on_number(void *ctx, const char *text, size_t len)
{
	return on_scalar(ctx, TOLL_YAML_SCALAR, toll_slice(text, len));
}

static int on_string(void *ctx, const unsigned char *text, size_t len)
{
	struct reader *r = ctx;
	struct toll_tree_mark at = next_token(r);

	pass_string(r);
	toll_tree_scalar(&r->tree, TOLL_YAML_SCALAR, toll_slice(text, len), false, at);
	return !r->tree.err;
}

static int on_open(struct reader *r, enum toll_yaml_kind kind)
{
	struct toll_tree_mark at = next_token(r);

	pass(r, 1);
	toll_tree_open(&r->tree, kind, at);
	return !r->tree.err;
}

static int on_map(void *ctx)
{
	return on_open(ctx, TOLL_YAML_MAP);
}

static int on_list(void *ctx)
{
	return on_open(ctx, TOLL_YAML_LIST);
}

static int on_close(void *ctx)
{
	struct reader *r = ctx;
	struct toll_tree_mark at = next_token(r);

	pass(r, 1);
	toll_tree_close(&r->tree, at);
	return !r->tree.err;
}

/* ---- the whole text ---- */

static size_t mark_length(struct toll_slice text)
{
	return text.len >= 3 && memcmp(text.ptr, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
}

static void fail_syntax(struct reader *r, const char *start, const struct toll_json_fault *fault)
{
	r->at = start;
	r->behind = (struct toll_tree_mark){ 1, 1 };
	pass(r, fault->at);
	toll_tree_fail(&r->tree, r->behind, "not valid JSON: %s",
	               *fault->what ? fault->what : "unreadable");
}

/* yajl wants to write into the text. */
static int read_text(struct reader *r, struct toll_yaml_node **ret)
{
	static const yajl_callbacks callbacks = { on_null,   on_boolean, NULL,    NULL,
		                                  on_number, on_string,  on_map,  on_string,
		                                  on_close,  on_list,    on_close };
	const struct toll_slice text = r->tree.in->text;
	const size_t skip = mark_length(text), len = text.len - skip;
	struct toll_json_fault fault = { 0 };
	char *copy = malloc(len + 1);
	int err;

	if (!copy)
		return TOLL_ENOMEM;
	memcpy(copy, text.ptr + skip, len);
	r->at = copy;
	r->end = copy + len;
	r->behind = (struct toll_tree_mark){ 1, 1 };
	err = toll_json_read(&callbacks, r, copy, len, &fault);
	if (r->tree.err)
		err = r->tree.err;
	else if (err == TOLL_EINVALID)
		fail_syntax(r, copy, &fault);
	free(copy);
	if (!err)
		*ret = r->tree.root;
	return err == TOLL_EINVALID ? TOLL_ECONFIG : err;
}

int toll_json_tree(const struct toll_yaml_input *in, struct toll_yaml_node **ret)
{
	struct reader *r = calloc(1, sizeof(*r));
	int err;

	if (!r)
		return TOLL_ENOMEM;
	err = toll_tree_init(&r->tree, in);
	if (!err)
		err = read_text(r, ret);
	toll_tree_release(&r->tree);
	free(r);
	return err;
}

bool toll_json_tree_is_json(struct toll_slice text)
{
	size_t i = mark_length(text);

	while (i < text.len && memchr(" \t\r\n", text.ptr[i], 4))
		i++;
	return i < text.len && (text.ptr[i] == '{' || text.ptr[i] == '[');
}

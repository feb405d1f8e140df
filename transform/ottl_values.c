/* SPDX-License-Identifier: Apache-2.0 */
/* ottl_values.c - literals, paths, constants and functions of a condition -> nodes. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#include "config/scalar.h"
#include "transform/ottl_parser.h"

static uint8_t take_slot(struct ottl_parser *p)
{
	if (p->o->slots < OTTL_SLOTS_MAX)
		return p->o->slots++;
	ottl_parser_fail(p, "the condition asks for more than %d ids and matches", OTTL_SLOTS_MAX);
	return 0;
}

static uint16_t add_constant(struct ottl_parser *p, struct toll_value v)
{
	return ottl_parser_add(p, (struct ottl_node){ .kind = OTTL_CONSTANT,
	                                              .value = v,
	                                              .boolean = v.type == TOLL_VALUE_BOOL });
}

/* ---- literals ---- */

static bool unescape(char c, char *ret)
{
	static const char from[] = "\\\"'nrt", to[] = "\\\"'\n\r\t";
	const char *at = c ? strchr(from, c) : NULL;

	if (at)
		*ret = to[at - from];
	return at != NULL;
}

/* The token without quotes and escapes, behind the text: never longer than it. */
static struct toll_slice string_value(struct ottl_parser *p)
{
	char *start = p->literals;

	for (size_t i = 1; i + 1 < p->lex.text.len; i++) {
		char c = p->lex.text.ptr[i];

		if (c == '\\' && !unescape(p->lex.text.ptr[++i], &c))
			ottl_parser_fail(p, "\"\\%c\" is no escape: write \\\\ for a backslash",
			                 p->lex.text.ptr[i]);
		*p->literals++ = c;
	}
	return toll_slice(start, (size_t)(p->literals - start));
}

static uint16_t parse_number(struct ottl_parser *p)
{
	struct toll_value v = { .type = TOLL_VALUE_INT };
	struct toll_slice text = p->lex.text;
	char buf[64];
	uint16_t node;

	if (memchr(text.ptr, '.', text.len)) {
		/* ".5" and "-.5" are numbers here. */
		size_t sign = *text.ptr == '-' || *text.ptr == '+';

		v.type = TOLL_VALUE_DOUBLE;
		snprintf(buf, sizeof(buf), "%.*s%s%.*s", (int)sign, text.ptr,
		         text.ptr[sign] == '.' ? "0" : "", (int)(text.len - sign), text.ptr + sign);
		if (text.len > sizeof(buf) - 3 || toll_scalar_ratio(toll_slice_str(buf), &v.number))
			ottl_parser_fail(p, "\"%.*s\" is no number",
			                 TOLL_FMT(toll_slice_cut(text, 40)));
	} else if (toll_scalar_int(text, &v.integer)) {
		ottl_parser_fail(p, "\"%.*s\" is no 64-bit number",
		                 TOLL_FMT(toll_slice_cut(text, 40)));
	}
	node = add_constant(p, v);
	ottl_parser_next(p, true);
	return node;
}

static uint16_t parse_string(struct ottl_parser *p)
{
	uint16_t node = add_constant(
		p, (struct toll_value){ .type = TOLL_VALUE_STRING, .bytes = string_value(p) });

	ottl_parser_next(p, true);
	return node;
}

/* ---- names ---- */

static bool needs_slot(enum ottl_path path)
{
	return path == OTTL_PATH_TRACE_ID || path == OTTL_PATH_SPAN_ID ||
	       path == OTTL_PATH_PARENT_SPAN_ID;
}

/* name was taken; "[" may follow. */
static uint16_t parse_path(struct ottl_parser *p, struct toll_slice name)
{
	struct ottl_node node = { .kind = OTTL_PATH };
	struct toll_slice place = p->lex.text;
	struct toll_error why = { 0 };
	enum ottl_path path = 0;
	bool keyed = ottl_parser_is_text(p, "[");

	p->lex.text = name;
	if (ottl_find_path(name, keyed, p->context, &path, &why) < 0)
		return ottl_parser_fail(p, "%s", why.text);
	p->lex.text = place;
	if (keyed) {
		ottl_parser_next(p, false);
		if (p->lex.token != OTTL_TOKEN_STRING)
			return ottl_parser_fail(p, "a key in double quotes is expected here");
		node.key = string_value(p);
		node.key_id = toll_key_of(node.key);
		ottl_parser_next(p, true);
		if (!ottl_parser_expect(p, "]", true))
			return 0;
	}
	if (ottl_parser_is_text(p, "["))
		return ottl_parser_fail(p, "values inside of values are not supported");
	node.op = (uint8_t)path;
	if (needs_slot(path))
		node.slot = take_slot(p);
	return ottl_parser_add(p, node);
}

static void compile_pattern(struct ottl_parser *p, struct ottl_node *call)
{
	const struct ottl_node *pattern = &p->o->nodes[call->b];
	struct toll_error why = { 0 };

	if (p->err)
		return;
	if (pattern->kind != OTTL_CONSTANT || pattern->value.type != TOLL_VALUE_STRING)
		ottl_parser_fail(p, "the pattern of IsMatch must be a text in double quotes");
	else if (toll_regex_new(pattern->value.bytes, &call->regex, &why) < 0)
		ottl_parser_fail(p, "the pattern %s", why.text);
}

/* "(" is the token. */
static uint16_t parse_call(struct ottl_parser *p, struct toll_slice name)
{
	struct ottl_node node = { .kind = OTTL_CALL };
	enum ottl_function f = 0;
	struct toll_error why = { 0 };
	uint16_t args[OTTL_ARGS_MAX] = { 0 }, made;
	unsigned want;

	p->lex.text = name;
	if (ottl_find_function(name, &f, &why) < 0)
		return ottl_parser_fail(p, "%s", why.text);
	want = ottl_function_args(f);
	ottl_parser_next(p, false);
	for (unsigned i = 0; i < want && !p->err; i++) {
		if (i && !ottl_parser_expect(p, ",", false))
			return 0;
		args[i] = ottl_parse_or(p);
	}
	node.op = (uint8_t)f;
	node.a = args[0];
	node.b = args[1];
	node.boolean = ottl_function_is_boolean(f);
	if (f == OTTL_IS_MATCH) {
		node.slot = take_slot(p);
		compile_pattern(p, &node);
	}
	made = ottl_parser_add(p, node);
	if (!made && p->err)
		node.regex = toll_regex_free(node.regex);
	return ottl_parser_expect(p, ")", true) ? made : 0;
}

static bool is_constant_name(struct toll_slice name)
{
	for (size_t i = 0; i < name.len; i++)
		if (islower((unsigned char)name.ptr[i]))
			return false;
	return true;
}

static uint16_t parse_enum(struct ottl_parser *p, struct toll_slice name)
{
	struct toll_value v = { .type = TOLL_VALUE_INT };
	struct toll_error why = { 0 };

	p->lex.text = name;
	if (ottl_find_enum(name, &v.integer, &why) < 0)
		return ottl_parser_fail(p, "%s", why.text);
	return add_constant(p, v);
}

static uint16_t parse_word(struct ottl_parser *p)
{
	struct toll_slice name = p->lex.text;

	if (ottl_parser_is_text(p, "and") || ottl_parser_is_text(p, "or") ||
	    ottl_parser_is_text(p, "not"))
		return ottl_parser_fail(p, "a value is expected before \"%.*s\"", TOLL_FMT(name));
	ottl_parser_next(p, true);
	if (toll_slice_is(name, "true") || toll_slice_is(name, "false"))
		return add_constant(p, (struct toll_value){ .type = TOLL_VALUE_BOOL,
		                                            .integer = *name.ptr == 't' });
	if (toll_slice_is(name, "nil"))
		return add_constant(p, (struct toll_value){ .type = TOLL_VALUE_NONE });
	if (ottl_parser_is_text(p, "("))
		return parse_call(p, name);
	if (is_constant_name(name)) {
		struct toll_slice place = p->lex.text;
		uint16_t node = parse_enum(p, name);

		if (!p->err)
			p->lex.text = place;
		return node;
	}
	return parse_path(p, name);
}

uint16_t ottl_parse_primary(struct ottl_parser *p)
{
	uint16_t node;

	if (p->err)
		return 0;
	switch (p->lex.token) {
	case OTTL_TOKEN_STRING:
		return parse_string(p);
	case OTTL_TOKEN_NUMBER:
		return parse_number(p);
	case OTTL_TOKEN_WORD:
		return parse_word(p);
	case OTTL_TOKEN_END:
		return ottl_parser_fail(p, "a value is missing");
	case OTTL_TOKEN_BAD:
		return ottl_parser_fail(p,
		                        *p->lex.text.ptr == '"' ? "the closing quote is missing"
		                                                : "\"%c\" has no meaning here",
		                        *p->lex.text.ptr);
	default:
		break;
	}
	if (!ottl_parser_is_text(p, "("))
		return ottl_parser_fail(p, "a value is expected, not \"%.*s\"",
		                        TOLL_FMT(p->lex.text));
	ottl_parser_next(p, false);
	node = ottl_parse_or(p);
	return ottl_parser_expect(p, ")", true) ? node : 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* ottl_parse.c - a condition's text -> nodes, by recursive descent:
 *
 *   or:      and ("or" and)*              sum:     product (("+" | "-") product)*
 *   and:     not ("and" not)*             product: primary (("*" | "/") primary)*
 *   not:     "not"* compare               primary: literal | path | function | "(" or ")"
 *   compare: sum (("==" | "!=" | "<" | "<=" | ">" | ">=") sum)?
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "transform/ottl_parser.h"

uint16_t ottl_parser_fail(struct ottl_parser *p, const char *fmt, ...)
{
	char why[200];
	va_list ap;

	if (p->err)
		return 0;
	va_start(ap, fmt);
	vsnprintf(why, sizeof(why), fmt, ap);
	va_end(ap);
	p->err = toll_fail(p->reterr, TOLL_ECONFIG, "at character %zu: %s",
	                   (size_t)(p->lex.text.ptr - p->lex.from) + 1, why);
	return 0;
}

/* ---- tokens ---- */

void ottl_parser_next(struct ottl_parser *p, bool after_value)
{
	ottl_next(&p->lex, after_value);
}

bool ottl_parser_is_text(const struct ottl_parser *p, const char *text)
{
	return (p->lex.token == OTTL_TOKEN_PUNCT || p->lex.token == OTTL_TOKEN_WORD) &&
	       toll_slice_is(p->lex.text, text);
}

bool ottl_parser_expect(struct ottl_parser *p, const char *text, bool after_value)
{
	if (p->err)
		return false;
	if (!ottl_parser_is_text(p, text)) {
		ottl_parser_fail(p,
		                 p->lex.token == OTTL_TOKEN_END ? "\"%s\" is missing"
		                                                : "\"%s\" is expected here",
		                 text);
		return false;
	}
	ottl_parser_next(p, after_value);
	return true;
}

uint16_t ottl_parser_add(struct ottl_parser *p, struct ottl_node node)
{
	struct toll_ottl *o = p->o;

	if (p->err)
		return 0;
	if (o->count == OTTL_NODES_MAX)
		return ottl_parser_fail(p, "the condition has more than %d parts", OTTL_NODES_MAX);
	o->nodes[o->count] = node;
	return o->count++;
}

/* ---- operators ---- */

static uint16_t parse_product(struct ottl_parser *p)
{
	uint16_t left = ottl_parse_primary(p);

	while (!p->err && (ottl_parser_is_text(p, "*") || ottl_parser_is_text(p, "/"))) {
		uint8_t op = (uint8_t)*p->lex.text.ptr;

		ottl_parser_next(p, false);
		left = ottl_parser_add(p, (struct ottl_node){ .kind = OTTL_MATH,
		                                              .op = op,
		                                              .a = left,
		                                              .b = ottl_parse_primary(p) });
	}
	return left;
}

static uint16_t parse_sum(struct ottl_parser *p)
{
	uint16_t left = parse_product(p);

	while (!p->err && (ottl_parser_is_text(p, "+") || ottl_parser_is_text(p, "-"))) {
		uint8_t op = (uint8_t)*p->lex.text.ptr;

		ottl_parser_next(p, false);
		left = ottl_parser_add(
			p, (struct ottl_node){
				   .kind = OTTL_MATH, .op = op, .a = left, .b = parse_product(p) });
	}
	return left;
}

static int compare_op(const struct ottl_parser *p)
{
	static const char *const ops[] = { "==", "!=", "<", "<=", ">=", ">" };

	for (int i = 0; i < (int)TOLL_COUNT(ops); i++)
		if (ottl_parser_is_text(p, ops[i]))
			return i;
	return -1;
}

static uint16_t parse_compare(struct ottl_parser *p)
{
	uint16_t left = parse_sum(p);
	int op = p->err ? -1 : compare_op(p);

	if (p->lex.token == OTTL_TOKEN_BAD && *p->lex.text.ptr == '=')
		return ottl_parser_fail(p, "\"=\" has no meaning here: equal is \"==\"");
	if (op < 0)
		return left;
	ottl_parser_next(p, false);
	return ottl_parser_add(p, (struct ottl_node){ .kind = OTTL_COMPARE,
	                                              .op = (uint8_t)op,
	                                              .boolean = true,
	                                              .a = left,
	                                              .b = parse_sum(p) });
}

/* "not", "and" and "or" join what is true or false. */
static uint16_t need_boolean(struct ottl_parser *p, uint16_t node)
{
	if (!p->err && !p->o->nodes[node].boolean)
		return ottl_parser_fail(p, "a comparison is expected before this: == != < <= > >=");
	return node;
}

static uint16_t parse_not(struct ottl_parser *p)
{
	uint16_t node;

	if (p->err || !ottl_parser_is_text(p, "not"))
		return parse_compare(p);
	if (++p->depth > OTTL_DEPTH_MAX)
		return ottl_parser_fail(p, "more than %d levels", OTTL_DEPTH_MAX);
	ottl_parser_next(p, false);
	node = need_boolean(p, parse_not(p));
	p->depth--;
	return ottl_parser_add(p,
	                       (struct ottl_node){ .kind = OTTL_NOT, .boolean = true, .a = node });
}

static uint16_t parse_and(struct ottl_parser *p)
{
	uint16_t left = parse_not(p);

	while (!p->err && ottl_parser_is_text(p, "and")) {
		need_boolean(p, left);
		ottl_parser_next(p, false);
		left = ottl_parser_add(p, (struct ottl_node){ .kind = OTTL_AND,
		                                              .boolean = true,
		                                              .a = left,
		                                              .b = need_boolean(p, parse_not(p)) });
	}
	return left;
}

uint16_t ottl_parse_or(struct ottl_parser *p)
{
	uint16_t left;

	if (++p->depth > OTTL_DEPTH_MAX)
		return ottl_parser_fail(p, "more than %d levels", OTTL_DEPTH_MAX);
	left = parse_and(p);
	while (!p->err && ottl_parser_is_text(p, "or")) {
		need_boolean(p, left);
		ottl_parser_next(p, false);
		left = ottl_parser_add(p, (struct ottl_node){ .kind = OTTL_OR,
		                                              .boolean = true,
		                                              .a = left,
		                                              .b = need_boolean(p, parse_and(p)) });
	}
	p->depth--;
	return left;
}

/* ---- all of it ---- */

static void parse(struct ottl_parser *p)
{
	ottl_parser_next(p, false);
	p->o->root = need_boolean(p, ottl_parse_or(p));
	if (!p->err && p->lex.token == OTTL_TOKEN_WORD && toll_slice_is(p->lex.text, "where"))
		ottl_parser_fail(p, "\"where\" belongs to statements: this is a condition");
	if (!p->err && p->lex.token != OTTL_TOKEN_END)
		ottl_parser_fail(p, "\"%.*s\" has no meaning here",
		                 TOLL_FMT(toll_slice_cut(p->lex.text, 40)));
}

int toll_ottl_new(struct toll_slice text, enum toll_ottl_context context, struct toll_ottl **ret,
                  struct toll_error *reterr)
{
	struct toll_ottl *o;
	struct ottl_parser p;

	if (text.len > OTTL_TEXT_MAX)
		return toll_fail(reterr, TOLL_ECONFIG, "is longer than %d bytes", OTTL_TEXT_MAX);
	o = calloc(1, sizeof(*o));
	if (o)
		o->text = malloc(2 * text.len + 2);
	if (!o || !o->text) {
		free(o);
		return toll_fail(reterr, TOLL_ENOMEM, "out of memory");
	}
	if (text.len)
		memcpy(o->text, text.ptr, text.len);
	o->text[text.len] = '\0';
	p = (struct ottl_parser){
		.o = o,
		.lex = { .from = o->text, .at = o->text, .end = o->text + text.len },
		.literals = o->text + text.len + 1,
		.context = context,
		.reterr = reterr
	};
	parse(&p);
	if (p.err)
		return toll_ottl_free(o), p.err;
	*ret = o;
	return 0;
}

struct toll_ottl *toll_ottl_free(struct toll_ottl *o)
{
	if (!o)
		return NULL;
	for (uint16_t i = 0; i < o->count; i++)
		toll_regex_free(o->nodes[i].regex);
	free(o->text);
	free(o);
	return NULL;
}

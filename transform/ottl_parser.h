/* SPDX-License-Identifier: Apache-2.0 */
/* ottl_parser.h - what the two halves of the parser share: operators (ottl_parse.c) and what stands
 * between them (ottl_values.c). A function that fails has noted why, and returns 0. */
#ifndef TOLL_TRANSFORM_OTTL_PARSER_H
#define TOLL_TRANSFORM_OTTL_PARSER_H

#include "transform/ottl_lex.h"
#include "transform/ottl_private.h"

struct ottl_parser {
	struct toll_ottl *o;
	struct ottl_lexer lex;
	char *literals; /* where the next unescaped text goes */
	enum toll_ottl_context context;
	unsigned depth;
	struct toll_error *reterr;
	int err;
};

/* The first fault counts, with the place of the token. */
uint16_t ottl_parser_fail(struct ottl_parser *p, const char *fmt, ...) TOLL_PRINTF(2, 3);
void ottl_parser_next(struct ottl_parser *p, bool after_value);
bool ottl_parser_is_text(const struct ottl_parser *p, const char *text);
bool ottl_parser_expect(struct ottl_parser *p, const char *text, bool after_value);
uint16_t ottl_parser_add(struct ottl_parser *p, struct ottl_node node);

uint16_t ottl_parse_or(struct ottl_parser *p);      /* a whole condition */
uint16_t ottl_parse_primary(struct ottl_parser *p); /* literal, path, function, or brackets */

#endif

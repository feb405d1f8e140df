/* SPDX-License-Identifier: Apache-2.0 */
/* ottl_lex.h - the words of a condition. */
#ifndef TOLL_TRANSFORM_OTTL_LEX_H
#define TOLL_TRANSFORM_OTTL_LEX_H

#include "base/slice.h"

enum ottl_token {
	OTTL_TOKEN_END = 0,
	OTTL_TOKEN_STRING, /* with its quotes and escapes */
	OTTL_TOKEN_NUMBER,
	OTTL_TOKEN_WORD,  /* a name, with its dots */
	OTTL_TOKEN_PUNCT, /* one or two characters */
	OTTL_TOKEN_BAD,
};

struct ottl_lexer {
	const char *from, *end, *at; /* at: behind the token */
	enum ottl_token token;
	struct toll_slice text; /* of the token */
};

/* after_value: a sign is an operator there, elsewhere it begins a number. */
void ottl_next(struct ottl_lexer *l, bool after_value);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#include "transform/ottl_lex.h"

#include <ctype.h>

static bool is_word(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

static size_t word_length(const struct ottl_lexer *l, const char *s)
{
	const char *from = s;

	while (s < l->end && (is_word(*s) || (*s == '.' && s + 1 < l->end && is_word(s[1]))))
		s++;
	return (size_t)(s - from);
}

/* The opening quote included; 0: no closing one. */
static size_t string_length(const struct ottl_lexer *l, const char *s)
{
	for (const char *c = s + 1; c < l->end; c++) {
		if (*c == '\\')
			c++;
		else if (*c == '"')
			return (size_t)(c + 1 - s);
	}
	return 0;
}

static size_t number_length(const struct ottl_lexer *l, const char *s)
{
	const char *from = s;

	if (*s == '-' || *s == '+')
		s++;
	while (s < l->end && (isdigit((unsigned char)*s) || *s == '.'))
		s++;
	if (s + 1 < l->end && (*s == 'e' || *s == 'E') && memchr(from, '.', (size_t)(s - from))) {
		s += s[1] == '-' || s[1] == '+' ? 2 : 1;
		while (s < l->end && isdigit((unsigned char)*s))
			s++;
	}
	return (size_t)(s - from);
}

static bool begins_number(const struct ottl_lexer *l, const char *s)
{
	if (s < l->end && (*s == '-' || *s == '+'))
		s++;
	if (s < l->end && *s == '.')
		s++;
	return s < l->end && isdigit((unsigned char)*s);
}

static size_t punct_length(const struct ottl_lexer *l, const char *s)
{
	if (s + 1 < l->end && s[1] == '=' && strchr("=!<>", *s))
		return 2;
	return strchr("<>()[],+-*/", *s) ? 1 : 0;
}

static void take(struct ottl_lexer *l, enum ottl_token token, size_t len)
{
	l->token = len ? token : OTTL_TOKEN_BAD;
	l->text = toll_slice(l->at, len ? len : 1);
	l->at += l->text.len;
}

void ottl_next(struct ottl_lexer *l, bool after_value)
{
	while (l->at < l->end && isspace((unsigned char)*l->at))
		l->at++;
	if (l->at == l->end) {
		l->token = OTTL_TOKEN_END;
		l->text = toll_slice(l->at, 0);
	} else if (*l->at == '"') {
		take(l, OTTL_TOKEN_STRING, string_length(l, l->at));
	} else if (isdigit((unsigned char)*l->at) || (!after_value && begins_number(l, l->at))) {
		take(l, OTTL_TOKEN_NUMBER, number_length(l, l->at));
	} else if (is_word(*l->at)) {
		take(l, OTTL_TOKEN_WORD, word_length(l, l->at));
	} else {
		take(l, OTTL_TOKEN_PUNCT, punct_length(l, l->at));
	}
}

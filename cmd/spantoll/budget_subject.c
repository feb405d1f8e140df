/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/spantoll/budget_subject.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "budget/subject.h"
#include "cmd/spantoll/options.h"

struct pair {
	struct toll_slice dimension, value;
};

static int by_order(const void *a, const void *b)
{
	const struct pair *x = a, *y = b;

	return toll_dimension_order(x->dimension, y->dimension);
}

static int wrong(const char *verb, const char *word, const char *what)
{
	fprintf(stderr, "spantoll %s: \"%s\": %s\n", verb, word, what);
	return TOLL_EXIT_USAGE;
}

/* "tenant=acme" -> pair; returns what follows the comma, NULL at the end, or text itself where it
 * is none. */
static const char *read_pair(const char *text, struct pair *ret)
{
	size_t len = strcspn(text, ",");
	const char *equals = memchr(text, '=', len);

	if (!equals || equals == text || equals + 1 == text + len)
		return text;
	ret->dimension = toll_slice(text, (size_t)(equals - text));
	ret->value = toll_slice(equals + 1, len - ret->dimension.len - 1);
	return text[len] ? text + len + 1 : NULL;
}

int toll_budget_subject(const char *verb, const char *word, char ret[TOLL_BUDGET_SUBJECT_TEXT])
{
	struct pair pairs[TOLL_SUBJECT_DIMENSIONS];
	struct toll_slice dimensions[TOLL_SUBJECT_DIMENSIONS], values[TOLL_SUBJECT_DIMENSIONS];
	const char *at = word, *next;
	uint32_t count = 0;

	if (!*word || strlen(word) > TOLL_SUBJECT_MAX)
		return wrong(verb, word, "is no subject");
	if (!strchr(word, '=')) {
		memcpy(ret, word, strlen(word) + 1);
		return TOLL_EXIT_OK;
	}
	for (; at; at = next) {
		if (count == TOLL_SUBJECT_DIMENSIONS)
			return wrong(verb, word, "has more than four dimensions");
		next = read_pair(at, &pairs[count++]);
		if (next == at)
			return wrong(verb, word, "say DIMENSION=VALUE, several joined by commas");
	}
	qsort(pairs, count, sizeof(*pairs), by_order);
	for (uint32_t i = 0; i < count; i++) {
		dimensions[i] = pairs[i].dimension;
		values[i] = pairs[i].value;
	}
	ret[toll_subject_key(dimensions, values, count, ret)] = '\0';
	return *ret ? TOLL_EXIT_OK : wrong(verb, word, "is longer than a key may be");
}

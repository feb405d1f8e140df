/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/spantoll/budget_subject.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/macro.h"
#include "cmd/spantoll/options.h"
#include "cost/name.h"

enum { DIMENSIONS_MAX = 4 };

struct pair {
	struct toll_slice dimension, value;
};

/* The place in a key; what is not built in comes last, by name. */
static size_t place_of(struct toll_slice dimension)
{
	static const char *const order[] = { "organisation", "namespace", "tenant",
		                             "service",      "feature",   "model" };
	size_t i = 0;

	while (i < TOLL_COUNT(order) && !toll_slice_is(dimension, order[i]))
		i++;
	return i;
}

static int by_order(const void *a, const void *b)
{
	const struct pair *x = a, *y = b;
	size_t px = place_of(x->dimension), py = place_of(y->dimension);
	size_t len = x->dimension.len < y->dimension.len ? x->dimension.len : y->dimension.len;

	if (px != py)
		return px < py ? -1 : 1;
	return memcmp(x->dimension.ptr, y->dimension.ptr, len);
}

/* A service alone is its name. False: too long. */
static bool print_key(const struct pair *pairs, uint32_t count, char ret[TOLL_BUDGET_SUBJECT_TEXT])
{
	bool service = count == 1 && toll_slice_is(pairs->dimension, "service");
	char value[TOLL_NAME_MAX];
	size_t len = 0;

	for (uint32_t i = 0; i < count; i++) {
		size_t value_len = toll_name_encode(pairs[i].value, value);

		len += (size_t)snprintf(ret + len, TOLL_BUDGET_SUBJECT_TEXT - len, "%s%.*s%s%.*s",
		                        i ? ":" : "", service ? 0 : (int)pairs[i].dimension.len,
		                        pairs[i].dimension.ptr, service ? "" : ":", (int)value_len,
		                        value);
		if (len >= TOLL_BUDGET_SUBJECT_TEXT)
			return false;
	}
	return true;
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
	struct pair pairs[DIMENSIONS_MAX];
	const char *at = word, *next;
	uint32_t count = 0;

	if (!*word || strlen(word) > TOLL_SUBJECT_MAX)
		return wrong(verb, word, "is no subject");
	if (!strchr(word, '=')) {
		memcpy(ret, word, strlen(word) + 1);
		return TOLL_EXIT_OK;
	}
	for (; at; at = next) {
		if (count == DIMENSIONS_MAX)
			return wrong(verb, word, "has more than four dimensions");
		next = read_pair(at, &pairs[count++]);
		if (next == at)
			return wrong(verb, word, "say DIMENSION=VALUE, several joined by commas");
	}
	qsort(pairs, count, sizeof(*pairs), by_order);
	return print_key(pairs, count, ret) ? TOLL_EXIT_OK
	                                    : wrong(verb, word, "is longer than a key may be");
}

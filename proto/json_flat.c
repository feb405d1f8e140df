/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/json_flat.h"

static void skip_blanks(struct toll_json_flat *j)
{
	while (j->at < j->end &&
	       (*j->at == ' ' || *j->at == '\t' || *j->at == '\n' || *j->at == '\r'))
		j->at++;
}

static bool take(struct toll_json_flat *j, char c)
{
	skip_blanks(j);
	if (j->at == j->end || *j->at != c)
		return false;
	j->at++;
	return true;
}

/* at stands behind the opening quote; false: it never ends. */
static bool skip_string(struct toll_json_flat *j)
{
	while (j->at < j->end && *j->at != '"')
		j->at += *j->at == '\\' && j->at + 1 < j->end ? 2 : 1;
	return take(j, '"');
}

/* Up to the comma or bracket that ends the value. */
static bool skip_value(struct toll_json_flat *j)
{
	unsigned long depth = 0;

	while (j->at < j->end) {
		char c = *j->at;

		if (!depth && (c == ',' || c == '}' || c == ']'))
			return true;
		j->at++;
		if (c == '"' && !skip_string(j))
			return false;
		if (c == '{' || c == '[')
			depth++;
		if (c == '}' || c == ']')
			depth--;
	}
	return false;
}

static struct toll_slice trimmed(const char *start, const char *end)
{
	while (end > start &&
	       (end[-1] == ' ' || end[-1] == '\t' || end[-1] == '\n' || end[-1] == '\r'))
		end--;
	return toll_slice(start, (size_t)(end - start));
}

struct toll_json_flat toll_json_flat_of(struct toll_slice text)
{
	struct toll_json_flat j = { NULL, NULL };

	if (text.len)
		j = (struct toll_json_flat){ text.ptr, text.ptr + text.len };
	if (!take(&j, '{'))
		j.at = j.end;
	return j;
}

bool toll_json_flat_next(struct toll_json_flat *j, struct toll_json_member *ret)
{
	const char *start;

	take(j, ',');
	if (!take(j, '"'))
		return false;
	start = j->at;
	if (!skip_string(j))
		return false;
	ret->name = toll_slice(start, (size_t)(j->at - 1 - start));
	if (!take(j, ':'))
		return false;
	skip_blanks(j);
	start = j->at;
	if (!skip_value(j))
		return false;
	ret->value = trimmed(start, j->at);
	return true;
}

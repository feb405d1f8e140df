/* SPDX-License-Identifier: Apache-2.0 */
/* price_match.c - whether a condition of a rule holds for a value. */
#include "cost/pricebook.h"

/* The last '*' seen takes one byte more each time what follows it does not fit: no recursion, and
 * at most pattern x text steps. */
static bool glob_matches(struct toll_slice pattern, struct toll_slice text)
{
	size_t p = 0, t = 0, star = pattern.len, taken = 0;

	while (t < text.len) {
		if (p < pattern.len && pattern.ptr[p] == '*') {
			star = p++;
			taken = t;
		} else if (p < pattern.len &&
		           (pattern.ptr[p] == '?' || pattern.ptr[p] == text.ptr[t])) {
			p++;
			t++;
		} else if (star < pattern.len) {
			p = star + 1;
			t = ++taken;
		} else {
			return false;
		}
	}
	while (p < pattern.len && pattern.ptr[p] == '*')
		p++;
	return p == pattern.len;
}

static bool begins_with(struct toll_slice text, struct toll_slice prefix)
{
	return text.len >= prefix.len && toll_slice_eq(toll_slice(text.ptr, prefix.len), prefix);
}

static bool ends_with(struct toll_slice text, struct toll_slice suffix)
{
	return text.len >= suffix.len &&
	       toll_slice_eq(toll_slice(text.ptr + text.len - suffix.len, suffix.len), suffix);
}

bool toll_condition_holds(const struct toll_condition *c, bool has, struct toll_slice value)
{
	if (!has)
		return c->op == TOLL_MATCH_ABSENT;
	switch (c->op) {
	case TOLL_MATCH_EXACT:
	case TOLL_MATCH_ONE_OF:
		for (uint32_t i = 0; i < c->text_count; i++)
			if (toll_slice_eq(value, c->texts[i]))
				return true;
		return false;
	case TOLL_MATCH_PREFIX:
		return begins_with(value, c->texts[0]);
	case TOLL_MATCH_SUFFIX:
		return ends_with(value, c->texts[0]);
	case TOLL_MATCH_GLOB:
		return glob_matches(c->texts[0], value);
	case TOLL_MATCH_EXISTS:
		return true;
	default:
		return false;
	}
}

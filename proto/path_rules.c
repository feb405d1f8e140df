/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/path_rules.h"

#include <stdlib.h>

enum {
	PATTERN_MAX = 1024,
	REGEX_SEGMENT_MAX = 256, /* no pattern gets more to chew on */
};

/* ---- matching ---- */

static bool matches_text(const struct toll_path_pattern *p, struct toll_slice s)
{
	if (p->len > s.len)
		return false;
	if (p->at_start && memcmp(s.ptr, p->text, p->len) != 0)
		return false;
	if (p->at_end && memcmp(s.ptr + s.len - p->len, p->text, p->len) != 0)
		return false;
	if (p->at_start && p->at_end)
		return p->len == s.len;
	return p->at_start || p->at_end || memmem(s.ptr, s.len, p->text, p->len);
}

static bool matches(const struct toll_path_pattern *p, struct toll_slice s)
{
	char text[REGEX_SEGMENT_MAX + 1] TOLL_UNINITIALIZED;

	if (p->plain)
		return matches_text(p, s);
	if (s.len > REGEX_SEGMENT_MAX)
		return false;
	memcpy(text, s.ptr, s.len);
	text[s.len] = '\0';
	return regexec(&p->regex, text, 0, NULL, 0) == 0;
}

enum toll_path_verdict toll_path_rules_judge(const struct toll_path_rules *rules,
                                             struct toll_slice segment)
{
	if (toll_slice_eq(segment, toll_path_rules_placeholder(rules)))
		return TOLL_PATH_KEEP;
	for (size_t i = 0; rules && i < rules->count; i++)
		if (matches(&rules->patterns[i], segment))
			return i < rules->keep_count ? TOLL_PATH_KEEP : TOLL_PATH_REPLACE;
	return TOLL_PATH_UNDECIDED;
}

/* ---- making ---- */

static bool is_plain(struct toll_slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (memchr("^$.[]|()*+?{}\\", s.ptr[i], 14))
			return false;
	return true;
}

static int compile(struct toll_path_pattern *p, struct toll_slice text, struct toll_error *reterr)
{
	struct toll_slice plain = text;
	char why[96];
	int err;

	if (!text.len || text.len > PATTERN_MAX)
		return toll_fail(reterr, TOLL_ECONFIG, "a pattern must have 1 to %d bytes",
		                 PATTERN_MAX);
	p->at_start = plain.ptr[0] == '^';
	plain = toll_slice(plain.ptr + p->at_start, plain.len - p->at_start);
	p->at_end = plain.len && plain.ptr[plain.len - 1] == '$';
	plain.len -= p->at_end;
	if (is_plain(plain)) {
		p->text = strndup(plain.ptr, plain.len);
		p->len = plain.len;
		p->plain = true;
		return p->text ? 0 : toll_fail(reterr, TOLL_ENOMEM, "out of memory");
	}
	err = regcomp(&p->regex, text.ptr, REG_EXTENDED);
	if (!err)
		return 0;
	regerror(err, &p->regex, why, sizeof(why));
	p->plain = true; /* nothing to free */
	return toll_fail(reterr, TOLL_ECONFIG, "\"%.*s\" is no regular expression: %s",
	                 TOLL_FMT(text), why);
}

static bool is_placeholder(struct toll_slice s)
{
	if (!s.len || s.len > TOLL_PATH_PLACEHOLDER_MAX)
		return false;
	for (size_t i = 0; i < s.len; i++)
		if (memchr("/?#;", s.ptr[i], 4))
			return false;
	return true;
}

int toll_path_rules_new(const struct toll_path_settings *set, struct toll_path_rules **ret,
                        struct toll_error *reterr)
{
	size_t count = set->keep_count + set->replace_count;
	struct toll_path_rules *r;
	int err = 0;

	if (!is_placeholder(set->placeholder))
		return toll_fail(reterr, TOLL_ECONFIG,
		                 "the placeholder must have 1 to %d bytes and none of / ? # ;",
		                 TOLL_PATH_PLACEHOLDER_MAX);
	r = calloc(1, sizeof(*r) + count * sizeof(r->patterns[0]));
	if (!r)
		return toll_fail(reterr, TOLL_ENOMEM, "out of memory");
	memcpy(r->placeholder, set->placeholder.ptr, set->placeholder.len);
	r->placeholder_len = set->placeholder.len;
	r->keep_count = set->keep_count;
	for (; !err && r->count < count; r->count++) {
		size_t i = r->count;

		err = compile(&r->patterns[i],
		              i < set->keep_count ? set->keep[i]
		                                  : set->replace[i - set->keep_count],
		              reterr);
	}
	if (err) {
		toll_path_rules_free(r);
		return err;
	}
	*ret = r;
	return 0;
}

struct toll_path_rules *toll_path_rules_free(struct toll_path_rules *r)
{
	for (size_t i = 0; r && i < r->count; i++) {
		if (!r->patterns[i].plain)
			regfree(&r->patterns[i].regex);
		free(r->patterns[i].text);
	}
	free(r);
	return NULL;
}

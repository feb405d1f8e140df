/* SPDX-License-Identifier: Apache-2.0 */
#include "transform/regex.h"

#include <pthread.h>
#include <stdlib.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

/* A search is given up at the first place in the text where it takes so many steps. */
#define STEPS_MAX    20000u
#define HEAP_MAX_KIB 1024u

/* As RE2 reads it: UTF-8, "$" is the very end. Bytes that are not UTF-8 match nothing. */
#define OPTIONS \
	(PCRE2_UTF | PCRE2_MATCH_INVALID_UTF | PCRE2_DOLLAR_ENDONLY | PCRE2_NEVER_BACKSLASH_C)

struct toll_regex {
	pcre2_code *code;
	uint32_t group_count;
	struct toll_slice names[TOLL_REGEX_GROUPS_MAX];
};

static _Thread_local uint64_t given_up;

/* ---- what a thread needs to search: made once, given back when it ends ---- */

static pcre2_match_context *limits;
static pthread_key_t scratch_key;
static bool is_ready;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static _Thread_local pcre2_match_data *scratch;

static void free_scratch(void *data)
{
	pcre2_match_data_free(data);
}

static void prepare(void)
{
	limits = pcre2_match_context_create(NULL);
	if (!limits || pthread_key_create(&scratch_key, free_scratch))
		return;
	pcre2_set_match_limit(limits, STEPS_MAX);
	pcre2_set_heap_limit(limits, HEAP_MAX_KIB);
	is_ready = true;
}

static pcre2_match_data *get_scratch(void)
{
	if (toll_likely(scratch != NULL))
		return scratch;
	scratch = pcre2_match_data_create(TOLL_REGEX_GROUPS_MAX + 1, NULL);
	if (scratch && pthread_setspecific(scratch_key, scratch)) {
		pcre2_match_data_free(scratch);
		scratch = NULL;
	}
	return scratch;
}

/* ---- life ---- */

static int refuse(int code, size_t at, struct toll_error *reterr)
{
	char why[160];

	pcre2_get_error_message(code, (PCRE2_UCHAR *)why, sizeof(why));
	return toll_fail(reterr, TOLL_ECONFIG, "is no regular expression: %s (at character %zu)",
	                 why, at + 1);
}

/* The table of names: each entry is the group's number in two bytes, then its name. */
static void read_names(struct toll_regex *r)
{
	uint32_t count = 0, size = 0;
	PCRE2_SPTR table = NULL;

	pcre2_pattern_info(r->code, PCRE2_INFO_CAPTURECOUNT, &r->group_count);
	pcre2_pattern_info(r->code, PCRE2_INFO_NAMECOUNT, &count);
	pcre2_pattern_info(r->code, PCRE2_INFO_NAMEENTRYSIZE, &size);
	pcre2_pattern_info(r->code, PCRE2_INFO_NAMETABLE, &table);
	for (uint32_t i = 0; i < count; i++, table += size) {
		uint32_t group = (uint32_t)table[0] << 8 | table[1];

		if (group <= TOLL_REGEX_GROUPS_MAX)
			r->names[group - 1] = toll_slice_str((const char *)table + 2);
	}
}

static int compile(struct toll_regex *r, struct toll_slice pattern, struct toll_error *reterr)
{
	int code = 0;
	PCRE2_SIZE at = 0;

	pthread_once(&once, prepare);
	if (!is_ready)
		return toll_fail(reterr, TOLL_ENOMEM, "out of memory");
	if (pattern.len > TOLL_REGEX_PATTERN_MAX)
		return toll_fail(reterr, TOLL_ECONFIG, "is longer than %d bytes",
		                 TOLL_REGEX_PATTERN_MAX);
	r->code = pcre2_compile((PCRE2_SPTR)pattern.ptr, pattern.len, OPTIONS, &code, &at, NULL);
	if (!r->code)
		return refuse(code, at, reterr);
	read_names(r);
	if (r->group_count > TOLL_REGEX_GROUPS_MAX)
		return toll_fail(reterr, TOLL_ECONFIG, "has more than %d groups",
		                 TOLL_REGEX_GROUPS_MAX);
	return 0;
}

int toll_regex_new(struct toll_slice pattern, struct toll_regex **ret, struct toll_error *reterr)
{
	struct toll_regex *r = calloc(1, sizeof(*r));
	int err;

	if (!r)
		return toll_fail(reterr, TOLL_ENOMEM, "out of memory");
	err = compile(r, pattern, reterr);
	if (err)
		return toll_regex_free(r), err;
	*ret = r;
	return 0;
}

struct toll_regex *toll_regex_free(struct toll_regex *r)
{
	if (!r)
		return NULL;
	pcre2_code_free(r->code);
	free(r);
	return NULL;
}

/* ---- searching ---- */

static bool search(const struct toll_regex *r, struct toll_slice text)
{
	pcre2_match_data *data = get_scratch();
	int rc = PCRE2_ERROR_NOMEMORY;

	if (data && text.len <= TOLL_REGEX_TEXT_MAX)
		rc = pcre2_match(r->code, (PCRE2_SPTR)(text.ptr ? text.ptr : ""), text.len, 0, 0,
		                 data, limits);
	if (rc >= 0)
		return true;
	if (rc != PCRE2_ERROR_NOMATCH)
		given_up++;
	return false;
}

bool toll_regex_match(const struct toll_regex *r, struct toll_slice text)
{
	return search(r, text);
}

bool toll_regex_capture(const struct toll_regex *r, struct toll_slice text,
                        struct toll_slice groups[TOLL_REGEX_GROUPS_MAX])
{
	const PCRE2_SIZE *at;

	if (!search(r, text))
		return false;
	at = pcre2_get_ovector_pointer(scratch);
	for (size_t i = 0; i < r->group_count; i++) {
		PCRE2_SIZE from = at[2 * (i + 1)], to = at[2 * (i + 1) + 1];

		groups[i] = from == PCRE2_UNSET || to < from
		                    ? toll_slice("", 0)
		                    : toll_slice(text.ptr + from, to - from);
	}
	return true;
}

uint32_t toll_regex_group_count(const struct toll_regex *r)
{
	return r->group_count;
}

struct toll_slice toll_regex_group_name(const struct toll_regex *r, uint32_t group)
{
	return r->names[group].ptr ? r->names[group] : toll_slice("", 0);
}

uint64_t toll_regex_given_up(void)
{
	return given_up;
}

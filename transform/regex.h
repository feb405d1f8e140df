/* SPDX-License-Identifier: Apache-2.0 */
/* regex.h - regular expressions of the configuration, in the syntax of Go's RE2 (by PCRE2), on text
 * that anybody may have sent.
 *
 * PCRE2 backtracks, so the work is bounded: a text longer than TOLL_REGEX_TEXT_MAX, or one that
 * takes more steps than the limit, does not match, and is counted. */
#ifndef TOLL_TRANSFORM_REGEX_H
#define TOLL_TRANSFORM_REGEX_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/slice.h"

struct toll_regex;

enum {
	TOLL_REGEX_TEXT_MAX = 8192,   /* bytes of a text */
	TOLL_REGEX_GROUPS_MAX = 32,   /* groups of an expression */
	TOLL_REGEX_PATTERN_MAX = 4096 /* bytes of an expression */
};

/* TOLL_ECONFIG with a sentence and the position of the fault; TOLL_ENOMEM. */
int toll_regex_new(struct toll_slice pattern, struct toll_regex **ret,
                   struct toll_error *reterr) TOLL_MUST_CHECK;
struct toll_regex *toll_regex_free(struct toll_regex *r); /* always returns NULL */

/* Somewhere in the text, as Go's MatchString. Any thread. */
bool toll_regex_match(const struct toll_regex *r, struct toll_slice text);

/* The same; groups[i] becomes what group i + 1 caught ("" where it took no part). */
bool toll_regex_capture(const struct toll_regex *r, struct toll_slice text,
                        struct toll_slice groups[TOLL_REGEX_GROUPS_MAX]);

uint32_t toll_regex_group_count(const struct toll_regex *r);
/* From 0; "" for a group without a name. Lives as long as r. */
struct toll_slice toll_regex_group_name(const struct toll_regex *r, uint32_t group);

/* Texts that this thread has given up so far, with any expression: too long or too much work. A
 * processor counts the difference over a batch. */
uint64_t toll_regex_given_up(void);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* path_rules.h - what a user says about single segments. Private to proto/. */
#ifndef TOLL_PROTO_PATH_RULES_H
#define TOLL_PROTO_PATH_RULES_H

#include <regex.h>

#include "proto/path.h"

enum { TOLL_PATH_PLACEHOLDER_MAX = 32 };

/* A pattern of plain text is compared; any other one is a regular expression. */
struct toll_path_pattern {
	bool plain, at_start, at_end; /* ^text, text$ */
	char *text;
	size_t len;
	regex_t regex;
};

struct toll_path_rules {
	char placeholder[TOLL_PATH_PLACEHOLDER_MAX];
	size_t placeholder_len;
	size_t keep_count, count; /* keep first, then replace */
	struct toll_path_pattern patterns[];
};

enum toll_path_verdict { TOLL_PATH_UNDECIDED = 0, TOLL_PATH_KEEP, TOLL_PATH_REPLACE };

/* rules may be NULL. The placeholder itself is kept. */
enum toll_path_verdict toll_path_rules_judge(const struct toll_path_rules *rules,
                                             struct toll_slice segment);

static inline struct toll_slice toll_path_rules_placeholder(const struct toll_path_rules *rules)
{
	return rules ? toll_slice(rules->placeholder, rules->placeholder_len) : TOLL_SLICE("*");
}

#endif

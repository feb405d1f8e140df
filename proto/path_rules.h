/* SPDX-License-Identifier: Apache-2.0 */
/* path_rules.h - what a user says about single segments. Private to proto/. */
#ifndef TOLL_PROTO_PATH_RULES_H
#define TOLL_PROTO_PATH_RULES_H

#include "proto/path.h"

enum toll_path_verdict { TOLL_PATH_UNDECIDED = 0, TOLL_PATH_KEEP, TOLL_PATH_REPLACE };

/* rules may be NULL. The placeholder itself is kept. */
enum toll_path_verdict toll_path_rules_judge(const struct toll_path_rules *rules,
                                             struct toll_slice segment);
struct toll_slice toll_path_rules_placeholder(const struct toll_path_rules *rules);

#endif

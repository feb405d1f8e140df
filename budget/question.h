/* SPDX-License-Identifier: Apache-2.0 */
/* question.h - what the flags are asked, from what a request tells of itself.
 *
 * Headers and the like tell by name: "criticality", or a dimension. Of what is told twice the first
 * counts; "" tells nothing. */
#ifndef TOLL_BUDGET_QUESTION_H
#define TOLL_BUDGET_QUESTION_H

#include "budget/flags.h"
#include "config/schema.h"

bool toll_question_has(const struct toll_flag_question *q, struct toll_slice dimension);
/* Keeps views. False: there is no room for more dimensions than TOLL_QUESTION_MAX. */
bool toll_question_add(struct toll_flag_question *q, struct toll_slice dimension,
                       struct toll_slice value);
bool toll_question_tell(struct toll_flag_question *q, struct toll_slice name,
                        struct toll_slice value);

/* The setting headers: what is told -> name of a header, at most so many. */
void toll_question_check_headers(const struct toll_pair_list *headers, unsigned most,
                                 struct toll_reporter *r);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#include "budget/question.h"

bool toll_question_has(const struct toll_flag_question *q, struct toll_slice dimension)
{
	for (unsigned i = 0; i < q->count; i++)
		if (toll_slice_eq(q->at[i].dimension, dimension))
			return true;
	return false;
}

bool toll_question_add(struct toll_flag_question *q, struct toll_slice dimension,
                       struct toll_slice value)
{
	if (q->count == TOLL_QUESTION_MAX)
		return false;
	q->at[q->count].dimension = dimension;
	q->at[q->count++].value = value;
	return true;
}

bool toll_question_tell(struct toll_flag_question *q, struct toll_slice name,
                        struct toll_slice value)
{
	if (!value.len)
		return true;
	if (!toll_slice_is(name, "criticality"))
		return toll_question_has(q, name) || toll_question_add(q, name, value);
	if (q->criticality == TOLL_CRITICALITY_UNKNOWN)
		q->criticality = toll_criticality_parse(value);
	return true;
}

void toll_question_check_headers(const struct toll_pair_list *headers, unsigned most,
                                 struct toll_reporter *r)
{
	if (headers->count > most)
		toll_report_error(r, "headers", "at most %u headers are read", most);
	for (size_t i = 0; i < headers->count; i++)
		if (!headers->at[i].value.len)
			toll_report_error(r, "headers", "%.*s: name a header",
			                  TOLL_FMT(headers->at[i].key));
}

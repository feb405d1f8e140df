/* SPDX-License-Identifier: Apache-2.0 */
/* budget_subject.h - what people call a subject -> its key. */
#ifndef TOLL_CMD_BUDGET_SUBJECT_H
#define TOLL_CMD_BUDGET_SUBJECT_H

#include "budget/subject_max.h"

#define TOLL_BUDGET_SUBJECT_TEXT (TOLL_SUBJECT_MAX + 1)

/* "payment-svc", "tenant=acme", "tenant=acme,service=payment-svc"; keys as `budget list` shows them
 * ("tenant:acme") stay as they are. An enum toll_exit: TOLL_EXIT_USAGE was told on stderr. */
int toll_budget_subject(const char *verb, const char *word, char ret[TOLL_BUDGET_SUBJECT_TEXT]);

#endif

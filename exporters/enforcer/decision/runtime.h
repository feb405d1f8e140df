/* SPDX-License-Identifier: Apache-2.0 */
/* runtime.h - the budgets in force: those of the configuration, and over them those that people set
 * at run time. Store's thread only. */
#ifndef TOLL_ENFORCER_RUNTIME_H
#define TOLL_ENFORCER_RUNTIME_H

#include "exporters/enforcer/api/requests.h"
#include "exporters/enforcer/decision/runtime_texts.h"
#include "exporters/enforcer/store_redis/decide.h"

struct toll_runtime {
	struct toll_budget_settings conf; /* borrowed from the configuration */
	const char *who;                  /* for log lines */
	struct toll_totals *totals;       /* their lock guards said */
	struct toll_runtime_texts *said;  /* NULL: nothing can be set at run time */
	struct toll_rules rules;          /* of both; count 0: as configured alone */
	uint64_t seen;                    /* a hash of what the store said last */
};

void toll_runtime_release(struct toll_runtime *rt);

/* Rules are those of what was said before, over this configuration; what does not go with it is
 * left out until the store is asked. */
void toll_runtime_renew(struct toll_runtime *rt);

/* Reads spantoll:budgets. *ret_changed: rules are others than before. What is there but no budget
 * is left out and told once. TOLL_EDOWN. */
int toll_runtime_refresh(struct toll_runtime *rt, struct toll_redis *r,
                         bool *ret_changed) TOLL_MUST_CHECK;

/* Would this budget be possible beside the others? Fills q->error; json empty: it is taken away. */
int toll_runtime_check(const struct toll_runtime *rt, struct toll_request *q) TOLL_MUST_CHECK;

/* Lines for TOLL_REQUEST_BUDGETS. */
int toll_runtime_list(const struct toll_runtime *rt, struct toll_request *q) TOLL_MUST_CHECK;

#endif

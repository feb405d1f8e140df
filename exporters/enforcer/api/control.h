/* SPDX-License-Identifier: Apache-2.0 */
/* control.h - the named service "budgets" of the host: requests that the store's thread answers,
 * and rows of what this process knows. */
#ifndef TOLL_ENFORCER_CONTROL_H
#define TOLL_ENFORCER_CONTROL_H

#include "exporters/enforcer/api/requests.h"
#include "exporters/enforcer/totals/totals.h"

struct toll_control {
	struct toll_budget_control super;
	struct toll_requests requests;
	struct toll_totals *totals;
	uint64_t timeout_ns;
};

int toll_control_init(struct toll_control *c, struct toll_totals *totals,
                      uint64_t timeout_ns) TOLL_MUST_CHECK;
void toll_control_release(struct toll_control *c); /* after nobody finds it any more */

/* The key that text means: a key as it is, or the encoded form of a plain service's name.
 * TOLL_EINVALID with a sentence. */
int toll_subject_read(struct toll_slice text, char ret[TOLL_SUBJECT_MAX + 1],
                      struct toll_error *reterr) TOLL_MUST_CHECK;

#endif

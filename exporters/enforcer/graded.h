/* SPDX-License-Identifier: Apache-2.0 */
/* graded.h - how much of a throttled service's traffic fits, and when it is worth to ask again. */
#ifndef TOLL_ENFORCER_GRADED_H
#define TOLL_ENFORCER_GRADED_H

#include "budget/decision.h"

/* limit / average, at least min_allowed. */
double toll_graded_share(const struct toll_verdict *v, double min_allowed);

/* The earliest that evaluations can release it: as many windows below the limit as are missing. */
uint32_t toll_retry_after_s(const struct toll_rules *r, const struct toll_verdict *v,
                            uint32_t under);

#endif

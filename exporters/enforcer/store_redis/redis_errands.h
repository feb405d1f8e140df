/* SPDX-License-Identifier: Apache-2.0 */
/* redis_errands.h - what people ask (requests.h), done in Redis: overrides, kill switch, audit
 * records. Store's thread only. */
#ifndef TOLL_ENFORCER_REDIS_ERRANDS_H
#define TOLL_ENFORCER_REDIS_ERRANDS_H

#include "exporters/enforcer/api/requests.h"
#include "exporters/enforcer/decision/runtime.h"
#include "exporters/enforcer/store_redis/decide.h"

/* Fills in the answer. *ret_look: flags must follow. TOLL_EDOWN: the connection broke; then the
 * answer says so. */
int toll_redis_errand(struct toll_decider *d, const struct toll_runtime *rt, struct toll_request *r,
                      bool *ret_look) TOLL_MUST_CHECK;

#endif

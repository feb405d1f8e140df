/* SPDX-License-Identifier: Apache-2.0 */
/* redis_audit.h - the audit records in Redis: streams {F}:audit of all subjects together. */
#ifndef TOLL_ENFORCER_REDIS_AUDIT_H
#define TOLL_ENFORCER_REDIS_AUDIT_H

#include "exporters/enforcer/api/requests.h"
#include "exporters/enforcer/store_redis/decide.h"

/* The newest q->limit records of q->subject, or of all subjects and the kill switch, as lines,
 * newest last. TOLL_EDOWN, or another error with q->error. */
int toll_redis_audit_read(struct toll_decider *d, struct toll_request *q) TOLL_MUST_CHECK;

#endif

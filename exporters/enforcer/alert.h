/* SPDX-License-Identifier: Apache-2.0 */
/* alert.h - what an operator must know of decisions while Redis is fine: the cap holds services
 * back, there is no audit log to write to, no checkpoint can be written, or the sums in Redis are
 * not ours to publish. */
#ifndef TOLL_ENFORCER_ALERT_H
#define TOLL_ENFORCER_ALERT_H

#include <stdbool.h>
#include <stdint.h>

#include "pipeline/component.h"

struct toll_alert {
	bool capped, unrecorded, unsaved, disowned; /* what was told last */
};

/* A log line when something begins or ends, and the health of the component. Call while the store
 * is well; *a is cleared whenever somebody else has set the health. disowned: why, or "". */
void toll_alert_judge(struct toll_alert *a, const struct toll_component *owner, uint32_t capped,
                      bool unrecorded, bool unsaved, const char *disowned);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#include "exporters/enforcer/alert.h"

#include <stdio.h>

#include "base/log.h"
#include "pipeline/host.h"

static void tell(const struct toll_component *owner, bool before, bool now, const char *begins,
                 const char *ends)
{
	if (now && !before)
		TOLL_WARN(owner->who, "%s", begins);
	else if (before && !now)
		TOLL_INFO(owner->who, "%s", ends);
}

void toll_alert_judge(struct toll_alert *a, const struct toll_component *owner, uint32_t capped,
                      bool unrecorded)
{
	struct toll_alert before = *a;
	char why[160];

	*a = (struct toll_alert){ capped > 0, unrecorded };
	if (a->capped == before.capped && a->unrecorded == before.unrecorded)
		return;
	snprintf(why, sizeof(why),
	         "%u service%s over budget, but throttle::max_throttled_fraction lets no more be "
	         "throttled: is a price wrong?",
	         capped, capped == 1 ? " is" : "s are");
	tell(owner, before.capped, a->capped, why, "nobody is held back by the cap any more");
	tell(owner, before.unrecorded, a->unrecorded,
	     "the audit log cannot be written: no flag is set", "the audit log is written again");
	if (unrecorded)
		snprintf(why, sizeof(why), "the audit log cannot be written: no flag is set");
	toll_host_set_health(owner->host, owner,
	                     capped || unrecorded ? TOLL_HEALTH_DEGRADED : TOLL_HEALTH_OK,
	                     capped || unrecorded ? why : "");
}

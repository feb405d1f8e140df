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

static const char *sentence(const struct toll_alert *a, uint32_t capped, const char *disowned,
                            char why[160])
{
	if (a->disowned)
		return disowned;
	if (a->unrecorded)
		return "the audit log cannot be written: no flag is set";
	if (a->unsaved)
		return "checkpoints cannot be written: the journal is kept until they can";
	if (!a->capped)
		return "";
	snprintf(why, 160,
	         "%u service%s over budget, but throttle::max_throttled_fraction lets no more be "
	         "throttled: is a price wrong?",
	         capped, capped == 1 ? " is" : "s are");
	return why;
}

static bool same(const struct toll_alert *a, const struct toll_alert *b)
{
	return a->capped == b->capped && a->unrecorded == b->unrecorded &&
	       a->unsaved == b->unsaved && a->disowned == b->disowned;
}

void toll_alert_judge(struct toll_alert *a, const struct toll_component *owner, uint32_t capped,
                      bool unrecorded, bool unsaved, const char *disowned)
{
	struct toll_alert before = *a, held = { .capped = capped > 0 };
	const char *what;
	char why[160];

	*a = (struct toll_alert){ capped > 0, unrecorded, unsaved, *disowned != '\0' };
	if (same(a, &before))
		return;
	tell(owner, before.capped, a->capped, sentence(&held, capped, "", why),
	     "nobody is held back by the cap any more");
	tell(owner, before.unrecorded, a->unrecorded,
	     "the audit log cannot be written: no flag is set", "the audit log is written again");
	tell(owner, before.disowned, a->disowned, disowned,
	     "the sums in redis are ours to publish again");
	what = sentence(a, capped, disowned, why);
	toll_host_set_health(owner->host, owner, *what ? TOLL_HEALTH_DEGRADED : TOLL_HEALTH_OK,
	                     what);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* tell.h - the log lines about changes of flags, and their counters. */
#ifndef TOLL_ENFORCER_TELL_H
#define TOLL_ENFORCER_TELL_H

#include "budget/event.h"
#include "exporters/enforcer/counters.h"

/* One line. service: as people know it. */
void toll_tell_event(struct toll_counters *c, const char *who, struct toll_slice service,
                     const struct toll_budget_event *e);

/* One line per word of what: "set", "release", "shadow_set" or several with commas; note: a line of
 * budget/event.h, or text of an older version that only tells the amounts. */
void toll_tell_change(struct toll_counters *c, const char *who, struct toll_slice service,
                      struct toll_slice what, struct toll_slice note);

#endif

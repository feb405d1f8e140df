/* SPDX-License-Identifier: Apache-2.0 */
/* tell.h - the log lines about changes of flags, and their counters. */
#ifndef TOLL_ENFORCER_TELL_H
#define TOLL_ENFORCER_TELL_H

#include "base/slice.h"
#include "exporters/enforcer/counters.h"

/* One line per change; what: "set", "release", "restore", "shadow_set", "shadow_release", or
 * several with commas. amounts: "$512.40/$500". */
void toll_tell_change(struct toll_counters *c, const char *who, struct toll_slice service,
                      struct toll_slice what, struct toll_slice amounts);

#endif

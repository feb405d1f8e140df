/* SPDX-License-Identifier: Apache-2.0 */
/* decide.h - once per evaluation window, for every service with live spend: read the sums and the
 * state, apply the rule, commit. Store's thread only.
 *
 * No leader: the first commit of a window moves the state's version on, and the others change
 * nothing. The daemon whose commit changed a flag tells it, once. */
#ifndef TOLL_ENFORCER_DECIDE_H
#define TOLL_ENFORCER_DECIDE_H

#include "exporters/enforcer/publish.h"

/* TOLL_EDOWN: the connection broke; what was not decided is decided after it is back. */
int toll_decide_round(struct toll_publisher *p, const char *who) TOLL_MUST_CHECK;

#endif

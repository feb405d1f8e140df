/* SPDX-License-Identifier: Apache-2.0 */
/* store.h - what requests at the desk share: the enforcer they ask, and how a change is answered.
 */
#ifndef TOLL_EXTENSIONS_ADMIN_STORE_H
#define TOLL_EXTENSIONS_ADMIN_STORE_H

#include "budget/control.h"

struct toll_admin_request;

/* The enforcer, until toll_admin_drop(); NULL: there is none, and the answer says so. */
struct toll_budget_control *toll_admin_hold(struct toll_admin_request *q);
void toll_admin_drop(struct toll_admin_request *q, struct toll_budget_control *c); /* takes NULL */

/* 200 and {"NAME": "VALUE"...}; rest: further members, each with its comma before it. */
void toll_admin_say(struct toll_admin_request *q, const char *name, struct toll_slice value,
                    const char *rest);
/* {"by": "...", "on": ...} */
void toll_admin_say_kill(struct toll_admin_request *q, bool on, const char *by);

#endif

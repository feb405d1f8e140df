/* SPDX-License-Identifier: Apache-2.0 */
/* calendar.h - days, weeks and months of a time zone as boundaries in Unix ms (cost/window.h).
 *
 * A period begins with the first instant that has its date there: days have 23 or 25 hours when
 * clocks change. Zones are those of the system's tz database, read by GLib. */
#ifndef TOLL_BUDGET_CALENDAR_H
#define TOLL_BUDGET_CALENDAR_H

#include "base/arena.h"
#include "base/error.h"
#include "budget/settings.h"
#include "cost/window.h"

/* Boundaries from a year before now_ms until ten years after, in the arena. zone: an IANA
 * name. TOLL_ECONFIG with a sentence ("did you mean"), TOLL_ENOMEM. Indexes do not depend on
 * now_ms: days and weeks since 1970, months likewise. */
int toll_calendar_window(enum toll_budget_period period, struct toll_slice zone, uint64_t now_ms,
                         struct toll_arena *arena, struct toll_window *ret,
                         struct toll_error *reterr) TOLL_MUST_CHECK;

#endif

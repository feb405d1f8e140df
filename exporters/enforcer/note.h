/* SPDX-License-Identifier: Apache-2.0 */
/* note.h - what is said about a decision, for whoever reads of the change that it makes. */
#ifndef TOLL_ENFORCER_NOTE_H
#define TOLL_ENFORCER_NOTE_H

#include "budget/event.h"
#include "exporters/enforcer/decide_inside.h"

/* budget/event.h without what: commit.lua finds that out. */
void toll_note_print(const struct toll_decider *d, const struct toll_case *c,
                     char buf[TOLL_EVENT_TEXT]);

#endif

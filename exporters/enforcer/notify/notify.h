/* SPDX-License-Identifier: Apache-2.0 */
/* notify.h - tells webhooks what happens to flags, with retries, on threads of its own.
 *
 * Of many daemons only the one whose commit changed a flag has the event to tell, so the far end
 * hears it once; a message whose answer was lost comes again. What is told when: notify_queue.h. */
#ifndef TOLL_ENFORCER_NOTIFY_H
#define TOLL_ENFORCER_NOTIFY_H

#include "budget/event.h"
#include "exporters/enforcer/counters.h"
#include "exporters/enforcer/notify/notify_settings.h"

struct toll_notifier;

/* hooks: struct toll_webhook_config, at least one; outlive it, as counters and who do. Opens no
 * connection. */
int toll_notifier_new(const struct toll_group_list *hooks, const char *who,
                      struct toll_counters *counters, struct toll_notifier **ret,
                      struct toll_error *reterr) TOLL_MUST_CHECK;

/* Any thread; never waits for anybody. n NULL: nobody is told. */
void toll_notifier_put(struct toll_notifier *n, const struct toll_budget_event *e);
/* The same for what a commit answers: "set", or several such words with commas, and its note, a
 * line of budget/event.h. An event without a subject or a time gets these. */
void toll_notifier_change(struct toll_notifier *n, struct toll_slice subject,
                          struct toll_slice what, struct toll_slice note);

/* What waits is told now, cooldown or not, until the deadline; what then is left, and what waits
 * for a webhook that does not answer, is lost, counted and logged. Always returns NULL. */
struct toll_notifier *toll_notifier_free(struct toll_notifier *n, uint64_t deadline_mono_ns);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* notify_text.h - an event as the body of a webhook's request. Pure. */
#ifndef TOLL_ENFORCER_NOTIFY_TEXT_H
#define TOLL_ENFORCER_NOTIFY_TEXT_H

#include "budget/event.h"

enum toll_webhook_format {
	TOLL_WEBHOOK_JSON =
		0,          /* the event (budget/event.h), "passed_over" added where it is not 0 */
	TOLL_WEBHOOK_SLACK, /* what Slack's incoming webhooks take: text, and blocks of the same */
};

/* passed_over: events of the subject since the last message that nobody was told. Malloc'ed; NULL:
 * out of memory. Source of the format: Slack API, "Sending messages using incoming webhooks",
 * "Formatting text" (& < > are escaped: names cannot mention people or make links). */
char *toll_notify_body(enum toll_webhook_format format, const struct toll_budget_event *e,
                       uint64_t passed_over, size_t *ret_len);

/* "payment-svc exceeded its budget and is throttled: $512.40/$500 in 24h" */
#define TOLL_NOTIFY_SENTENCE (TOLL_SUBJECT_MAX + 2 * TOLL_EVENT_COMMENT + 512)
void toll_notify_sentence(const struct toll_budget_event *e, char buf[TOLL_NOTIFY_SENTENCE]);

#endif

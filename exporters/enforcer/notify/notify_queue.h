/* SPDX-License-Identifier: Apache-2.0 */
/* notify_queue.h - which event a webhook is told next, and when. Pure: time comes with each call.
 *
 * What machines do (flags set and released) is told at once, then not again for the cooldown of
 * that subject; after it the last of what happened meanwhile is told, unless it is what was told
 * before. So a flapping flag makes one message per cooldown, and the last state always arrives.
 * What people do (overrides, kill switch, budgets) is told one by one, without a cooldown. Of a
 * subject at most one event waits, and subjects are bounded, so an outage of the far end holds
 * little memory. One thread at a time. */
#ifndef TOLL_ENFORCER_NOTIFY_QUEUE_H
#define TOLL_ENFORCER_NOTIFY_QUEUE_H

#include "budget/event.h"

#define TOLL_NOTIFY_TOPICS 4096 /* subjects that wait or are in their cooldown */
#define TOLL_NOTIFY_DEEDS  64   /* events of people that wait */

/* What is told about one subject's flag, or shadow flag. */
struct toll_notify_topic {
	bool shadow;
	struct toll_budget_event *held; /* waits; NULL: nothing */
	enum toll_event_what told;      /* last; TOLL_EVENT_OTHER: nothing that we know of */
	bool overtaken; /* by an event that nobody wants to be told: the next one is news */
	uint64_t quiet_until_ns, held_since_ns;
	uint64_t passed_over; /* events since the last message that nobody will be told */
	char *subject;
};

struct toll_notify_queue {
	uint32_t wanted; /* bit per enum toll_event_what */
	uint64_t cooldown_ns;
	uint64_t *hashes; /* of topics: looked through first */
	struct toll_notify_topic *topics;
	uint32_t topic_count;
	struct toll_budget_event *deeds; /* ring */
	uint32_t deed_first, deed_count;
	/* The message that is on its way. */
	struct toll_budget_event *flying; /* NULL: none is */
	uint32_t flying_topic;            /* TOLL_NOTIFY_TOPICS: a deed */
	uint64_t flying_passed_over;
	uint64_t passed_over, dropped; /* so far: not told for the cooldown; for want of room */
};

int toll_notify_queue_init(struct toll_notify_queue *q, uint32_t wanted,
                           uint64_t cooldown_ns) TOLL_MUST_CHECK;
void toll_notify_queue_release(struct toll_notify_queue *q);

void toll_notify_queue_put(struct toll_notify_queue *q, const struct toll_budget_event *e,
                           uint64_t now_ns);

/* When there is something to tell: in the past for at once, UINT64_MAX for nothing. hurry: as if
 * there were no cooldown. */
uint64_t toll_notify_queue_due_ns(const struct toll_notify_queue *q, bool hurry);
/* Takes it; only while none is on its way. NULL: nothing is due. Borrowed until the next call that
 * says what became of it. */
const struct toll_budget_event *toll_notify_queue_next(struct toll_notify_queue *q, uint64_t now_ns,
                                                       bool hurry);

/* What became of it: it arrived; it did not, and is to be told again unless there is newer; it
 * never will. */
void toll_notify_queue_told(struct toll_notify_queue *q, uint64_t now_ns);
void toll_notify_queue_again(struct toll_notify_queue *q);
void toll_notify_queue_lost(struct toll_notify_queue *q);

/* Events that wait. */
uint32_t toll_notify_queue_waiting(const struct toll_notify_queue *q);

#endif

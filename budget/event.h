/* SPDX-License-Identifier: Apache-2.0 */
/* event.h - what happened to a budget's flag, and who did what about it: one line of JSON, the same
 * on channel enforce:events, in the streams {F}:audit, in the local audit log and for webhooks.
 *
 *   {"time_ms":1795000000000,"change_id":1795000000000,"what":"set","subject":"payment-svc",
 *    "reason":"budget","budget":"payments","mode":"enforce","window":"24h","spent_usd":512.4,
 *    "limit_usd":500,"ema_usd":506.1,"until_ms":1795003600000,"retry_after_s":180,"by":"7f..."}
 *
 * Times are Unix milliseconds of the store's clock, amounts exact decimals. Members that are not
 * known are left out; readers must pass over those that they do not know. */
#ifndef TOLL_BUDGET_EVENT_H
#define TOLL_BUDGET_EVENT_H

#include "budget/flags.h"

enum toll_event_what {
	TOLL_EVENT_SET = 0,    /* the flag was set */
	TOLL_EVENT_RELEASE,    /* ... deleted */
	TOLL_EVENT_RESTORE,    /* ... found missing while it should hold, and set again */
	TOLL_EVENT_SHADOW_SET, /* it would be set if the budget were in mode enforce */
	TOLL_EVENT_SHADOW_RELEASE,
	TOLL_EVENT_CAPPED,   /* over its budget, but max_throttled_fraction holds it back */
	TOLL_EVENT_OVERRIDE, /* somebody said allow, deny or clear: in reason */
	TOLL_EVENT_KILL,     /* the kill switch: subject is empty */
	TOLL_EVENT_UNKILL,
	TOLL_EVENT_BUDGET,     /* a budget was set or removed at run time: in budget */
	TOLL_EVENT_PENDING,    /* audit log only: about to be committed */
	TOLL_EVENT_DONE,       /* audit log only: committed */
	TOLL_EVENT_SUPERSEDED, /* audit log only: another daemon was first; nothing was done */
	TOLL_EVENT_OTHER       /* of a newer version */
};
const char *toll_event_name(enum toll_event_what what); /* "shadow_set" */

#define TOLL_EVENT_WORD    64  /* budget, instance */
#define TOLL_EVENT_COMMENT 201 /* who, why: people's words, cut */

struct toll_budget_event {
	uint64_t time_ms;
	uint64_t change_id; /* grows with every change of a subject; 0: none */
	enum toll_event_what what;
	enum toll_event_what change;        /* of pending, done and superseded: what it is about */
	char subject[TOLL_SUBJECT_MAX + 1]; /* key; "": all */
	char reason[16]; /* "budget", "fast_trip", "override", "kill", "cap"; "allow", "deny" */
	char budget[TOLL_EVENT_WORD];
	char mode[8];
	char window[TOLL_FLAG_WINDOW]; /* "": no amounts are known */
	toll_i128 spent_nano;
	int64_t limit_pico;
	double ema_usd;
	double allowed; /* share of requests that may pass */
	uint64_t until_ms;
	uint32_t retry_after_s;
	char by[TOLL_EVENT_WORD]; /* instance of the daemon */
	char who[TOLL_EVENT_COMMENT], why[TOLL_EVENT_COMMENT];
};

/* One line without its newline; returns its length. Text that is not UTF-8 becomes U+FFFD. */
#define TOLL_EVENT_TEXT \
	(6 * (TOLL_SUBJECT_MAX + 2 * TOLL_EVENT_COMMENT + 3 * TOLL_EVENT_WORD) + 768)
size_t toll_event_print(const struct toll_budget_event *e, char buf[TOLL_EVENT_TEXT]);
/* The same without what: for the script that finds out, and puts it in front. */
size_t toll_event_print_note(const struct toll_budget_event *e, char buf[TOLL_EVENT_TEXT]);

/* Text from outside. TOLL_EINVALID: no JSON object that says what happened, or longer than
 * TOLL_EVENT_TEXT; TOLL_ENOMEM. What has the wrong type or is too long counts as unknown. */
int toll_event_parse(struct toll_slice text, struct toll_budget_event *ret) TOLL_MUST_CHECK;

/* "$512.40/$500", as in "[COST_ENFORCEMENT] payment-svc exceeded budget: $512.40/$500"; "" when no
 * amounts are known. */
#define TOLL_EVENT_AMOUNTS 112
void toll_event_amounts(const struct toll_budget_event *e, char buf[TOLL_EVENT_AMOUNTS]);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* control.h - what people ask of an enforcer. The named service "budgets" of the host, published by
 * exporters/enforcer, id as the exporter's.
 *
 * Any thread but the main one: a call waits for the store, at most its time-out (redis::timeout;
 * store memory: 1 s). Everything a callback is given is borrowed for the call; callbacks run on the
 * caller's thread and may take their time. Functions return 0 or a negative error and fill reterr:
 *   TOLL_EINVALID   a sentence about what was asked
 *   TOLL_EDOWN      the store is away
 *   TOLL_ETIMEOUT   it has not answered: the change may still come to pass
 *   TOLL_EFULL      too many wait already
 *   TOLL_EREFUSED   the store says no */
#ifndef TOLL_BUDGET_CONTROL_H
#define TOLL_BUDGET_CONTROL_H

#include "budget/flags.h"

enum toll_override { TOLL_OVERRIDE_NONE = 0, TOLL_OVERRIDE_ALLOW, TOLL_OVERRIDE_DENY };
const char *toll_override_name(enum toll_override o);           /* "allow", "deny"; none: "" */
enum toll_override toll_override_parse(struct toll_slice text); /* none: anything else */

/* One subject and the budget that is nearest to its limit or furthest over it. */
struct toll_budget_row {
	struct toll_slice subject; /* key */
	struct toll_slice budget;  /* name, may be empty */
	const char *mode;          /* "enforce", "shadow", "off"; "" without a budget */
	const char *window;        /* "24h", "month"; "" without a budget */
	int64_t limit_pico;        /* 0: no budget */
	toll_i128 spent_nano;      /* in the window, all daemons together */
	double ema_usd;
	uint32_t over, under; /* evaluations in a row over the limit, below release x limit */
	double forecast_s;    /* until the limit is reached at this rate; < 0: never, or unknown */
	bool throttled, shadow, capped;
	enum toll_override override;
	uint64_t until_ms; /* end of the flag or override, Unix ms; 0: none */
	enum toll_criticality criticality;
};

struct toll_budget_control {
	/* Every subject that is known, in no order. */
	int (*list)(struct toll_budget_control *self,
	            void (*row)(void *ctx, const struct toll_budget_row *r), void *ctx);
	/* subject: key (encoded), or a plain service name. ttl_s 1..31 days; not looked at with
	 * TOLL_OVERRIDE_NONE, which takes an override back. who, why: people's words. */
	int (*override)(struct toll_budget_control *self, struct toll_slice subject,
	                enum toll_override what, uint64_t ttl_s, const char *who, const char *why,
	                struct toll_error *reterr);
	/* Clears every flag within a second, or lets them come back at the next evaluation. */
	int (*kill)(struct toll_budget_control *self, bool on, const char *who, const char *why,
	            struct toll_error *reterr);
	/* Is it on? who: what the key says, "" when off. */
	int (*is_killed)(struct toll_budget_control *self, bool *ret_on, char who[256],
	                 struct toll_error *reterr);
	/* json: one entry of `budgets`, empty: remove. All daemons follow. It replaces the
	 * configured budget of the same name. */
	int (*set_budget)(struct toll_budget_control *self, struct toll_slice name,
	                  struct toll_slice json, const char *who, struct toll_error *reterr);
	/* Newest last, at most limit lines of JSON (event.h). subject empty: all known ones. */
	int (*audit)(struct toll_budget_control *self, struct toll_slice subject, uint32_t limit,
	             void (*line)(void *ctx, struct toll_slice json), void *ctx,
	             struct toll_error *reterr);
	/* Budgets in force: source "file", "run time" or "default". */
	int (*budgets)(struct toll_budget_control *self,
	               void (*row)(void *ctx, struct toll_slice name, struct toll_slice json,
	                           const char *source),
	               void *ctx, struct toll_error *reterr);
};

#endif

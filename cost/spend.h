/* SPDX-License-Identifier: Apache-2.0 */
/* spend.h - the named service "spend" of the host: what the enforcer knows now of every service and
 * of every other subject of a budget.
 * Published by exporters/enforcer; read by `spantoll demo`, metrics and (later) admin and Envoy. */
#ifndef TOLL_COST_SPEND_H
#define TOLL_COST_SPEND_H

#include "cost/money.h"

struct toll_spend_row {
	struct toll_slice service;   /* decoded; empty: another subject's row */
	struct toll_slice subject;   /* its key (budget/subject.h) */
	struct toll_slice value;     /* decoded, where the subject has one dimension alone */
	struct toll_slice dimension; /* "service", "tenant", "tenant,service" */
	toll_i128 rolling_pico;      /* in the budget's window, over all daemons where the store is
	                                shared */
	int64_t limit_pico;          /* of the tightest matching budget; 0: none */
	double ema_usd;
	double burn_usd_per_hour; /* by which the rolling spend grows now; 0: it does not */
	double limit_reached_s;   /* at that rate; < 0: never, or not known */
	uint64_t window_ns;       /* of a calendar: about so long */
	const char *window;       /* "24h", "month"; static while the source's lock is held */
	toll_i128 total_pico;     /* since start, this daemon */
	uint64_t spans; /* since start, this daemon; a service that is never priced has a row too */
	uint64_t unpriced; /* how many of spans had no price */
	bool throttled, shadow;
};

struct toll_spend_source {
	/* Calls row once per subject, in no order, under the source's lock: must be quick and not
	 * call back. Any thread. */
	void (*each)(struct toll_spend_source *self,
	             void (*row)(void *ctx, const struct toll_spend_row *r), void *ctx);
};

#endif

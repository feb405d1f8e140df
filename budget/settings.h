/* SPDX-License-Identifier: Apache-2.0 */
/* settings.h - what a user may say about budgets, wherever budgets are named. */
#ifndef TOLL_BUDGET_SETTINGS_H
#define TOLL_BUDGET_SETTINGS_H

#include "config/schema.h"

enum toll_budget_mode { TOLL_MODE_ENFORCE = 0, TOLL_MODE_SHADOW, TOLL_MODE_OFF };

struct toll_budget_match {
	struct toll_slice service; /* glob */
};

struct toll_budget_config {
	struct toll_budget_match match;
	int64_t limit;   /* picodollars */
	uint64_t window; /* ns */
	int mode;        /* enum toll_budget_mode */
};

struct toll_ema_config {
	double alpha, release;
	int64_t windows;
};

extern const struct toll_field toll_budget_fields[];
extern const struct toll_field toll_ema_fields[];

/* All that makes the rules, gathered by who was configured with it. */
struct toll_budget_settings {
	uint64_t flush_interval, bucket, evaluation_window; /* ns; bucket 0: by the window */
	uint64_t ttl;                                       /* ns, of a flag */
	struct toll_ema_config ema;
	struct toll_group_list budgets; /* struct toll_budget_config; none: 500 USD a day */
};

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* settings.h - what a user may say about budgets, wherever budgets are named. */
#ifndef TOLL_BUDGET_SETTINGS_H
#define TOLL_BUDGET_SETTINGS_H

#include "config/schema.h"

enum toll_budget_mode { TOLL_MODE_ENFORCE = 0, TOLL_MODE_SHADOW, TOLL_MODE_OFF };
enum toll_budget_period {
	TOLL_PERIOD_ROLLING = 0,
	TOLL_PERIOD_DAY,
	TOLL_PERIOD_WEEK, /* from Monday on, ISO 8601 */
	TOLL_PERIOD_MONTH
};

struct toll_ema_config {
	double alpha, release;
	int64_t windows;
};

struct toll_fast_trip_config {
	double factor; /* 0: no fast trip */
	uint64_t over; /* ns; 0: 5 minutes */
};

struct toll_budget_config {
	struct toll_slice name;
	struct toll_pair_list match; /* dimension: glob; none: every service */
	int64_t limit;               /* picodollars */
	uint64_t window;             /* ns; 0: 24 hours, where there is no period */
	int period;                  /* enum toll_budget_period */
	struct toll_slice timezone;
	int mode;                   /* enum toll_budget_mode */
	uint64_t evaluation_window; /* ns; 0: that of all budgets */
	struct toll_ema_config ema; /* each 0: that of all budgets */
	struct toll_fast_trip_config fast_trip;
};

struct toll_dimension_config {
	struct toll_slice name;
	struct toll_slice_list attributes; /* the first that a span or its resource has */
};

extern const struct toll_field toll_budget_fields[];
extern const struct toll_field toll_dimension_fields[];
extern const struct toll_field toll_ema_fields[];

/* All that makes the rules, gathered by who was configured with it. */
struct toll_budget_settings {
	uint64_t flush_interval, bucket, evaluation_window; /* ns; bucket 0: by the window */
	uint64_t ttl;                                       /* ns, of a flag */
	struct toll_ema_config ema;
	struct toll_slice_list key;        /* of the service; none: service.name */
	struct toll_group_list dimensions; /* struct toll_dimension_config */
	struct toll_group_list budgets;    /* struct toll_budget_config; none: 500 USD a day */
};

#endif

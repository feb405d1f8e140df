/* SPDX-License-Identifier: Apache-2.0 */
#include "budget/settings.h"

static const char *const modes[] = { "enforce", "shadow", "off", NULL };
static const char *const periods[] = { "rolling", "day", "week", "month", NULL };

/* Zero is what nobody said: it comes from what is said for all budgets. */
static const struct toll_field own_ema_fields[] = {
	TOLL_FIELD(struct toll_ema_config, alpha, RATIO, "0",
	           "Weight of the current value in the moving average; 0: the enforcer's.",
	           .min = 0, .max = 1000),
	TOLL_FIELD(struct toll_ema_config, windows, INT, "0",
	           "Evaluations in a row that set or release the flag; 0: the enforcer's.",
	           .min = 0, .max = 1000),
	TOLL_FIELD(struct toll_ema_config, release, RATIO, "0",
	           "Released below this share of the limit; 0: the enforcer's.", .min = 0,
	           .max = 1000),
	TOLL_FIELD_END,
};

static const struct toll_field fast_trip_fields[] = {
	TOLL_FIELD(struct toll_fast_trip_config, factor, RATIO, "0",
	           "How many times the limit the projected spend may be; 0: no fast trip.",
	           .min = 0, .max = 1000000),
	TOLL_FIELD(struct toll_fast_trip_config, over, DURATION, NULL,
	           "The spend of so long, projected to the whole window; default 5m. Whole "
	           "seconds."),
	TOLL_FIELD_END,
};

const struct toll_field toll_budget_fields[] = {
	TOLL_FIELD(struct toll_budget_config, name, STRING, "",
	           "Unique; by it a budget is replaced at run time."),
	TOLL_FIELD(struct toll_budget_config, match, MAP, NULL,
	           "Dimension: glob (* any run of characters, ? one), up to four; one budget for "
	           "each combination of their values. Default: service: \"*\"."),
	TOLL_FIELD(struct toll_budget_config, limit, MONEY, "500",
	           "USD per subject in the window or period."),
	TOLL_FIELD(struct toll_budget_config, window, DURATION, NULL,
	           "Rolling window, whole seconds; default 24h."),
	TOLL_FIELD(struct toll_budget_config, period, ENUM, "rolling",
	           "Instead of a rolling window: the day, week or month of the calendar.",
	           .choices = periods),
	TOLL_FIELD(struct toll_budget_config, timezone, STRING, "UTC",
	           "IANA name of the time zone in which periods begin: Europe/Berlin."),
	TOLL_FIELD(struct toll_budget_config, mode, ENUM, "enforce",
	           "enforce sets the flag, shadow only says it would, off does nothing.",
	           .choices = modes),
	TOLL_FIELD(struct toll_budget_config, evaluation_window, DURATION, NULL,
	           "One decision per subject and this much time; default: the enforcer's."),
	TOLL_FIELD(struct toll_budget_config, ema, GROUP, NULL,
	           "The moving average of this budget.", .group = own_ema_fields),
	TOLL_FIELD(struct toll_budget_config, fast_trip, GROUP, NULL,
	           "Sets the flag at once when recent spend, projected to the whole window, is "
	           "factor times the limit.",
	           .group = fast_trip_fields),
	TOLL_FIELD_END,
};

const struct toll_field toll_dimension_fields[] = {
	TOLL_FIELD(struct toll_dimension_config, name, STRING, NULL,
	           "What budgets and keys call it: letters, digits, '_', '-', '.'.",
	           .required = true),
	TOLL_FIELD(struct toll_dimension_config, attributes, LIST, NULL,
	           "The first of these that a span, else its resource, has is the value.",
	           .required = true),
	TOLL_FIELD_END,
};

const struct toll_field toll_ema_fields[] = {
	TOLL_FIELD(struct toll_ema_config, alpha, RATIO, "0.1",
	           "Weight of the current value in the moving average.", .min = 1, .max = 1000),
	TOLL_FIELD(struct toll_ema_config, windows, INT, "3",
	           "Evaluations in a row that set or release the flag.", .min = 1, .max = 1000),
	TOLL_FIELD(struct toll_ema_config, release, RATIO, "0.9",
	           "Released below this share of the limit.", .min = 0, .max = 1000),
	TOLL_FIELD_END,
};

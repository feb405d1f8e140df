/* SPDX-License-Identifier: Apache-2.0 */
#include "budget/settings.h"

static const char *const modes[] = { "enforce", "shadow", "off", NULL };

static const struct toll_field match_fields[] = {
	TOLL_FIELD(struct toll_budget_match, service, STRING, "*",
	           "Services this budget is for: * any run of characters, ? one."),
	TOLL_FIELD_END,
};

const struct toll_field toll_budget_fields[] = {
	TOLL_FIELD(struct toll_budget_config, match, GROUP, NULL, "Which services.",
	           .group = match_fields),
	TOLL_FIELD(struct toll_budget_config, limit, MONEY, "500",
	           "USD per service in the rolling window."),
	TOLL_FIELD(struct toll_budget_config, window, DURATION, "24h",
	           "Rolling window, whole seconds."),
	TOLL_FIELD(struct toll_budget_config, mode, ENUM, "enforce",
	           "enforce sets the flag, shadow only says it would, off does nothing.",
	           .choices = modes),
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
